/* SPDX-License-Identifier: Apache-2.0 */
/* Connect links. Must never be spent by a GET, nor twice. */
#include "core/links.h"

#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/random.h"
#include "core/auditing.h"
#include "core/events.h"
#include "core/flows.h"
#include "core/line.h"
#include "core/users.h"
#include "oauth/scope.h"
#include "secret/hash.h"

enum { EXPECT_MAX = 320 };

static enum err link_scopes(const struct link_args *args, const struct authenticator_row *auth, struct arena *a,
			    const char **ret, struct errinfo *ei)
{
	struct slice wanted;
	enum err e;

	*ret = auth->scopes;
	if (jsonr_type(args->scopes) == JSONR_ABSENT || jsonr_type(args->scopes) == JSONR_NULL)
		return ERR_OK;
	e = scope_from_json(args->scopes, a, &wanted, ei);
	if (e)
		return e;
	if (!scope_within(wanted, slice_from(auth->scopes)))
		return err_field(ei, "scopes", "may hold only scopes that the authenticator is registered with");
	*ret = arena_strndup(a, wanted);
	return ERR_OK;
}

static enum err fill(struct core *core, const struct caller *c, const struct link_args *args, struct arena *a,
		     struct link_row *row, struct errinfo *ei)
{
	struct authenticator_row auth;
	struct user_row user = c->owner;
	enum err e;

	if (args->authenticator.n == 0)
		return err_field(ei, "authenticator", "is required: the id, name or type of one of the app's authenticators");
	if (args->expect_account.n > EXPECT_MAX || !line_is_plain(args->expect_account))
		return err_field(ei, "expect_account", "must be an e-mail address or account name of at most %d bytes", EXPECT_MAX);
	e = authenticators_resolve(core, args->app->app_id, args->authenticator, false, a, &auth, ei);
	if (!e)
		e = link_scopes(args, &auth, a, &row->scopes, ei);
	if (!e)
		e = flows_check_return_to(core, args->app, args->return_to, a, &row->return_to, ei);
	if (!e && args->user.n)
		e = users_external(core, args->app->app_id, args->user, a, &user, ei);
	if (e)
		return e;
	row->app_id = args->app->app_id;
	row->authenticator_id = auth.authenticator_id;
	row->user_id = user.user_id;
	row->expect_account = arena_strndup(a, args->expect_account);
	row->confirm = args->confirm;
	row->status = "waiting";
	row->created_by = c->actor;
	row->created_at = core_now(core);
	row->expires_at = row->created_at + LINKS_LIFE_MS;
	return ERR_OK;
}

static enum err check_room(struct core *core, const char *app_id, struct arena *a, struct errinfo *ei)
{
	struct count_row waiting;
	enum err e = store_find(core->store, SQL_LINKS_WAITING_OF_APP,
				STORE_PARAMS(STORE_TEXT(app_id), STORE_INT(core_now(core))), a, &waiting, ei);

	if (e || waiting.count < LINKS_WAITING_OF_APP_MAX)
		return e;
	metrics_add(METRIC_THROTTLED_UNDER_WAY);
	if (ei)
		ei->retry_after_s = 60;
	err_hint(ei, ERR_LIMIT, "Try again in a minute: a link that nobody opens ends after 10 minutes.");
	return err_set(ei, ERR_LIMIT, "%d links of this app wait to be opened", LINKS_WAITING_OF_APP_MAX);
}

enum err links_housekeeping(struct core *core, struct errinfo *ei)
{
	int64_t now = core_now(core);

	return store_change(core->store, SQL_LINKS_EXPIRE,
			    STORE_PARAMS(STORE_INT(now - LINKS_KEPT_MS), STORE_INT(now - LINKS_ABANDONED_MS)), NULL, ei);
}

enum err links_create(struct core *core, const struct caller *c, const struct link_args *args, struct arena *a,
		      struct link_row *ret, const char **ret_url, struct errinfo *ei)
{
	CLEANUP(secret_free) struct secret *raw = secret_random(32);
	char id[RANDOM_ID_BYTES], hash[HASH_TEXT_BYTES];
	struct link_row row = {0};
	struct buf token;
	enum err e = check_room(core, args->app->app_id, a, ei);

	if (!e)
		e = fill(core, c, args, a, &row, ei);
	if (e)
		return e;
	random_id(id);
	row.link_id = arena_strdup(a, id);
	buf_init(&token, 64);
	encode_base64url(&token, secret_expose(raw));
	hash_text(buf_slice(&token), hash);
	row.link_hash = hash;
	auditing_note(core, &(const struct record){.event = "link_made", .app_id = row.app_id, .user_id = row.user_id,
						   .authenticator_id = row.authenticator_id, .detail = row.link_id});
	e = store_insert(core->store, TABLE_LINKS, &row, ei);
	if (!e) {
		*ret_url = arena_printf(a, "%s/connect/%.*s", core->public_url, SLICE_ARG(buf_slice(&token)));
		*ret = row;
	}
	buf_done(&token);
	return e;
}

