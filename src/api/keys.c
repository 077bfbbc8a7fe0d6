/* SPDX-License-Identifier: Apache-2.0 */
/* Writing API keys. Must never write a hash, and a key's text only when it is made. */
#include "api/keys.h"

#include "api/fields.h"
#include "core/apps.h"

static void write_members(struct jsonw *w, const struct api_key_row *row)
{
	jsonw_string(w, "id", row->key_id);
	jsonw_string(w, "name", row->name);
	jsonw_string(w, "app_id", row->reach_app_id[0] ? row->reach_app_id : NULL);
	jsonw_raw(w, "scopes", slice_from(row->scopes));
	jsonw_time(w, "created_at", row->created_at);
}

void keys_answer_list(struct call *c, const struct api_key_row *rows, size_t n)
{
	struct jsonw w = call_json(c, 200);

	jsonw_array(&w, NULL);
	for (size_t i = 0; i < n; i++) {
		jsonw_object(&w, NULL);
		write_members(&w, &rows[i]);
		jsonw_object_end(&w);
	}
	jsonw_array_end(&w);
}

enum err keys_answer_new(struct call *c, const char *app_id, struct errinfo *ei)
{
	static const char *const taken[] = {"name", "scopes", NULL};
	static const struct fields_owned owned[] = {{"id", NULL}, {"key", NULL}, {"app_id", NULL}, {"created_at", NULL}, {NULL, NULL}};
	struct fields fields;
	struct api_key_row row;
	struct secret *text;
	struct slice name;
	struct jsonw w;
	enum err e = fields_sort(c, taken, owned, &fields, ei);

	if (!e)
		e = call_text(c, "name", APPS_NAME_MAX, &name, ei);
	if (!e)
		e = apps_key_create(c->core, &c->caller, app_id, name, jsonr_get(c->body, "scopes"), c->arena, &row, &text, ei);
	if (e)
		return e;
	w = call_json(c, 201);
	jsonw_object(&w, NULL);
	write_members(&w, &row);
	jsonw_slice(&w, "key", secret_expose(text));
	fields_write_ignored(&w, &fields);
	jsonw_object_end(&w);
	return ERR_OK;
}
