/* SPDX-License-Identifier: Apache-2.0 */
/* /oauth/authenticators. Must never write a client secret into an answer (AP-05). */
#include "core/authenticators.h"

#include "api/routes.h"

static void write_members(struct jsonw *w, const struct authenticator_row *r)
{
	jsonw_string(w, "id", r->authenticator_id);
	jsonw_string(w, "authenticator_id", r->authenticator_id);
	jsonw_string(w, "name", r->authenticator_name);
	jsonw_string(w, "authenticator_type", r->authenticator_type);
	jsonw_string(w, "client_id", r->client_id);
	jsonw_raw(w, "scopes", slice_from(r->scopes));
	jsonw_string(w, "authorize_url", r->authorize_url);
	jsonw_string(w, "token_url", r->token_url);
	jsonw_string(w, "redirect_uri", r->redirect_uri);
	jsonw_string(w, "app_id", r->app_id);
	jsonw_bool(w, "is_active", r->is_active);
	/* While the provider refuses the client, its connections are not refreshed; nothing of them is lost. */
	jsonw_string(w, "status", authenticators_status(r));
	jsonw_string(w, "paused_cause", r->client_failures ? r->paused_cause : NULL);
	jsonw_time(w, "paused_until", r->client_failures ? r->paused_until : 0);
	jsonw_raw(w, "configuration", slice_from(r->configuration));
	jsonw_time(w, "created_at", r->created_at);
	jsonw_time(w, "updated_at", r->updated_at);
}

static void write_list(struct jsonw *w, const char *key, const char *const *texts, size_t n)
{
	if (n == 0)
		return;
	jsonw_array(w, key);
	for (size_t i = 0; i < n; i++)
		jsonw_string(w, NULL, texts[i]);
	jsonw_array_end(w);
}

static void answer_row(struct call *c, int status, const struct authenticator_row *r,
		       const struct authenticator_input *in)
{
	struct jsonw w = call_json(c, status);

	jsonw_object(&w, NULL);
	write_members(&w, r);
	if (in) {
		write_list(&w, "ignored", in->ignored, in->ignored_count);
		write_list(&w, "warnings", in->warning, in->warning_count);
	}
	jsonw_object_end(&w);
}

static enum err need_body(const struct call *c, struct errinfo *ei)
{
	if (c->body)
		return ERR_OK;
	err_hint(ei, ERR_INVALID, "Send an object with name, authenticator_type, client_id and client_secret.");
	return err_set(ei, ERR_INVALID, "the body is missing");
}

/*
 * What the body says, with the issuer's metadata where that is needed: then the first run of the handler ends with the question (`*ret_asks`),
 * and the second has the answer.
 */
static enum err take_input(struct call *c, struct authenticator_input *ret, bool *ret_asks, struct errinfo *ei)
{
	struct authenticator_wish wish = {.body = c->body, .metadata = c->reply ? c->reply->document : (struct slice){0}};
	enum err e;

	*ret_asks = false;
	if (c->reply && (c->reply->err == ERR_INVALID || c->reply->err == ERR_UPSTREAM_DOWN)) {
		err_hint(ei, ERR_UNPROCESSABLE, "Give authorize_url and token_url as the provider's documentation has them, or correct the issuer.");
		return err_field(ei, "configuration.issuer", "does not lead to the endpoints: %s", c->reply->why.detail);
	}
	if (c->reply && c->reply->err) {
		*ei = c->reply->why;
		return c->reply->err;
	}
	e = authenticator_input_new(c->core, &wish, c->arena, ret, ei);
	if (!e && ret->discover[0] && c->reply)
		return ERR_INTERNAL;
	*ret_asks = !e && ret->discover[0];
	if (*ret_asks)
		c->ask = (struct call_ask){.kind = CALL_ASK_DISCOVER, .subject = ret->discover};
	return e;
}

