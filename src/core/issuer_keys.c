/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Issuers' keys and where to get them. A token cannot make us ask more often than once in five minutes, however many there are
 * (ID-10). Must never let an answer of one issuer count for another, nor let a failure take away keys that still serve.
 */
#include "core/issuer_keys.h"

#include <stdlib.h>

#include "base/map.h"
#include "base/mem.h"

enum { ENTRY_BYTES_MAX = 4 << 20 };

struct entry {
	char *jwks_url; /* NULL: the metadata is to be asked */
	unsigned algs;
	struct arena *arena; /* of the keys, anew with every set; NULL: there was none yet */
	struct jwks keys;
	int64_t fetched_at;   /* monotonic; 0: never */
	int64_t asking_until, down_until, newer_not_before;
};

/* Two tables: whoever calls an issuer's name the address of its keys must not spoil what is known of the issuer. */
struct issuer_keys {
	struct map *by_issuer, *by_address;
};

struct issuer_keys *issuer_keys_new(void)
{
	struct issuer_keys *k = MEM_NEW(struct issuer_keys);

	k->by_issuer = map_new();
	k->by_address = map_new();
	return k;
}

static void free_entry(struct slice name, void *value, void *arg)
{
	struct entry *e = value;

	(void)name;
	(void)arg;
	arena_free(&e->arena);
	mem_free_str(&e->jwks_url);
	free(e);
}

void issuer_keys_free(struct issuer_keys **k)
{
	if (!*k)
		return;
	map_each((*k)->by_issuer, free_entry, NULL);
	map_each((*k)->by_address, free_entry, NULL);
	map_free(&(*k)->by_issuer);
	map_free(&(*k)->by_address);
	free(*k);
	*k = NULL;
}

struct oldest {
	struct slice name;
	const struct entry *entry;
};

static void look_for_oldest(struct slice name, void *value, void *arg)
{
	struct oldest *o = arg;
	const struct entry *e = value;

	if (!o->entry || e->fetched_at < o->entry->fetched_at)
		*o = (struct oldest){name, e};
}

static struct entry *entry_in(struct map *entries, const char *name)
{
	struct entry *e = map_get(entries, slice_from(name));
	struct oldest oldest = {.entry = NULL};

	if (e)
		return e;
	if (map_count(entries) >= ISSUER_KEYS_MAX) {
		map_each(entries, look_for_oldest, &oldest);
		free_entry(oldest.name, map_remove(entries, oldest.name), NULL);
	}
	e = MEM_NEW(struct entry);
	map_put(entries, slice_from(name), e);
	return e;
}

static struct entry *entry_of(struct issuer_keys *k, const struct issuer_keys_walk *walk)
{
	return entry_in(walk->is_address ? k->by_address : k->by_issuer, walk->name);
}

static bool serves(const struct entry *e, int64_t now)
{
	return e->fetched_at && now - e->fetched_at < ISSUER_KEYS_KEPT_MS;
}

bool issuer_keys_possible(const struct profile *p)
{
	return p->issuer[0] || p->jwks_url[0];
}

static unsigned algs_of(const struct profile *p)
{
	unsigned algs = 0;
	enum jws_alg alg;

	for (size_t i = 0; i < p->id_token_algs.count; i++)
		if (jws_alg_find(slice_from(p->id_token_algs.text[i]), &alg))
			algs |= 1u << alg;
	return p->id_token_algs.count ? algs : JWS_ALGS_ALL;
}

enum err issuer_keys_check(const struct profile *p, struct errinfo *ei)
{
	enum jws_alg alg;

	for (size_t i = 0; i < p->id_token_algs.count; i++)
		if (!jws_alg_find(slice_from(p->id_token_algs.text[i]), &alg))
			return err_field(ei, "configuration.id_token_algs", "takes RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 and EdDSA");
	return ERR_OK;
}

struct id_token_keys issuer_keys_find(const struct issuer_keys *k, const struct profile *p, int64_t now, struct issuer_keys_walk *walk)
{
	const struct entry *e = p->jwks_url[0] ? map_get(k->by_address, slice_from(p->jwks_url)) : map_get(k->by_issuer, slice_from(p->issuer));
	bool there = e && serves(e, now);

	walk->seen_at = there ? e->fetched_at : 0;
	return (struct id_token_keys){.keys = there ? &e->keys : NULL, .algs = algs_of(p) & (there && e->algs ? e->algs : JWS_ALGS_ALL)};
}

