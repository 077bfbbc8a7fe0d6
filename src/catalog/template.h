/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider templates: one JSON file a type, compiled into the program and checked by a test, so that a broken one never
 * ships; and those of the operator's directory (template_directory.h), which may take their place. One thread of a process uses
 * them, its store thread: what template_find() gives holds until template_directory_look().
 */
#pragma once

#include "catalog/profile.h"

enum { TEMPLATE_ALIASES_MAX = 12, TEMPLATE_REQUIRES_MAX = 4 };

/* What an id or a secret of this provider looks like; "" where nothing is known. */
struct template_form {
	const char *prefix, *suffix;
	const char *form; /* "uuid", "hex", "digits" */
};

struct template_callback_rules {
	bool https_only, loopback_ok, localhost_refused, one_per_app;
};

struct template {
	const char *type;         /* "google" */
	const char *display_name; /* "Google" */
	size_t alias_count;
	const char *alias[TEMPLATE_ALIASES_MAX]; /* other names that people type: "gmail" */
	const char *offline_scope, *offline_param; /* without which no refresh token is issued; "" none */
	size_t require_count;
	const char *require[TEMPLATE_REQUIRES_MAX]; /* what the provider insists on and this service does not do: "par", "oauth1" */
	struct template_form client_id_form, client_secret_form;
	struct template_callback_rules callback_rules;
	struct profile profile;   /* URLs may still hold {variables} */
	size_t variable_count;
	struct profile_param variable[PROFILE_VARIABLES_MAX]; /* name and default: tenant, common */
	size_t scope_count;
	const char *const *scopes; /* default scopes */
	const struct jsonr *document; /* the whole file: known scopes with sentences, set-up guide, sources */
};

/*
 * Reads one template; texts lie in the arena, `doc` must live as long. ERR_CONFIG with what is missing or wrong: type, display_name,
 * endpoints, rotation class and a way to tell accounts apart (not for "custom" and what cannot be registered), a default for every
 * {variable}, well-formed scopes, a guide, sources with url and date. providers/FORMAT.md says what each member means.
 */
enum err template_parse(const struct jsonr *doc, struct arena *a, struct template *ret, struct errinfo *ei);
/* Loads all templates once. Our own bug if one does not load: then ERR_CONFIG names file and field. */
enum err template_load_all(struct errinfo *ei);
size_t template_count(void);
const struct template *template_at(size_t i);
/* By type or alias without regard to case; NULL when unknown. */
const struct template *template_find(struct slice type);
/*
 * The template's profile with variables filled from `variables` (an object, may be NULL; names not in
 * the template are ERR_UNPROCESSABLE; values only letters, digits, '.', '-' unless the variable is a base URL).
 */
enum err template_profile(const struct template *t, const struct jsonr *variables, struct arena *a,
			  struct profile *ret, struct errinfo *ei);
