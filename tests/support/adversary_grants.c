/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the adversary: who may still refresh with what. Each public function is one step that
 * a real authorization server would commit in one transaction; nothing here waits or answers.
 * Must never let two uses of a single-use token both succeed.
 */
#include "support/adversary_grants.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { DEAD_ACCESS_MAX = 1024 };

struct adversary_grants {
	const struct adversary_config *config;
	struct adversary_token_key key;
	struct adversary_codes *codes;
	struct adversary_grant **grants; /* by id - 1 */
	size_t count, cap;
	struct {
		uint32_t grant, serial;
	} dead_access[DEAD_ACCESS_MAX]; /* a ring of singly revoked access tokens */
	uint32_t dead_access_count;
};

/* The parts of a token's text, read back. */
struct parts {
	uint32_t grant, serial, refresh_serial;
	int64_t issued_at;
};

struct adversary_grants *adversary_grants_new(const struct adversary_config *config)
{
	struct adversary_grants *g = MEM_NEW(struct adversary_grants);

	g->config = config;
	adversary_token_key_new(&g->key);
	g->codes = adversary_codes_new(config, &g->key);
	return g;
}

void adversary_grants_free(struct adversary_grants **grants)
{
	struct adversary_grants *g = grants ? *grants : NULL;

	if (!g)
		return;
	adversary_codes_free(&g->codes);
	for (size_t i = 0; i < g->count; i++) {
		struct adversary_grant *grant = g->grants[i];

		free(grant->client_id);
		free(grant->account);
		free(grant->scope);
		free(grant->nonce);
		free(grant->live);
		free(grant);
	}
	free(g->grants);
	free(g);
	*grants = NULL;
}

void adversary_grants_text(const struct adversary_grants *g, const struct adversary_grant *grant, uint32_t serial,
			   char ret_token[ADVERSARY_TOKEN_MAX])
{
	const uint64_t parts[] = {grant->id, serial};

	adversary_token_write(&g->key, "rt", parts, ARRAY_LEN(parts), ret_token);
}

static bool read_refresh(const struct adversary_grants *g, struct slice token, struct parts *ret)
{
	uint64_t parts[2];

	if (!adversary_token_read(&g->key, "rt", token, parts, ARRAY_LEN(parts)))
		return false;
	*ret = (struct parts){.grant = (uint32_t)parts[0], .serial = (uint32_t)parts[1]};
	return true;
}

static bool read_access(const struct adversary_grants *g, struct slice token, struct parts *ret)
{
	uint64_t parts[4];

	if (!adversary_token_read(&g->key, "at", token, parts, ARRAY_LEN(parts)))
		return false;
	*ret = (struct parts){.grant = (uint32_t)parts[0],
			      .serial = (uint32_t)parts[1],
			      .refresh_serial = (uint32_t)parts[2],
			      .issued_at = (int64_t)parts[3]};
	return true;
}

size_t adversary_grants_count(const struct adversary_grants *g)
{
	return g->count;
}

struct adversary_grant *adversary_grants_get(const struct adversary_grants *g, uint32_t id)
{
	return id >= 1 && id <= g->count ? g->grants[id - 1] : NULL;
}

void adversary_grants_end(struct adversary_grant *grant, const char *reason)
{
	if (!grant->ended)
		grant->ended = reason;
	grant->live_count = 0;
}

static struct adversary_live *find_live(const struct adversary_grant *grant, uint32_t serial)
{
	for (uint32_t i = 0; i < grant->live_count; i++)
		if (grant->live[i].serial == serial)
			return &grant->live[i];
	return NULL;
}

static void drop_live(struct adversary_grant *grant, uint32_t serial)
{
	struct adversary_live *l = find_live(grant, serial);

	if (!l)
		return;
	grant->live_count--;
	memmove(l, l + 1, (size_t)(grant->live + grant->live_count - l) * sizeof *l);
}

/* Adds a live refresh token; forgets those whose time is over, and the oldest past the cap. */
static void add_live(struct adversary_grant *grant, struct adversary_live fresh, int64_t now)
{
	for (uint32_t i = grant->live_count; i-- > 0;)
		if (grant->live[i].dies_at <= now)
			drop_live(grant, grant->live[i].serial);
	if (grant->live_count == ADVERSARY_LIVE_MAX)
		drop_live(grant, grant->live[0].serial);
	if (grant->live_count == grant->live_cap) {
		grant->live_cap = grant->live_cap ? 2 * grant->live_cap : 2;
		grant->live = mem_realloc(grant->live, grant->live_cap, sizeof *grant->live);
	}
	grant->live[grant->live_count++] = fresh;
}

