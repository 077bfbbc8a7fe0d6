/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was typed, and which role this process plays. Must never read configuration in a role: what a
 * role knows comes over its control connection.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "clerk/clerk.h"
#include "courier/courier.h"
#include "daemon/audit_command.h"
#include "daemon/config.h"
#include "daemon/control.h"
#include "daemon/init.h"
#include "daemon/supervisor.h"
#include "daemon/usage.h"
#include "ipc/role.h"
#include "keeper/keeper.h"
#include "worker/worker.h"

extern char **environ;

static const char role_prefix[] = "fiberd: ";

static const struct {
	const char *name;
	int (*main)(const char *name);
} roles[] = {
	{"init", init_main},   {"keeper", keeper_main}, {"courier", courier_main},
	{"clerk", clerk_main}, {"worker", worker_main},
};

/* The name is "worker 0" or "clerk"; only the supervisor starts roles, over a control connection. */
static int play_role(const char *name)
{
	struct slice rest = slice_from(name);
	struct slice kind = slice_sub(rest, 0, slice_index(rest, ' '));
	int type = 0;
	socklen_t n = sizeof type;

	if (getsockopt(ROLE_CONTROL_FD, SOL_SOCKET, SO_TYPE, &type, &n) != 0 || type != SOCK_SEQPACKET) {
		fputs("fiberd: roles are started by the service itself. Type: fiberd --help\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (slice_is(kind, roles[i].name))
			return roles[i].main(name);
	return 2;
}

static int complain(const struct errinfo *ei)
{
	fprintf(stderr, "fiberd: %s%s%s\n", ei->detail, ei->hint[0] ? ". " : "", ei->hint);
	return 1;
}

static int check_config(const struct config *config)
{
	for (int i = 0; i < CONFIG_KEY__COUNT; i++)
		printf("%s=%s  # %s\n", config_name((enum config_key)i), config_get(config, (enum config_key)i),
		       config_source(config, (enum config_key)i));
	return 0;
}

static int admin_link(const struct config *config)
{
	struct errinfo ei = {.detail = ""};
	struct buf out;
	enum err e;

	buf_init(&out, CONTROL_TEXT_MAX);
	e = control_ask(config_get(config, CONFIG_DATA_DIR), "admin-link", &out, &ei);
	if (!e)
		puts(buf_cstr(&out));
	buf_done(&out);
	return e ? complain(&ei) : 0;
}

static int audit_verify(const struct config *config)
{
	struct errinfo ei = {.detail = ""};
	bool ok = false;

	return audit_command_verify(config, &ok, &ei) ? complain(&ei) : !ok;
}

static int audit_where(const struct config *config)
{
	struct errinfo ei = {.detail = ""};

	return audit_command_where(config, &ei) ? complain(&ei) : 0;
}

static int print(void (*put)(struct buf *out))
{
	struct buf out;
	int code;

	buf_init(&out, 1 << 20);
	put(&out);
	code = fputs(buf_cstr(&out), stdout) < 0;
	buf_done(&out);
	return code;
}

/* Nothing of what the caller had open reaches the service; 0 to 2 exist, so that no socket of ours becomes one of them. */
static void tidy_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/dev/null", O_RDWR);
	role_harden(3);
}

static int with_config(const char *file, const char *command)
{
	const struct config_args args = {.file = file, .env = environ};
	struct config *config = NULL;
	struct errinfo ei = {.detail = ""};
	int code;

	if (config_load(&args, &config, &ei))
		return complain(&ei);
	if (!command) {
		tidy_descriptors();
		code = supervisor_run(config, SUPERVISOR_PULSE_MS);
	} else if (strcmp(command, "--check-config") == 0) {
		code = check_config(config);
	} else if (strcmp(command, "audit verify") == 0) {
		code = audit_verify(config);
	} else if (strcmp(command, "audit where") == 0) {
		code = audit_where(config);
	} else {
		code = admin_link(config);
	}
	config_free(&config);
	return code;
}

static const struct {
	const char *command;
	void (*put)(struct buf *out);
} pages[] = {
	{"--help", usage_put_help},
	{"--print-config-docs", config_put_docs},
	{"man fiberd", usage_put_man},
	{"man fiberd.conf", usage_put_man_conf},
};

int main(int argc, char **argv)
{
	const char *file = NULL;
	const char *command = NULL;

	if (argc == 1 && strncmp(argv[0], role_prefix, sizeof role_prefix - 1) == 0)
		return play_role(argv[0] + sizeof role_prefix - 1);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc && !file) {
			file = argv[++i];
		} else if (command || !(command = usage_find(argc, argv, &i))) {
			fprintf(stderr, "fiberd: \"%s\" is not understood. Type: fiberd --help\n", argv[i]);
			return 2;
		}
	}
	if (command && strcmp(command, "--version") == 0)
		return puts("fiberd " FW_VERSION) < 0;
	for (size_t i = 0; command && i < ARRAY_LEN(pages); i++)
		if (strcmp(command, pages[i].command) == 0)
			return print(pages[i].put);
	return with_config(file, command);
}
