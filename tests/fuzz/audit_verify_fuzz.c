/* SPDX-License-Identifier: Apache-2.0 */
/* A segment of any bytes: followed without harm, and never more of it is taken for a chain than what the key made. */
#include <stdlib.h>
#include <string.h>

#include "audit/chain.h"
#include "audit/record.h"

static const unsigned char key[HASH_KEY_BYTES] = {1};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void count(const struct chain *c, struct slice line, size_t number, size_t torn, void *arg)
{
	(void)c;
	(void)number;
	(void)torn;
	if (chain_line_at(line) < 0)
		abort();
	++*(size_t *)arg;
}

/* Two real records, with the input between or behind them. */
static void among_records(struct slice input, bool between)
{
	struct chain c, reader;
	struct chain_scan s;
	size_t records = 0, first;
	struct buf text;

	buf_init(&text, 1 << 22);
	chain_init(&c, key, "worker-0");
	reader = c;
	chain_append(&c, SLICE_LIT("\"at\":1"), &text);
	first = text.n;
	if (between)
		buf_put(&text, input);
	chain_append(&c, SLICE_LIT("\"at\":2"), &text);
	if (!between)
		buf_put(&text, input);
	if (buf_ok(&text)) {
		chain_scan(&reader, buf_slice(&text), count, &records, &s);
		if (s.good + s.rest > text.n || records > 2 || records != (size_t)reader.seq)
			abort();
		if (records != (between && input.n ? 1 : 2) || (between && input.n && (s.good != first || s.rest == 0)))
			abort();
	}
	buf_done(&text);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	struct slice input = slice_make(data, n);
	struct chain c;
	struct chain_scan s;
	size_t records = 0;

	if (n > 1 << 20)
		return 0;
	chain_init(&c, key, "worker-0");
	(void)chain_adopt(&c, slice_sub(input, 0, slice_index(input, '\n')));
	chain_scan(&c, input, count, &records, &s);
	if (s.good + s.rest > n)
		abort();
	among_records(input, true);
	among_records(input, false);
	return 0;
}
