/* SPDX-License-Identifier: Apache-2.0 */
/* A spoiled token answer: whatever the bytes are, what is saved of them is a token, and its literal is there. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oauth/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check(const struct secret *token)
{
	require(secret_length(token) > 0 && secret_length(token) <= TOKEN_MAX_BYTES && slice_is_printable(secret_expose(token)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"", "authed_user"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const struct fetch_answer answer = {.status = 200, .sent = true};
		struct token_answer t = {.subject = "untouched"};
		struct profile p = *profile_default();
		struct arena *a = arena_new(16 << 20);
		struct secret *body = secret_in_arena(a, secret_new(slice_make((const char *)data, size)));

		p.token_path = paths[i];
		if (token_salvage(&p, &answer, body, a, &t)) {
			check(t.refresh_token);
			require(memmem(data, size, "\"refresh_token\"", strlen("\"refresh_token\"")) != NULL);
			require((t.access_token != NULL) == (t.token_type != NULL));
			require(t.expires_in_s > 0 && t.expires_in_s <= 24 * 3600);
			if (t.access_token)
				check(t.access_token);
			if (t.other_refresh_token)
				check(t.other_refresh_token);
		} else {
			require(strcmp(t.subject, "untouched") == 0);
		}
		arena_free(&a);
	}
	return 0;
}
