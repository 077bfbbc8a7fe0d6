/* SPDX-License-Identifier: Apache-2.0 */
/* Which authenticator is meant. Must never choose one of several that fit equally well. */
#include "core/authenticators.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

static enum err ambiguous(const struct authenticator_row *rows, size_t n, struct slice ref, struct arena *a,
			  struct errinfo *ei)
{
	struct buf names;

	buf_init(&names, 400);
	for (size_t i = 0; i < n; i++)
		if (slice_is_nocase(ref, rows[i].authenticator_type))
			buf_printf(&names, "%s%.60s (%s)", names.n ? ", " : "", rows[i].authenticator_name, rows[i].authenticator_id);
	err_hint(ei, ERR_CONFLICT, "Use the name or the id of one of them.");
	err_set(ei, ERR_CONFLICT, "more than one authenticator fits: %s", arena_strndup(a, buf_slice(&names)));
	buf_done(&names);
	return err_code(ei, ERR_CONFLICT, "ambiguous");
}

/* Which there are, so that whoever mistyped sees it. `kept` of the `n` rows come first: those that may be used. */
static enum err none_of(const struct authenticator_row *rows, size_t n, size_t kept, struct slice ref, struct errinfo *ei)
{
	struct suggest near;
	struct buf names;

	suggest_init(&near, ref);
	buf_init(&names, 300);
	for (size_t i = 0; i < kept; i++) {
		suggest_offer(&near, rows[i].authenticator_name);
		suggest_offer(&near, rows[i].authenticator_type);
		if (names.n + strlen(rows[i].authenticator_name) + 8 < names.max)
			buf_printf(&names, "%s%s", names.n ? ", " : "", rows[i].authenticator_name);
	}
	authenticators_missing(ei);
	if (near.best)
		err_hint(ei, ERR_NOT_FOUND, "Did you mean %s? Active in this app: %s.", near.best, buf_cstr(&names));
	else if (names.n)
		err_hint(ei, ERR_NOT_FOUND, "Active in this app: %s.", buf_cstr(&names));
	else if (n == 0)
		err_hint(ei, ERR_NOT_FOUND, "This app has no authenticator yet: register one, with fiber register-authenticator or POST /api/v1/oauth/authenticators.");
	else
		err_hint(ei, ERR_NOT_FOUND, "All authenticators of this app are switched off: fiber app oauth update-authenticator REF --enable.");
	buf_done(&names);
	return ERR_NOT_FOUND;
}

enum err authenticators_resolve(struct core *core, const char *app_id, struct slice ref, bool disabled_too,
				struct arena *a, struct authenticator_row *ret, struct errinfo *ei)
{
	struct authenticator_row *rows;
	const struct authenticator_row *hit = NULL;
	size_t n, kept = 0, hits = 0;
	enum err e = authenticators_list(core, app_id, a, &rows, &n, ei);

	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		if (disabled_too || rows[i].is_active)
			rows[kept++] = rows[i];
	for (size_t i = 0; i < kept && !hit; i++)
		if (slice_is(ref, rows[i].authenticator_id))
			hit = &rows[i];
	for (size_t i = 0; i < kept && !hit; i++)
		if (slice_is_nocase(ref, rows[i].authenticator_name))
			hit = &rows[i];
	if (!hit) {
		for (size_t i = 0; i < kept; i++)
			if (slice_is_nocase(ref, rows[i].authenticator_type)) {
				hit = &rows[i];
				hits++;
			}
		if (hits > 1)
			return ambiguous(rows, kept, ref, a, ei);
	}
	if (!hit)
		return none_of(rows, n, kept, ref, ei);
	*ret = *hit;
	return ERR_OK;
}
