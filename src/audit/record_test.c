/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is in a field, a record is one valid JSON line of plain ASCII (LG-02). */
#include "audit/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_hostile_texts), cmocka_unit_test(test_random_bytes)};

	return cmocka_run_group_tests_name("audit/record", tests, NULL, NULL);
}
