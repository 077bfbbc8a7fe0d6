/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles by the text they were read from. Must never hand out its own memory: it forgets all of it when it is full, and a
 * refresh holds its profile while a provider is asked.
 */
#include "core/profiles.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

enum { TEXT_MAX_BYTES = 256 * 1024, KNOWN_MAX = 64, KNOWN_TEXT_MAX_BYTES = 16 * 1024 };

struct known {
	struct arena *arena;
	struct profile profile;
};

struct profiles {
	struct map *by_text;
};

struct profiles *profiles_new(void)
{
	struct profiles *p = MEM_NEW(struct profiles);

	p->by_text = map_new();
	return p;
}

static void free_known(struct slice text, void *value, void *arg)
{
	struct known *k = value;

	(void)text;
	(void)arg;
	arena_free(&k->arena);
	free(k);
}

static void forget(struct profiles *p)
{
	map_each(p->by_text, free_known, NULL);
	map_free(&p->by_text);
}

void profiles_free(struct profiles **p)
{
	if (!*p)
		return;
	forget(*p);
	free(*p);
	*p = NULL;
}

static void remember(struct profiles *p, struct slice text, const struct profile *profile)
{
	struct known *k;

	if (text.n > KNOWN_TEXT_MAX_BYTES)
		return;
	if (map_count(p->by_text) == KNOWN_MAX) {
		forget(p);
		p->by_text = map_new();
	}
	k = MEM_NEW(struct known);
	k->arena = arena_new(4 * KNOWN_TEXT_MAX_BYTES);
	profile_copy(profile, k->arena, &k->profile);
	map_put(p->by_text, text, k);
}

enum err profiles_read(struct profiles *p, const char *configuration, struct arena *a, struct profile *ret, struct errinfo *ei)
{
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	struct slice text = slice_from(configuration);
	const struct known *k = p ? map_get(p->by_text, text) : NULL;
	enum err e;

	if (k) {
		profile_copy(&k->profile, a, ret);
		return ERR_OK;
	}
	e = jsonr_parse(text, TEXT_MAX_BYTES, &doc, ei);
	if (!e)
		e = profile_parse(doc, a, ret, ei);
	if (!e && p)
		remember(p, text, ret);
	return e;
}
