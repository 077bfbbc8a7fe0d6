/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refresh that brought no tokens: what is noted, when it is tried again, and when only the user can help (LIFECYCLE §4.6, §4.7,
 * §4.12). Must never end a grant without saying why, nor let it be asked for again without a pause.
 */
#include <string.h>

#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "core/events.h"
#include "core/grants.h"
#include "core/refresh_private.h"
#include "core/vault.h"

enum { SERVER_PAUSE_MS = 30 * 1000, DEAD_CONNECTION_MS = 2 * 1000, UNREAD_KEPT_MS = 24 * 60 * 60 * 1000 };

/* The grant as it is to be after this attempt. */
struct setback {
	const struct refresh_run *run;
	enum outcome outcome;
	enum step step;
	struct grant_row next;
	int64_t wait_ms; /* what the caller is told */
	bool gone; /* ended meanwhile */
};

static int64_t sent_at(const struct grant_row *g)
{
	return g->intent_deadline - REFRESH_DEADLINE_MS;
}

/* Our code for what happened; grants_failure_sentence() has the words. */
static const char *failure_of(const struct refresh_run *r, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_GRANT_REFUSED:
	case OUTCOME_REFUSED:
		return "provider_refused";
	case OUTCOME_CLIENT_REFUSED:
		return "client_rejected";
	case OUTCOME_NOT_PROCESSED:
		return r->answer->err ? "provider_unreachable" : "provider_busy";
	case OUTCOME_AMBIGUOUS:
		if (r->answer->err == ERR_NOT_FOUND)
			return "answer_lost";
		return r->answer->err ? "provider_unreachable" : "provider_unreadable";
	case OUTCOME_RENEWED:
	case OUTCOME__COUNT:
		break;
	}
	return "";
}

/* §4.12. A loss that an unanswered attempt explains is named so whatever else the provider says: our own retry looks like reuse. */
static const char *cause_of(const struct setback *s, const struct errinfo *said)
{
	const struct grant_row *g = s->run->grant;

	if (g->uncertain)
		return "rotation_response_lost";
	if (s->outcome == OUTCOME_REFUSED)
		return token_blames_request(said) ? "client_config" : "revoked_by_provider";
	if (token_tells_reuse(said) || s->run->attempt->source == ROTATION_ALTERNATE)
		return "reuse_detected";
	return token_tells_expiry(said) ? "expired" : "revoked_by_provider";
}

static enum err is_living(const struct refresh_run *r, bool *ret, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	struct connection_row c = {.last_used_at = 0};
	enum err e = store_find(r->core->store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(g->grant_id)), r->arena, &c, ei);

	if (e && e != ERR_NOT_FOUND)
		return e;
	*ret = (r->attempt->asked || c.last_used_at >= g->issued_at) &&
	       g->expires_at - core_now(r->core) > grants_last_life_ms(g);
	return ERR_OK;
}

static enum err decide(struct setback *s, struct errinfo *ei)
{
	const struct refresh_run *r = s->run;
	const struct grant_row *g = r->grant;
	const struct profile *p = r->profile;
	int64_t window_end = s->next.uncertain_at + p->rotation_window_s * 1000;
	enum rotation_source next;
	struct rotation_case c = {
		.rotation = p->rotation,
		.in_window = s->next.uncertain && core_now(r->core) < window_end,
		.outcome = s->outcome,
		.phase = g->uncertain ? PHASE_UNCERTAIN : PHASE_CERTAIN,
		.has_spare = rotation_next_source(p->rotation, r->attempt->source, g->alternate_refresh_token.bytes.n > 0,
						  g->previous_refresh_token.bytes.n > 0, &next),
		.tries_left = s->next.refusals < (ei && ei->code[0] ? ROTATION_REFUSALS_MAX : ROTATION_SILENT_REFUSALS_MAX),
	};
	enum err e = is_living(r, &c.living, ei);

	s->step = rotation_step(&c);
	if (s->step == STEP_NEXT_TOKEN)
		s->next.refresh_source = next;
	return e;
}

/*
 * The retry is not spent on a server that has just said that it is broken, and must not run beside the first: our end of that
 * connection is dead, the provider may need a moment to see it (LIFECYCLE §4.5).
 */
static int64_t before_retry_ms(const struct fetch_answer *answer)
{
	return answer->status >= 500 ? SERVER_PAUSE_MS : DEAD_CONNECTION_MS;
}

/* How long the provider is given, in ms. */
static int64_t pause_ms(const struct setback *s)
{
	const struct refresh_run *r = s->run;
	int64_t now = core_now(r->core), pause, asked_s = r->answer->err ? 0 : r->answer->retry_after_s;
	int64_t window_left = s->next.uncertain_at + r->profile->rotation_window_s * 1000 - now;
	uint64_t random;

	random_bytes(&random, sizeof random);
	pause = rotation_pause_ms(s->next.failures, random);
	/* While the door is open, waiting long may close it. */
	if (s->next.uncertain && window_left > 0 && pause > window_left / 2)
		pause = window_left / 2;
	if (s->outcome == OUTCOME_AMBIGUOUS && !rotation_repeats_freely(r->profile->rotation, window_left > 0))
		pause = pause > before_retry_ms(r->answer) ? pause : before_retry_ms(r->answer);
	if (asked_s > ROTATION_RETRY_AFTER_MAX_S)
		asked_s = ROTATION_RETRY_AFTER_MAX_S;
	return asked_s * 1000 > pause ? asked_s * 1000 : pause;
}

