/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service as a whole: what is opened in which order, the phases from init to the end, and what
 * the roles and the administrator ask of it. Must never hold a secret, nor open the database.
 */
#include "daemon/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/buckets.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "daemon/listen.h"
#include "daemon/logfile.h"
#include "daemon/supervisor_state.h"
#include "secret/secret.h"

static const char *why_gone(int exit_status, int signal, char *text, size_t cap)
{
	if (signal)
		snprintf(text, cap, "killed by signal %d, %s", signal, strsignal(signal));
	else
		snprintf(text, cap, "exit code %d", exit_status);
	return text;
}

/* The one line about a start that failed. Only the first reason is told: the others follow from it. */
static void say_failed(struct supervisor *s, const char *detail, const char *hint)
{
	if (s->exit_code)
		return;
	s->exit_code = 1;
	fprintf(stderr, "fiberd: %s%s%s\n", detail, *hint ? ". " : "", hint);
}

static void fail_start(struct supervisor *s, const struct errinfo *ei)
{
	say_failed(s, ei->detail, ei->hint);
	supervisor_stop(s);
}

static void on_failed(struct supervisor *s, const struct child *c, const struct ipc_message *m)
{
	CLEANUP(mem_free_str) char *detail = mem_strndup(m->field[IPC_FAILED_DETAIL].bytes);
	CLEANUP(mem_free_str) char *hint = mem_strndup(m->field[IPC_FAILED_HINT].bytes);

	LOG(LOG_ERROR, "role_failed", LOG_S("of", c->name), LOG_S("detail", detail), LOG_S("hint", hint));
	if (s->phase == PHASE_INIT || s->phase == PHASE_STARTING)
		say_failed(s, detail, hint);
}

static void maybe_ready(struct supervisor *s)
{
	if (s->phase != PHASE_STARTING)
		return;
	for (size_t i = 0; i < s->child_count; i++)
		if (!s->children[i].ready)
			return;
	s->phase = PHASE_SERVING;
	supervisor_start_pulse(s);
	LOG(LOG_INFO, "service_ready", LOG_S("url", config_get(s->config, CONFIG_PUBLIC_URL)));
	printf("ready %s\n", config_get(s->config, CONFIG_PUBLIC_URL));
	fflush(stdout);
}

/* The line goes to standard output only, and past stdio's buffer, which nobody wipes: it may hold a sign-in link. */
static void say(struct slice text)
{
	char end[] = "\n";
	struct iovec parts[] = {{.iov_base = (void *)(uintptr_t)text.p, .iov_len = text.n}, {.iov_base = end, .iov_len = 1}};

	if (writev(STDOUT_FILENO, parts, ARRAY_LEN(parts)) < 0)
		LOG(LOG_WARN, "line_not_printed");
}

static void on_admin_linked(struct supervisor *s, const struct ipc_message *m)
{
	char *text = mem_strndup(m->field[IPC_ADMIN_LINKED_TEXT].bytes);
	int64_t e = m->field[IPC_ADMIN_LINKED_ERR].number;

	if (s->control)
		control_answer(s->control, m->id, e >= 0 && e < ERR__COUNT ? (enum err)e : ERR_INTERNAL, text);
	secret_wipe(text, strlen(text));
	mem_free_str(&text);
}

static void on_message(struct child *c, struct ipc_message *m)
{
	struct supervisor *s = c->arg;

	if (m->kind == IPC_READY) {
		c->ready = true;
		if (c->role != IPC_INIT)
			LOG(LOG_INFO, "role_ready", LOG_S("of", c->name));
		maybe_ready(s);
	} else if (m->kind == IPC_PONG) {
		c->unanswered = 0;
	} else if (m->kind == IPC_FAILED) {
		on_failed(s, c, m);
	} else if (m->kind == IPC_SAY) {
		say(m->field[IPC_SAY_TEXT].bytes);
	} else if (m->kind == IPC_ADMIN_LINKED) {
		on_admin_linked(s, m);
	} else if (m->kind == IPC_BROKE) {
		supervisor_renew_pair(s, c, m->field[IPC_BROKE_ROLE].number, m->field[IPC_BROKE_SLOT].number);
	} else {
		ipc_close_fds(m);
	}
}

static void start_child(struct supervisor *s, struct child *c)
{
	struct errinfo ei = {.detail = ""};
	enum err e = child_spawn(c, &ei);

	if (!e)
		e = supervisor_send_start(s, c);
	if (!e)
		supervisor_introduce(s, c);
	else if (child_alive(c))
		child_kill(c);
	else if (s->phase == PHASE_SERVING)
		supervisor_restart_later(s, c);
	else
		fail_start(s, &ei);
}

