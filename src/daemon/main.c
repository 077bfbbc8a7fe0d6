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
#include "ipc/role.h"
#include "keeper/keeper.h"
#include "worker/worker.h"

extern char **environ;

static const char usage[] =
	"fiberd, the FiberWise OAuth token service\n"
	"\n"
	"  fiberd [--config FILE]                 run the service in the foreground\n"
	"  fiberd [--config FILE] --check-config  check the configuration and print it\n"
	"  fiberd [--config FILE] admin-link      print a sign-in link for the administrator of the running service\n"
	"  fiberd [--config FILE] audit verify    check the audit chains and their signed heads; 1 when one has a defect\n"
	"  fiberd [--config FILE] audit where     read a token from standard input, print when it was handed out, and to whom\n"
	"  fiberd --version\n"
	"  fiberd --help\n"
	"\n"
	"Configuration comes from the environment and from fiberd.conf in the data directory; see\n"
	"docs/configuration.md (fiberd --print-config-docs prints it).\n";

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

static int print_docs(void)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	config_put_docs(&out);
	fputs(buf_cstr(&out), stdout);
	buf_done(&out);
	return 0;
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

int main(int argc, char **argv)
{
	const char *file = NULL;
	const char *command = NULL;

	if (argc == 1 && strncmp(argv[0], role_prefix, sizeof role_prefix - 1) == 0)
		return play_role(argv[0] + sizeof role_prefix - 1);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc && !file) {
			file = argv[++i];
		} else if (!command && strcmp(argv[i], "audit") == 0 && i + 1 < argc &&
			   (strcmp(argv[i + 1], "verify") == 0 || strcmp(argv[i + 1], "where") == 0)) {
			command = strcmp(argv[++i], "verify") == 0 ? "audit verify" : "audit where";
		} else if (!command && (strcmp(argv[i], "--check-config") == 0 || strcmp(argv[i], "admin-link") == 0 ||
					strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "--help") == 0 ||
					strcmp(argv[i], "--print-config-docs") == 0)) {
			command = argv[i];
		} else {
			fprintf(stderr, "fiberd: \"%s\" is not understood. Type: fiberd --help\n", argv[i]);
			return 2;
		}
	}
	if (command && strcmp(command, "--version") == 0)
		return puts("fiberd " FW_VERSION) < 0;
	if (command && strcmp(command, "--help") == 0)
		return fputs(usage, stdout) < 0;
	if (command && strcmp(command, "--print-config-docs") == 0)
		return print_docs();
	return with_config(file, command);
}
