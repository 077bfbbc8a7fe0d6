/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sign in and sign out. Must never tell whether a name exists (WB-07), and never send the browser to another
 * site after the sign-in.
 */
#include "core/users.h"
#include "secret/password.h"
#include "ui/next.h"
#include "ui/page.h"
#include "ui/paths.h"
#include "ui/routes.h"

/* `news` in bold, and what to do; good ones with status 200. NULL: there are none. */
static void show(struct call *c, int status, const char *news, const char *advice, const char *name, const char *next)
{
	struct buf *b = page_begin(c->response, status, &(struct page){.title = "Sign in", .narrow = true});

	PAGE(b, "<h1>Sign in</h1>\n");
	if (news)
		page_banner(b, status == 200 ? PAGE_GOOD : PAGE_BAD, news, advice);
	PAGE(b, "<form method=\"post\" action=\"" PATH_LOGIN "\">\n");
	if (next[0])
		page_hidden(b, "next", next);
	PAGE(b, "<label for=\"name\">Name</label>\n"
		"<input type=\"text\" id=\"name\" name=\"name\" value=\"$\" autocomplete=\"username\" "
		"autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"100\" required>\n"
		"<label for=\"password\">Password</label>\n"
		"<input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"current-password\" "
		"maxlength=\"256\" required autofocus>\n"
		"<button class=\"wide\">Sign in</button>\n</form>\n", name);
	PAGE(b, "<p class=\"soft help\">First time here, or password lost? Open the sign-in link that the server printed at its "
		"start, or type <code>fiberd admin-link</code> on the server for a new one.</p>\n");
	page_end(b);
}

enum err ui_signin_form(struct call *c, struct errinfo *ei)
{
	const char *next = next_path(params_get(&c->query, "next"), c->arena);

	(void)ei;
	if (c->caller.kind == CALLER_SESSION)
		response_redirect(c->response, 303, slice_from(next[0] ? next : PATH_CONNECTIONS));
	else
		show(c, 200, slice_is(params_get(&c->query, "signed_out"), "true") ? "You are signed out." : NULL, "", "admin", next);
	return ERR_OK;
}

/* Not yet: the same form again, with when. */
static void show_later(struct call *c, const struct errinfo *why, const char *name, const char *next)
{
	show(c, 429, arena_printf(c->arena, "Not at this moment: %s.", why->detail), why->hint, name, next);
	response_header(c->response, "Retry-After", slice_from(arena_printf(c->arena, "%u", why->retry_after_s)));
}

/* The session that the browser had ends with the new sign-in (WB-02). */
static enum err end_old_session(struct call *c, struct errinfo *ei)
{
	return c->caller.kind == CALLER_SESSION ? users_sign_out(c->core, c->caller.session_hash, ei) : ERR_OK;
}

enum err ui_signin_submit(struct call *c, struct errinfo *ei)
{
	struct errinfo why = {.detail = ""};
	struct slice name, password;
	struct secret *cookie;
	struct params form;
	const char *next;
	enum err e = call_form(c, &form, ei);

	if (e)
		return e;
	name = params_get(&form, "name");
	next = next_path(params_get(&form, "next"), c->arena);
	password = params_get(&form, "password");
	if (name.n > 100 || password.n > PASSWORD_MAX)
		e = err_set(&why, ERR_UNAUTHENTICATED, "the name or the password is wrong");
	else if (c->reply)
		e = call_signed_in(c, name, &cookie, &why);
	else
		e = call_ask_password(c, name, password, &why);
	if (e == ERR_LIMIT) {
		show_later(c, &why, arena_strndup(c->arena, slice_sub(name, 0, 100)), next);
		return ERR_OK;
	}
	if (e == ERR_UNAUTHENTICATED) {
		show(c, 401, "The name or the password is wrong.", "", arena_strndup(c->arena, slice_sub(name, 0, 100)),
		     next);
		return ERR_OK;
	}
	if (ei)
		*ei = why;
	if (!e && !c->reply)
		return ERR_OK; /* the password is being looked at */
	if (!e)
		e = end_old_session(c, ei);
	if (e)
		return e;
	call_set_session(c, cookie);
	call_know_browser(c, name);
	response_redirect(c->response, 303, slice_from(next[0] ? next : PATH_CONNECTIONS));
	return ERR_OK;
}

enum err ui_signin_leave(struct call *c, struct errinfo *ei)
{
	struct params form;
	enum err e = ERR_OK;

	/* Without a live session there is nothing to end and nothing that a foreign form could harm. */
	if (c->caller.kind == CALLER_SESSION) {
		e = call_form(c, &form, ei);
		if (!e)
			e = call_check_form(c, &form, ei);
		if (!e)
			e = users_sign_out(c->core, c->caller.session_hash, ei);
	}
	if (e)
		return e;
	call_clear_session(c);
	response_redirect(c->response, 303, SLICE_LIT(PATH_LOGIN "?signed_out=true"));
	return ERR_OK;
}
