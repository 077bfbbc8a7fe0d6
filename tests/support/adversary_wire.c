/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of repeated pieces. Must never allocate: the pieces belong to whoever put them in. */
#include "support/adversary_wire.h"

#include <assert.h>
#include <string.h>

void adversary_wire_add(struct adversary_wire *wire, struct slice bytes, uint64_t repeat)
{
	if (bytes.n == 0 || repeat == 0)
		return;
	assert(wire->count < ADVERSARY_WIRE_PIECES);
	wire->pieces[wire->count].bytes = bytes;
	wire->pieces[wire->count].repeat = repeat;
	wire->count++;
}

void adversary_wire_join(struct adversary_wire *wire, const struct adversary_wire *other)
{
	for (size_t i = 0; i < other->count; i++)
		adversary_wire_add(wire, other->pieces[i].bytes, other->pieces[i].repeat);
}

uint64_t adversary_wire_total(const struct adversary_wire *wire)
{
	uint64_t total = 0;

	for (size_t i = 0; i < wire->count; i++) {
		uint64_t bytes;

		if (__builtin_mul_overflow(wire->pieces[i].bytes.n, wire->pieces[i].repeat, &bytes) ||
		    __builtin_add_overflow(total, bytes, &total))
			return UINT64_MAX;
	}
	return total;
}

size_t adversary_wire_read(struct adversary_wire *wire, char *ret_bytes, size_t cap)
{
	size_t got = 0;

	while (got < cap && wire->at_piece < wire->count) {
		struct slice bytes = wire->pieces[wire->at_piece].bytes;
		struct slice part = slice_sub(bytes, wire->at_byte, cap - got);

		memcpy(ret_bytes + got, part.p, part.n);
		got += part.n;
		wire->at_byte += part.n;
		if (wire->at_byte < bytes.n)
			break;
		wire->at_byte = 0;
		if (++wire->at_repeat < wire->pieces[wire->at_piece].repeat)
			continue;
		wire->at_repeat = 0;
		wire->at_piece++;
	}
	return got;
}
