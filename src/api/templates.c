/* SPDX-License-Identifier: Apache-2.0 */
/* /oauth/templates: what forms and the CLI fill in. */
#include "catalog/template_directory.h"

#include "api/routes.h"

static void write_template(struct jsonw *w, const struct template *t)
{
	struct buf document;

	jsonw_object(w, NULL);
	jsonw_string(w, "type", t->type);
	jsonw_string(w, "display_name", t->display_name);
	jsonw_string(w, "authorize_url", t->profile.authorize_url);
	jsonw_string(w, "token_url", t->profile.token_url);
	jsonw_object(w, "rotation");
	jsonw_string(w, "class", profile_rotation_name(t->profile.rotation));
	if (t->profile.rotation_window_s)
		jsonw_integer(w, "window_s", t->profile.rotation_window_s);
	jsonw_object_end(w);
	jsonw_string(w, "revoke_ends", t->profile.revoke_ends == REVOKE_ENDS_TOKEN ? "token" : "grant");
	jsonw_array(w, "scopes");
	for (size_t i = 0; i < t->scope_count; i++)
		jsonw_string(w, NULL, t->scopes[i]);
	jsonw_array_end(w);
	buf_init(&document, 256 * 1024);
	jsonr_dump(t->document, &document);
	jsonw_raw(w, "template", buf_slice(&document));
	buf_done(&document);
	jsonw_object_end(w);
}

enum err api_templates_index(struct call *c, struct errinfo *ei)
{
	struct jsonw w = call_json(c, 200);

	(void)ei;
	template_directory_look(c->core->templates, core_now(c->core));
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < template_count(); i++)
		write_template(&w, template_at(i));
	jsonw_array_end(&w);
	return ERR_OK;
}

enum err api_templates_read(struct call *c, struct errinfo *ei)
{
	const struct template *t;
	struct jsonw w;

	template_directory_look(c->core->templates, core_now(c->core));
	t = template_find(request_path_param(c->request, "type"));
	if (!t) {
		err_hint(ei, ERR_NOT_FOUND, "GET /api/v1/oauth/templates lists the types.");
		return err_set(ei, ERR_NOT_FOUND, "no template has this type");
	}
	w = call_json(c, 200);
	write_template(&w, t);
	return ERR_OK;
}
