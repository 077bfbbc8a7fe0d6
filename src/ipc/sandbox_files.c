/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: which files each role reaches. What is not in the table cannot be opened, made, renamed or removed, and no
 * TCP port bound (but for the courier and the supervisor: none connected to). Must never grant a directory in which a
 * secret lies that the role has no business with: a right holds for everything below.
 */
#include "ipc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"

/* Of later kernels than the headers of Debian 12 know. */
enum {
	FS_TRUNCATE = 1 << 14,
	FS_IOCTL_DEV = 1 << 15,
	NET_BIND = 1,
	NET_CONNECT = 2,
	SCOPE_ABSTRACT_SOCKET = 1,
	SCOPE_SIGNAL = 2
};

struct ruleset {
	uint64_t files, net, scope;
};

enum {
	READ = LANDLOCK_ACCESS_FS_READ_FILE,
	LIST = LANDLOCK_ACCESS_FS_READ_DIR, /* opening a directory, to list or to sync it */
	RUN = LANDLOCK_ACCESS_FS_EXECUTE,
	WRITE = READ | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE,
	GROW = WRITE | LIST | LANDLOCK_ACCESS_FS_MAKE_REG, /* new files, none removed */
	OWN = GROW | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	      LANDLOCK_ACCESS_FS_MAKE_SOCK,
	ON_FILES = WRITE | RUN | FS_IOCTL_DEV,
};

/* AS_IS: when it is there. FOLDER: the directory it lies in, or the nearest above that is there. MAKE_*: made when missing. */
enum how { AS_IS, FOLDER, TARGET_FOLDER, MAKE_FILE, MAKE_FOLDER, MAKE_CHAIN };

#define DATA	  "FIBERWISE_DATA_DIR"
#define DATABASE  "FIBERWISE_DATABASE"
#define KEY	  "FIBERWISE_MASTER_KEY_FILE"

static const struct place {
	unsigned roles;
	const char *key; /* a configuration key that names the path; NULL: `suffix` is the path */
	const char *suffix;
	uint64_t rights;
	enum how how;
} places[] = {
	{IPC_SET(KEEPER), KEY, "", READ, AS_IS},

	/*
	 * The database's three files, not their directory: the master key may lie below it. SQLite opens the directory to sync
	 * it. Log and index are made here, so that no role has to; whoever finds them leaves them (store/sqlite.c).
	 */
	{IPC_STORE_ROLES, DATABASE, "", WRITE, AS_IS},
	{IPC_STORE_ROLES, DATABASE, "-wal", WRITE, MAKE_FILE},
	{IPC_STORE_ROLES, DATABASE, "-shm", WRITE, MAKE_FILE},
	{IPC_STORE_ROLES, DATABASE, "", LIST, FOLDER},
	/* A chain of its own, which it may write but not remove. */
	{IPC_STORE_ROLES, DATA, "/audit", GROW, MAKE_CHAIN},

	/* libuv keeps it open, to have a descriptor to give up when there are no more: else a full table makes it spin. */
	{IPC_SET(WORKER), NULL, "/dev/null", READ, AS_IS},

	{IPC_SET(COURIER), DATA, "", LIST, AS_IS}, /* opened to sync it, once the spool is made */
	{IPC_SET(COURIER), DATA, "/spool", OWN, MAKE_FOLDER},
	{IPC_SET(COURIER), "FIBERWISE_EGRESS_CA_FILE", "", READ, AS_IS},
	{IPC_SET(COURIER), NULL, "/etc/ssl/certs", READ | LIST, AS_IS},
	{IPC_SET(COURIER), NULL, "/etc/pki", READ | LIST, AS_IS},
	/* Its name servers; resolve.c says what happens when another file takes the place of this one. */
	{IPC_SET(COURIER), NULL, "/etc/resolv.conf", READ, AS_IS},
	{IPC_SET(COURIER), NULL, "/etc/resolv.conf", READ, TARGET_FOLDER},
	{IPC_SET(COURIER), NULL, "/etc/hosts", READ, AS_IS},
	{IPC_SET(COURIER), NULL, "/etc/nsswitch.conf", READ, AS_IS},
	{IPC_SET(COURIER), NULL, "/etc/host.conf", READ, AS_IS},

	{IPC_SET(WORKER), "FIBERWISE_TEMPLATE_DIR", "", READ | LIST, AS_IS},

	/* OpenSSL reads them when it is first used: whether this machine allows only certain algorithms stands there. */
	{IPC_STORE_ROLES | IPC_SET(COURIER), NULL, "/etc/ssl/openssl.cnf", READ, AS_IS},
	{IPC_STORE_ROLES | IPC_SET(COURIER), NULL, "/etc/crypto-policies", READ | LIST, AS_IS},
	{IPC_STORE_ROLES | IPC_SET(COURIER) | IPC_SET(INIT), NULL, "/dev/urandom", READ, AS_IS},

	/* Makes key, database and admin.key, and takes them back when the rest fails. */
	{IPC_SET(INIT) | IPC_SET(SUPERVISOR), DATA, "", OWN, AS_IS},
	{IPC_SET(INIT) | IPC_SET(SUPERVISOR), DATABASE, "", OWN, FOLDER},
	{IPC_SET(INIT) | IPC_SET(SUPERVISOR), KEY, "", OWN, FOLDER},

	/* The supervisor starts the others, which keep its bounds besides their own: so it has the sum, in coarse steps. */
	{IPC_SET(SUPERVISOR), "FIBERWISE_LOG_FILE", "", OWN, FOLDER},
	{IPC_SET(SUPERVISOR), "FIBERWISE_EGRESS_CA_FILE", "", READ | LIST, FOLDER},
	{IPC_SET(SUPERVISOR), "FIBERWISE_TEMPLATE_DIR", "", READ | LIST, AS_IS},
	{IPC_SET(SUPERVISOR), DATA, "", LANDLOCK_ACCESS_FS_REMOVE_DIR,
	 FOLDER}, /* a directory that a failed first start made */
	{IPC_SET(SUPERVISOR), NULL, "/proc/self/exe", READ | RUN, AS_IS},
	{IPC_SET(SUPERVISOR), NULL, "/usr", READ | LIST | RUN,
	 AS_IS}, /* RUN: the loader is run, and replaced by updates */
	{IPC_SET(SUPERVISOR), NULL, "/lib", READ | LIST | RUN, AS_IS},
	{IPC_SET(SUPERVISOR), NULL, "/lib64", READ | LIST | RUN, AS_IS},
	{IPC_SET(SUPERVISOR), NULL, "/etc", READ | LIST, AS_IS},
	{IPC_SET(SUPERVISOR), NULL, "/etc/resolv.conf", READ, TARGET_FOLDER},
	{IPC_SET(SUPERVISOR), NULL, "/dev", WRITE, AS_IS},
	{IPC_SET(SUPERVISOR), NULL, "/proc", READ | LIST, AS_IS},
};

