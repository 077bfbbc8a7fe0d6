/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes over the wire, as pieces with repeat counts, so that a gigabyte of body, ten thousand
 * header lines or a gzip bomb cost no memory. Read once from front to end.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum { ADVERSARY_WIRE_PIECES = 24 };

struct adversary_wire {
	struct {
		struct slice bytes;
		uint64_t repeat;
	} pieces[ADVERSARY_WIRE_PIECES];
	size_t count;
	size_t at_piece;
	uint64_t at_repeat;
	size_t at_byte;
};

/* Appends the bytes `repeat` times; they are borrowed. Asserts that there is room for one more piece. */
void adversary_wire_add(struct adversary_wire *wire, struct slice bytes, uint64_t repeat);
/* Appends all pieces of `other`. */
void adversary_wire_join(struct adversary_wire *wire, const struct adversary_wire *other);
/* How many bytes there are in all, read or not; UINT64_MAX when that does not fit. */
uint64_t adversary_wire_total(const struct adversary_wire *wire);
/* Copies up to `cap` of the next bytes and returns how many; 0 at the end. */
size_t adversary_wire_read(struct adversary_wire *wire, char *ret_bytes, size_t cap);