static void on_restart(uv_timer_t *timer)
{
	struct child *c = timer->data;
	struct supervisor *s = c->arg;

	if (s->phase == PHASE_SERVING && !child_alive(c))
		start_child(s, c);
}

void supervisor_restart_later(struct supervisor *s, struct child *c)
{
	unsigned wait_ms = child_backoff_ms(c, (int64_t)uv_now(&s->loop));

	LOG(LOG_INFO, "role_restart", LOG_S("of", c->name), LOG_I("in_ms", wait_ms));
	uv_timer_start(&c->restart, on_restart, wait_ms, 0);
}

/* The roles, each as soon as the one before is under way; the keeper first, because the others wait for keys. */
static void start_roles(struct supervisor *s)
{
	struct errinfo ei = {.detail = ""};

	if (logfile_open(config_get(s->config, CONFIG_LOG_FILE), &s->log_fd, &ei)) {
		fail_start(s, &ei);
		return;
	}
	log_open(s->log_fd, "supervisor", strcmp(config_get(s->config, CONFIG_DEBUG), "true") == 0);
	sandbox_tell(&s->sandbox);
	LOG(LOG_INFO, "service_starting", LOG_S("version", FW_VERSION), LOG_S("instance", s->instance),
	    LOG_I("workers", s->worker_count));
	s->phase = PHASE_STARTING;
	for (size_t i = 0; i < s->child_count && s->phase == PHASE_STARTING; i++)
		start_child(s, &s->children[i]);
}

static void on_init_gone(struct child *c, int exit_status, int signal)
{
	struct supervisor *s = c->arg;
	char why[96];
	struct errinfo ei = {.detail = ""};

	if (s->phase == PHASE_STOPPING) {
		supervisor_stop(s);
	} else if (c->ready && exit_status == 0 && signal == 0 && s->exit_code == 0) {
		start_roles(s);
	} else {
		err_set(&ei, ERR_INTERNAL, "preparing the data directory failed (%s)",
			why_gone(exit_status, signal, why, sizeof why));
		fail_start(s, &ei);
	}
}

static void count_restart(enum ipc_role role)
{
	static const struct {
		enum ipc_role role;
		enum metric metric;
	} counted[] = {{IPC_KEEPER, METRIC_RESTARTS_KEEPER},
		       {IPC_COURIER, METRIC_RESTARTS_COURIER},
		       {IPC_CLERK, METRIC_RESTARTS_CLERK},
		       {IPC_WORKER, METRIC_RESTARTS_WORKER}};

	for (size_t i = 0; i < ARRAY_LEN(counted); i++)
		if (counted[i].role == role)
			metrics_add(counted[i].metric);
}

static void on_gone(struct child *c, int exit_status, int signal)
{
	struct supervisor *s = c->arg;
	char why[96];
	struct errinfo ei = {.detail = ""};

	why_gone(exit_status, signal, why, sizeof why);
	LOG(s->phase == PHASE_STOPPING && !signal ? LOG_INFO : LOG_WARN, "role_ended", LOG_S("of", c->name), LOG_S("why", why));
	if (s->phase != PHASE_STOPPING)
		count_restart(c->role);
	if (signal == SIGSYS)
		LOG(LOG_ERROR, "sandbox_violation", LOG_S("of", c->name),
		    LOG_S("what", "it made a system call that no role like it makes, and was ended before the call did anything"));
	c->ready = false;
	/* It may have died between a COMMIT and telling of it. */
	if (s->stripes)
		stripes_touch_all(s->stripes);
	if (s->phase == PHASE_SERVING) {
		supervisor_restart_later(s, c);
		return;
	}
	if (s->phase == PHASE_STARTING) {
		err_set(&ei, ERR_INTERNAL, "the %s ended before the service was ready (%s)", c->name, why);
		fail_start(s, &ei);
		return;
	}
	supervisor_stop(s);
}

/* `fiberd admin-link`: any worker can make one; the answer carries the client's number. */
static void on_request(void *arg, uint64_t client, struct slice request)
{
	struct supervisor *s = arg;

	if (!slice_is(request, "admin-link")) {
		control_answer(s->control, client, ERR_INVALID, "this service does not know that command");
		return;
	}
	for (size_t i = 0; s->phase == PHASE_SERVING && i < s->child_count; i++) {
		struct child *c = &s->children[i];

		if (c->role == IPC_WORKER && c->ready &&
		    child_send(c, &(struct ipc_message){.kind = IPC_ADMIN_LINK, .id = client}) == ERR_OK)
			return;
	}
	control_answer(s->control, client, ERR_BUSY, "the service is not ready; try again in a moment");
}

