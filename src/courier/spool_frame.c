/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a spool entry. What is read back may be anything that a crash, a full disk or another
 * program left there, so lengths are checked before they are used. Must never be taken for a proof of
 * origin.
 */
#include "courier/spool_frame.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

enum { MAGIC = 0x31535746, CHECK_BYTES = 32, CHECKED_BYTES = SPOOL_FRAME_HEAD_BYTES - CHECK_BYTES };

_Static_assert(4 + 4 + 4 + 4 + 8 + SPOOL_ATTEMPT_BYTES + 8 + CHECK_BYTES == SPOOL_FRAME_HEAD_BYTES, "layout");

static void put_le(unsigned char *p, uint64_t value, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get_le(const char *p, size_t n)
{
	uint64_t value = 0;

	for (size_t i = 0; i < n; i++)
		value |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return value;
}

static void checksum(struct slice front, struct slice head, struct slice body, unsigned char ret[CHECK_BYTES])
{
	crypto_generichash_state state;

	crypto_generichash_init(&state, NULL, 0, CHECK_BYTES);
	crypto_generichash_update(&state, (const unsigned char *)front.p, front.n);
	crypto_generichash_update(&state, (const unsigned char *)(head.n ? head.p : ""), head.n);
	crypto_generichash_update(&state, (const unsigned char *)(body.n ? body.p : ""), body.n);
	crypto_generichash_final(&state, ret, CHECK_BYTES);
}

void spool_frame_put(struct buf *out, const struct spool_entry *e)
{
	unsigned char front[SPOOL_FRAME_HEAD_BYTES] = {0};

	assert(e->head.n <= SPOOL_HEAD_MAX_BYTES && e->body.n <= SPOOL_BODY_MAX_BYTES);
	put_le(front, MAGIC, 4);
	put_le(front + 4, (uint64_t)e->err, 4);
	put_le(front + 8, e->head.n, 4);
	put_le(front + 12, e->body.n, 4);
	put_le(front + 16, (uint64_t)e->at, 8);
	memcpy(front + 24, e->attempt, SPOOL_ATTEMPT_BYTES);
	checksum(slice_make(front, CHECKED_BYTES), e->head, e->body, front + CHECKED_BYTES);
	buf_put(out, slice_make(front, sizeof front));
	buf_put(out, e->head);
	buf_put(out, e->body);
}

static bool is_hex(struct slice text)
{
	for (size_t i = 0; i < text.n; i++)
		if (!(text.p[i] >= '0' && text.p[i] <= '9') && !(text.p[i] >= 'a' && text.p[i] <= 'f'))
			return false;
	return true;
}

enum err spool_frame_parse(struct slice bytes, struct spool_entry *ret_entry)
{
	struct spool_entry e = {0};
	unsigned char check[CHECK_BYTES];
	uint64_t err, head_n, body_n;

	if (bytes.n < 4 || get_le(bytes.p, 4) == 0)
		return ERR_NOT_FOUND;
	if (bytes.n < SPOOL_FRAME_HEAD_BYTES || get_le(bytes.p, 4) != MAGIC)
		return ERR_INVALID;
	err = get_le(bytes.p + 4, 4);
	head_n = get_le(bytes.p + 8, 4);
	body_n = get_le(bytes.p + 12, 4);
	if (err >= ERR__COUNT || head_n > SPOOL_HEAD_MAX_BYTES || body_n > SPOOL_BODY_MAX_BYTES ||
	    head_n + body_n > bytes.n - SPOOL_FRAME_HEAD_BYTES)
		return ERR_INVALID;
	e.err = (enum err)err;
	e.head = slice_sub(bytes, SPOOL_FRAME_HEAD_BYTES, head_n);
	e.body = slice_sub(bytes, SPOOL_FRAME_HEAD_BYTES + head_n, body_n);
	e.at = (int64_t)get_le(bytes.p + 16, 8);
	memcpy(e.attempt, bytes.p + 24, SPOOL_ATTEMPT_BYTES);
	if (!is_hex(slice_make(e.attempt, SPOOL_ATTEMPT_BYTES)))
		return ERR_INVALID;
	checksum(slice_sub(bytes, 0, CHECKED_BYTES), e.head, e.body, check);
	if (sodium_memcmp(check, bytes.p + CHECKED_BYTES, CHECK_BYTES) != 0)
		return ERR_INVALID;
	*ret_entry = e;
	return ERR_OK;
}
