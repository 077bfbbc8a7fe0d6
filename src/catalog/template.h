/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider templates: one JSON file a type, compiled into the program and checked by a test, so that a broken one never
 * ships. Read-only and shared by all threads after catalog loading.
 */
#pragma once

#include "catalog/profile.h"

struct template {
	const char *type;         /* "google" */
	const char *display_name; /* "Google" */
	struct profile profile;   /* URLs may still hold {variables} */
	size_t variable_count;
	struct profile_param variable[PROFILE_VARIABLES_MAX]; /* name and default: tenant, common */
	size_t scope_count;
	const char *const *scopes; /* default scopes */
	const struct jsonr *document; /* the whole file: known scopes with sentences, set-up guide, sources */
};

/*
 * Reads one template; texts lie in the arena, `doc` must live as long. ERR_CONFIG with what is missing or wrong: type, display_name,
 * endpoints (not for "custom"), a default for every {variable}, well-formed scopes, a guide, sources with url and date.
 */
enum err template_parse(const struct jsonr *doc, struct arena *a, struct template *ret, struct errinfo *ei);
/* Loads all templates once. Our own bug if one does not load: then ERR_CONFIG names file and field. */
enum err template_load_all(struct errinfo *ei);
size_t template_count(void);
const struct template *template_at(size_t i);
/* By type without regard to case; NULL when unknown. */
const struct template *template_find(struct slice type);
/*
 * The template's profile with variables filled from `variables` (an object, may be NULL; names not in
 * the template are ERR_UNPROCESSABLE; values only letters, digits, '.', '-' unless the variable is a base URL).
 */
enum err template_profile(const struct template *t, const struct jsonr *variables, struct arena *a,
			  struct profile *ret, struct errinfo *ei);
