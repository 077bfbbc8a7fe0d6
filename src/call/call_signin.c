/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in by password, and the cookie by which a browser is known again under the name that it signed in with. That cookie opens
 * nothing: it only says that this browser's attempts are counted for themselves (WB-07). Must never look at an account before the
 * attempt is counted.
 */
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "call/call.h"
#include "core/keys.h"
#include "core/throttle.h"
#include "core/users.h"
#include "secret/hash.h"

#define KNOWN_LIFE_MS (INT64_C(90) * 24 * 60 * 60 * 1000)

enum { KNOWN_MAX = 128 };

/* "<when, epoch ms>.<keyed hash over it and the name>". ERR_… when the key is not at hand. */
static enum err known_text(struct call *c, struct slice name, int64_t at, const char **ret, struct errinfo *ei)
{
	const char *words = arena_printf(c->arena, "browser known since %lld as %.*s", (long long)at, SLICE_ARG(name));
	char mac[HASH_FINGERPRINT_BYTES];
	const struct data_key *key;
	enum err e = keys_current(c->core, "", KEYS_PURPOSE_FINGERPRINT, &key, ei);

	if (e)
		return e;
	hash_fingerprint(key->bytes, slice_from(words), mac);
	*ret = arena_printf(c->arena, "%lld.%s", (long long)at, mac);
	return ERR_OK;
}

/* The cookie when it is ours and for that name; n 0 otherwise. */
static struct slice known_browser(struct call *c, struct slice name)
{
	struct slice value = call_cookie(c, "fw_known", "__Host-fw_known"), none = {0};
	CLEANUP(secret_free) struct secret *wanted = NULL;
	const char *text;
	uint64_t at;

	if (!value.n || value.n > KNOWN_MAX ||
	    !slice_to_u64(slice_sub(value, 0, slice_index(value, '.')), INT64_MAX, &at))
		return none;
	if ((int64_t)at > core_now(c->core) || core_now(c->core) - (int64_t)at > KNOWN_LIFE_MS ||
	    known_text(c, name, (int64_t)at, &text, NULL))
		return none;
	wanted = secret_new(slice_from(text));
	return secret_equal(wanted, value) ? value : none;
}

static struct throttle_who who_tries(struct call *c, struct slice name)
{
	return (struct throttle_who){.name = name,
				     .client = slice_make(c->request->peer_key, sizeof c->request->peer_key),
				     .device = known_browser(c, name)};
}

enum err call_ask_password(struct call *c, struct slice name, struct slice password, struct errinfo *ei)
{
	const struct throttle_who who = who_tries(c, name);
	const char *stored;
	enum err e = throttle_begin(c->quota, &who, ei);

	if (!e)
		e = users_password(c->core, name, c->arena, &stored, ei);
	if (!e)
		c->ask = (struct call_ask){.kind = CALL_ASK_PASSWORD,
					   .password = secret_in_arena(c->arena, secret_new(password)),
					   .stored = stored};
	return e;
}

/* Without the key the browser stays unknown: that is no reason to refuse the sign-in. */
void call_know_browser(struct call *c, struct slice name)
{
	const char *text;

	if (known_text(c, name, core_now(c->core), &text, NULL) == ERR_OK)
		call_set_cookie(c, "fw_known", slice_from(text), KNOWN_LIFE_MS / 1000);
}

enum err call_signed_in(struct call *c, struct slice name, struct secret **ret_cookie, struct errinfo *ei)
{
	const struct throttle_who who = who_tries(c, name);
	enum err e;

	if (c->reply->err) {
		throttle_undo(c->quota, &who); /* nobody has looked at the password */
		if (ei)
			*ei = c->reply->why;
		return c->reply->err;
	}
	e = users_sign_in(c->core, name, c->ask.stored, c->reply->matches, c->arena, ret_cookie, ei);
	if (e == ERR_UNAUTHENTICATED)
		return e;
	if (e) {
		throttle_undo(c->quota, &who);
		return e;
	}
	throttle_succeeded(c->quota, &who);
	return ERR_OK;
}
