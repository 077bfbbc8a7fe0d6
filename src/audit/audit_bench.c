/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record of a token read costs: its text, its place in the chain, and its share of the write at the end of a turn.
 * CPU time of this process, so that a busy machine disturbs it less. Prints figures; asserts nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "audit/journal.h"
#include "base/mem.h"

enum { RECORDS = 200000, TURN = 32 };

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static void report(const char *what, const struct rusage *before, int records)
{
	struct rusage now;

	getrusage(RUSAGE_SELF, &now);
	printf("%-42s %7.3f us user %7.3f us system per record\n", what,
	       (seconds(now.ru_utime) - seconds(before->ru_utime)) * 1e6 / records,
	       (seconds(now.ru_stime) - seconds(before->ru_stime)) * 1e6 / records);
}

static void note(struct buf *out, int i)
{
	const struct record r = {.at = 1790000000000 + i / 20, .event = "token_read",
				 .actor = "key 00112233445566778899aabbccddeeff", .app_id = "default",
				 .connection_id = "00112233445566778899aabbccddeeff", .user_id = "ffeeddccbbaa99887766554433221100",
				 .grant_id = "0123456789abcdef0123456789abcdef", .generation = 17,
				 .fingerprint = "8899aabbccddeeff0011223344556677"};

	record_put(out, &r);
}

/* As a cached token has it: the second half is kept. */
static struct buf subject;

static void kept_note(struct buf *out, int i)
{
	record_put_act(out, 1790000000000 + i / 20, "token_read", "key 00112233445566778899aabbccddeeff");
	buf_put(out, buf_slice(&subject));
}

static void text_only(int records)
{
	struct rusage before;
	struct buf text;

	buf_init(&text, RECORD_MAX_BYTES);
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < records; i++) {
		buf_cut(&text, 0);
		note(&text, i);
	}
	report("text", &before, records);
	buf_done(&text);
}

static void whole(const char *dir, const char *what, void (*put)(struct buf *out, int i), int records)
{
	static const unsigned char key[HASH_KEY_BYTES] = {1};
	const struct journal_args args = {.data_dir = dir, .name = "worker-0", .key = key, .clock = &clock_system};
	struct errinfo ei = {0};
	struct rusage before;
	struct journal *j;

	if (journal_open(&args, &j, &ei)) {
		fprintf(stderr, "%s\n", ei.detail);
		exit(1);
	}
	getrusage(RUSAGE_SELF, &before);
	for (int i = 0; i < records; i++) {
		struct buf *members = journal_begin(j);

		put(members, i);
		record_put_text(members, "request", "0011223344556677");
		record_put_text(members, "result", "ok");
		if (journal_end(j) || (i % TURN == TURN - 1 && journal_write(j, &ei))) {
			fprintf(stderr, "cannot record: %s\n", ei.detail);
			exit(1);
		}
	}
	report(what, &before, records);
	journal_close(&j);
}

int main(int argc, char **argv)
{
	uint64_t records = RECORDS;
	char dir[] = "audit_bench.XXXXXX";

	if (argc > 1 && !slice_to_u64(slice_from(argv[1]), 10000000, &records))
		return 2;
	if (!mkdtemp(dir))
		return 1;
	text_only((int)records);
	whole(dir, "text, chain, a write for 32", note, (int)records);
	buf_init(&subject, RECORD_MAX_BYTES);
	record_put_subject(&subject, &(const struct record){
		.app_id = "default", .connection_id = "00112233445566778899aabbccddeeff", .user_id = "ffeeddccbbaa99887766554433221100",
		.grant_id = "0123456789abcdef0123456789abcdef", .generation = 17, .fingerprint = "8899aabbccddeeff0011223344556677"});
	whole(dir, "the same with half of the text kept", kept_note, (int)records);
	buf_done(&subject);
	printf("the chain is left in ./%s\n", dir);
	return 0;
}
