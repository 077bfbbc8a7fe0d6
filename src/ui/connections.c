/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings, OAuth Authenticators, tab Connections: what the signed-in user has connected in an app. Must never
 * show words of the query: the address bar is anybody's.
 */
#include "core/connections.h"

#include <string.h>

#include "base/mem.h"
#include "core/apps.h"
#include "core/authenticators.h"
#include "core/grants.h"
#include "ui/outcome.h"
#include "ui/page.h"
#include "ui/paths.h"
#include "ui/routes.h"

struct view {
	struct app_row app, *apps;
	size_t app_count;
	struct authenticator_row *authenticators;
	size_t authenticator_count;
	struct connection_view *connections;
	size_t connection_count;
};

static size_t connections_of(const struct view *v, const struct authenticator_row *a)
{
	size_t n = 0;

	for (size_t i = 0; i < v->connection_count; i++)
		n += strcmp(v->connections[i].row.authenticator_id, a->authenticator_id) == 0;
	return n;
}

/* Active ones, and switched-off ones that still have accounts to disconnect. */
static void keep_shown(struct view *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->authenticator_count; i++)
		if (v->authenticators[i].is_active || connections_of(v, &v->authenticators[i]))
			v->authenticators[n++] = v->authenticators[i];
	v->authenticator_count = n;
}

static enum err load(struct call *c, struct view *v, struct errinfo *ei)
{
	struct slice id = request_path_param(c->request, "app_id");
	enum err e = access_app(c->core, &c->caller, id.n ? id : params_get(&c->query, "app_id"), c->arena, &v->app, ei);

	if (!e)
		e = apps_list(c->core, &c->caller, c->arena, &v->apps, &v->app_count, ei);
	if (!e)
		e = authenticators_list(c->core, v->app.app_id, c->arena, &v->authenticators, &v->authenticator_count, ei);
	if (!e)
		e = connections_list(c->core, v->app.app_id, c->caller.owner.user_id, (struct slice){0}, c->arena,
				     &v->connections, &v->connection_count, ei);
	if (!e)
		keep_shown(v);
	return e;
}

/* Where the page of that app is; the app `default` needs no name. */
static const char *page_path(struct call *c, const char *app_id)
{
	return strcmp(app_id, CORE_DEFAULT_APP) == 0 ? PATH_CONNECTIONS
						     : arena_printf(c->arena, "%s/%s", PATH_CONNECTIONS, app_id);
}

static void put_outcome(struct buf *b, struct call *c, const struct view *v)
{
	struct slice connected = params_get(&c->query, "connected"), name = params_get(&c->query, "authenticator");
	struct slice ended = params_get(&c->query, "disconnected");
	const char *sentence = "Connected.";

	/* A name is shown only when it is one of the app's: the query could say anything. */
	for (size_t i = 0; i < v->authenticator_count; i++)
		if (slice_is(name, v->authenticators[i].authenticator_id) ||
		    slice_is_nocase(name, v->authenticators[i].authenticator_name))
			sentence = arena_printf(c->arena, "Connected to %s.", v->authenticators[i].authenticator_name);
	if (slice_is(connected, "true"))
		page_banner(b, PAGE_GOOD, sentence, "");
	else if (slice_is(connected, "false"))
		page_banner(b, PAGE_BAD, "Not connected.", outcome_sentence(params_get(&c->query, "error")));
	else if (slice_is(ended, "true"))
		page_banner(b, PAGE_GOOD, "Disconnected.", "The provider is told that the tokens are over.");
	else if (slice_is(ended, "before"))
		page_banner(b, PAGE_GOOD, "That connection had ended already.", "");
}

static void put_apps(struct buf *b, struct call *c, const struct view *v)
{
	if (v->app_count < 2)
		return;
	PAGE(b, "<nav class=\"apps\" aria-label=\"Apps\">\n<span class=\"soft\">App</span>\n<ul>\n");
	for (size_t i = 0; i < v->app_count; i++) {
		bool here = strcmp(v->apps[i].app_id, v->app.app_id) == 0;

		PAGE(b, "<li><a href=\"$\"", page_path(c, v->apps[i].app_id));
		if (here)
			PAGE(b, " aria-current=\"page\"");
		PAGE(b, ">$</a></li>\n", v->apps[i].name);
	}
	PAGE(b, "</ul>\n</nav>\n");
}

