/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an answer lies in a spool slot: a fixed head with lengths and a checksum, the FETCHED head, the
 * body as it was sealed. The checksum only tells a whole entry from a torn one; who made it is told by
 * the MAC inside the sealed body, which the keeper checks.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

enum {
	SPOOL_ATTEMPT_BYTES = 32,
	SPOOL_FRAME_HEAD_BYTES = 96,
	SPOOL_HEAD_MAX_BYTES = 512,
	SPOOL_BODY_MAX_BYTES = 256 * 1024 + 128,
	SPOOL_FRAME_MAX_BYTES = SPOOL_FRAME_HEAD_BYTES + SPOOL_HEAD_MAX_BYTES + SPOOL_BODY_MAX_BYTES,
};

struct spool_entry {
	char attempt[SPOOL_ATTEMPT_BYTES + 1]; /* lower-case hex */
	enum err err;			       /* ERR_OK, or ERR_TOO_LARGE with the part that fitted */
	int64_t at;			       /* epoch milliseconds */
	struct slice head, body;
};

/* Asserts that the parts are within their caps. */
void spool_frame_put(struct buf *out, const struct spool_entry *e);
/*
 * `bytes` may be longer than the frame. Views into it. ERR_NOT_FOUND: an empty slot; ERR_INVALID: torn or
 * not ours.
 */
enum err spool_frame_parse(struct slice bytes, struct spool_entry *ret_entry);
