/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as JSON, so that reading it gives it back: this is how an authenticator keeps the one that it was registered with. */
#include "catalog/profile_members.h"

static void write_pairs(struct jsonw *w, const char *key, const struct profile_param *pair, size_t count)
{
	jsonw_object(w, key);
	for (size_t i = 0; i < count; i++)
		jsonw_string(w, pair[i].name, pair[i].value);
	jsonw_object_end(w);
}

static void write_list(struct jsonw *w, const char *key, const struct profile_list *list)
{
	jsonw_array(w, key);
	for (size_t i = 0; i < list->count; i++)
		jsonw_string(w, NULL, list->text[i]);
	jsonw_array_end(w);
}

static void write_lives(const struct profile *p, struct jsonw *w)
{
	jsonw_object(w, "rotation");
	jsonw_string(w, "class", profile_rotation_name(p->rotation));
	if (p->rotation == ROTATION_R2)
		jsonw_integer(w, "window_s", p->rotation_window_s);
	jsonw_object_end(w);
	jsonw_object(w, "expires_in");
	jsonw_string(w, "path", p->expires_path);
	jsonw_string(w, "unit", p->expires_in_ms ? "ms" : "s");
	jsonw_bool(w, "zero_is_never", p->expires_zero_is_never);
	jsonw_integer(w, "assumed_s", p->expires_assumed_s);
	jsonw_object_end(w);
	jsonw_object(w, "refresh_life");
	jsonw_integer(w, "idle_s", p->refresh_idle_s);
	jsonw_integer(w, "absolute_s", p->refresh_absolute_s);
	jsonw_string(w, "path", p->refresh_life_path);
	jsonw_object_end(w);
}

void profile_write(const struct profile *p, struct jsonw *w, const char *key)
{
	jsonw_object(w, key);
#define X(name, alias, member) jsonw_string(w, name, p->member);
	PROFILE_TEXTS(X)
#undef X
#define X(name, alias, member) jsonw_bool(w, name, p->member);
	PROFILE_FLAGS(X)
#undef X
#define X(name, alias, member, words, count) jsonw_string(w, name, words[p->member]);
	PROFILE_WORDS(X)
#undef X
	write_lives(p, w);
	jsonw_string(w, "identity_method", p->identity_method);
	jsonw_slice(w, "scope_separator", slice_make(&p->scope_separator, 1));
	write_pairs(w, "authorize_params", p->authorize_param, p->param_count);
	write_pairs(w, "error_names", p->error_name, p->error_count);
#define X(name, member) write_pairs(w, name, p->member.pair, p->member.count);
	PROFILE_PAIRS(X)
#undef X
#define X(name, member) write_list(w, name, &p->member);
	PROFILE_LISTS(X)
#undef X
	jsonw_object_end(w);
}