static void put_status(struct buf *b, const struct connection_view *v)
{
	static const struct {
		const char *status, *mood, *words;
	} known[] = {
		{"active", "good", "Active"},
		{"pending", "warn", "Waits for the app to confirm"},
		{"expiring", "warn", "Ends soon"},
		{"needs_reauth", "bad", "Needs a new sign-in"},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(v->status, known[i].status) == 0) {
			PAGE(b, "<span class=\"badge $\">$</span>", known[i].mood, known[i].words);
			return;
		}
	PAGE(b, "<span class=\"badge warn\">$</span>", v->status);
}

static void put_times(struct buf *b, const struct connection_view *v, int64_t now)
{
	PAGE(b, "<p class=\"facts\">Connected since ");
	page_absolute_time(b, v->row.connected_at ? v->row.connected_at : v->row.created_at);
	if (v->expires_at) {
		PAGE(b, "<br>Access token $ ", v->expires_at > now ? "expires" : "expired");
		page_relative_time(b, v->expires_at, now);
		if (v->expires_at <= now && strcmp(v->status, "active") == 0)
			PAGE(b, ", the next read refreshes it");
	} else {
		PAGE(b, "<br>The provider does not say when the access token expires");
	}
	PAGE(b, "</p>\n");
}

/* Scopes that were asked for and not granted. */
static void put_missing(struct buf *b, struct call *c, const struct connection_view *v)
{
	struct jsonr *list;

	if (jsonr_parse(v->missing, 64 * 1024, &list, NULL))
		return;
	list = jsonr_in_arena(c->arena, list);
	if (jsonr_count(list) == 0)
		return;
	PAGE(b, "<p class=\"facts\">Not granted:");
	for (size_t i = 0; i < jsonr_count(list); i++)
		PAGE(b, " <code>$</code>", arena_strndup(c->arena, jsonr_string(jsonr_at(list, i))));
	PAGE(b, "</p>\n");
}

/* A form that leads to the provider, up to its button. */
static void begin_connect(struct buf *b, struct call *c, const struct view *v, const char *authenticator_id)
{
	PAGE(b, "<form method=\"post\" action=\"" PATH_INITIATE "/$\">\n", authenticator_id);
	page_form_token(b, c);
	page_hidden(b, "app_id", v->app.app_id);
	page_hidden(b, "return_to", page_path(c, v->app.app_id));
}

static void put_actions(struct buf *b, struct call *c, const struct view *v, const struct authenticator_row *a,
			const struct connection_view *k, const char *account)
{
	PAGE(b, "<div class=\"actions\">\n");
	if (strcmp(k->status, "needs_reauth") == 0 && a->is_active) {
		begin_connect(b, c, v, a->authenticator_id);
		PAGE(b, "<button aria-label=\"Connect again: $\">Connect again</button>\n</form>\n", account);
	}
	PAGE(b, "<form method=\"post\" action=\"" PATH_DISCONNECT "\">\n");
	page_form_token(b, c);
	page_hidden(b, "app_id", v->app.app_id);
	page_hidden(b, "connection", k->row.auth_id);
	PAGE(b, "<button class=\"danger\" aria-label=\"Disconnect $\">Disconnect</button>\n</form>\n</div>\n", account);
}

static void put_connection(struct buf *b, struct call *c, const struct view *v, const struct authenticator_row *a,
			   const struct connection_view *k)
{
	const char *account = k->row.account[0] ? k->row.account : "Account without a name";

	PAGE(b, "<li class=\"account\">\n<div class=\"what\">\n<p class=\"name\"><strong>$</strong> ", account);
	put_status(b, k);
	PAGE(b, "</p>\n");
	if (strcmp(k->status, "needs_reauth") == 0)
		page_sentence(b, grants_cause_sentence(k->cause));
	put_times(b, k, core_now(c->core));
	put_missing(b, c, k);
	PAGE(b, "</div>\n");
	put_actions(b, c, v, a, k, account);
	PAGE(b, "</li>\n");
}

