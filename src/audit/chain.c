/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making and following chained lines. Reads them by their layout, byte for byte, because two texts that mean the same JSON are
 * still two texts. Must never accept a line of which any byte is not covered: MAC, or layout.
 */
#include "audit/chain.h"

#include <stdio.h>
#include <string.h>

#include "audit/record.h"

#define ZERO_MAC "00000000000000000000000000000000"
static const char prev_open[] = ",\"prev\":\"", mac_open[] = ",\"mac\":\"";

enum {
	HEX = CHAIN_MAC_BYTES - 1,
	MAC_PART = sizeof mac_open - 1 + HEX + 2,     /* ,"mac":"…"} */
	PREV_PART = sizeof prev_open - 1 + HEX + 1,   /* ,"prev":"…" */
};

void chain_init(struct chain *c, const unsigned char key[HASH_KEY_BYTES], const char *name)
{
	*c = (struct chain){.mac = ZERO_MAC};
	memcpy(c->key, key, sizeof c->key);
	snprintf(c->name, sizeof c->name, "%s", name);
}

static void make_mac(const struct chain *c, struct slice covered, char ret[CHAIN_MAC_BYTES])
{
	if (c->hasher)
		mac_text(c->hasher, covered, ret);
	else
		hash_fingerprint(c->key, covered, ret);
}

void chain_begin(const struct chain *c, struct buf *out)
{
	const struct slice by[] = {SLICE_LIT(",\"by\":\""), slice_from(c->name), SLICE_LIT("\",")};

	buf_put(out, SLICE_LIT("{\"seq\":"));
	buf_put_i64(out, c->seq + 1);
	buf_put_all(out, by, sizeof by / sizeof by[0]);
}

void chain_end(struct chain *c, struct buf *out, size_t start)
{
	const struct slice prev[] = {slice_from(prev_open), slice_make(c->mac, HEX), SLICE_LIT("\"")};
	const struct slice mac[] = {slice_from(mac_open), slice_make(c->mac, HEX), SLICE_LIT("\"}\n")};

	buf_put_all(out, prev, sizeof prev / sizeof prev[0]);
	if (!buf_ok(out))
		return;
	make_mac(c, slice_sub(buf_slice(out), start, out->n), c->mac);
	buf_put_all(out, mac, sizeof mac / sizeof mac[0]);
	c->seq++;
}

void chain_append(struct chain *c, struct slice members, struct buf *out)
{
	size_t start = out->n;

	chain_begin(c, out);
	buf_put(out, members);
	chain_end(c, out, start);
}

/* The three parts of a line: what the MAC covers, `prev` and `mac`. */
static bool split(struct slice line, struct slice *ret_covered, struct slice *ret_prev, struct slice *ret_mac)
{
	struct slice tail, prev;

	if (!line.p || line.n < MAC_PART + PREV_PART || line.n > CHAIN_LINE_MAX)
		return false;
	tail = slice_sub(line, line.n - MAC_PART, MAC_PART);
	prev = slice_sub(line, line.n - MAC_PART - PREV_PART, PREV_PART);
	if (!slice_starts(tail, mac_open) || !slice_ends(tail, "\"}") || !slice_starts(prev, prev_open) || !slice_ends(prev, "\""))
		return false;
	*ret_covered = slice_sub(line, 0, line.n - MAC_PART);
	*ret_prev = slice_sub(prev, sizeof prev_open - 1, HEX);
	*ret_mac = slice_sub(tail, sizeof mac_open - 1, HEX);
	return true;
}

static bool mac_fits(const struct chain *c, struct slice covered, struct slice mac)
{
	char want[CHAIN_MAC_BYTES];

	make_mac(c, covered, want);
	return slice_is(mac, want);
}

/* The number behind {"seq":, when the rest of the head is this chain's. */
static bool read_head(const struct chain *c, struct slice covered, int64_t *ret_seq)
{
	struct slice rest = slice_starts(covered, "{\"seq\":") ? slice_sub(covered, 7, covered.n) : (struct slice){0};
	struct slice number = slice_sub(rest, 0, slice_index(rest, ','));
	char by[CHAIN_NAME_BYTES + 16];
	uint64_t seq;

	if (!slice_to_u64(number, INT64_MAX, &seq) || seq == 0)
		return false;
	snprintf(by, sizeof by, ",\"by\":\"%s\",", c->name);
	*ret_seq = (int64_t)seq;
	return slice_starts(slice_sub(rest, number.n, rest.n), by);
}

bool chain_take(struct chain *c, struct slice line)
{
	struct slice covered, prev, mac;
	int64_t seq;

	if (!split(line, &covered, &prev, &mac) || !slice_is(prev, c->mac) || !read_head(c, covered, &seq) ||
	    seq != c->seq + 1 || !mac_fits(c, covered, mac))
		return false;
	c->seq = seq;
	memcpy(c->mac, mac.p, HEX);
	return true;
}

