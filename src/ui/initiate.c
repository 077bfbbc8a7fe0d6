/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting by session. A navigation of another site must never start a flow by itself: it gets a page that says
 * what would happen, and the person goes on from there.
 */
#include "base/encode.h"
#include "base/mem.h"
#include "core/flows.h"
#include "ui/page.h"
#include "ui/paths.h"
#include "ui/routes.h"

/* What the caller wants to connect, checked. */
struct wish {
	struct app_row app;
	struct authenticator_row authenticator;
	const char *return_to;
};

static enum err read_wish(struct call *c, const struct params *from, struct wish *w, struct errinfo *ei)
{
	enum err e = access_app(c->core, &c->caller, params_get(from, "app_id"), c->arena, &w->app, ei);

	if (!e)
		e = authenticators_resolve(c->core, w->app.app_id, request_path_param(c->request, "ref"), false, c->arena,
					   &w->authenticator, ei);
	return e ? e : flows_check_return_to(c->core, &w->app, params_get(from, "return_to"), c->arena, &w->return_to, ei);
}

static enum err go(struct call *c, const struct wish *w, struct errinfo *ei)
{
	const struct flow_start_args args = {
		.app = &w->app,
		.user_id = c->caller.owner.user_id,
		.authenticator = &w->authenticator,
		.ref = request_path_param(c->request, "ref"),
		.return_to = w->return_to,
		.scopes = w->authenticator.scopes,
		.session_hash = c->caller.session_hash,
		.link_id = "",
		.browser = call_browser(c),
	};
	const char *url;
	enum err e = call_count_connect(c, ei);

	if (!e)
		e = flows_start(c->core, &args, c->arena, &url, ei);
	if (!e)
		response_redirect(c->response, 303, slice_from(url));
	return e;
}

/* The Referer's origin is the origin of one of the app's return_to prefixes. */
static bool app_sent_it(struct call *c, const struct app_row *app)
{
	struct slice referer = request_header(c->request, "referer");
	struct jsonr *list;
	struct url from, prefix;

	if (!referer.n || url_parse(referer, &from, NULL) || jsonr_parse(slice_from(app->return_to), 64 * 1024, &list, NULL))
		return false;
	list = jsonr_in_arena(c->arena, list);
	for (size_t i = 0; i < jsonr_count(list); i++)
		if (!url_parse(jsonr_string(jsonr_at(list, i)), &prefix, NULL) && url_same_origin(&from, &prefix))
			return true;
	return false;
}

static void show(struct call *c, const struct wish *w)
{
	struct buf *b, ref;

	c->response->form_leads_away = true;
	buf_init(&ref, 8 * 1024);
	encode_percent(&ref, request_path_param(c->request, "ref"));
	b = page_begin_call(c, 200, "Connect an account", true);
	PAGE(b, "<h1>Connect an account?</h1>\n<p>Another page asks to connect an account of yours.</p>\n"
		"<dl class=\"facts\">\n<dt>App</dt><dd>$</dd>\n<dt>Provider</dt><dd>$</dd>\n<dt>For</dt><dd>$</dd>\n</dl>\n",
	     w->app.name, w->authenticator.authenticator_name, c->caller.owner.name);
	PAGE(b, "<p class=\"soft\">You sign in at the provider; the app can then act with what you allow there. "
		"Go on only if you meant to.</p>\n"
		"<form method=\"post\" action=\"" PATH_INITIATE "/$\">\n", buf_cstr(&ref));
	page_form_token(b, c);
	page_hidden(b, "app_id", w->app.app_id);
	page_hidden(b, "return_to", w->return_to);
	PAGE(b, "<button class=\"wide\">Continue to $</button>\n</form>\n", w->authenticator.authenticator_name);
	page_end(b);
	buf_done(&ref);
}

enum err ui_initiate_begin(struct call *c, struct errinfo *ei)
{
	struct wish w;
	enum err e = read_wish(c, &c->query, &w, ei);

	if (e)
		return e;
	if (slice_is(request_header(c->request, "sec-fetch-site"), "same-origin") || app_sent_it(c, &w.app))
		return go(c, &w, ei);
	show(c, &w);
	return ERR_OK;
}

enum err ui_initiate_submit(struct call *c, struct errinfo *ei)
{
	struct params form;
	struct wish w;
	enum err e = call_form(c, &form, ei);

	if (!e)
		e = call_check_form(c, &form, ei);
	if (!e)
		e = read_wish(c, &form, &w, ei);
	return e ? e : go(c, &w, ei);
}
