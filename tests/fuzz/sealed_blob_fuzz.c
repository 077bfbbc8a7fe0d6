/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored value that somebody with access to the database may have written: as a sealed value, as a
 * wrapped data key and as a spool entry. None of them may open, for the keys are not the writer's.
 */
#include <stdlib.h>
#include <string.h>

#include "secret/seal.h"
#include "secret/spoolseal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct seal_place place = {"oauth_token_grants", "0123456789abcdef0123456789abcdef",
						"access_token", 1};
	static const unsigned char mac_key[MASTER_MAC_KEY_BYTES] = {1};
	struct data_key key = {.id = "00112233445566778899aabbccddeeff", .bytes = {7}};
	struct sealed value = {.bytes = slice_make(data, size)};
	struct secret *clear = NULL;
	char id[RANDOM_ID_BYTES] = "";

	if (seal_key_id(value, id, NULL) == ERR_OK) {
		require(strlen(id) == RANDOM_ID_BYTES - 1);
		memcpy(key.id, id, sizeof id); /* so that opening goes on to the cipher */
	}
	require(seal_open(&key, &place, value, &clear, NULL) == (size ? ERR_CRYPTO : ERR_OK));
	require(!clear);
	require(!spoolseal_check(mac_key, slice_make(data, size / 2),
				 slice_make(data ? data + size / 2 : NULL, size - size / 2)));
	return 0;
}