/* First use of what was issued with `serial` closes the door behind it (R1). */
static void mark_used(const struct adversary_grants *g, struct adversary_grant *grant, uint32_t serial)
{
	const struct adversary_live *l = find_live(grant, serial);

	if (g->config->rotation == ADVERSARY_R1 && l && l->parent)
		drop_live(grant, l->parent);
}

static void mint_access(const struct adversary_grants *g, struct adversary_grant *grant, uint32_t refresh_serial,
			int64_t now, struct adversary_tokens *ret_tokens)
{
	const uint64_t parts[] = {grant->id, ++grant->access_serial, refresh_serial, (uint64_t)now};

	if (g->config->old_access_dies)
		grant->first_access = grant->access_serial;
	adversary_token_write(&g->key, "at", parts, ARRAY_LEN(parts), ret_tokens->access);
	ret_tokens->expires_in_s = g->config->access_ttl_s;
	ret_tokens->grant = grant;
}

static uint32_t mint_refresh(const struct adversary_grants *g, struct adversary_grant *grant, uint32_t parent,
			     int64_t now, char ret_refresh[ADVERSARY_TOKEN_MAX])
{
	int64_t ttl_s = g->config->refresh_ttl_s;
	struct adversary_live fresh = {
		.serial = ++grant->refresh_serial,
		.parent = parent,
		.dies_at = ttl_s ? now + ttl_s * 1000 : INT64_MAX,
	};

	add_live(grant, fresh, now);
	adversary_grants_text(g, grant, fresh.serial, ret_refresh);
	return fresh.serial;
}

enum adversary_verdict adversary_grants_make(struct adversary_grants *g, const struct adversary_wish *wish, int64_t now,
					     struct adversary_tokens *ret_tokens)
{
	struct adversary_grant *grant;
	uint32_t serial = 0;

	if (g->count >= (size_t)g->config->max_grants)
		return ADVERSARY_FULL;
	if (g->count == g->cap) {
		g->cap = g->cap ? 2 * g->cap : 64;
		g->grants = mem_realloc(g->grants, g->cap, sizeof *g->grants);
	}
	grant = MEM_NEW(struct adversary_grant);
	grant->id = (uint32_t)++g->count;
	g->grants[grant->id - 1] = grant;
	grant->client_id = mem_strndup(wish->client_id);
	grant->account = mem_strndup(wish->account);
	grant->scope = mem_strndup(wish->scope);
	grant->nonce = mem_strndup(wish->nonce);
	ret_tokens->refresh[0] = '\0';
	if (g->config->issue_refresh_token)
		serial = mint_refresh(g, grant, 0, now, ret_tokens->refresh);
	mint_access(g, grant, serial, now, ret_tokens);
	return ADVERSARY_FINE;
}

void adversary_grants_code(struct adversary_grants *g, const struct adversary_wish *wish, int64_t now,
			   char ret_code[ADVERSARY_TOKEN_MAX])
{
	adversary_codes_issue(g->codes, wish, now, ret_code);
}

enum adversary_verdict adversary_grants_redeem(struct adversary_grants *g, struct slice code,
					       const struct adversary_wish *claim, struct slice verifier, int64_t now,
					       struct adversary_tokens *ret_tokens)
{
	struct adversary_code *c;
	enum adversary_verdict verdict = adversary_codes_check(g->codes, code, claim, verifier, now, &c);

	if (verdict == ADVERSARY_REUSED)
		adversary_grants_end(adversary_grants_get(g, c->grant), "code_replay");
	if (verdict != ADVERSARY_FINE)
		return verdict;
	verdict = adversary_grants_make(g,
					&(struct adversary_wish){
						.client_id = slice_from(c->client_id),
						.scope = slice_from(c->scope),
						.account = slice_from(c->account),
						.nonce = slice_from(c->nonce),
					},
					now, ret_tokens);
	if (verdict == ADVERSARY_FINE)
		c->grant = ret_tokens->grant->id;
	return verdict;
}

static enum adversary_verdict judge(const struct adversary_grants *g, const struct parts *parts, int64_t now)
{
	const struct adversary_grant *grant = adversary_grants_get(g, parts->grant);
	const struct adversary_live *l;

	if (!grant || parts->serial == 0 || parts->serial > grant->refresh_serial)
		return ADVERSARY_UNKNOWN;
	l = find_live(grant, parts->serial);
	if (l && l->dies_at > now)
		return ADVERSARY_FINE;
	if (grant->ended)
		return ADVERSARY_ENDED;
	return l && !l->exchanged ? ADVERSARY_OLD : ADVERSARY_REUSED;
}

enum adversary_verdict adversary_grants_check(const struct adversary_grants *g, struct slice refresh_token, int64_t now)
{
	struct parts parts;

	return read_refresh(g, refresh_token, &parts) ? judge(g, &parts, now) : ADVERSARY_UNKNOWN;
}

