/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening of stored values. Must never open a value whose place is not the one it was
 * sealed for, and never reuse a nonce (they are random, 192 bit).
 */
#include "secret/seal.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "base/buf.h"
#include "base/random.h"

enum {
	VERSION = 1,
	XCHACHA20_POLY1305 = 1,
	KEY_ID_AT = 2,
	KEY_ID_RAW = 16,
	NONCE_AT = KEY_ID_AT + KEY_ID_RAW,
	NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
	CIPHER_AT = NONCE_AT + NONCE,
	TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
	PLACE_MAX_BYTES = 64 * 1024,
};
_Static_assert(CIPHER_AT + TAG == SEAL_OVERHEAD_BYTES, "documented overhead");

void seal_key_wipe(struct data_key *key)
{
	if (key)
		sodium_memzero(key, sizeof *key);
}

static void put_part(struct buf *ad, const void *p, size_t n)
{
	unsigned char length[4] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
				   (unsigned char)n};

	buf_put(ad, slice_make(length, sizeof length));
	buf_put(ad, slice_make(p, n));
}

/* Every part length-prefixed, so that no two places have the same associated data. */
static void associated_data(struct buf *ad, const struct data_key *key, const struct seal_place *place)
{
	unsigned char head[2] = {VERSION, XCHACHA20_POLY1305};
	unsigned char seq[8];

	for (int i = 0; i < 8; i++)
		seq[i] = (unsigned char)((uint64_t)place->seq >> (8 * (7 - i)));
	put_part(ad, head, sizeof head);
	put_part(ad, place->table, strlen(place->table));
	put_part(ad, place->row, strlen(place->row));
	put_part(ad, place->column, strlen(place->column));
	put_part(ad, key->app_id, strlen(key->app_id));
	put_part(ad, key->id, strlen(key->id));
	put_part(ad, seq, sizeof seq);
	assert(buf_ok(ad)); /* cut associated data would make two places one */
}

struct sealed seal_value(const struct data_key *key, const struct seal_place *place, const struct secret *clear,
			 struct arena *a)
{
	struct slice text = secret_expose(clear);
	unsigned char *out;
	struct buf ad;

	if (!clear)
		return (struct sealed){0};
	assert(text.n <= SEAL_CLEAR_MAX_BYTES); /* more would seal, and never open again */
	out = arena_alloc(a, 1, SEAL_OVERHEAD_BYTES + text.n);
	out[0] = VERSION;
	out[1] = XCHACHA20_POLY1305;
	sodium_hex2bin(out + KEY_ID_AT, KEY_ID_RAW, key->id, strlen(key->id), NULL, NULL, NULL);
	random_bytes(out + NONCE_AT, NONCE);
	buf_init(&ad, PLACE_MAX_BYTES);
	associated_data(&ad, key, place);
	crypto_aead_xchacha20poly1305_ietf_encrypt(out + CIPHER_AT, NULL, (const unsigned char *)text.p, text.n,
						   (const unsigned char *)ad.p, ad.n, NULL, out + NONCE_AT, key->bytes);
	buf_done(&ad);
	return (struct sealed){.bytes = slice_make(out, SEAL_OVERHEAD_BYTES + text.n)};
}

enum err seal_key_id(struct sealed value, char ret_id[RANDOM_ID_BYTES], struct errinfo *ei)
{
	const unsigned char *p = (const unsigned char *)value.bytes.p;

	if (value.bytes.n < SEAL_OVERHEAD_BYTES || value.bytes.n > SEAL_OVERHEAD_BYTES + SEAL_CLEAR_MAX_BYTES ||
	    p[0] != VERSION || p[1] != XCHACHA20_POLY1305)
		return err_set(ei, ERR_CRYPTO, "a stored value is not in the sealed format");
	sodium_bin2hex(ret_id, RANDOM_ID_BYTES, p + KEY_ID_AT, KEY_ID_RAW);
	return ERR_OK;
}

enum err seal_open(const struct data_key *key, const struct seal_place *place, struct sealed value,
		   struct secret **ret_clear, struct errinfo *ei)
{
	const unsigned char *p = (const unsigned char *)value.bytes.p;
	char id[RANDOM_ID_BYTES];
	unsigned char *clear;
	struct buf ad, out;
	size_t n;
	int bad;

	if (value.bytes.n == 0) {
		*ret_clear = NULL;
		return ERR_OK;
	}
	if (seal_key_id(value, id, ei) || strcmp(id, key->id) != 0)
		return err_set(ei, ERR_CRYPTO, "the sealed value in %s.%s of row %s was refused", place->table,
			       place->column, place->row);
	n = value.bytes.n - SEAL_OVERHEAD_BYTES;
	buf_init(&ad, PLACE_MAX_BYTES);
	buf_init(&out, SEAL_CLEAR_MAX_BYTES + 1);
	associated_data(&ad, key, place);
	clear = (unsigned char *)buf_reserve(&out, n + 1);
	bad = crypto_aead_xchacha20poly1305_ietf_decrypt(clear, NULL, NULL, p + CIPHER_AT, n + TAG,
							 (const unsigned char *)ad.p, ad.n, p + NONCE_AT, key->bytes);
	if (!bad)
		*ret_clear = secret_new(slice_make(clear, n));
	buf_done(&ad);
	buf_done(&out);
	if (bad)
		return err_set(ei, ERR_CRYPTO, "the sealed value in %s.%s of row %s was refused", place->table,
			       place->column, place->row);
	return ERR_OK;
}