int sandbox_files_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return version > 0 ? (int)version : 0;
}

/* What this version of Landlock can forbid. */
static struct ruleset forbids(enum ipc_role role, int version)
{
	struct ruleset r = {.files = (1u << 13) - 1};

	if (version >= 2)
		r.files |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= 3)
		r.files |= FS_TRUNCATE;
	if (version >= 4)
		r.net = role == IPC_COURIER || role == IPC_SUPERVISOR ? NET_BIND : NET_BIND | NET_CONNECT;
	if (version >= 5)
		r.files |= FS_IOCTL_DEV;
	if (version >= 6)
		r.scope = SCOPE_ABSTRACT_SOCKET | SCOPE_SIGNAL;
	return r;
}

/* Cuts the last part off; "." and "/" are left where nothing else is. */
static void to_folder(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		memcpy(path, ".", 2);
	else
		slash[slash == path] = '\0';
}

/* Where the file behind a link lies; NULL for what is no link, and for one that ends among the system's own files. */
static char *target_folder(const char *link)
{
	struct stat st;
	char *target = lstat(link, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(link, NULL) : NULL;
	char *folder = NULL;

	if (target && strncmp(target, "/etc/", 5) != 0) {
		folder = mem_strdup(target);
		to_folder(folder);
	}
	free(target);
	return folder;
}

/* NULL: there is no such place. What cannot be made, the role itself complains of. */
static char *place_path(const struct sandbox *s, const struct place *p)
{
	char *path, *chain;
	struct stat st;
	int fd;

	if (p->how == TARGET_FOLDER)
		return target_folder(p->suffix);
	if (p->key && !*s->config(s->arg, p->key))
		return NULL;
	path = mem_printf("%s%s", p->key ? s->config(s->arg, p->key) : "", p->suffix);
	if (p->how == FOLDER) {
		do
			to_folder(path);
		while (stat(path, &st) != 0 && strcmp(path, ".") != 0 && strcmp(path, "/") != 0);
	} else if (p->how == MAKE_FILE) {
		fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			close(fd);
	} else if (p->how == MAKE_FOLDER) {
		mkdir(path, 0700);
	} else if (p->how == MAKE_CHAIN) {
		mkdir(path, 0700);
		chain = mem_printf("%s/%s-%lld", path, ipc_role_name(s->role), (long long)s->slot);
		mem_free_str(&path);
		path = chain;
		mkdir(path, 0700);
	}
	return path;
}

/* False when the kernel refuses the rule; a place that is not there needs none. */
static bool add(const struct sandbox *s, const struct place *p, int ruleset, uint64_t forbidden)
{
	CLEANUP(mem_free_str) char *path = place_path(s, p);
	struct landlock_path_beneath_attr rule = {.allowed_access = p->rights & forbidden};
	struct stat st;
	bool added;

	rule.parent_fd = path ? open(path, O_PATH | O_CLOEXEC) : -1;
	if (rule.parent_fd < 0)
		return true;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= ON_FILES;
	added = !rule.allowed_access ||
		syscall(SYS_landlock_add_rule, (long)ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
	close(rule.parent_fd);
	return added;
}

enum err sandbox_files_enter(const struct sandbox *s, int version, struct errinfo *ei)
{
	struct ruleset r = forbids(s->role, version);
	/* Older kernels take only what they know of the structure. */
	size_t n = version >= 6 ? sizeof r : version >= 4 ? 2 * sizeof r.files : sizeof r.files;
	int fd = (int)syscall(SYS_landlock_create_ruleset, &r, n, 0);
	bool ok = fd >= 0;

	for (size_t i = 0; ok && i < ARRAY_LEN(places); i++)
		if (places[i].roles & 1u << s->role)
			ok = add(s, &places[i], fd, r.files);
	ok = ok && syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	if (!ok)
		err_set(ei, ERR_INTERNAL, "Landlock refuses the %s's table: %s", ipc_role_name(s->role),
			strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok ? ERR_OK : ERR_INTERNAL;
}
