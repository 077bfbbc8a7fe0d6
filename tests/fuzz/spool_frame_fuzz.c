/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spool slot as a crash or another program may have left it. As the checksum refuses nearly
 * everything, the input is also framed properly, read back, and then damaged at a place that it names.
 */
#include <stdlib.h>
#include <string.h>

#include "courier/spool_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_damage(struct slice frame, size_t at, unsigned char bits)
{
	struct spool_entry e;
	struct buf copy;

	buf_init(&copy, SPOOL_FRAME_MAX_BYTES);
	buf_put(&copy, frame);
	copy.p[at % copy.n] = (char)(copy.p[at % copy.n] ^ bits);
	require((spool_frame_parse(buf_slice(&copy), &e) == ERR_OK) == (bits == 0));
	require(spool_frame_parse(slice_sub(frame, 0, at % frame.n), &e) != ERR_OK);
	buf_done(&copy);
}

static void check_round(struct slice in)
{
	struct spool_entry e = {.err = ERR_TOO_LARGE, .at = 1700000000000}, back;
	struct buf frame;

	memset(e.attempt, 'a', SPOOL_ATTEMPT_BYTES);
	e.head = slice_sub(in, 0, in.n / 3 > SPOOL_HEAD_MAX_BYTES ? SPOOL_HEAD_MAX_BYTES : in.n / 3);
	e.body = slice_sub(in, e.head.n, SPOOL_BODY_MAX_BYTES);
	buf_init(&frame, SPOOL_FRAME_MAX_BYTES);
	spool_frame_put(&frame, &e);
	require(buf_ok(&frame) && spool_frame_parse(buf_slice(&frame), &back) == ERR_OK);
	require(back.err == e.err && back.at == e.at && strcmp(back.attempt, e.attempt) == 0);
	require(slice_eq(back.head, e.head) && slice_eq(back.body, e.body));
	if (in.n >= 3)
		check_damage(buf_slice(&frame), (size_t)(unsigned char)in.p[0] << 8 | (unsigned char)in.p[1],
			     (unsigned char)in.p[2]);
	buf_done(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_make(data, size);
	struct spool_entry e;

	if (spool_frame_parse(in, &e) == ERR_OK)
		require(e.head.n + e.body.n + SPOOL_FRAME_HEAD_BYTES <= size && strlen(e.attempt) == SPOOL_ATTEMPT_BYTES);
	check_round(in);
	return 0;
}
