/* SPDX-License-Identifier: Apache-2.0 */
/* The context of core functions. Our own address comes from configuration alone, never from a request (OA-11). */
#include "core/core.h"

enum err core_set_public_url(struct core *core, const char *url, struct errinfo *ei)
{
	enum err e = url_parse(slice_from(url), &core->public, ei);

	if (e)
		return ERR_CONFIG;
	if (core->public.path.n || core->public.query.p || core->public.fragment.p)
		return err_set(ei, ERR_CONFIG, "the public URL %s must end after its host and port", url);
	core->public_url = url;
	return ERR_OK;
}

int64_t core_now(const struct core *core)
{
	return clock_wall_ms(core->clock);
}

enum err core_ids(struct core *core, enum sql sql, struct store_params params, struct arena *a, const char ***ret_ids, size_t *ret_n,
		  struct errinfo *ei)
{
	struct id_row *rows;
	const char **ids;
	size_t n;
	enum err e = store_list(core->store, sql, params, SIZE_MAX, a, &rows, &n, ei);

	if (e)
		return e;
	ids = ARENA_NEW_N(a, n + 1, const char *);
	for (size_t i = 0; i < n; i++)
		ids[i] = rows[i].id;
	*ret_ids = ids;
	*ret_n = n;
	return ERR_OK;
}
