/* SPDX-License-Identifier: Apache-2.0 */
/* What comes as an API key. Taken is only what has the form and the checksum, and the parts are whole. */
#include <stdlib.h>
#include <string.h>

#include "secret/apikey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* The fuzzer cannot guess a checksum: the text is also tried with the fitting one. */
static void with_checksum(struct slice text)
{
	char key[APIKEY_TEXT_LENGTH], sum[HASH_TEXT_BYTES], id[APIKEY_ID_BYTES];
	struct slice part;

	if (text.n < sizeof key - 6)
		return;
	memcpy(key, text.p, sizeof key - 6);
	hash_text(slice_make(key, sizeof key - 6), sum);
	memcpy(key + sizeof key - 6, sum, 6);
	if (apikey_parse(slice_make(key, sizeof key), id, &part, NULL) != ERR_OK)
		return;
	require(strspn(id, "0123456789abcdef") == APIKEY_ID_BYTES - 1 &&
		slice_starts(slice_make(key, sizeof key), "fw_"));
	require(part.p == key + 20 && part.n == 43 && slice_is_printable(part));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make(data, size), part;
	char id[APIKEY_ID_BYTES];

	if (apikey_parse(text, id, &part, NULL) == ERR_OK) {
		require(strlen(id) == APIKEY_ID_BYTES - 1 && part.n == 43);
		require(part.p >= text.p && part.p + part.n <= text.p + text.n);
	}
	with_checksum(text);
	return 0;
}