static int64_t client_pause_ms(const struct authenticator_row *auth)
{
	uint64_t random;

	random_bytes(&random, sizeof random);
	return ROTATION_PAUSE_MIN_MS + rotation_pause_ms(auth->client_failures + 1, random); /* none would be no pause */
}

static void schedule(struct setback *s)
{
	const struct refresh_run *r = s->run;
	struct refresh_after *after = r->after;
	struct grant_row *n = &s->next;
	int64_t now = core_now(r->core), pause = pause_ms(s);

	n->not_before = now + pause;
	n->refresh_due_at = 0;
	s->wait_ms = pause;
	switch (s->step) {
	case STEP_RETRY_NOW:
	case STEP_NEXT_TOKEN:
		n->not_before = 0;
		n->refresh_due_at = now; /* found again when we die before it is done */
		s->wait_ms = 0;
		after->again = true;
		break;
	case STEP_RETRY_SOON:
		n->refresh_due_at = n->not_before;
		after->look_in_ms = pause + 1;
		break;
	case STEP_RETRY_LATE:
		n->refresh_due_at = n->expires_at - grants_last_life_ms(n);
		if (n->refresh_due_at < n->not_before)
			n->refresh_due_at = n->not_before;
		after->look_in_ms = n->refresh_due_at - now + 1;
		break;
	case STEP_PAUSE_CLIENT:
		n->failures = r->grant->failures; /* the grant is not to blame */
		n->not_before = 0;
		s->wait_ms = client_pause_ms(r->auth);
		n->refresh_due_at = n->uncertain ? now + s->wait_ms : 0;
		break;
	case STEP_COMMIT:
	case STEP_WAIT:
	case STEP_END:
	case STEP__COUNT:
		break;
	}
}

/* The whole authenticator waits: every other grant of it would be answered alike. */
static enum err pause_client(const struct setback *s, const struct errinfo *said, struct errinfo *ei)
{
	const struct refresh_run *r = s->run;
	const struct authenticator_row *auth = r->auth;
	enum err e = store_change(r->core->store, SQL_AUTHENTICATOR_PAUSE,
				  STORE_PARAMS(STORE_TEXT(auth->authenticator_id), STORE_INT(core_now(r->core) + s->wait_ms),
					       STORE_TEXT(said->code[0] ? said->code : "client_rejected")), NULL, ei);

	if (e || auth->client_failures > 0)
		return e; /* told once is enough */
	return events_add(r->core, &(const struct event_row){.kind = "authenticator_paused", .app_id = auth->app_id,
							     .authenticator_id = auth->authenticator_id, .cause = "client_rejected",
							     .actor = "clerk"}, ei);
}

static enum err write_setback(void *arg, struct errinfo *ei)
{
	struct setback *s = arg;
	const struct refresh_run *r = s->run;
	const struct grant_row *n = &s->next;
	struct errinfo said = ei ? *ei : (struct errinfo){.detail = ""};
	int64_t changed = 0;
	enum err e = store_change(r->core->store, SQL_GRANT_FAILED,
				  STORE_PARAMS(STORE_TEXT(n->grant_id), STORE_TEXT(r->attempt->id), STORE_INT(n->uncertain),
					       STORE_INT(n->uncertain_at), STORE_INT(n->failures), STORE_INT(n->refusals),
					       STORE_TEXT(n->failure), STORE_INT(n->not_before), STORE_INT(n->refresh_due_at),
					       STORE_INT(n->refresh_source), STORE_INT(core_now(r->core))), &changed, ei);

	s->gone = !e && changed == 0;
	if (e || s->gone)
		return e;
	if (s->step == STEP_PAUSE_CLIENT)
		e = pause_client(s, &said, ei);
	return e ? e : refresh_note(r->core, n, "refresh_failed", n->failure, "", r->arena, ei);
}

static enum err tell(const struct setback *s, struct errinfo *ei)
{
	const struct grant_row *n = &s->next;

	if (ei)
		ei->retry_after_s = (unsigned)((s->wait_ms + 999) / 1000);
	if (s->step == STEP_PAUSE_CLIENT)
		err_hint(ei, ERR_UPSTREAM_DOWN, "Check the client id and secret of the authenticator %s in the provider's console; the connection itself is kept.",
			 s->run->auth->authenticator_name);
	else
		err_hint(ei, ERR_UPSTREAM_DOWN, "Nothing to do: it is tried again. The connection itself is kept.");
	err_code(ei, ERR_UPSTREAM_DOWN, n->failure);
	return err_set(ei, ERR_UPSTREAM_DOWN, "%s", grants_failure_sentence(n->failure));
}

