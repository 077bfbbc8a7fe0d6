/* SPDX-License-Identifier: Apache-2.0 */
/* A signed text as it is (byte 0: 0), or its header (1), under a key whose owner never signed one: nothing is ever good. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "oauth/id_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* RFC 8037 appendix A. */
static const char key_set[] = "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","
			      "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";
static const char rest[] = ".e30.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

static struct secret *token_of(struct slice header)
{
	struct secret *token;
	struct buf text;

	buf_init(&text, 2 << 20);
	encode_base64url(&text, header);
	buf_puts(&text, rest);
	token = secret_new(buf_slice(&text));
	buf_done(&text);
	return token;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(64 << 20);
	struct slice text = slice_make(data + (size > 0), size - (size > 0));
	struct secret *token = size > 0 && data[0] % 2 ? token_of(text) : secret_new(text);
	struct secret *access = secret_new(SLICE_LIT("at"));
	struct id_token_trust trust = {.algs = JWS_ALGS_ALL, .access_token = access};
	struct errinfo ei = {.code = ""};
	struct jwks keys;
	enum id_token_verdict with, without;

	require(jwks_parse(slice_from(key_set), a, &keys, NULL) == ERR_OK && keys.n == 1);
	without = id_token_verify(token, &trust, a, NULL);
	trust.keys = &keys;
	with = id_token_verify(token, &trust, a, &ei);
	require(with != ID_TOKEN_GOOD && without != ID_TOKEN_GOOD && strcmp(ei.code, "id_token_invalid") == 0);
	/* What is bad without keys is bad with any. */
	require(without != ID_TOKEN_BAD || with == ID_TOKEN_BAD);
	secret_free(&token);
	secret_free(&access);
	arena_free(&a);
	return 0;
}