bool chain_adopt(struct chain *c, struct slice line)
{
	struct slice covered, prev, mac;
	int64_t seq;

	if (!split(line, &covered, &prev, &mac) || !read_head(c, covered, &seq) || !mac_fits(c, covered, mac))
		return false;
	c->seq = seq - 1;
	memcpy(c->mac, prev.p, HEX);
	return true;
}

bool chain_is_ours(const struct chain *c, struct slice line)
{
	struct slice covered, prev, mac;
	int64_t seq;

	return split(line, &covered, &prev, &mac) && read_head(c, covered, &seq) && mac_fits(c, covered, mac);
}

/* The members of a torn record up to its time: how many bytes it vouches for, and which. */
static void put_torn(struct buf *out, struct slice torn)
{
	char hash[HASH_TEXT_BYTES];

	hash_text(torn, hash);
	buf_printf(out, "\"torn_bytes\":%zu,\"torn_sha256\":\"%s\",", torn.n, hash);
}

void chain_append_torn(struct chain *c, struct slice torn, int64_t at, struct buf *out)
{
	const struct record r = {.at = at, .event = "torn_line_closed", .detail = "a crash left an unfinished write here"};
	struct buf members;

	buf_init(&members, RECORD_MAX_BYTES);
	put_torn(&members, torn);
	record_put(&members, &r);
	chain_append(c, buf_slice(&members), out);
	buf_done(&members);
}

static struct slice line_at(struct slice bytes, size_t at)
{
	struct slice rest = slice_sub(bytes, at, bytes.n);

	return slice_sub(rest, 0, slice_index(rest, '\n'));
}

/* True when `line`, which follows the torn bytes, is the record that vouches for them. */
static bool closes(const struct chain *c, struct slice line, struct slice torn)
{
	struct chain next = *c;
	char by[CHAIN_NAME_BYTES + 48];
	struct slice head;
	struct buf want;
	bool fits;

	if (!chain_take(&next, line))
		return false;
	snprintf(by, sizeof by, "{\"seq\":%lld,\"by\":\"%s\",", (long long)next.seq, c->name);
	head = slice_sub(line, strlen(by), line.n);
	buf_init(&want, 256);
	put_torn(&want, torn);
	fits = slice_starts(head, buf_cstr(&want));
	buf_done(&want);
	return fits;
}

/* How many bytes from `at` on are torn and vouched for by the record behind them; 0: none. Notes whether one in them is ours. */
static size_t torn_at(const struct chain *c, struct slice bytes, size_t at, bool *ret_ours)
{
	size_t p = at;

	while (p < bytes.n) {
		struct slice line = line_at(bytes, p);

		if (p + line.n >= bytes.n)
			return 0;
		if (p > at && closes(c, line, slice_sub(bytes, at, p - 1 - at)))
			return p - at;
		if (chain_is_ours(c, line)) {
			*ret_ours = true;
			return 0;
		}
		p += line.n + 1;
	}
	return 0;
}

void chain_scan(struct chain *c, struct slice bytes, chain_record_fn *fn, void *arg, struct chain_scan *ret)
{
	struct chain_scan s = {.line = 1};
	size_t end = bytes.n, torn = 0;

	while (end > 0 && bytes.p[end - 1] == '\0')
		end--;
	bytes = slice_sub(bytes, 0, end);
	while (s.good < end) {
		struct slice line = line_at(bytes, s.good);

		if (chain_take(c, line)) {
			if (fn)
				fn(c, line, s.line, torn, arg);
			torn = 0;
			s.line++;
			s.good += line.n + (s.good + line.n < end); /* the last line's end may be lost without harm */
			continue;
		}
		torn = torn_at(c, bytes, s.good, &s.ours);
		if (!torn)
			break;
		for (size_t i = 0; i < torn; i++)
			s.line += bytes.p[s.good + i] == '\n';
		s.good += torn;
	}
	s.rest = end - s.good;
	*ret = s;
}

void chain_sign_head(const struct chain *c, const char *run, char ret[CHAIN_MAC_BYTES])
{
	struct buf text;

	buf_init(&text, 512);
	buf_printf(&text, "head|%s|%s|%lld|%s", c->name, run, (long long)c->seq, c->mac);
	hash_fingerprint(c->key, buf_slice(&text), ret);
	buf_done(&text);
}

int64_t chain_line_at(struct slice line)
{
	static const char name[] = "\"at\":";
	const char *p = line.n ? memmem(line.p, line.n, name, sizeof name - 1) : NULL;
	struct slice rest;
	uint64_t at;

	if (!p)
		return 0;
	rest = slice_sub(line, (size_t)(p - line.p) + sizeof name - 1, line.n);
	return slice_to_u64(slice_sub(rest, 0, slice_index(rest, ',')), INT64_MAX, &at) ? (int64_t)at : 0;
}