struct adversary_grant *adversary_grants_of(struct adversary_grants *g, struct slice refresh_token)
{
	struct parts parts;

	return read_refresh(g, refresh_token, &parts) ? adversary_grants_get(g, parts.grant) : NULL;
}

/* A dead token came back: counted, and where the class says so the end of the whole grant. */
static void punish_reuse(const struct adversary_grants *g, struct adversary_grant *grant)
{
	int rotation = g->config->rotation;

	grant->reuses++;
	if (rotation == ADVERSARY_R4 || (rotation == ADVERSARY_R2 && g->config->late_reuse_kills))
		adversary_grants_end(grant, "reuse");
}

/* Exchanges the live token `serial`; `ret_refresh` stays empty when the answer carries none. */
static uint32_t rotate(const struct adversary_grants *g, struct adversary_grant *grant, uint32_t serial, int64_t now,
		       char ret_refresh[ADVERSARY_TOKEN_MAX])
{
	const struct adversary_config *config = g->config;
	struct adversary_live *l = find_live(grant, serial);

	ret_refresh[0] = '\0';
	if (config->rotation == ADVERSARY_R0 && config->r0_answer != ADVERSARY_R0_NEW) {
		if (config->r0_answer == ADVERSARY_R0_SAME)
			adversary_grants_text(g, grant, serial, ret_refresh);
		return serial;
	}
	if (config->rotation == ADVERSARY_R2 && now + config->window_ms < l->dies_at)
		l->dies_at = now + config->window_ms;
	l->exchanged = true;
	mark_used(g, grant, serial);
	if (config->rotation == ADVERSARY_R3 || config->rotation == ADVERSARY_R4)
		drop_live(grant, serial);
	return mint_refresh(g, grant, serial, now, ret_refresh);
}

enum adversary_verdict adversary_grants_refresh(struct adversary_grants *g, struct slice refresh_token,
						struct slice client_id, int64_t now,
						struct adversary_tokens *ret_tokens)
{
	struct adversary_grant *grant;
	struct parts parts;
	enum adversary_verdict verdict;
	uint32_t serial;

	if (!read_refresh(g, refresh_token, &parts))
		return ADVERSARY_UNKNOWN;
	grant = adversary_grants_get(g, parts.grant);
	if (grant && !slice_is(client_id, grant->client_id))
		return ADVERSARY_OTHER_CLIENT;
	verdict = judge(g, &parts, now);
	if (verdict != ADVERSARY_FINE) {
		if (grant)
			grant->refused++;
		if (grant && verdict == ADVERSARY_REUSED)
			punish_reuse(g, grant);
		return verdict;
	}
	serial = rotate(g, grant, parts.serial, now, ret_tokens->refresh);
	mint_access(g, grant, serial, now, ret_tokens);
	grant->refreshes++;
	return ADVERSARY_FINE;
}

static void end_access(struct adversary_grants *g, const struct parts *parts)
{
	uint32_t slot = g->dead_access_count++ % DEAD_ACCESS_MAX;

	g->dead_access[slot].grant = parts->grant;
	g->dead_access[slot].serial = parts->serial;
}

static bool singly_revoked(const struct adversary_grants *g, const struct parts *parts)
{
	for (uint32_t i = 0; i < g->dead_access_count && i < DEAD_ACCESS_MAX; i++)
		if (g->dead_access[i].grant == parts->grant && g->dead_access[i].serial == parts->serial)
			return true;
	return false;
}

enum adversary_verdict adversary_grants_access(struct adversary_grants *g, struct slice access_token, int64_t now,
					       struct adversary_grant **ret_grant)
{
	struct adversary_grant *grant;
	struct parts parts;

	if (!read_access(g, access_token, &parts))
		return ADVERSARY_UNKNOWN;
	grant = adversary_grants_get(g, parts.grant);
	if (!grant)
		return ADVERSARY_UNKNOWN;
	if (grant->ended || parts.serial < grant->first_access || singly_revoked(g, &parts))
		return ADVERSARY_ENDED;
	if (parts.issued_at + g->config->access_ttl_s * 1000 <= now)
		return ADVERSARY_OLD;
	mark_used(g, grant, parts.refresh_serial);
	*ret_grant = grant;
	return ADVERSARY_FINE;
}

bool adversary_grants_revoke(struct adversary_grants *g, struct slice token, struct slice client_id)
{
	struct adversary_grant *grant;
	struct parts parts;
	bool is_refresh = read_refresh(g, token, &parts);

	if (!is_refresh && !read_access(g, token, &parts))
		return true;
	grant = adversary_grants_get(g, parts.grant);
	if (!grant)
		return true;
	if (client_id.n && !slice_is(client_id, grant->client_id))
		return false;
	if (is_refresh)
		adversary_grants_end(grant, "revoked");
	else
		end_access(g, &parts);
	return true;
}
