/* SPDX-License-Identifier: Apache-2.0 */
/* /credentials/connect-links. The URL is in the answer that makes the link and nowhere else. */
#include "core/links.h"

#include "api/routes.h"
#include "core/flows.h"
#include "core/users.h"

static void answer_link(struct call *c, int status, const struct link_row *row, const char *url)
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
	jsonw_object_end(&w);
}

enum err api_links_create_one(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	struct link_args args = {.app = &app, .scopes = jsonr_get(c->body, "scopes"),
				 .confirm = jsonr_is_true(jsonr_get(c->body, "confirm"))};
	struct link_row row;
	const char *url;
	enum err e;

	if (!c->body)
		return err_field(ei, "authenticator", "is required: the id, name or type of one of the app's authenticators");
	e = call_text(c, "authenticator", 200, &args.authenticator, ei);
	if (!e)
		e = call_text(c, "user", USERS_EXTERNAL_ID_MAX, &args.user, ei);
	if (!e)
		e = call_text(c, "return_to", FLOWS_RETURN_TO_MAX, &args.return_to, ei);
	if (!e)
		e = call_text(c, "expect_account", 320, &args.expect_account, ei);
	if (!e && args.user.n && c->caller.kind == CALLER_SESSION)
		e = err_set(ei, ERR_FORBIDDEN, "a session acts for itself: leave out user");
	if (!e)
		e = api_app(c, &app, ei);
	if (!e)
		e = links_create(c->core, &c->caller, &args, c->arena, &row, &url, ei);
	if (!e)
		answer_link(c, 201, &row, url);
	return e;
}

enum err api_links_read(struct call *c, struct errinfo *ei)
{
	struct link_row row;
	enum err e = links_get(c->core, &c->caller, request_path_param(c->request, "id"), c->arena, &row, ei);

	if (!e)
		answer_link(c, 200, &row, NULL);
	return e;
}

enum err api_links_confirm_one(struct call *c, struct errinfo *ei)
{
	struct link_row row;
	enum err e = links_confirm(c->core, &c->caller, request_path_param(c->request, "id"), c->arena, &row, ei);

	if (!e)
		answer_link(c, 200, &row, NULL);
	return e;
}
