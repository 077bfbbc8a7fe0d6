/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connect link's page and the page at the end of a flow. Looking at a link must never spend it, and nothing
 * goes on before the person saw which app and which of its users will receive the account (OA-20).
 */
#include "core/links.h"

#include "base/mem.h"
#include "ui/outcome.h"
#include "ui/page.h"
#include "ui/routes.h"

static const char *user_of(const struct link_view *v)
{
	return v->user.external_id[0] ? v->user.external_id : v->user.name;
}

enum err ui_connect_form(struct call *c, struct errinfo *ei)
{
	struct link_view v;
	struct buf *b;
	enum err e = links_view(c->core, request_path_param(c->request, "token"), c->arena, &v, ei);

	if (e)
		return e;
	c->response->form_leads_away = true;
	b = page_begin(c->response, 200, &(struct page){.title = "Connect an account", .narrow = true});
	PAGE(b, "<h1>Connect an account</h1>\n<p>The app <strong>$</strong> asks you to connect an account.</p>\n"
		"<dl class=\"facts\">\n<dt>App</dt><dd>$</dd>\n<dt>Provider</dt><dd>$</dd>\n<dt>User of the app</dt><dd>$</dd>\n",
	     v.app.name, v.app.name, v.authenticator.authenticator_name, user_of(&v));
	if (v.row.expect_account[0])
		PAGE(b, "<dt>Account</dt><dd>$</dd>\n", v.row.expect_account);
	PAGE(b, "</dl>\n<p class=\"soft\">You sign in at the provider. What you allow there, the app may then do for this user. Go on only if that is you.</p>\n"
		"<form method=\"post\">\n<button class=\"wide\">Continue to $</button>\n</form>\n",
	     v.authenticator.authenticator_name);
	page_end(b);
	return ERR_OK;
}

enum err ui_connect_submit(struct call *c, struct errinfo *ei)
{
	const char *url;
	enum err e = call_count_connect(c, ei); /* before the link is spent: it works again in a while */

	if (!e)
		e = links_spend(c->core, request_path_param(c->request, "token"), call_browser(c), c->arena, &url, ei);
	if (!e)
		response_redirect(c->response, 303, slice_from(url));
	return e;
}

enum err ui_connect_result(struct call *c, struct errinfo *ei)
{
	bool connected = slice_is(params_get(&c->query, "connected"), "true");
	struct buf *b;

	(void)ei;
	b = page_begin(c->response, 200, &(struct page){.title = connected ? "Connected" : "Not connected", .narrow = true});
	if (connected) {
		PAGE(b, "<h1>Connected</h1>\n");
		page_banner(b, PAGE_GOOD, "The account is connected.", "");
		PAGE(b, "<p>You can close this window and go on in the app.</p>\n");
	} else {
		PAGE(b, "<h1>Not connected</h1>\n");
		page_banner(b, PAGE_BAD, outcome_sentence(params_get(&c->query, "error")), "");
		PAGE(b, "<p>Nothing was connected. To connect again, go back to the app that sent you here: its link works once.</p>\n");
	}
	page_end(b);
	return ERR_OK;
}
