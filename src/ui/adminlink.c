/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator's one-time link: choose a password. Must never spend the link by a GET. */
#include "core/users.h"
#include "secret/password.h"
#include "ui/page.h"
#include "ui/paths.h"
#include "ui/routes.h"

static void show(struct call *c, int status, const struct errinfo *wrong)
{
	struct buf *b = page_begin(c->response, status, &(struct page){.title = "Choose a password", .narrow = true});

	PAGE(b, "<h1>Choose a password</h1>\n"
		"<p>With it the administrator of this server signs in.</p>\n");
	if (wrong)
		page_form_error(b, wrong);
	/* No action: the form goes to the address it is at, so the link's token need not be written into the page. */
	PAGE(b, "<form method=\"post\">\n"
		"<label for=\"name\">Name</label>\n"
		"<input type=\"text\" id=\"name\" value=\"admin\" autocomplete=\"username\" readonly>\n"
		"<label for=\"password\">New password</label>\n"
		"<input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"new-password\" minlength=\"8\" "
		"maxlength=\"256\" aria-describedby=\"rule\" required autofocus>\n"
		"<p class=\"soft rule\" id=\"rule\">At least 8 characters. A few words in a row are easy to keep in mind.</p>\n"
		"<label for=\"again\">The same again</label>\n"
		"<input type=\"password\" id=\"again\" name=\"again\" autocomplete=\"new-password\" minlength=\"8\" "
		"maxlength=\"256\" required>\n"
		"<button class=\"wide\">Set the password and sign in</button>\n</form>\n");
	page_end(b);
}

enum err ui_adminlink_form(struct call *c, struct errinfo *ei)
{
	enum err e = users_link_check(c->core, request_path_param(c->request, "token"), c->arena, ei);

	if (!e)
		show(c, 200, NULL);
	return e;
}

enum err ui_adminlink_submit(struct call *c, struct errinfo *ei)
{
	struct slice token = request_path_param(c->request, "token");
	struct secret *password, *cookie;
	struct params form;
	enum err e = users_link_check(c->core, token, c->arena, ei);

	if (!e)
		e = call_form(c, &form, ei);
	if (e)
		return e;
	password = secret_in_arena(c->arena, secret_new(params_get(&form, "password")));
	if (!secret_equal(password, params_get(&form, "again")))
		e = err_set(ei, ERR_UNPROCESSABLE, "The two passwords are not the same. Nothing was changed.");
	else
		e = users_link_spend(c->core, token, password, c->arena, &cookie, ei);
	if (e == ERR_UNPROCESSABLE) {
		show(c, 422, ei);
		return ERR_OK;
	}
	if (e)
		return e;
	call_set_session(c, cookie);
	call_know_browser(c, SLICE_LIT("admin"));
	response_redirect(c->response, 303, SLICE_LIT(PATH_CONNECTIONS));
	return ERR_OK;
}
