/* SPDX-License-Identifier: Apache-2.0 */
/* /apps and their keys. A key's text is in the answer that makes it and nowhere else. */
#include "core/apps.h"

#include "api/fields.h"
#include "api/keys.h"
#include "api/routes.h"

static const char *const taken[] = {"name", "return_to", NULL};

static void write_members(struct jsonw *w, const struct app_row *app)
{
	jsonw_string(w, "id", app->app_id);
	jsonw_string(w, "app_id", app->app_id);
	jsonw_string(w, "name", app->name);
	jsonw_raw(w, "return_to", slice_from(app->return_to));
	jsonw_time(w, "created_at", app->created_at);
	jsonw_time(w, "updated_at", app->updated_at);
}

static void answer_app(struct call *c, int status, const struct app_row *app, const struct fields *fields)
{
	struct jsonw w = call_json(c, status);

	jsonw_object(&w, NULL);
	write_members(&w, app);
	fields_write_ignored(&w, fields);
	jsonw_object_end(&w);
}

static enum err find(struct call *c, struct app_row *ret, struct errinfo *ei)
{
	return apps_get(c->core, &c->caller, request_path_param(c->request, "app_id"), c->arena, ret, ei);
}

enum err api_apps_index(struct call *c, struct errinfo *ei)
{
	struct app_row *rows;
	struct jsonw w;
	size_t n;
	enum err e = apps_list(c->core, &c->caller, c->arena, &rows, &n, ei);

	if (e)
		return e;
	w = call_json(c, 200);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jsonw_object(&w, NULL);
		write_members(&w, &rows[i]);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
	return ERR_OK;
}

enum err api_apps_create_one(struct call *c, struct errinfo *ei)
{
	static const struct fields_owned owned[] = {
		{"id", NULL}, {"app_id", NULL}, {"created_at", NULL}, {"updated_at", NULL}, {NULL, NULL}};
	struct fields fields;
	struct slice name;
	struct app_row app;
	enum err e = fields_sort(c, taken, owned, &fields, ei);

	if (!e)
		e = call_text(c, "name", APPS_NAME_MAX, &name, ei);
	if (!e)
		e = apps_create(c->core, &c->caller, name, jsonr_get(c->body, "return_to"), c->arena, &app, ei);
	if (!e)
		answer_app(c, 201, &app, &fields);
	return e;
}

enum err api_apps_read(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	enum err e = find(c, &app, ei);

	if (!e)
		answer_app(c, 200, &app, &(struct fields){0});
	return e;
}

static enum err sort_change(struct call *c, const struct app_row *app, struct fields *ret, struct errinfo *ei)
{
	const struct fields_owned owned[] = {{"id", app->app_id},
					     {"app_id", app->app_id},
					     {"created_at", fields_time(c, app->created_at)},
					     {"updated_at", fields_time(c, app->updated_at)},
					     {NULL, NULL}};

	return fields_sort(c, taken, owned, ret, ei);
}

enum err api_apps_change(struct call *c, struct errinfo *ei)
{
	struct fields fields;
	struct slice name;
	struct app_row app;
	enum err e = find(c, &app, ei);

	if (!e)
		e = sort_change(c, &app, &fields, ei);
	if (!e)
		e = call_text(c, "name", APPS_NAME_MAX, &name, ei);
	if (!e)
		e = apps_update(c->core, &app, name, jsonr_get(c->body, "return_to"), c->arena, ei);
	if (!e)
		answer_app(c, 200, &app, &fields);
	return e;
}

enum err api_apps_keys_index(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	struct api_key_row *rows;
	size_t n;
	enum err e = find(c, &app, ei);

	if (!e)
		e = apps_key_list(c->core, app.app_id, c->arena, &rows, &n, ei);
	if (!e)
		keys_answer_list(c, rows, n);
	return e;
}

enum err api_apps_keys_create(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	enum err e = find(c, &app, ei);

	return e ? e : keys_answer_new(c, app.app_id, ei);
}

enum err api_apps_keys_remove(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	enum err e = find(c, &app, ei);

	if (!e)
		e = apps_key_revoke(c->core, &c->caller, app.app_id, request_path_param(c->request, "key"), c->arena, ei);
	if (!e)
		api_success(c, "The key is revoked.");
	return e;
}
