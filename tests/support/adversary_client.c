/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client authentication as RFC 6749 §2.3.1 has it: Basic with both halves form-encoded first, or in
 * the body, or a public client's bare id. Must never take a secret from the URL.
 */
#include "support/adversary_client.h"

#include <string.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/encode.h"

enum { CREDENTIAL_MAX = 8192 };

static bool form_decode(struct slice text, struct arena *arena, struct slice *ret_text)
{
	struct buf out;
	bool ok;

	buf_init(&out, CREDENTIAL_MAX);
	ok = decode_percent(text, true, &out) && buf_ok(&out);
	if (ok)
		*ret_text = slice_from(arena_strndup(arena, buf_slice(&out)));
	buf_done(&out);
	return ok;
}

/* "Basic base64(id:secret)"; false when it is anything else. */
static bool read_basic(struct slice header, struct arena *arena, struct adversary_client *ret_client)
{
	unsigned char bytes[CREDENTIAL_MAX];
	struct slice pair;
	size_t n, colon;

	if (!slice_eq_nocase(slice_sub(header, 0, 6), SLICE_LIT("Basic ")))
		return false;
	header = slice_trim(slice_sub(header, 6, header.n));
	if (sodium_base642bin(bytes, sizeof bytes, header.p, header.n, NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL))
		return false;
	pair = slice_make(bytes, n);
	colon = slice_index(pair, ':');
	return colon < pair.n && form_decode(slice_sub(pair, 0, colon), arena, &ret_client->id) &&
	       form_decode(slice_sub(pair, colon + 1, pair.n), arena, &ret_client->secret);
}

const char *adversary_client_read(const struct adversary_config *config, const struct adversary_request *request,
				  const struct adversary_params *params, struct arena *arena,
				  struct adversary_client *ret_client)
{
	struct adversary_client c = {.method = ADVERSARY_AUTH_NONE};
	struct slice header = adversary_request_header(request, "Authorization");
	struct slice id = adversary_params_get(params, "client_id");
	struct slice secret = adversary_params_get(params, "client_secret");

	if (header.n) {
		if (!read_basic(header, arena, &c))
			return "invalid_client";
		if (secret.p || (id.p && !slice_eq(id, c.id)))
			return "invalid_request";
		c.method = ADVERSARY_AUTH_BASIC;
	} else {
		c.id = id;
		c.secret = secret;
		if (secret.p)
			c.method = ADVERSARY_AUTH_POST;
	}
	if (config->client_auth != ADVERSARY_AUTH_ANY && config->client_auth != (int)c.method)
		return "invalid_client";
	if (config->client_id[0] && !slice_is(c.id, config->client_id))
		return "invalid_client";
	if (config->client_secret[0] && config->client_auth != ADVERSARY_AUTH_NONE &&
	    !slice_is(c.secret, config->client_secret))
		return "invalid_client";
	*ret_client = c;
	return NULL;
}