static void on_stop_signal(uv_signal_t *handle, int signal)
{
	struct supervisor *s = handle->data;

	LOG(LOG_INFO, "service_stopping", LOG_I("signal", signal));
	supervisor_stop(s);
}

static void on_hup(uv_signal_t *handle, int signal)
{
	(void)signal;
	supervisor_reopen_log(handle->data);
}

static void init_children(struct supervisor *s)
{
	static const enum ipc_role singles[] = {IPC_KEEPER, IPC_COURIER, IPC_CLERK};
	struct child_args args = {.loop = &s->loop, .role = IPC_INIT, .on_message = on_message, .on_gone = on_init_gone,
				  .arg = s};

	child_init(&s->init, &args);
	args.on_gone = on_gone;
	s->children = MEM_NEW_N(ARRAY_LEN(singles) + s->worker_count, struct child);
	for (size_t i = 0; i < ARRAY_LEN(singles) + s->worker_count; i++) {
		args.role = i < ARRAY_LEN(singles) ? singles[i] : IPC_WORKER;
		args.numbered = i >= ARRAY_LEN(singles);
		args.slot = args.numbered ? (int64_t)(i - ARRAY_LEN(singles)) : 0;
		child_init(&s->children[s->child_count++], &args);
	}
}

/* Everything that the supervisor itself holds open. An error leaves what is open to supervisor_done(). */
static enum err open_all(struct supervisor *s, struct errinfo *ei)
{
	struct sockaddr_storage address;
	socklen_t length = config_listen(s->config, &address);
	enum err e;

	s->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (s->null_fd < 0)
		return err_set(ei, ERR_CONFIG, "cannot open /dev/null: %s", strerror(errno));
	log_open(s->null_fd, "supervisor", false); /* until the log file is ours: a start that fails changes nothing */
	e = listen_open(&address, length, config_get(s->config, CONFIG_LISTEN), s->worker_count, s->listeners, ei);
	if (e)
		return e;
	s->listening = true;
	e = stripes_create(&s->stripes_fd, ei);
	if (!e)
		e = stripes_map(s->stripes_fd, &s->stripes, ei);
	if (!e)
		e = buckets_create(&s->limits_fd, ei);
	if (!e)
		e = metrics_create(&s->metrics_fd, ei);
	if (!e)
		e = metrics_map(s->metrics_fd, 0, ei);
	if (!e)
		metrics_set(METRIC_START, (uint64_t)clock_wall_ms(&clock_system) / 1000);
	if (!e)
		e = datadir_open(config_get(s->config, CONFIG_DATA_DIR), &s->dir, ei);
	return e ? e : control_open(&s->loop, s->dir.fd, on_request, s, &s->control, ei);
}

static const char *sandbox_config(const void *config, const char *key)
{
	return config_path(config, key);
}

/* From here on it opens only what the others need; they are started with its bounds. */
static enum err enter_sandbox(struct supervisor *s, struct errinfo *ei)
{
	enum err e;

	s->sandbox = (struct sandbox){.role = IPC_SUPERVISOR, .mode = config_get(s->config, CONFIG_SANDBOX),
				      .config = sandbox_config, .arg = s->config};
	e = sandbox_begin(&s->sandbox, ei);
	return e ? e : sandbox_finish(&s->sandbox, ei);
}

int supervisor_run(const struct config *config, unsigned pulse_ms)
{
	struct supervisor s = {.config = config,
			       .log_fd = -1,
			       .null_fd = -1,
			       .stripes_fd = -1,
			       .limits_fd = -1,
			       .metrics_fd = -1,
			       .pulse_ms = pulse_ms,
			       .worker_count = config_workers(config)};
	struct errinfo ei = {.detail = ""};

	if (uv_loop_init(&s.loop) != 0)
		return 1;
	random_id(s.instance);
	s.listeners = MEM_NEW_N(s.worker_count, int);
	init_children(&s);
	supervisor_signals(&s, on_stop_signal, on_hup);
	if (open_all(&s, &ei) || enter_sandbox(&s, &ei))
		fail_start(&s, &ei);
	else
		start_child(&s, &s.init);
	uv_run(&s.loop, UV_RUN_DEFAULT);
	supervisor_done(&s);
	return s.exit_code;
}
