/* SPDX-License-Identifier: Apache-2.0 */
/* /credentials/connections/{ref}/token: the one route that hands out a secret. */
#include "api/tokens.h"

#include "api/fields.h"
#include "api/routes.h"
#include "core/auditing.h"
#include "core/grants.h"

enum err api_tokens_min_ttl(const struct params *query, int64_t *ret_seconds, struct errinfo *ei)
{
	struct slice text = params_get(query, "min_ttl");
	uint64_t value = GRANTS_MIN_TTL_DEFAULT_S;

	if (text.p && !slice_to_u64(text, GRANTS_MIN_TTL_MAX_S, &value))
		return err_field(ei, "min_ttl", "must be a whole number of seconds from 0 to %d", GRANTS_MIN_TTL_MAX_S);
	*ret_seconds = (int64_t)value;
	return ERR_OK;
}

int64_t api_tokens_seconds_left(const struct grant_life *life, int64_t now)
{
	return life->expires_at > now ? (life->expires_at - now) / 1000 : 0;
}

static void answer_token(struct call *c, const struct grant_reading *r, struct call_kept *kept)
{
	struct slice seconds = slice_from(arena_printf(c->arena, "%lld", (long long)api_tokens_seconds_left(&r->life, core_now(c->core))));
	struct jsonw w = call_json(c, 200);

	jsonw_object(&w, NULL);
	jsonw_slice(&w, "access_token", secret_expose(r->access_token));
	jsonw_string(&w, "token_type", r->token_type);
	jsonw_time(&w, "expires_at", r->life.expires_at);
	if (r->life.expires_at)
		jsonw_raw(&w, "expires_in", seconds);
	else
		jsonw_null(&w, "expires_in");
	/* The seconds are all that differs when the same is asked again. */
	kept->seconds_end = c->response->body.n;
	kept->seconds_at = kept->seconds_end - (r->life.expires_at ? seconds.n : 0);
	jsonw_raw(&w, "scopes", slice_from(r->scopes));
	jsonw_string(&w, "fingerprint", r->fingerprint);
	if (r->extra[0])
		jsonw_raw(&w, "extra", slice_from(r->extra));
	jsonw_object_end(&w);
}

static const char *subject_of(struct call *c, const struct record *record)
{
	const char *text;
	struct buf subject;

	buf_init(&subject, RECORD_MAX_BYTES);
	record_put_subject(&subject, record);
	text = arena_strndup(c->arena, buf_slice(&subject));
	buf_done(&subject);
	return text;
}

enum err api_tokens_read(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	struct user_row user;
	struct grant_reading reading;
	struct call_kept *kept;
	struct record record;
	struct grant_read_args args = {
		.app = &app,
		.user = &user,
		.ref = request_path_param(c->request, "ref"),
		.after_refresh = c->reply != NULL,
		.refresh_err = c->reply ? c->reply->err : ERR_OK,
		.refresh_why = c->reply ? &c->reply->why : NULL,
	};
	enum err e = api_app(c, &app, ei);

	if (!e)
		e = access_user(c->core, &c->caller, &app, params_get(&c->query, "user"), c->arena, &user, ei);
	if (!e)
		e = api_tokens_min_ttl(&c->query, &args.min_ttl_s, ei);
	if (!e)
		e = grants_read(c->core, &args, c->arena, &reading, ei);
	if (e)
		return e;
	if (reading.wants_refresh) {
		c->ask = (struct call_ask){.kind = CALL_ASK_REFRESH, .subject = reading.grant_id, .min_life_ms = reading.min_life_ms, .newer_than = -1};
		return ERR_OK;
	}
	record = (struct record){.event = API_TOKENS_EVENT, .app_id = app.app_id, .connection_id = reading.connection_id,
				 .user_id = user.user_id, .grant_id = reading.grant_id, .generation = reading.generation,
				 .fingerprint = reading.fingerprint};
	auditing_note(c->core, &record);
	kept = ARENA_NEW(c->arena, struct call_kept);
	*kept = (struct call_kept){.user_id = user.user_id, .reading = reading, .subject = subject_of(c, &record)};
	answer_token(c, &reading, kept);
	c->kept = kept;
	return ERR_OK;
}

/* The second run: the clerk has brought a newer token, or says why not. */
static enum err answer_rejected(struct call *c, bool refreshed, const struct fields *fields, struct errinfo *ei)
{
	struct jsonw w;

	if (c->reply && c->reply->err) {
		if (ei)
			*ei = c->reply->why;
		return c->reply->err;
	}
	w = call_json(c, 200);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_bool(&w, "refreshed", refreshed);
	jsonw_string(&w, "message", refreshed ? "The token was refreshed: read it again." : "A newer token is there already: read it again.");
	fields_write_ignored(&w, fields);
	jsonw_object_end(&w);
	return ERR_OK;
}

/* RF-07: the provider answered 401 to a token of this fingerprint. One refresh for a burst, none for an old token. */
enum err api_tokens_rejected(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	struct user_row user;
	struct grant_current current;
	static const char *const taken[] = {"fingerprint", "app_id", NULL};
	static const struct fields_owned owned[] = {{NULL, NULL}};
	struct fields fields;
	struct slice fingerprint;
	enum err e = fields_sort(c, taken, owned, &fields, ei);

	if (!e && c->reply)
		return answer_rejected(c, true, &fields, ei);
	if (!e)
		e = call_text(c, "fingerprint", 64, &fingerprint, ei);
	if (!e && !fingerprint.n)
		e = err_field(ei, "fingerprint", "is required: the one that came with the token");
	if (!e)
		e = api_app(c, &app, ei);
	if (!e)
		e = access_user(c->core, &c->caller, &app, params_get(&c->query, "user"), c->arena, &user, ei);
	if (!e)
		e = grants_current(c->core, &app, &user, request_path_param(c->request, "ref"), c->arena, &current, ei);
	if (e)
		return e;
	if (!slice_is(fingerprint, current.fingerprint))
		return answer_rejected(c, false, &fields, ei);
	c->ask = (struct call_ask){.kind = CALL_ASK_REFRESH, .subject = current.grant_id, .newer_than = current.generation};
	return ERR_OK;
}
