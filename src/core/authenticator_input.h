/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a developer says about an authenticator (API body, CLI file), checked and made into the values of
 * a row: template filled in, URLs vetted, scopes cleaned. Collects every problem before it fails.
 */
#pragma once

#include "catalog/template.h"
#include "core/core.h"

enum { INPUT_WARNINGS_MAX = 16 };

/* What a new authenticator is made of. */
struct authenticator_wish {
	const struct jsonr *body;
	struct slice metadata; /* of its issuer; n 0: not read */
};

struct authenticator_input {
	const char *name;
	const struct template *template;
	const char *client_id;
	struct secret *client_secret; /* NULL: not given; in the arena */
	const char *redirect_uri;     /* "" : not given */
	struct profile profile;
	struct slice scopes;          /* JSON array text */
	const char *discover; /* the issuer whose metadata is needed first; "" when nothing is missing */
	bool is_active;
	size_t ignored_count;
	const char **ignored; /* names that nobody knows, in the arena */
	size_t warning_count;
	const char *warning[INPUT_WARNINGS_MAX];
};

/*
 * For a new authenticator. ERR_UNPROCESSABLE with all wrong fields. With `ret->discover` it is not complete: again with the metadata, and
 * only then to authenticators_register().
 */
enum err authenticator_input_new(struct core *core, const struct authenticator_wish *wish, struct arena *a,
				 struct authenticator_input *ret, struct errinfo *ei);
/*
 * For a change: starts from `row` and takes what `body` has. `ret_endpoints_changed` tells whether any URL or the issuer differs
 * from the row's; then a client secret must be in the same body (AP-06).
 */
enum err authenticator_input_change(struct core *core, const struct authenticator_row *row, const struct jsonr *body,
				    struct arena *a, struct authenticator_input *ret, bool *ret_endpoints_changed,
				    struct errinfo *ei);
/* The profile as the JSON text that a row's configuration holds; back with profiles_read(). */
const char *authenticator_input_configuration(const struct profile *p, struct arena *a);
