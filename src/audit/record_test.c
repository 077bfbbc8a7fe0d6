/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is in a field, a record is one valid JSON line of plain ASCII (LG-02). */
#include "audit/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "audit/chain.h"
#include "base/mem.h"
#include "base/random.h"
#include "json/jsonr.h"

static const unsigned char key[HASH_KEY_BYTES] = {7};

/* The line of a record whose texts are all `text`; checked. */
static void one_line(const char *text)
{
	const struct record r = {.at = 1790000000000, .event = text, .actor = text, .app_id = text, .connection_id = text,
				 .authenticator_id = text, .user_id = text, .grant_id = text, .generation = 3,
				 .fingerprint = text, .cause = text, .detail = text};
	struct jsonr *doc = NULL;
	struct buf members, line;
	struct chain c, reader;
	int64_t number = 0;

	buf_init(&members, RECORD_MAX_BYTES);
	buf_init(&line, CHAIN_LINE_MAX);
	chain_init(&c, key, "worker-0");
	reader = c;
	record_put(&members, &r);
	record_put_text(&members, "request", text);
	assert_true(buf_ok(&members));
	chain_append(&c, buf_slice(&members), &line);
	assert_true(buf_ok(&line));
	for (size_t i = 0; i + 1 < line.n; i++)
		assert_in_range((unsigned char)line.p[i], 0x20, 0x7E);
	assert_int_equal(line.p[line.n - 1], '\n');
	assert_int_equal(jsonr_parse(slice_sub(buf_slice(&line), 0, line.n - 1), CHAIN_LINE_MAX, &doc, NULL), ERR_OK);
	assert_true(jsonr_integer(jsonr_get(doc, "seq"), &number) && number == 1);
	assert_true(jsonr_integer(jsonr_get(doc, "generation"), &number) && number == 3);
	assert_true(slice_is(jsonr_get_string(doc, "by"), "worker-0"));
	assert_int_equal(jsonr_get_string(doc, "event").p != NULL, text[0] != '\0');
	jsonr_free(&doc);
	assert_true(chain_take(&reader, slice_sub(buf_slice(&line), 0, line.n - 1)));
	buf_done(&members);
	buf_done(&line);
}

/* A true record of the same number, but of a chain that went another way after a restored backup: it follows something else. */
static void test_a_record_of_another_past_does_not_follow(void **state)
{
	struct buf ours, theirs;
	struct chain a, b, reader;
	size_t first;

	(void)state;
	buf_init(&ours, CHAIN_LINE_MAX);
	buf_init(&theirs, 2 * CHAIN_LINE_MAX);
	chain_init(&a, key, "worker-0");
	b = reader = a;
	chain_append(&a, SLICE_LIT("\"at\":1,\"event\":\"ours\""), &ours);
	chain_append(&b, SLICE_LIT("\"at\":1,\"event\":\"theirs\""), &theirs);
	first = theirs.n;
	chain_append(&b, SLICE_LIT("\"at\":2,\"event\":\"theirs\""), &theirs);
	assert_true(chain_take(&reader, slice_sub(buf_slice(&ours), 0, ours.n - 1)));
	assert_false(chain_take(&reader, slice_sub(buf_slice(&theirs), first, theirs.n - first - 1)));
	buf_done(&ours);
	buf_done(&theirs);
}

static void test_hostile_texts(void **state)
{
	static const char *const texts[] = {
		"", "plain", "a\r\n{\"seq\":2}", "\n", "\"", "\\", "\\\"", "\",\"mac\":\"0\"}\n", "\x1b[31mred\x1b[0m",
		"\xE2\x80\xA8 line separator", "\xE2\x80\xAE right to left", "\xC0\xAF bad", "\xFF\xFE", "\x7F", "\t\b\f\v",
		"\xF0\x9F\x98\x80", "</script>", "%0d%0a", "\xED\xA0\x80",
	};
	char long_text[4096];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		one_line(texts[i]);
	memset(long_text, '\n', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	one_line(long_text);
}

/* Each byte at each place of a text longer than what is looked at in one go, and right at the end of its memory. */
static void test_each_byte_is_escaped_as_it_must(void **state)
{
	char text[20], want[64];

	(void)state;
	for (unsigned c = 1; c < 256; c++)
		for (size_t at = 0; at < sizeof text - 1; at++) {
			struct buf out;
			int n;

			memset(text, 'a' + (int)at % 26, sizeof text - 1);
			text[sizeof text - 1] = '\0';
			text[at] = (char)c;
			n = snprintf(want, sizeof want, ",\"n\":\"%.*s", (int)at, text);
			if (c == '"' || c == '\\')
				n += snprintf(want + n, sizeof want - (size_t)n, "\\%c", (int)c);
			else
				n += snprintf(want + n, sizeof want - (size_t)n, c < 0x20 || c > 0x7E ? "\\u%04x" : "%c", c);
			snprintf(want + n, sizeof want - (size_t)n, "%s\"", text + at + 1);
			buf_init(&out, 200);
			record_put_text(&out, "n", text);
			assert_string_equal(buf_cstr(&out), want);
			buf_done(&out);
		}
}

static void test_long_texts_are_cut(void **state)
{
	static const size_t lengths[] = {RECORD_FIELD_MAX - 1, RECORD_FIELD_MAX, RECORD_FIELD_MAX + 1, 2000};
	char text[2001];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++)
		for (int quoted = 0; quoted < 2; quoted++) {
			size_t whole = strlen(",\"n\":\"\"") + (lengths[i] < RECORD_FIELD_MAX ? lengths[i] : RECORD_FIELD_MAX);
			struct buf out;

			memset(text, 'x', lengths[i]);
			text[lengths[i]] = '\0';
			if (quoted)
				text[0] = '"';
			buf_init(&out, 1000);
			record_put_text(&out, "n", text);
			assert_int_equal(out.n, whole + (quoted && lengths[i] < RECORD_FIELD_MAX));
			buf_done(&out);
		}
}

static void test_random_bytes(void **state)
{
	char text[200];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		random_bytes(text, sizeof text - 1);
		text[sizeof text - 1] = '\0';
		one_line(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_record_of_another_past_does_not_follow),
		cmocka_unit_test(test_hostile_texts),
					   cmocka_unit_test(test_each_byte_is_escaped_as_it_must),
					   cmocka_unit_test(test_long_texts_are_cut), cmocka_unit_test(test_random_bytes)};

	return cmocka_run_group_tests_name("audit/record", tests, NULL, NULL);
}
