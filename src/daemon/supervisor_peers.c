/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor hands to roles: START, connections to each other, a reopened log. Must never
 * give a role more configuration, or another partner, than the tables say.
 */
#include "daemon/supervisor_state.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "daemon/logfile.h"

enum { CONFIG_MAX_BYTES = 64 * 1024, RENEW_MS = 1000 };

/* Who speaks to whom. The courier knows the clerk and the keeper only; workers do not know each other. */
static const struct {
	enum ipc_role a, b;
} partners[] = {
	{IPC_CLERK, IPC_WORKER}, {IPC_KEEPER, IPC_CLERK},  {IPC_KEEPER, IPC_WORKER},
	{IPC_KEEPER, IPC_COURIER}, {IPC_CLERK, IPC_COURIER},
};

static bool are_partners(enum ipc_role one, enum ipc_role other)
{
	for (size_t i = 0; i < ARRAY_LEN(partners); i++)
		if ((partners[i].a == one && partners[i].b == other) || (partners[i].a == other && partners[i].b == one))
			return true;
	return false;
}

enum err supervisor_send_start(const struct supervisor *s, struct child *c)
{
	struct ipc_message m = {.kind = IPC_START};
	struct buf lines;
	enum err e;

	buf_init(&lines, CONFIG_MAX_BYTES);
	config_put_role(s->config, c->role, &lines);
	m.field[IPC_START_CONFIG].bytes = buf_slice(&lines);
	m.field[IPC_START_SLOT].number = c->slot;
	m.field[IPC_START_WORKERS].number = (int64_t)s->worker_count;
	m.field[IPC_START_INSTANCE].bytes = slice_from(s->instance);
	m.field[IPC_START_LOG].fd = s->log_fd >= 0 ? s->log_fd : s->null_fd; /* init changes nothing, not even the log, before all is well */
	m.field[IPC_START_SOCKET].fd = c->role == IPC_WORKER ? s->listeners[c->slot] : s->null_fd;
	m.field[IPC_START_STRIPES].fd = c->role == IPC_WORKER || c->role == IPC_CLERK ? s->stripes_fd : s->null_fd;
	m.field[IPC_START_LIMITS].fd = c->role == IPC_WORKER ? s->limits_fd : s->null_fd;
	m.field[IPC_START_METRICS].fd = c->role == IPC_INIT ? s->null_fd : s->metrics_fd;
	e = child_send(c, &m);
	buf_done(&lines);
	return e;
}

static enum err send_peer(struct child *to, const struct child *about, int fd)
{
	struct ipc_message m = {.kind = IPC_PEER};

	m.field[IPC_PEER_ROLE].number = (int64_t)about->role;
	m.field[IPC_PEER_SLOT].number = about->slot;
	m.field[IPC_PEER_SOCKET].fd = fd;
	return child_send(to, &m);
}

/* A role that cannot be told of its partner is of no use: it is killed, and its successor introduced anew. */
static void introduce_pair(struct child *c, struct child *other)
{
	int fds[2];

	if (ipc_pair(fds)) {
		LOG(LOG_ERROR, "introduction_failed", LOG_S("of", c->name), LOG_S("to", other->name));
		child_kill(c);
		return;
	}
	if (send_peer(c, other, fds[0]))
		child_kill(c);
	if (send_peer(other, c, fds[1]))
		child_kill(other);
	close(fds[0]);
	close(fds[1]);
}

void supervisor_introduce(struct supervisor *s, struct child *c)
{
	for (size_t i = 0; i < s->child_count; i++) {
		struct child *other = &s->children[i];

		if (other != c && child_alive(other) && are_partners(c->role, other->role))
			introduce_pair(c, other);
	}
}

static void on_renew(uv_timer_t *timer)
{
	struct supervisor *s = timer->data;

	for (size_t i = 0; i < s->broken_count; i++) {
		const struct broken_pair *p = &s->broken[i];

		if (s->phase == PHASE_STOPPING || !child_alive(p->one) || !child_alive(p->other) ||
		    p->one->started_ms != p->one_started_ms || p->other->started_ms != p->other_started_ms)
			continue;
		LOG(LOG_WARN, "pair_introduced_anew", LOG_S("of", p->one->name), LOG_S("to", p->other->name));
		introduce_pair(p->one, p->other);
	}
	s->broken_count = 0;
}

void supervisor_renew_pair(struct supervisor *s, struct child *c, int64_t role, int64_t slot)
{
	for (size_t i = 0; i < s->child_count && s->broken_count < BROKEN_PAIRS_MAX; i++) {
		struct child *other = &s->children[i];

		if ((int64_t)other->role != role || other->slot != slot || !are_partners(c->role, other->role))
			continue;
		s->broken[s->broken_count++] = (struct broken_pair){c, other, c->started_ms, other->started_ms};
		if (!uv_is_active((uv_handle_t *)&s->renew))
			uv_timer_start(&s->renew, on_renew, RENEW_MS, 0);
	}
}

void supervisor_reopen_log(struct supervisor *s)
{
	struct ipc_message m = {.kind = IPC_LOG};
	struct errinfo ei = {.detail = ""};
	int fd;

	if (s->log_fd < 0)
		return;
	if (logfile_open(config_get(s->config, CONFIG_LOG_FILE), &fd, &ei)) {
		LOG(LOG_ERROR, "log_not_reopened", LOG_S("detail", ei.detail));
		return;
	}
	dup3(fd, s->log_fd, O_CLOEXEC);
	close(fd);
	LOG(LOG_INFO, "log_reopened");
	m.field[IPC_LOG_FILE].fd = s->log_fd;
	for (size_t i = 0; i < s->child_count; i++)
		if (child_alive(&s->children[i]) && child_send(&s->children[i], &m) != ERR_OK)
			LOG(LOG_WARN, "log_not_handed_on", LOG_S("of", s->children[i].name));
}
