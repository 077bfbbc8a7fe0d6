/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A FETCHED head, or the headers of a FETCH. Each has one text for one meaning: what is taken and
 * written again is the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "fetch/fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_head(struct slice text)
{
	struct fetch_answer answer = {0};
	struct fetch_bond bond;
	struct buf again;

	if (fetch_parse_head(text, &answer))
		return;
	require(fetch_parse_bond(text, &bond) == ERR_OK && fetch_head_is_of(text, bond.attempt));
	buf_init(&again, 1024);
	fetch_put_head(&again, &bond, &answer);
	require(buf_ok(&again) && slice_eq(buf_slice(&again), text));
	buf_done(&again);
}

static void check_headers(struct slice text)
{
	struct arena *a = arena_new(1 << 20);
	struct fetch_request r = {.attempt = "", .consumes = "", .method = "GET", .url = "https://a/", .body_cap = 1, .label = "x"}, back;
	struct ipc_message m, again;

	require(fetch_to_message(&r, a, &m, NULL) == ERR_OK);
	m.field[IPC_FETCH_HEADERS].bytes = text;
	if (fetch_from_message(&m, a, &back) == ERR_OK) {
		require(fetch_to_message(&back, a, &again, NULL) == ERR_OK);
		require(slice_eq(again.field[IPC_FETCH_HEADERS].bytes, text));
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_head(slice_make(data, size));
	check_headers(slice_make(data, size));
	return 0;
}
