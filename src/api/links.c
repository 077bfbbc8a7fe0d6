/* SPDX-License-Identifier: Apache-2.0 */
/* /credentials/connect-links. The URL is in the answer that makes the link and nowhere else. */
#include "core/links.h"

#include "api/fields.h"
#include "api/routes.h"
#include "core/connections.h"
#include "core/flows.h"
#include "core/users.h"

/* `url` and `fields` only of a link just made, else NULL. */
static void answer_link(struct call *c, int status, const struct link_row *row, const char *url, const struct fields *fields)
{
	struct jsonw w = call_json(c, status);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "id", row->link_id);
	if (url)
		jsonw_string(&w, "url", url);
	jsonw_string(&w, "status", row->status);
	jsonw_string(&w, "authenticator_id", row->authenticator_id);
	jsonw_string(&w, "connection_id", row->auth_id && row->auth_id[0] ? row->auth_id : NULL);
	jsonw_string(&w, "error", row->error_code && row->error_code[0] ? row->error_code : NULL);
	jsonw_string(&w, "error_description", row->error_detail && row->error_detail[0] ? row->error_detail : NULL);
	jsonw_time(&w, "expires_at", row->expires_at);
	if (fields)
		fields_write_ignored(&w, fields);
	jsonw_object_end(&w);
}

/* What is not the boolean it should be must not pass as "no confirmation needed". */
static enum err read_confirm(const struct call *c, bool *ret, struct errinfo *ei)
{
	const struct jsonr *v = jsonr_get(c->body, "confirm");

	if (jsonr_type(v) != JSONR_ABSENT && jsonr_type(v) != JSONR_NULL && jsonr_type(v) != JSONR_BOOL)
		return err_field(ei, "confirm", "must be true or false");
	*ret = jsonr_is_true(v);
	return ERR_OK;
}

static enum err read_args(const struct call *c, struct link_args *args, struct errinfo *ei)
{
	enum err e = call_text(c, "authenticator", 200, &args->authenticator, ei);

	if (!e)
		e = call_text(c, "user", USERS_EXTERNAL_ID_MAX, &args->user, ei);
	if (!e)
		e = call_text(c, "return_to", FLOWS_RETURN_TO_MAX, &args->return_to, ei);
	if (!e)
		e = call_text(c, "expect_account", 320, &args->expect_account, ei);
	if (!e)
		e = read_confirm(c, &args->confirm, ei);
	if (!e && args->user.p && c->caller.kind == CALLER_SESSION)
		return err_set(ei, ERR_FORBIDDEN, "a session acts for itself: leave out user");
	/* An id that came out empty must not become the key's owner. */
	if (!e && args->user.p && !args->user.n)
		return err_field(ei, "user", "is empty: name the user, or leave it out to connect the key's own");
	args->scopes = jsonr_get(c->body, "scopes");
	return e;
}

/*
 * A link for an account that is connected already, so that its user can grant what is missing: the same authenticator, and no
 * other account. An authenticator or account that is named all the same stands.
 */
static enum err take_connection(struct call *c, struct link_args *args, struct errinfo *ei)
{
	struct connection_row row;
	struct user_row user;
	struct slice ref;
	enum err e = call_text(c, "connection", 200, &ref, ei);

	if (e || !ref.n)
		return e;
	e = access_user(c->core, &c->caller, args->app, args->user, c->arena, &user, ei);
	if (!e)
		e = connections_resolve_any(c->core, args->app->app_id, user.user_id, ref, c->arena, &row, ei);
	if (e)
		return e;
	if (args->authenticator.n && !slice_is(args->authenticator, row.authenticator_id))
		return err_field(ei, "authenticator", "is not the one of the connection: leave it out");
	args->authenticator = slice_from(row.authenticator_id);
	if (!args->expect_account.n)
		args->expect_account = slice_from(row.account);
	return ERR_OK;
}

enum err api_links_create_one(struct call *c, struct errinfo *ei)
{
	static const char *const taken[] = {"authenticator", "connection", "user", "return_to", "scopes", "expect_account", "confirm", "app_id", NULL};
	static const struct fields_owned owned[] = {
		{"id", NULL}, {"url", NULL}, {"status", NULL}, {"expires_at", NULL}, {"connection_id", NULL}, {NULL, NULL}};
	struct fields fields;
	struct app_row app;
	struct link_args args = {.app = &app};
	struct link_row row;
	const char *url;
	enum err e = fields_sort(c, taken, owned, &fields, ei);

	if (!e)
		e = read_args(c, &args, ei);
	if (!e)
		e = api_app(c, &app, ei);
	if (!e)
		e = take_connection(c, &args, ei);
	if (!e)
		e = links_create(c->core, &c->caller, &args, c->arena, &row, &url, ei);
	if (!e)
		answer_link(c, 201, &row, url, &fields);
	return e;
}

enum err api_links_read(struct call *c, struct errinfo *ei)
{
	struct link_row row;
	enum err e = links_get(c->core, &c->caller, request_path_param(c->request, "id"), c->arena, &row, ei);

	if (!e)
		answer_link(c, 200, &row, NULL, NULL);
	return e;
}

enum err api_links_confirm_one(struct call *c, struct errinfo *ei)
{
	struct link_row row;
	enum err e = links_confirm(c->core, &c->caller, request_path_param(c->request, "id"), c->arena, &row, ei);

	if (!e)
		answer_link(c, 200, &row, NULL, NULL);
	return e;
}
