/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a body by name: those that a route takes, those that only the server sets, and the rest. */
#pragma once

#include "call/call.h"

/* A member that the server sets. A body may bring it back as it was read: `was`, NULL when there is nothing to read yet. */
struct fields_owned {
	const char *name, *was;
};

struct fields {
	const char **ignored; /* names that the route does not know, in the arena */
	size_t ignored_count;
};

/*
 * `taken` and `owned` end with NULL. ERR_UNPROCESSABLE names every server-owned member that would change (AP-04);
 * null changes nothing.
 */
enum err fields_sort(struct call *c, const char *const *taken, const struct fields_owned *owned, struct fields *ret,
		     struct errinfo *ei);
/* The member "ignored", when there is something to name. */
void fields_write_ignored(struct jsonw *w, const struct fields *f);
/* The RFC 3339 text that an answer shows for a time; in the arena. */
const char *fields_time(struct call *c, int64_t at_ms);
