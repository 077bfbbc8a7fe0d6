/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Big and odd bodies as repeated pieces. The gzip bomb is one compressed megabyte that ends on a byte
 * boundary, repeated, so a gigabyte costs a kilobyte here. Must never hold a body in memory whole.
 */
#include "support/adversary_bodies.h"

#include <assert.h>
#include <string.h>

#include <zlib.h>

#include "base/mem.h"

enum { BOMB_STEP_BYTES = 1 << 20, BOMB_OUT_BYTES = 8192, AFFIX_MAX = 4096 };

static const json_int_t bytes_max = (json_int_t)1 << 40;

/* The members of a kind, with what they are when absent. */
struct wanted {
	const char *kind;
	json_int_t n; /* bytes, depth or count */
	const char *byte, *prefix, *suffix, *open, *close;
};

static bool unpack(json_t *generate, struct wanted *ret_wanted)
{
	struct wanted w = {.byte = "a", .prefix = "", .suffix = "", .open = "[", .close = "]"};
	const char *kind = json_string_value(json_object_get(generate, "kind"));
	int bad = -1;

	if (!kind)
		return false;
	if (strcmp(kind, "fill") == 0)
		bad = json_unpack_ex(generate, NULL, JSON_STRICT, "{s:s s:I s?s s?s s?s}", "kind", &w.kind, "bytes",
				     &w.n, "byte", &w.byte, "prefix", &w.prefix, "suffix", &w.suffix);
	else if (strcmp(kind, "nesting") == 0)
		bad = json_unpack_ex(generate, NULL, JSON_STRICT, "{s:s s:I s?s s?s}", "kind", &w.kind, "depth", &w.n,
				     "open", &w.open, "close", &w.close);
	else if (strcmp(kind, "members") == 0)
		bad = json_unpack_ex(generate, NULL, JSON_STRICT, "{s:s s:I}", "kind", &w.kind, "count", &w.n);
	else if (strcmp(kind, "gzip_bomb") == 0)
		bad = json_unpack_ex(generate, NULL, JSON_STRICT, "{s:s s:I}", "kind", &w.kind, "bytes", &w.n);
	if (bad || w.n < 0 || w.n > bytes_max || strlen(w.byte) != 1 || strlen(w.prefix) > AFFIX_MAX ||
	    strlen(w.suffix) > AFFIX_MAX || strlen(w.open) > AFFIX_MAX || strlen(w.close) > AFFIX_MAX)
		return false;
	*ret_wanted = w;
	return true;
}

bool adversary_bodies_known(json_t *generate)
{
	struct wanted w;

	return unpack(generate, &w);
}

static void add(struct adversary_answer *a, const char *text, uint64_t repeat)
{
	adversary_wire_add(&a->body, slice_from(arena_strdup(a->arena, text)), repeat);
}

/* A page of the byte over and over, then the rest. */
static void add_fill(struct adversary_answer *a, char byte, uint64_t bytes)
{
	enum { PAGE_BYTES = 4096 };
	char *page = arena_alloc(a->arena, PAGE_BYTES, 1);

	memset(page, byte, PAGE_BYTES);
	adversary_wire_add(&a->body, slice_make(page, PAGE_BYTES), bytes / PAGE_BYTES);
	adversary_wire_add(&a->body, slice_make(page, bytes % PAGE_BYTES), 1);
}

/* Runs deflate over `n` zeros with the flush mode and returns what it gave, in the arena. */
static struct slice squeeze(struct arena *arena, z_stream *z, size_t n, int flush)
{
	static unsigned char zeros[BOMB_STEP_BYTES];
	unsigned char *out = arena_alloc(arena, BOMB_OUT_BYTES, 1);
	int status;

	z->next_in = zeros;
	z->avail_in = (uInt)n;
	z->next_out = out;
	z->avail_out = BOMB_OUT_BYTES;
	status = deflate(z, flush);
	assert(status == Z_OK || status == Z_STREAM_END);
	assert(z->avail_in == 0 && z->avail_out > 0);
	return slice_make(out, BOMB_OUT_BYTES - z->avail_out);
}

static uLong crc_of_zeros(uint64_t n)
{
	static const unsigned char zero;
	uLong unit = crc32(0, &zero, 1), crc = crc32(0, NULL, 0);
	uint64_t unit_bytes = 1;

	/* The checksum of a doubled run from that of the run: as many steps as n has bits. */
	for (; n; n >>= 1) {
		if (n & 1)
			crc = crc32_combine(crc, unit, (z_off_t)unit_bytes);
		unit = crc32_combine(unit, unit, (z_off_t)unit_bytes);
		unit_bytes *= 2;
	}
	return crc;
}

/* RFC 1952: header, deflate blocks, CRC32, length. */
static void add_gzip_bomb(struct adversary_answer *a, uint64_t bytes)
{
	static const char head[] = "\x1f\x8b\x08\0\0\0\0\0\0\xff";
	unsigned char *tail = arena_alloc(a->arena, 8, 1);
	z_stream z = {0};
	uLong crc = crc_of_zeros(bytes);
	int status = deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);

	assert(status == Z_OK);
	adversary_wire_add(&a->body, slice_make(head, 10), 1);
	adversary_wire_add(&a->body, squeeze(a->arena, &z, BOMB_STEP_BYTES, Z_FULL_FLUSH), bytes / BOMB_STEP_BYTES);
	adversary_wire_add(&a->body, squeeze(a->arena, &z, bytes % BOMB_STEP_BYTES, Z_FINISH), 1);
	deflateEnd(&z);
	for (unsigned i = 0; i < 4; i++) {
		tail[i] = (unsigned char)(crc >> (8 * i));
		tail[4 + i] = (unsigned char)(bytes >> (8 * i));
	}
	adversary_wire_add(&a->body, slice_make(tail, 8), 1);
	adversary_answer_header(a, SLICE_LIT("Content-Encoding"), SLICE_LIT("gzip"));
}

void adversary_bodies_make(json_t *generate, struct adversary_answer *a)
{
	struct wanted w;

	if (!unpack(generate, &w))
		return;
	if (strcmp(w.kind, "fill") == 0) {
		add(a, w.prefix, 1);
		add_fill(a, w.byte[0], (uint64_t)w.n);
		add(a, w.suffix, 1);
	} else if (strcmp(w.kind, "nesting") == 0) {
		add(a, w.open, (uint64_t)w.n);
		add(a, w.close, (uint64_t)w.n);
	} else if (strcmp(w.kind, "members") == 0) {
		add(a, "{", 1);
		add(a, "\"member\":\"value\",", w.n > 0 ? (uint64_t)w.n - 1 : 0);
		add(a, "\"member\":\"value\"}", 1);
	} else {
		add_gzip_bomb(a, (uint64_t)w.n);
	}
}