/* The next request of a walk; false when there is no address for it. */
static bool ask(const struct entry *e, struct issuer_keys_walk *walk, struct arena *a, struct fetch_request *ret)
{
	const char *url = NULL;

	if (walk->is_address)
		url = walk->name;
	else if (walk->asked == ISSUER_KEYS_SET)
		url = e->jwks_url ? arena_strdup(a, e->jwks_url) : NULL;
	else
		url = discovery_url(walk->name, walk->asked == ISSUER_KEYS_METADATA ? DISCOVERY_OPENID : DISCOVERY_RFC8414, a);
	if (!url)
		return false;
	discovery_request(url, walk->asked == ISSUER_KEYS_SET ? "keys" : "metadata", a, ret);
	return true;
}

static enum issuer_keys_next begin(struct entry *e, int64_t now, struct issuer_keys_walk *walk, struct arena *a,
				   struct fetch_request *ret)
{
	walk->asked = walk->is_address || e->jwks_url ? ISSUER_KEYS_SET : ISSUER_KEYS_METADATA;
	if (!ask(e, walk, a, ret))
		return ISSUER_KEYS_DOWN;
	e->asking_until = now + ISSUER_KEYS_PATIENCE_MS;
	return ISSUER_KEYS_ASK;
}

enum issuer_keys_next issuer_keys_need(struct issuer_keys *k, const struct profile *p, bool newer, int64_t now,
				       struct issuer_keys_walk *walk, struct arena *a, struct fetch_request *ret)
{
	struct entry *e;
	bool there;

	walk->is_address = p->jwks_url[0] != '\0'; /* it goes before the metadata */
	if (!walk->name)
		walk->name = arena_strdup(a, walk->is_address ? p->jwks_url : p->issuer);
	e = entry_of(k, walk);
	there = serves(e, now) && !(newer && e->fetched_at == walk->seen_at);
	if (there && now - e->fetched_at < ISSUER_KEYS_FRESH_MS)
		return ISSUER_KEYS_READY;
	if (e->asking_until > now)
		return there ? ISSUER_KEYS_READY : ISSUER_KEYS_WAIT;
	if (e->down_until > now)
		return there ? ISSUER_KEYS_READY : ISSUER_KEYS_DOWN;
	if (newer && walk->seen_at) {
		if (e->newer_not_before > now)
			return ISSUER_KEYS_SAME;
		e->newer_not_before = now + ISSUER_KEYS_NEWER_MS;
		mem_free_str(&e->jwks_url); /* they may have moved */
	}
	return begin(e, now, walk, a, ret);
}

/* Where its keys are. Old ones stay until there are new ones. */
static bool take_metadata(struct entry *e, const char *issuer, const struct fetch_answer *answer, struct arena *a)
{
	struct discovery d;

	if (discovery_parse(answer->body, issuer, a, &d, NULL) || !d.jwks_url[0])
		return false;
	mem_free_str(&e->jwks_url);
	e->jwks_url = mem_strdup(d.jwks_url);
	e->algs = d.id_token_algs;
	return true;
}

static bool take_keys(struct entry *e, const struct fetch_answer *answer, int64_t now, struct arena *a)
{
	struct arena *own;
	struct jwks keys;

	if (jwks_parse(answer->body, a, &keys, NULL))
		return false;
	own = arena_new(ENTRY_BYTES_MAX);
	jwks_copy(&keys, own, &e->keys);
	arena_free(&e->arena);
	e->arena = own;
	e->fetched_at = now;
	return true;
}

/* Not reached, or nothing of use: next time from the beginning, its keys may have moved. A token may have its newer keys then, too. */
static enum issuer_keys_next give_up(struct entry *e, int64_t now)
{
	mem_free_str(&e->jwks_url);
	e->asking_until = e->newer_not_before = 0;
	e->down_until = now + ISSUER_KEYS_PAUSE_MS;
	return ISSUER_KEYS_DOWN;
}

enum issuer_keys_next issuer_keys_take(struct issuer_keys *k, const struct fetch_answer *answer, int64_t now,
				       struct issuer_keys_walk *walk, struct arena *a, struct fetch_request *ret)
{
	struct entry *e = entry_of(k, walk);
	bool came = !answer->err && answer->status == 200 && answer->complete;

	if (walk->asked == ISSUER_KEYS_SET) {
		if (!came || !(walk->is_address || e->jwks_url) || !take_keys(e, answer, now, a))
			return give_up(e, now);
		e->asking_until = 0;
		return ISSUER_KEYS_READY;
	}
	if (came && take_metadata(e, walk->name, answer, a))
		walk->asked = ISSUER_KEYS_SET;
	else if (walk->asked == ISSUER_KEYS_METADATA)
		walk->asked = ISSUER_KEYS_METADATA_8414;
	else
		return give_up(e, now);
	return ask(e, walk, a, ret) ? ISSUER_KEYS_ASK : give_up(e, now);
}
