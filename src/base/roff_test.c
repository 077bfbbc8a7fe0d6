/* SPDX-License-Identifier: Apache-2.0 */
/* A text of anybody's is text in a manual page, too. */
#include "base/roff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_text_stays_text(void **state)
{
	static const struct {
		const char *text, *roff;
	} cases[] = {
		{"plain", "plain"},    {"--a-b", "\\-\\-a\\-b"}, {"C:\\x", "C:\\ex"},	 {".so /etc/passwd", "\\&.so /etc/passwd"},
		{"a.b", "a.b"},	       {"'x'", "\\&'x'"},	     {"a\n.b", "a\n\\&.b"}, {"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct buf out;

		buf_init(&out, 1024);
		roff_put(&out, cases[i].text);
		assert_string_equal(out.n ? buf_cstr(&out) : "", cases[i].roff);
		buf_done(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_text_stays_text)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
