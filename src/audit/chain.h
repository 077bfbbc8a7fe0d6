/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain: each record is one line
 *
 *   {"seq":7,"by":"worker-0",<members>,"prev":"<MAC of record 6>","mac":"<MAC>"}
 *
 * and its MAC (HMAC-SHA-256 under the audit key, 128 bit, hex) covers everything before `,"mac"`. So a changed, removed,
 * moved or inserted line shows without anything else; that the end was cut off shows by the signed heads.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"
#include "secret/mac.h"

enum { CHAIN_MAC_BYTES = HASH_FINGERPRINT_BYTES, CHAIN_NAME_BYTES = 32, CHAIN_LINE_MAX = 8192 };

/* The state after record `seq`; 0 before the first. Wipe `key` at the end. */
struct chain {
	unsigned char key[HASH_KEY_BYTES];
	char name[CHAIN_NAME_BYTES]; /* "worker-0": of the writing process slot */
	int64_t seq;
	char mac[CHAIN_MAC_BYTES];
	struct mac *hasher; /* borrowed, of the same key: for one thread that makes or follows many records; NULL: none */
};

void chain_init(struct chain *c, const unsigned char key[HASH_KEY_BYTES], const char *name);
/* Begins the next record's line; behind it the caller appends the members, as of record_put(). */
void chain_begin(const struct chain *c, struct buf *out);
/* Ends the line that begins at `start`, with its line end, and moves on; not when `out` has overflowed. */
void chain_end(struct chain *c, struct buf *out, size_t start);
/* Both, around these members. */
void chain_append(struct chain *c, struct slice members, struct buf *out);
/* True, and moves on, when the line (without its end) is the record that follows. */
bool chain_take(struct chain *c, struct slice line);
/* Puts the chain before this line, believing what the line says of it; false when it is no record of ours. */
bool chain_adopt(struct chain *c, struct slice line);
/* True when a line is a record that was written under this key for this chain, wherever it belongs. */
bool chain_is_ours(const struct chain *c, struct slice line);

/* Appends the record that vouches for the torn bytes which a crash left behind it, and were closed with a line end. */
void chain_append_torn(struct chain *c, struct slice torn, int64_t at, struct buf *out);

/* Called for each record that follows, with the line's number (from 1) and the bytes of torn lines before it. */
typedef void chain_record_fn(const struct chain *c, struct slice line, size_t number, size_t torn, void *arg);

struct chain_scan {
	size_t good;   /* bytes that are a chain */
	size_t rest;   /* bytes behind them up to the last that is not zero: a torn end, or a defect */
	size_t line;   /* the number of the line at `good` */
	bool ours;     /* a record of ours is in the rest, so it is no torn end */
};

/* Follows the chain through a segment's bytes; `fn` may be NULL. */
void chain_scan(struct chain *c, struct slice bytes, chain_record_fn *fn, void *arg, struct chain_scan *ret);

/* The signature over a chain's head (hex). `run` tells the process runs of one slot apart. */
void chain_sign_head(const struct chain *c, const char *run, char ret[CHAIN_MAC_BYTES]);
/* The number after "at" in a line, 0 when there is none. */
int64_t chain_line_at(struct slice line);
