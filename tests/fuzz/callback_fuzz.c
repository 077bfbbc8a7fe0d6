/* SPDX-License-Identifier: Apache-2.0 */
/* An authorization response: lines name=value. What is accepted has a code or an error, never a token (OA-07 to OA-09). */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oauth/callback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct callback *c)
{
	require((c->code != NULL) != (c->error[0] != '\0'));
	require(secret_length(c->code) <= CALLBACK_CODE_MAX && slice_is_printable(secret_expose(c->code)));
	require(c->state.n <= CALLBACK_STATE_MAX && slice_is_printable(c->state) && slice_is_printable(c->iss));
	require(strlen(c->error) <= CALLBACK_ERROR_MAX && strlen(c->description) <= CALLBACK_DESCRIPTION_MAX);
	require(slice_is_printable(slice_from(c->description)));
	for (const char *p = c->error; *p; p++)
		require((*p >= 'a' && *p <= 'z') || *p == '_');
	require(callback_sentence(c->error)[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct callback_param params[40];
	struct slice rest = slice_make(data, size), line;
	struct profile p = *profile_default();
	struct arena *a = arena_new(1 << 20);
	struct callback c;
	size_t count = 0;

	while (count < ARRAY_LEN(params) && slice_split(&rest, '\n', &line)) {
		size_t at = slice_index(line, '=');

		params[count++] = (struct callback_param){slice_sub(line, 0, at), slice_sub(line, at + 1, line.n)};
		require(!slice_is(params[count - 1].name, "access_token") ||
			callback_parse(params, count, a, &c, NULL) == ERR_INVALID);
	}
	p.issuer = "https://as.example";
	p.iss_in_callback = true;
	if (callback_parse(params, count, a, &c, NULL) == ERR_OK) {
		check(&c);
		if (callback_check_issuer(&c, &p, NULL) == ERR_OK)
			require(slice_is(c.iss, p.issuer));
	}
	arena_free(&a);
	return 0;
}