enum err links_get(struct core *core, const struct caller *c, struct slice id, struct arena *a, struct link_row *ret,
		   struct errinfo *ei)
{
	struct link_row row;
	struct app_row app;
	enum err e = store_find(core->store, SQL_LINK_BY_ID, STORE_PARAMS(STORE_SLICE(id)), a, &row, ei);

	if (!e)
		e = store_find(core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT(row.app_id)), a, &app, ei);
	if (e == ERR_NOT_FOUND || (!e && !access_reaches(c, &app)))
		return err_set(ei, ERR_NOT_FOUND, "no connect link has this id");
	if (e)
		return e;
	if (strcmp(row.status, "waiting") == 0 && row.expires_at <= core_now(core)) {
		row.status = "failed";
		row.error_code = "expired";
		row.error_detail = "Nobody opened the link within its 10 minutes.";
	}
	*ret = row;
	return ERR_OK;
}

static enum err over(struct errinfo *ei)
{
	err_hint(ei, ERR_NOT_FOUND, "Ask the app that sent you here for a new link.");
	err_set(ei, ERR_NOT_FOUND, "this connect link is unknown, was used before, or is older than 10 minutes");
	return err_code(ei, ERR_NOT_FOUND, "link_over");
}

enum err links_view(struct core *core, struct slice token, struct arena *a, struct link_view *ret, struct errinfo *ei)
{
	struct link_view v;
	char hash[HASH_TEXT_BYTES];
	enum err e;

	hash_text(token, hash);
	e = store_find(core->store, SQL_LINK_BY_HASH, STORE_PARAMS(STORE_TEXT(hash)), a, &v.row, ei);
	if (e == ERR_NOT_FOUND || (!e && (v.row.spent_at != 0 || v.row.expires_at <= core_now(core))))
		return over(ei);
	if (!e)
		e = store_find(core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT(v.row.app_id)), a, &v.app, ei);
	if (!e)
		e = store_find(core->store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(v.row.authenticator_id)), a,
			       &v.authenticator, ei);
	if (!e)
		e = store_find(core->store, SQL_USER_BY_ID, STORE_PARAMS(STORE_TEXT(v.row.user_id)), a, &v.user, ei);
	if (!e && (!v.authenticator.is_active || v.authenticator.deleted_at))
		return over(ei);
	if (!e)
		*ret = v;
	return e;
}

enum err links_spend(struct core *core, struct slice token, struct slice browser, struct arena *a, const char **ret_url,
		     struct errinfo *ei)
{
	struct link_view v;
	enum err e = links_view(core, token, a, &v, ei);
	struct flow_start_args args;
	const char *url;

	if (e)
		return e;
	args = (struct flow_start_args){
		.app = &v.app,
		.user_id = v.row.user_id,
		.authenticator = &v.authenticator,
		.ref = slice_from(v.authenticator.authenticator_name),
		.return_to = v.row.return_to,
		.scopes = v.row.scopes,
		.session_hash = "",
		.link_id = v.row.link_id,
		.browser = browser,
	};
	/* The flow first: where it cannot start, the link is not spent. One that loses the race below is never heard of again. */
	e = flows_start(core, &args, a, &url, ei);
	if (!e)
		e = store_change_one(core->store, SQL_LINK_SPEND,
				     STORE_PARAMS(STORE_TEXT(v.row.link_id), STORE_INT(core_now(core))), ei);
	if (!e)
		*ret_url = url;
	return e == ERR_CONFLICT ? over(ei) : e;
}

struct confirming {
	struct core *core;
	const struct caller *caller;
	const struct link_row *link;
};

static enum err confirm(void *arg, struct errinfo *ei)
{
	struct confirming *x = arg;
	const struct event_row event = {.kind = "connection_confirmed", .app_id = x->link->app_id,
					.authenticator_id = x->link->authenticator_id, .auth_id = x->link->auth_id,
					.user_id = x->link->user_id, .actor = x->caller->actor};
	enum err e = store_change_one(x->core->store, SQL_CONNECTION_STATUS,
				      STORE_PARAMS(STORE_TEXT(x->link->auth_id), STORE_TEXT("active"), STORE_INT(1),
						   STORE_TEXT("pending"), STORE_TEXT(x->link->user_id)), ei);

	return e ? e : events_add(x->core, &event, ei);
}

enum err links_confirm(struct core *core, const struct caller *c, struct slice id, struct arena *a,
		       struct link_row *ret, struct errinfo *ei)
{
	struct confirming x = {.core = core, .caller = c, .link = ret};
	enum err e = links_get(core, c, id, a, ret, ei);

	if (e)
		return e;
	if (!ret->confirm || strcmp(ret->status, "connected") != 0)
		return err_set(ei, ERR_CONFLICT, "there is nothing to confirm: the link is %s%s", ret->status,
			       ret->confirm ? "" : " and was made without confirm");
	e = store_transaction(core->store, confirm, &x, ei);
	return e == ERR_CONFLICT ? err_set(ei, e, "the connection is not pending any more") : e;
}
