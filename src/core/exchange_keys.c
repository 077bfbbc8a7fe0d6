/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange and its issuer's keys: had before the code is spent, looked for again when the token names another one. Must never
 * let a token pass that could not be verified, nor throw away an answer because an issuer is not to be reached for a while.
 */
#include "core/exchange.h"

#include "core/profiles.h"
#include "oauth/id_token.h"
#include "oauth/scope.h"

const char exchange_keys_sentence[] = "The provider's keys could not be had, so nobody can tell whether its answer is genuine. Please connect again in a moment.";

static int64_t now_of(const struct core *core)
{
	return clock_mono_ms(core->clock);
}

static enum err unavailable(struct errinfo *ei)
{
	err_set(ei, ERR_UPSTREAM_DOWN, "the keys of the issuer could not be fetched");
	err_hint(ei, ERR_UPSTREAM_DOWN, "See that <issuer>/.well-known/openid-configuration can be reached from here, and names its jwks_uri.");
	return err_code(ei, ERR_UPSTREAM_DOWN, "keys_unavailable");
}

enum err exchange_prepare(struct core *core, const char *flow_id, bool with_code, struct arena *a, struct exchange *x, struct errinfo *ei)
{
	enum err noted, e = flows_get(core, flow_id, a, &x->flow, ei);

	x->keys = ISSUER_KEYS_READY;
	if (e || !with_code || x->flow.result[0] || x->flow.intent_attempt[0] || !scope_has(slice_from(x->flow.scopes), "openid"))
		return e;
	e = profiles_read(core->profiles, x->flow.configuration, a, &x->profile, ei);
	if (e || !issuer_keys_possible(&x->profile))
		return e;
	x->keys = issuer_keys_need(core->issuer_keys, &x->profile, false, now_of(core), &x->walk, a, &x->keys_request);
	if (x->keys != ISSUER_KEYS_DOWN)
		return ERR_OK;
	e = unavailable(ei);
	noted = flows_fail(core, &x->flow, err_wire_code(e, ei), exchange_keys_sentence, ei);
	return noted ? noted : e;
}

/* They can't be had now, and the answer waits in the spool. */
static enum err wait_or_give_up(struct core *core, const struct exchange *x, struct errinfo *ei)
{
	enum err e = unavailable(ei);

	return core_now(core) - x->flow.claimed_at > EXCHANGE_KEYS_PATIENCE_MS ? e : ERR_TIMEOUT;
}

enum err exchange_keys_verify(struct core *core, struct exchange *x, struct arena *a, struct errinfo *ei)
{
	struct id_token_trust trust = {.access_token = x->tokens.access_token};
	struct id_token_keys have;
	enum id_token_verdict verdict;

	if (!issuer_keys_possible(&x->profile))
		return ERR_OK;
	have = issuer_keys_find(core->issuer_keys, &x->profile, now_of(core), &x->walk);
	trust.keys = have.keys;
	trust.algs = have.algs;
	verdict = id_token_verify(x->tokens.id_token, &trust, a, ei);
	if (verdict == ID_TOKEN_GOOD)
		return ERR_OK;
	if (verdict == ID_TOKEN_BAD)
		return ERR_UPSTREAM_DENIED;
	x->keys = issuer_keys_need(core->issuer_keys, &x->profile, true, now_of(core), &x->walk, a, &x->keys_request);
	if (x->keys == ISSUER_KEYS_SAME)
		return ERR_UPSTREAM_DENIED;
	return x->keys == ISSUER_KEYS_DOWN ? wait_or_give_up(core, x, ei) : ERR_BUSY;
}