enum err api_authenticators_create(struct call *c, struct errinfo *ei)
{
	struct authenticator_input in;
	struct authenticator_row row;
	struct app_row app;
	bool asks = false;
	enum err e = need_body(c, ei);

	if (!e)
		e = api_app(c, &app, ei);
	if (!e)
		e = take_input(c, &in, &asks, ei);
	if (e || asks)
		return e;
	e = authenticators_register(c->core, &c->caller, &app, &in, c->arena, &row, ei);
	if (!e)
		answer_row(c, 201, &row, &in);
	return e;
}

enum err api_authenticators_validate(struct call *c, struct errinfo *ei)
{
	struct authenticator_input in;
	struct app_row app;
	struct jsonw w;
	bool asks = false;
	enum err e = need_body(c, ei), wrong_app = ERR_OK;

	if (!e) {
		/* Every problem at once: a wrong app doesn't hide the rest. */
		wrong_app = api_app(c, &app, ei);
		e = !wrong_app || wrong_app == ERR_UNPROCESSABLE ? take_input(c, &in, &asks, ei) : wrong_app;
	}
	if (!e)
		e = wrong_app;
	if (e || asks)
		return e;
	w = call_json(c, 200);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "valid", true);
	jsonw_string(&w, "authorize_url", in.profile.authorize_url);
	jsonw_string(&w, "token_url", in.profile.token_url);
	jsonw_raw(&w, "scopes", in.scopes);
	write_list(&w, "ignored", in.ignored, in.ignored_count);
	write_list(&w, "warnings", in.warning, in.warning_count);
	jsonw_object_end(&w);
	return ERR_OK;
}

enum err api_authenticators_index(struct call *c, struct errinfo *ei)
{
	struct slice wish = params_get(&c->query, "include_disabled");
	bool disabled_too = slice_is_nocase(wish, "true") || slice_is(wish, "1");
	struct authenticator_row *rows;
	struct app_row app;
	struct jsonw w;
	size_t n;
	enum err e = api_app(c, &app, ei);

	if (!e)
		e = authenticators_list(c->core, app.app_id, c->arena, &rows, &n, ei);
	if (e)
		return e;
	w = call_json(c, 200);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		if (!rows[i].is_active && !disabled_too)
			continue;
		jsonw_object(&w, NULL);
		write_members(&w, &rows[i]);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return ERR_OK;
}

static enum err find(struct call *c, struct authenticator_row *ret, struct errinfo *ei)
{
	return authenticators_get(c->core, &c->caller, request_path_param(c->request, "id"), c->arena, ret, ei);
}

enum err api_authenticators_read(struct call *c, struct errinfo *ei)
{
	struct authenticator_row row;
	enum err e = find(c, &row, ei);

	if (!e)
		answer_row(c, 200, &row, NULL);
	return e;
}

enum err api_authenticators_change(struct call *c, struct errinfo *ei)
{
	struct authenticator_input in;
	struct authenticator_row row;
	bool endpoints_changed;
	enum err e = need_body(c, ei);

	if (!e)
		e = find(c, &row, ei);
	if (!e)
		e = authenticator_input_change(c->core, &row, c->body, c->arena, &in, &endpoints_changed, ei);
	if (!e)
		e = authenticators_update(c->core, &c->caller, &in, endpoints_changed, c->arena, &row, ei);
	if (!e)
		answer_row(c, 200, &row, &in);
	return e;
}

enum err api_authenticators_remove(struct call *c, struct errinfo *ei)
{
	struct authenticator_row row;
	const char **grants;
	size_t n;
	enum err e = find(c, &row, ei);

	if (!e)
		e = authenticators_delete(c->core, &c->caller, &row, c->arena, &grants, &n, ei);
	if (e)
		return e;
	c->revoke = grants;
	c->revoke_count = n;
	api_success(c, arena_printf(c->arena, "Authenticator \"%s\" deleted; %zu connection%s ended.", row.authenticator_name, n,
				    n == 1 ? "" : "s"));
	return ERR_OK;
}