/* For support, sealed, for a day, and only the newest: perhaps somebody can still find the tokens in it (LIFECYCLE §4.3). */
static enum err keep_unread(const struct refresh_run *r, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	char id[RANDOM_ID_BYTES];
	struct seal_place place = {.table = "unread_answers", .row = id, .column = "body"};
	struct unread_answer_row row = {.answer_id = id, .grant_id = g->grant_id, .app_id = g->app_id,
					.created_at = core_now(r->core), .expires_at = core_now(r->core) + UNREAD_KEPT_MS};
	enum err e = store_change(r->core->store, SQL_UNREAD_ANSWERS_OF_GRANT, STORE_PARAMS(STORE_TEXT(g->grant_id)), NULL, ei);

	random_id(id);
	if (!e)
		e = vault_seal(r->core, g->app_id, &place, r->body, r->arena, &row.body, ei);
	return e ? e : store_insert(r->core->store, TABLE_UNREAD_ANSWERS, &row, ei);
}

enum err refresh_fail(const struct refresh_run *r, enum outcome outcome, struct errinfo *ei)
{
	const struct grant_row *g = r->grant;
	struct setback s = {.run = r, .outcome = outcome, .next = *g};
	enum err e;

	s.next.failures++;
	s.next.refusals += outcome == OUTCOME_REFUSED;
	s.next.failure = failure_of(r, outcome);
	if (outcome == OUTCOME_AMBIGUOUS && !g->uncertain) {
		s.next.uncertain = 1;
		s.next.uncertain_at = sent_at(g);
	}
	e = r->unread ? keep_unread(r, ei) : ERR_OK;
	if (!e)
		e = decide(&s, ei);
	if (e)
		return e;
	if (s.step == STEP_END) {
		const char *cause = cause_of(&s, ei);
		const char *detail = outcome == OUTCOME_REFUSED
					     ? arena_printf(r->arena, "refused %lld times in a row, the last time with HTTP status %d%s%s",
							    (long long)s.next.refusals, r->answer->status,
							    ei && ei->code[0] ? " " : "", ei ? ei->code : "")
					     : "";

		return refresh_end(r->core, g, r->attempt->id, cause, detail, r->arena, ei);
	}
	schedule(&s);
	e = store_transaction(r->core->store, write_setback, &s, ei);
	if (!e && s.gone)
		return refresh_changed(ei);
	return e ? e : tell(&s, ei);
}

struct ending {
	struct core *core;
	const struct grant_row *grant;
	const char *attempt, *cause, *detail;
	struct arena *arena;
	bool gone;
};

static enum err write_end(void *arg, struct errinfo *ei)
{
	struct ending *x = arg;
	struct store *store = x->core->store;
	const struct grant_row *g = x->grant;
	struct connection_row c = {.auth_id = ""};
	int64_t changed = 0;
	enum err e = store_change(store, SQL_GRANT_NEEDS_REAUTH,
				  STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(x->cause), STORE_INT(core_now(x->core)),
					       STORE_TEXT(x->attempt)), &changed, ei);

	x->gone = !e && changed == 0; /* ended or renewed meanwhile: that stands */
	if (x->gone)
		e = store_change(store, SQL_GRANT_INTENT_DROP, STORE_PARAMS(STORE_TEXT(g->grant_id), STORE_TEXT(x->attempt)), NULL, ei);
	if (e || x->gone)
		return e;
	e = store_find(store, SQL_CONNECTION_BY_GRANT, STORE_PARAMS(STORE_TEXT(g->grant_id)), x->arena, &c, ei);
	if (!e)
		e = store_change(store, SQL_CONNECTION_STATUS,
				 STORE_PARAMS(STORE_TEXT(c.auth_id), STORE_TEXT("needs_reauth"), STORE_INT(1), STORE_TEXT("active"),
					      STORE_TEXT(c.user_id)), NULL, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	return refresh_note(x->core, g, "needs_reauth", x->cause, x->detail, x->arena, ei);
}

static void count_cause(const char *cause)
{
	static const struct {
		const char *cause;
		enum metric metric;
	} known[] = {
		{"rotation_response_lost", METRIC_REAUTH_LOST}, {"revoked_by_provider", METRIC_REAUTH_REVOKED},
		{"reuse_detected", METRIC_REAUTH_REUSE},	{"expired", METRIC_REAUTH_EXPIRED},
		{"client_config", METRIC_REAUTH_CONFIG},	{"account_changed", METRIC_REAUTH_ACCOUNT},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(cause, known[i].cause) == 0) {
			metrics_add(known[i].metric);
			return;
		}
	metrics_add(METRIC_REAUTH_OTHER);
}

enum err refresh_end(struct core *core, const struct grant_row *g, const char *attempt, const char *cause, const char *detail,
		     struct arena *a, struct errinfo *ei)
{
	struct ending x = {.core = core, .grant = g, .attempt = attempt, .cause = cause, .detail = detail, .arena = a};
	enum err e = store_transaction(core->store, write_end, &x, ei);

	if (e)
		return e;
	if (!x.gone)
		count_cause(cause);
	return x.gone ? refresh_changed(ei) : refresh_denied(cause, ei);
}
