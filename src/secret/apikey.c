/* SPDX-License-Identifier: Apache-2.0 */
/* Making and taking apart API keys. Must never store or log the secret part. */
#include "secret/apikey.h"

#include <string.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/encode.h"
#include "base/random.h"

enum { PREFIX = 3, ID = 16, SECRET = 43, CHECKSUM = 6, SECRET_AT = PREFIX + ID + 1 };
#define HEX_DIGITS "0123456789abcdef"
#define BASE64URL  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

static void checksum(struct slice text, char ret[CHECKSUM + 1])
{
	char full[HASH_TEXT_BYTES];

	hash_text(text, full);
	memcpy(ret, full, CHECKSUM);
	ret[CHECKSUM] = '\0';
}

void apikey_make(char ret_id[APIKEY_ID_BYTES], char ret_hash[HASH_TEXT_BYTES], struct secret **ret_text)
{
	unsigned char id[ID / 2], raw[32];
	char sum[CHECKSUM + 1];
	struct buf text;

	random_bytes(id, sizeof id);
	random_bytes(raw, sizeof raw);
	sodium_bin2hex(ret_id, APIKEY_ID_BYTES, id, sizeof id);
	buf_init(&text, APIKEY_TEXT_LENGTH + 1);
	buf_printf(&text, "fw_%s_", ret_id);
	encode_base64url(&text, slice_make(raw, sizeof raw));
	hash_text(slice_sub(buf_slice(&text), SECRET_AT, SECRET), ret_hash);
	checksum(buf_slice(&text), sum);
	buf_puts(&text, sum);
	*ret_text = secret_new(buf_slice(&text));
	buf_done(&text);
	sodium_memzero(raw, sizeof raw);
}

/* Lower-case hex, or the base64url alphabet. The checksum is no secret, so anybody can make one that fits. */
static bool only_of(struct slice text, const char *alphabet)
{
	for (size_t i = 0; i < text.n; i++)
		if (!memchr(alphabet, text.p[i], strlen(alphabet)))
			return false;
	return true;
}

enum err apikey_parse(struct slice text, char ret_id[APIKEY_ID_BYTES], struct slice *ret_secret, struct errinfo *ei)
{
	char sum[CHECKSUM + 1];

	while (slice_starts(text, "api_"))
		text = slice_sub(text, 4, text.n);
	if (text.n != APIKEY_TEXT_LENGTH || !slice_starts(text, "fw_") || text.p[PREFIX + ID] != '_' ||
	    !only_of(slice_sub(text, PREFIX, ID), HEX_DIGITS) ||
	    !only_of(slice_sub(text, SECRET_AT, SECRET), BASE64URL))
		return err_set(ei, ERR_UNAUTHENTICATED, "the API key does not have the form fw_<id>_<secret>");
	checksum(slice_sub(text, 0, SECRET_AT + SECRET), sum);
	if (sodium_memcmp(sum, text.p + SECRET_AT + SECRET, CHECKSUM) != 0)
		return err_set(ei, ERR_UNAUTHENTICATED, "the API key is damaged: its checksum does not fit");
	memcpy(ret_id, text.p + PREFIX, ID);
	ret_id[ID] = '\0';
	*ret_secret = slice_sub(text, SECRET_AT, SECRET);
	return ERR_OK;
}
