/* SPDX-License-Identifier: Apache-2.0 */
/* The raw check of a chunked body (RFC 9112 §7.1): where it ends, and that nothing in it is ambiguous. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/refusal.h"

struct chunk {
	enum chunk_state {
		CHUNK_SIZE,
		CHUNK_SIZE_LF,
		CHUNK_DATA,
		CHUNK_DATA_CR,
		CHUNK_DATA_LF,
		CHUNK_LAST_CR,
		CHUNK_LAST_LF,
		CHUNK_DONE,
	} state;
	unsigned digits;
	size_t left;  /* of the chunk being read */
	size_t total; /* of all chunks so far */
};

void chunk_init(struct chunk *c);
/*
 * Reads on. `*ret_used` says how many of the bytes belong to this body; all of them unless c->state becomes
 * CHUNK_DONE. REFUSAL_CHUNK: anything but hex sizes with CRLF (extensions, trailers, blanks). REFUSAL_BODY_LARGE.
 */
enum refusal chunk_feed(struct chunk *c, struct slice bytes, size_t *ret_used);
