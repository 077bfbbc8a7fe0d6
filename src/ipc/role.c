/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a child role between START and its end, as the supervisor's messages order it. Must
 * never do a role's own work, and never outlive the supervisor by more than what the role's on_stop
 * takes.
 */
#include "ipc/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "ipc/sandbox.h"

enum { FDS_FEW = 128, FDS_MANY = 65536, LAST_TURNS = 16 };

const char *role_config(const struct role *role, const char *key)
{
	struct slice want = slice_from(key);
	size_t at = 0;

	while (at < role->config_n) {
		struct slice line = slice_from(role->config + at);

		if (line.n > want.n && line.p[want.n] == '=' && memcmp(line.p, want.p, want.n) == 0)
			return line.p + want.n + 1;
		at += line.n + 1;
	}
	return "";
}

static void send_control(struct role *role, const struct ipc_message *m)
{
	enum err e = channel_send(role->control, m);

	if (e && e != ERR_BUSY)
		LOG(LOG_ERROR, "control_message_not_sent", LOG_S("kind", ipc_kind_name(m->kind)));
}

void role_ready(struct role *role)
{
	send_control(role, &(struct ipc_message){.kind = IPC_READY});
}

void role_say(struct role *role, const char *text)
{
	send_control(role, &(struct ipc_message){.kind = IPC_SAY, .field[IPC_SAY_TEXT].bytes = slice_from(text)});
}

void role_fail(struct role *role, enum err e, const struct errinfo *ei)
{
	struct ipc_message m = {.kind = IPC_FAILED};

	m.field[IPC_FAILED_ERR].number = (int64_t)e;
	m.field[IPC_FAILED_DETAIL].bytes = slice_from(ei->detail[0] ? ei->detail : err_kind(e)->code);
	m.field[IPC_FAILED_HINT].bytes = slice_from(ei->hint);
	send_control(role, &m);
	role->exit_code = 1;
	role_stopped(role);
}

void role_disk_failed(const char *what)
{
	LOG(LOG_ERROR, "disk_failed", LOG_S("what", what));
	abort();
}

void role_stopped(struct role *role)
{
	role->stopping = true;
	uv_stop(role->loop);
}

static void stop(struct role *role, bool orphaned)
{
	if (role->stopping)
		return;
	role->stopping = true;
	role->hooks->on_stop(role, orphaned);
}

/* The lines of START, kept with a NUL in place of each line's end. */
static void keep_config(struct role *role, struct slice lines)
{
	role->config = mem_strndup(lines);
	role->config_n = lines.n;
	for (size_t i = 0; i < lines.n; i++)
		if (role->config[i] == '\n')
			role->config[i] = '\0';
}

static const char *sandbox_config(const void *role, const char *key)
{
	return role_config(role, key);
}

