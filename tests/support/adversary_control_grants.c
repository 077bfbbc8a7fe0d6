/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a harness asks about tokens: which are alive, is the one that the service has stored among
 * them. Looks without touching: no question here counts as use of a token.
 */
#include "support/adversary_control_grants.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

enum { MAKE_MAX = 100000, LIST_MAX = 100000, LIST_DEFAULT = 1000 };

static struct adversary_grants *grants_of(struct adversary_call *call)
{
	return call->server->world.grants;
}

static json_t *dump_live(const struct adversary_grants *grants, const struct adversary_grant *grant, int64_t now)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < grant->live_count; i++) {
		const struct adversary_live *l = &grant->live[i];
		char text[ADVERSARY_TOKEN_MAX];

		if (l->dies_at <= now)
			continue;
		adversary_grants_text(grants, grant, l->serial, text);
		json_array_append_new(list, json_pack("{ss sI sI so sb}", "refresh_token", text, "serial",
						      (json_int_t)l->serial, "parent", (json_int_t)l->parent, "dies_at",
						      l->dies_at == INT64_MAX ? json_null() : json_integer(l->dies_at),
						      "exchanged", l->exchanged));
	}
	return list;
}

/* A string, whatever bytes an account name may hold. */
static json_t *shown(const char *text)
{
	json_t *value = json_string(text);

	return value ? value : json_string("(not UTF-8)");
}

static json_t *dump_grant(const struct adversary_grants *grants, const struct adversary_grant *grant, int64_t now)
{
	return json_pack("{sI so so so so sI sI sI sI sI so}", "grant", (json_int_t)grant->id, "account",
			 shown(grant->account), "client_id", shown(grant->client_id), "scope", shown(grant->scope),
			 "ended", grant->ended ? json_string(grant->ended) : json_null(), "refreshes",
			 (json_int_t)grant->refreshes, "refused", (json_int_t)grant->refused, "reuses",
			 (json_int_t)grant->reuses, "in_flight", (json_int_t)grant->in_flight, "max_in_flight",
			 (json_int_t)grant->max_in_flight, "live", dump_live(grants, grant, now));
}

enum err adversary_control_grants_list(struct adversary_call *call)
{
	const struct adversary_grants *grants = grants_of(call);
	struct slice account = adversary_params_get(&call->query, "account");
	int64_t now = adversary_world_now(&call->server->world);
	uint64_t only, offset, limit;
	json_t *list;
	enum err e = adversary_call_number(call, "grant", 0, UINT32_MAX, &only);

	if (!e)
		e = adversary_call_number(call, "offset", 0, UINT32_MAX, &offset);
	if (!e)
		e = adversary_call_number(call, "limit", LIST_DEFAULT, LIST_MAX, &limit);
	if (e)
		return e;
	list = json_array();
	for (uint64_t id = offset + 1; id <= adversary_grants_count(grants) && json_array_size(list) < limit; id++) {
		const struct adversary_grant *grant = adversary_grants_get(grants, (uint32_t)id);

		if ((!only || only == id) && (!account.n || slice_is(account, grant->account)))
			json_array_append_new(list, dump_grant(grants, grant, now));
	}
	call->result = json_pack("{sI so}", "count", (json_int_t)adversary_grants_count(grants), "grants", list);
	return ERR_OK;
}

enum err adversary_control_grants_make(struct adversary_call *call)
{
	const char *client_id = "client", *account = "user", *scope = "";
	json_int_t count = 1;
	json_t *list;

	if (json_unpack_ex(call->body, NULL, JSON_STRICT, "{s?I s?s s?s s?s}", "count", &count, "client_id", &client_id,
			   "account", &account, "scope", &scope) ||
	    count < 1 || count > MAKE_MAX)
		return err_set(&call->why, ERR_INVALID, "wants count (up to %d), client_id, account, scope", MAKE_MAX);
	list = json_array();
	for (json_int_t i = 0; i < count; i++) {
		char name[512];
		struct adversary_tokens tokens;
		struct adversary_wish wish = {.client_id = slice_from(client_id), .scope = slice_from(scope)};

		snprintf(name, sizeof name, count > 1 ? "%s-%lld" : "%s", account, (long long)i + 1);
		wish.account = slice_from(name);
		if (adversary_grants_make(grants_of(call), &wish, adversary_world_now(&call->server->world), &tokens)) {
			json_decref(list);
			return err_set(&call->why, ERR_LIMIT, "max_grants is reached");
		}
		json_array_append_new(list, json_pack("{sI ss ss ss sI}", "grant", (json_int_t)tokens.grant->id,
						      "account", name, "access_token", tokens.access, "refresh_token",
						      tokens.refresh, "expires_in", (json_int_t)tokens.expires_in_s));
	}
	call->result = json_pack("{so}", "grants", list);
	return ERR_OK;
}

