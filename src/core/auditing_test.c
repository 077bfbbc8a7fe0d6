/* SPDX-License-Identifier: Apache-2.0 */
/* From notes to records: who acted, what it was part of, that no token is in them, and heads that move on. */
#include "core/auditing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "core/testcore.h"

struct bench {
	struct testcore core;
	struct buf notes;
	struct journal *journal;
};

static int setup(void **state)
{
	struct bench *b = MEM_NEW(struct bench);

	testcore_init(&b->core);
	buf_init(&b->notes, AUDITING_NOTES_MAX);
	b->core.core.notes = &b->notes;
	if (auditing_open(&b->core.core, b->core.dir, "worker-0", &b->journal, &b->core.ei))
		return 1;
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	journal_close(&b->journal);
	buf_done(&b->notes);
	b->core.core.notes = NULL;
	testcore_done(&b->core);
	free(b);
	return 0;
}

/* The chain's file as it is now. */
static const char *written(const struct bench *b)
{
	static char text[65536];
	char path[128];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, "%s/audit/worker-0/001.log", b->core.dir);
	f = fopen(path, "re");
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

static void records_say_who_and_within_what(void **state)
{
	struct bench *b = *state;
	const char *text;

	auditing_note(&b->core.core, &(const struct record){.event = "signed_in", .user_id = "u1"});
	auditing_note(&b->core.core, &(const struct record){.event = "app_made", .actor = "user u2", .app_id = "a\n1"});
	assert_int_equal(auditing_collect(b->journal, buf_slice(&b->notes), "req1", "key k1", "ok"), ERR_OK);
	assert_int_equal(auditing_collect(b->journal, SLICE_LIT(""), "req2", "key k2", "ok"), ERR_OK);
	assert_int_equal(auditing_collect(b->journal, (struct slice){0}, "req2", "key k2", "ok"), ERR_OK);
	assert_int_equal(journal_write(b->journal, NULL), ERR_OK);
	text = written(b);
	assert_non_null(strstr(text, "\"event\":\"signed_in\",\"user\":\"u1\",\"actor\":\"key k1\",\"request\":\"req1\",\"result\":\"ok\",\"prev\""));
	assert_non_null(strstr(text, "\"event\":\"app_made\",\"actor\":\"user u2\",\"app\":\"a\\u000a1\",\"request\":\"req1\",\"result\":\"ok\",\"prev\""));
	assert_null(strstr(text, "req2"));
	assert_int_equal(journal_head(b->journal).seq, 2);
}

/* An actor of the name of a member must not pass for one that the note names. */
static void a_text_is_no_actor(void **state)
{
	struct bench *b = *state;

	auditing_note(&b->core.core, &(const struct record){.event = "signed_in", .user_id = ",\"actor\":\"user 1"});
	assert_int_equal(auditing_collect(b->journal, buf_slice(&b->notes), NULL, "key k1", NULL), ERR_OK);
	assert_int_equal(journal_write(b->journal, NULL), ERR_OK);
	assert_non_null(strstr(written(b), ",\"actor\":\"key k1\",\"prev\""));
}

static void a_kept_half_makes_the_same_record(void **state)
{
	const struct record r = {.at = 1790000000123, .event = "token_read", .app_id = "default", .connection_id = "c1",
				 .authenticator_id = "a1", .user_id = "u1", .grant_id = "g1", .generation = 7,
				 .fingerprint = "00ff", .cause = "x", .detail = "\"y\""};
	struct buf whole, halves, subject;

	(void)state;
	for (int named = 0; named < 2; named++) {
		struct record each = r;

		each.actor = named ? "key k1" : NULL;
		buf_init(&whole, 4096);
		buf_init(&halves, 4096);
		buf_init(&subject, 4096);
		auditing_put(&whole, &each);
		record_put_subject(&subject, &each);
		auditing_put_about(&halves, &each, buf_slice(&subject));
		assert_string_equal(buf_cstr(&whole), buf_cstr(&halves));
		buf_done(&whole);
		buf_done(&halves);
		buf_done(&subject);
	}
}

static void nobody_takes_notes(void **state)
{
	struct bench *b = *state;

	b->core.core.notes = NULL;
	auditing_note(&b->core.core, &(const struct record){.event = "signed_in"});
	assert_int_equal(b->notes.n, 0);
}

static void too_many_are_refused_and_dropped(void **state)
{
	struct bench *b = *state;
	struct buf notes;
	char user[RECORD_FIELD_MAX];

	memset(user, 'u', sizeof user - 1);
	user[sizeof user - 1] = '\0';
	buf_init(&notes, JOURNAL_BATCH_MAX * 2);
	while (notes.n < JOURNAL_BATCH_MAX)
		auditing_put(&notes, &(const struct record){.at = 1, .event = "signed_in", .user_id = user});
	assert_int_equal(auditing_collect(b->journal, buf_slice(&notes), NULL, "key k1", "ok"), ERR_TOO_LARGE);
	buf_done(&notes);
	journal_forget(b->journal);
	assert_int_equal(journal_write(b->journal, NULL), ERR_OK);
	assert_int_equal(journal_head(b->journal).seq, 0);
	auditing_note(&b->core.core, &(const struct record){.event = "signed_in"});
	assert_int_equal(auditing_collect(b->journal, buf_slice(&b->notes), NULL, "key k1", "ok"), ERR_OK);
	assert_int_equal(journal_write(b->journal, NULL), ERR_OK);
	assert_int_equal(journal_head(b->journal).seq, 1);
}

/* One row a run, and its signature is what the verifier asks for. */
static void heads_move_on(void **state)
{
	struct bench *b = *state;
	struct audit_head_row *rows;
	char want[CHAIN_MAC_BYTES];
	size_t n = 0;

	for (int i = 1; i <= 3; i++) {
		struct chain end;

		auditing_note(&b->core.core, &(const struct record){.event = "signed_in"});
		assert_int_equal(auditing_collect(b->journal, buf_slice(&b->notes), NULL, "key k1", "ok"), ERR_OK);
		assert_int_equal(journal_write(b->journal, NULL), ERR_OK);
		buf_reset(&b->notes);
		end = journal_head(b->journal);
		assert_int_equal(auditing_sign(&b->core.core, "run-1", &end, &b->core.ei), ERR_OK);
		assert_int_equal(store_list(b->core.core.store, SQL_AUDIT_HEADS_ALL, STORE_NO_PARAMS, 10, b->core.arena, &rows, &n, NULL), ERR_OK);
		assert_int_equal(n, 1);
		assert_int_equal(rows[0].seq, i);
		assert_string_equal(rows[0].mac, end.mac);
		chain_sign_head(&end, "run-1", want);
		assert_string_equal(rows[0].signature, want);
		secret_wipe(&end, sizeof end);
	}
	assert_string_equal(rows[0].chain, "worker-0");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_say_who_and_within_what), TEST(a_text_is_no_actor), TEST(a_kept_half_makes_the_same_record),
		TEST(nobody_takes_notes), TEST(too_many_are_refused_and_dropped), TEST(heads_move_on),
	};

	return cmocka_run_group_tests_name("core/auditing", tests, NULL, NULL);
}