/* A seeded bug: what somebody would do who has taken a role over. */
static void call_forbidden(int signal)
{
	(void)signal;
	close(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

/* The role's own start, with only its own files; from then on with only its own calls. init reads no input after it. */
static enum err start_in_sandbox(struct role *role, struct errinfo *ei)
{
	struct sandbox box = {.role = role->self, .slot = role->slot, .mode = role_config(role, "FIBERWISE_SANDBOX"),
			      .config = sandbox_config, .arg = role};
	enum err e = sandbox_begin(&box, ei);

	if (!e && role->self == IPC_INIT)
		e = sandbox_finish(&box, ei);
	if (!e)
		e = role->hooks->start(role, ei);
	if (!e && role->self != IPC_INIT)
		e = sandbox_finish(&box, ei);
	if (FAULT(call_forbidden))
		signal(SIGUSR2, call_forbidden);
	if (!e)
		sandbox_tell(&box);
	return e;
}

/* The supervisor has the first. */
static unsigned metrics_slot(const struct role *role)
{
	return role->self == IPC_KEEPER	   ? 1
	       : role->self == IPC_COURIER ? 2
	       : role->self == IPC_CLERK   ? 3
					   : 4 + (unsigned)role->slot;
}

static void start(struct role *role, struct ipc_message *m)
{
	struct errinfo ei = {.detail = ""};
	char *instance = mem_strndup(m->field[IPC_START_INSTANCE].bytes);
	enum err e;

	keep_config(role, m->field[IPC_START_CONFIG].bytes);
	role->instance = instance;
	role->slot = m->field[IPC_START_SLOT].number;
	role->workers = m->field[IPC_START_WORKERS].number;
	role->log_fd = m->field[IPC_START_LOG].fd;
	log_open(role->log_fd, role->name, strcmp(role_config(role, "OAUTH_DEBUG"), "true") == 0);
	if (role->self == IPC_WORKER)
		role->socket = m->field[IPC_START_SOCKET].fd;
	else
		close(m->field[IPC_START_SOCKET].fd);
	if ((1u << role->self) & IPC_STORE_ROLES)
		role->stripes = m->field[IPC_START_STRIPES].fd;
	else
		close(m->field[IPC_START_STRIPES].fd);
	if (role->self == IPC_WORKER)
		role->limits = m->field[IPC_START_LIMITS].fd;
	else
		close(m->field[IPC_START_LIMITS].fd);
	role->started = true;
	e = metrics_map(m->field[IPC_START_METRICS].fd, metrics_slot(role), &ei);
	close(m->field[IPC_START_METRICS].fd);
	if (!e)
		e = start_in_sandbox(role, &ei);
	if (e)
		role_fail(role, e, &ei);
}

/* A partner of ours broke the rules: the supervisor gives us both a fresh connection. */
static void on_broke(enum ipc_role peer, int64_t slot, void *arg)
{
	struct role *role = arg;
	struct ipc_message m = {.kind = IPC_BROKE};

	LOG(LOG_ERROR, "peer_broke_the_rules", LOG_S("peer", ipc_role_name(peer)), LOG_I("slot", slot));
	m.field[IPC_BROKE_ROLE].number = (int64_t)peer;
	m.field[IPC_BROKE_SLOT].number = slot;
	if (peer != IPC_SUPERVISOR && role->control)
		send_control(role, &m);
}

/* The descriptor keeps its number, so that a thread in the middle of a line finds it. */
static void reopen_log(struct role *role, struct ipc_message *m)
{
	dup3(m->field[IPC_LOG_FILE].fd, role->log_fd, O_CLOEXEC);
	close(m->field[IPC_LOG_FILE].fd);
}

static void on_message(struct channel *c, struct ipc_message *m, void *arg)
{
	struct role *role = arg;

	(void)c;
	if (!role->started && m->kind != IPC_START) { /* START is the first message */
		ipc_close_fds(m);
		role->exit_code = 1;
		role_stopped(role);
	} else if (m->kind == IPC_START) {
		start(role, m);
	} else if (m->kind == IPC_PING) {
		send_control(role, &(struct ipc_message){.kind = IPC_PONG});
	} else if (m->kind == IPC_LOG) {
		reopen_log(role, m);
	} else if (m->kind == IPC_STOP) {
		stop(role, false);
	} else if (m->kind == IPC_PEER && !role->stopping) {
		role->hooks->on_peer(role, (enum ipc_role)m->field[IPC_PEER_ROLE].number,
				     m->field[IPC_PEER_SLOT].number, m->field[IPC_PEER_SOCKET].fd);
	} else if (m->kind != IPC_PEER && role->hooks->on_control) {
		role->hooks->on_control(role, m);
	} else {
		ipc_close_fds(m);
	}
}

static void on_closed(struct channel *c, void *arg)
{
	struct role *role = arg;

	(void)c;
	if (role->started)
		stop(role, true);
	else
		role_stopped(role);
}

/* What `ps -o comm`, top and the kernel's messages show; without it every role would be called "exe". */
static void name_process(enum ipc_role self)
{
	char comm[16];

	snprintf(comm, sizeof comm, "fiberd:%s", ipc_role_name(self));
	prctl(PR_SET_NAME, comm, 0, 0, 0);
}

/* The channel has a descriptor of its own: number 3 stays open until the process ends, so end-of-file means death. */
static struct channel *open_control(struct role *role)
{
	const struct channel_args args = {
		.loop = role->loop,
		.self = role->self,
		.peer = IPC_SUPERVISOR,
		.on_message = on_message,
		.on_closed = on_closed,
		.arg = role,
	};
	int fd = fcntl(ROLE_CONTROL_FD, F_DUPFD_CLOEXEC, ROLE_CONTROL_FD + 1);
	struct channel *c;

	if (fd < 0)
		return NULL;
	c = channel_new(&args);
	channel_replace(c, fd);
	return c;
}

int role_run(enum ipc_role self, const char *name, const struct role_hooks *hooks, void *state)
{
	uv_loop_t loop;
	struct role role = {.self = self, .loop = &loop, .name = name, .socket = -1, .stripes = -1, .limits = -1, .hooks = hooks, .state = state,
			    .log_fd = -1};

	role_harden(ROLE_CONTROL_FD + 1);
	role_limit(self == IPC_KEEPER || self == IPC_INIT ? FDS_FEW : FDS_MANY, self == IPC_KEEPER);
	name_process(self);
	fcntl(ROLE_CONTROL_FD, F_SETFD, FD_CLOEXEC);
	if (uv_loop_init(&loop) != 0)
		return 1;
	role.control = open_control(&role);
	if (!role.control)
		return 1;
	channel_watch_broke(on_broke, &role);
	uv_run(&loop, UV_RUN_DEFAULT);
	channel_watch_broke(NULL, NULL);
	channel_free(&role.control);
	for (int i = 0; i < LAST_TURNS && uv_run(&loop, UV_RUN_NOWAIT) != 0; i++)
		;
	uv_loop_close(&loop);
	log_open(STDERR_FILENO, "-", false);
	free((void *)(uintptr_t)role.instance);
	mem_free_str(&role.config);
	return role.exit_code;
}