static json_t *verdict_on(struct adversary_call *call, struct slice token)
{
	enum adversary_verdict verdict = adversary_grants_check(grants_of(call), token,
								adversary_world_now(&call->server->world));
	const struct adversary_grant *grant = adversary_grants_of(grants_of(call), token);

	return json_pack("{sb ss sI}", "alive", verdict == ADVERSARY_FINE, "verdict", adversary_verdict_name(verdict),
			 "grant", (json_int_t)(grant ? grant->id : 0));
}

static void hash_hex(const char *text, char ret_hex[2 * crypto_hash_sha256_BYTES + 1])
{
	unsigned char hash[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text));
	sodium_bin2hex(ret_hex, 2 * sizeof hash + 1, hash, sizeof hash);
}

/* Marks in `wanted` (hash → verdict) every live token of the grant. */
static void mark_live(const struct adversary_grants *grants, const struct adversary_grant *grant, int64_t now,
		      json_t *wanted)
{
	for (uint32_t i = 0; i < grant->live_count; i++) {
		char text[ADVERSARY_TOKEN_MAX], hex[2 * crypto_hash_sha256_BYTES + 1];

		if (grant->live[i].dies_at <= now)
			continue;
		adversary_grants_text(grants, grant, grant->live[i].serial, text);
		hash_hex(text, hex);
		if (json_object_get(wanted, hex))
			json_object_set_new(
				wanted, hex,
				json_pack("{sb ss sI}", "alive", 1, "verdict", "fine", "grant", (json_int_t)grant->id));
	}
}

/* One pass over all live tokens, whatever the number of hashes asked for. */
static json_t *verdicts_by_hash(struct adversary_call *call, json_t *hashes)
{
	const struct adversary_grants *grants = grants_of(call);
	int64_t now = adversary_world_now(&call->server->world);
	json_t *wanted = json_object(), *results = json_array();
	size_t i;
	json_t *hex;

	json_array_foreach(hashes, i, hex)
		json_object_set_new(wanted, json_string_value(hex),
				    json_pack("{sb ss sI}", "alive", 0, "verdict", "unknown", "grant", (json_int_t)0));
	for (uint32_t id = 1; id <= adversary_grants_count(grants); id++)
		mark_live(grants, adversary_grants_get(grants, id), now, wanted);
	json_array_foreach(hashes, i, hex) json_array_append(results, json_object_get(wanted, json_string_value(hex)));
	json_decref(wanted);
	return results;
}

enum err adversary_control_grants_alive(struct adversary_call *call)
{
	json_t *tokens = json_object_get(call->body, "refresh_tokens");
	json_t *hashes = json_object_get(call->body, "sha256");
	json_t *list = tokens ? tokens : hashes, *results;
	size_t i;
	json_t *text;

	if (json_object_size(call->body) != 1 || !json_is_array(list))
		return err_set(&call->why, ERR_INVALID, "wants {\"refresh_tokens\":[…]} or {\"sha256\":[…]}");
	json_array_foreach(list, i, text) if (!json_is_string(text)) return err_set(&call->why, ERR_INVALID,
										    "item %zu is no string", i + 1);
	if (hashes) {
		results = verdicts_by_hash(call, hashes);
	} else {
		results = json_array();
		json_array_foreach(tokens, i, text) json_array_append_new(
			results, verdict_on(call, slice_make(json_string_value(text), json_string_length(text))));
	}
	call->result = json_pack("{so}", "results", results);
	return ERR_OK;
}

enum err adversary_control_grants_end(struct adversary_call *call)
{
	json_int_t only = 0, ended = 0;
	const char *account = NULL;

	if (json_unpack_ex(call->body, NULL, JSON_STRICT, "{s?I s?s}", "grant", &only, "account", &account) ||
	    (!only && !account))
		return err_set(&call->why, ERR_INVALID, "wants {\"grant\":id} or {\"account\":…}");
	for (uint32_t id = 1; id <= adversary_grants_count(grants_of(call)); id++) {
		struct adversary_grant *grant = adversary_grants_get(grants_of(call), id);

		if ((only && only != id) || (account && strcmp(account, grant->account) != 0) || grant->ended)
			continue;
		adversary_grants_end(grant, "ended");
		ended++;
	}
	call->result = json_pack("{sI}", "ended", ended);
	return ERR_OK;
}
