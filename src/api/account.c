/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of the pages over the API: sign in, sign out, profile, own keys. */
#include <string.h>

#include "api/fields.h"
#include "api/keys.h"
#include "api/routes.h"
#include "core/apps.h"
#include "core/users.h"
#include "secret/password.h"

static void write_profile(struct call *c, const struct user_row *user)
{
	struct jsonw w = call_json(c, 200);

	jsonw_object(&w, NULL);
	jsonw_string(&w, "id", user->user_id);
	jsonw_string(&w, "name", user->name);
	jsonw_string(&w, "kind", user->kind);
	jsonw_time(&w, "created_at", user->created_at);
	jsonw_object_end(&w);
}

enum err api_account_login(struct call *c, struct errinfo *ei)
{
	static const char *const taken[] = {"name", "password", NULL};
	static const struct fields_owned owned[] = {{NULL, NULL}};
	struct fields fields;
	struct slice name, password;
	struct secret *cookie;
	struct jsonw w;
	enum err e = fields_sort(c, taken, owned, &fields, ei);

	if (!e)
		e = call_text(c, "name", 100, &name, ei);
	if (!e)
		e = call_text(c, "password", PASSWORD_MAX, &password, ei);
	if (!e && !name.n)
		e = err_field(ei, "name", "is required");
	if (!e && !password.n)
		e = err_field(ei, "password", "is required");
	if (e)
		return e;
	if (!c->reply)
		return call_ask_password(c, name, password, ei);
	e = call_signed_in(c, name, &cookie, ei);
	if (e)
		return e;
	call_set_session(c, cookie);
	call_know_browser(c, name);
	w = call_json(c, 200);
	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_string(&w, "message", "Signed in.");
	fields_write_ignored(&w, &fields);
	jsonw_object_end(&w);
	return ERR_OK;
}

enum err api_account_logout(struct call *c, struct errinfo *ei)
{
	enum err e = users_sign_out(c->core, c->caller.session_hash, ei);

	if (e)
		return e;
	call_clear_session(c);
	api_success(c, "Signed out.");
	return ERR_OK;
}

enum err api_account_profile(struct call *c, struct errinfo *ei)
{
	(void)ei;
	write_profile(c, &c->caller.owner);
	return ERR_OK;
}

enum err api_account_keys_index(struct call *c, struct errinfo *ei)
{
	const char *reach = c->caller.reach_app_id;
	struct api_key_row *rows;
	size_t n, kept = 0;
	enum err e = apps_key_list_of_user(c->core, c->caller.owner.user_id, c->arena, &rows, &n, ei);

	if (e)
		return e;
	/* A key of one app sees the keys of that app only, though their owner has others. */
	for (size_t i = 0; i < n; i++)
		if (!reach[0] || strcmp(rows[i].reach_app_id, reach) == 0)
			rows[kept++] = rows[i];
	keys_answer_list(c, rows, kept);
	return ERR_OK;
}

enum err api_account_keys_create(struct call *c, struct errinfo *ei)
{
	/* The reach is the caller's own: a key of one app makes keys of that app. */
	return keys_answer_new(c, c->caller.reach_app_id, ei);
}

enum err api_account_keys_remove(struct call *c, struct errinfo *ei)
{
	enum err e = apps_key_revoke(c->core, &c->caller, NULL, request_path_param(c->request, "key"), c->arena, ei);

	if (!e)
		api_success(c, "The key is revoked.");
	return e;
}