static void put_head(struct buf *b, struct call *c, const struct view *v, const struct authenticator_row *a, size_t mine)
{
	PAGE(b, "<div class=\"head\">\n<div><h2>$</h2>", a->authenticator_name);
	if (!slice_is_nocase(slice_from(a->authenticator_type), a->authenticator_name))
		PAGE(b, "<p class=\"soft\">$</p>", a->authenticator_type);
	PAGE(b, "</div>\n");
	if (!a->is_active) {
		PAGE(b, "<span class=\"badge warn\">Switched off</span>\n</div>\n");
		return;
	}
	begin_connect(b, c, v, a->authenticator_id);
	if (mine == 0)
		PAGE(b, "<button aria-label=\"Connect $\">Connect</button>\n", a->authenticator_name);
	else
		PAGE(b, "<button class=\"plain\" aria-label=\"Connect another account of $\">Connect another account</button>\n",
		     a->authenticator_name);
	PAGE(b, "</form>\n</div>\n");
}

static void put_authenticator(struct buf *b, struct call *c, const struct view *v, const struct authenticator_row *a)
{
	size_t mine = connections_of(v, a);

	PAGE(b, "<section class=\"card\">\n");
	put_head(b, c, v, a, mine);
	if (mine == 0)
		PAGE(b, "<p class=\"none\">No account is connected.</p>\n");
	else
		PAGE(b, "<ul class=\"accounts\">\n");
	for (size_t i = 0; i < v->connection_count; i++)
		if (strcmp(v->connections[i].row.authenticator_id, a->authenticator_id) == 0)
			put_connection(b, c, v, a, &v->connections[i]);
	if (mine)
		PAGE(b, "</ul>\n");
	PAGE(b, "</section>\n");
}

static void put_nothing(struct buf *b, const struct view *v)
{
	const char *app_id = v->app.app_id;
	bool is_default = strcmp(app_id, CORE_DEFAULT_APP) == 0;

	PAGE(b, "<section class=\"card empty\">\n<h2>No authenticators yet</h2>\n"
		"<p>An authenticator is your registration as an OAuth client at a provider. Register one in a terminal, "
		"and it appears here:</p>\n"
		"<pre tabindex=\"0\"><code>fiber register-authenticator google$$ \\\n    --client-id=… --client-secret=-</code></pre>\n"
		"<p class=\"soft\">The provider gives you client id and client secret; the command asks for the secret, so that "
		"it stays out of your shell’s history, and prints the redirect URI to enter there.</p>\n</section>\n",
	     is_default ? "" : " --app-id=", is_default ? "" : app_id);
}

enum err ui_connections_index(struct call *c, struct errinfo *ei)
{
	struct view v;
	struct buf *b;
	enum err e = load(c, &v, ei);

	if (e)
		return e;
	c->response->form_leads_away = true;
	b = page_begin_call(c, 200, "OAuth Authenticators", false);
	PAGE(b, "<h1>OAuth Authenticators</h1>\n<nav class=\"tabs\" aria-label=\"OAuth Authenticators\">\n"
		"<a href=\"$\" aria-current=\"page\">Connections</a>\n</nav>\n", page_path(c, v.app.app_id));
	put_outcome(b, c, &v);
	put_apps(b, c, &v);
	for (size_t i = 0; i < v.authenticator_count; i++)
		put_authenticator(b, c, &v, &v.authenticators[i]);
	if (v.authenticator_count == 0)
		put_nothing(b, &v);
	page_end(b);
	return ERR_OK;
}

enum err ui_connections_disconnect(struct call *c, struct errinfo *ei)
{
	const char **grant = ARENA_NEW(c->arena, const char *);
	struct connection_row row;
	struct params form;
	struct app_row app;
	const char *how = "true";
	enum err e = call_form(c, &form, ei);

	if (!e)
		e = call_check_form(c, &form, ei);
	if (!e)
		e = access_app(c->core, &c->caller, params_get(&form, "app_id"), c->arena, &app, ei);
	if (e)
		return e;
	e = connections_resolve_any(c->core, app.app_id, c->caller.owner.user_id, params_get(&form, "connection"), c->arena, &row, ei);
	if (!e)
		e = connections_disconnect(c->core, &row, c->caller.actor, ei);
	if (e && e != ERR_NOT_FOUND)
		return e;
	if (e) {
		how = "before";
	} else {
		*grant = row.grant_id;
		c->revoke = grant;
		c->revoke_count = 1;
	}
	response_redirect(c->response, 303,
			  slice_from(arena_printf(c->arena, "%s?disconnected=%s", page_path(c, app.app_id), how)));
	return ERR_OK;
}
