/* SPDX-License-Identifier: Apache-2.0 */
/* SS-01 and SS-05: which texts are URLs to us, what they mean, and the corpus of those that must be refused. */
#include "base/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static void test_parts(void **state)
{
	static const struct {
		const char *text;
		bool https;
		const char *host;
		uint16_t port;
		const char *path, *query, *fragment, *origin; /* NULL: absent */
	} cases[] = {
		{"https://a.example", true, "a.example", 443, "", NULL, NULL, "https://a.example"},
		{"https://a.example/", true, "a.example", 443, "/", NULL, NULL, "https://a.example"},
		{"HTTPS://A.Example:443/x", true, "A.Example", 443, "/x", NULL, NULL, "https://a.example"},
		{"http://localhost:7002/token", false, "localhost", 7002, "/token", NULL, NULL,
		 "http://localhost:7002"},
		{"http://a:80/", false, "a", 80, "/", NULL, NULL, "http://a"},
		{"http://a:443/", false, "a", 443, "/", NULL, NULL, "http://a:443"},
		{"https://a?q=1#f", true, "a", 443, "", "q=1", "f", "https://a"},
		{"https://a/?", true, "a", 443, "/", "", NULL, "https://a"},
		{"https://a/#", true, "a", 443, "/", NULL, "", "https://a"},
		{"https://a/#?q", true, "a", 443, "/", NULL, "?q", "https://a"},
		{"https://a#@b", true, "a", 443, "", NULL, "@b", "https://a"},
		{"https://a/@b", true, "a", 443, "/@b", NULL, NULL, "https://a"},
		{"https://a?@b", true, "a", 443, "", "@b", NULL, "https://a"},
		{"https://127.0.0.1:1/", true, "127.0.0.1", 1, "/", NULL, NULL, "https://127.0.0.1:1"},
		{"https://255.255.255.255:65535/", true, "255.255.255.255", 65535, "/", NULL, NULL,
		 "https://255.255.255.255:65535"},
		{"https://[::1]:8443/x", true, "::1", 8443, "/x", NULL, NULL, "https://[::1]:8443"},
		{"https://[2001:DB8::1]", true, "2001:DB8::1", 443, "", NULL, NULL, "https://[2001:db8::1]"},
		{"https://xn--bcher-kva.example/", true, "xn--bcher-kva.example", 443, "/", NULL, NULL,
		 "https://xn--bcher-kva.example"},
		{"https://my_provider/", true, "my_provider", 443, "/", NULL, NULL, "https://my_provider"},
		{"https://a/%41%2F%C3%A9/...", true, "a", 443, "/%41%2F%C3%A9/...", NULL, NULL, "https://a"},
		{"https://a/.well-known/x?u=/../y", true, "a", 443, "/.well-known/x", "u=/../y", NULL, "https://a"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};
		struct buf origin;
		struct url u;

		buf_init(&origin, 200);
		assert_int_equal(url_parse(slice_from(cases[i].text), &u, &ei), ERR_OK);
		assert_int_equal(u.is_https, cases[i].https);
		assert_true(slice_is(u.whole, cases[i].text));
		assert_true(slice_is(u.host, cases[i].host));
		assert_int_equal(u.port, cases[i].port);
		assert_true(slice_is(u.path, cases[i].path));
		assert_true(slice_is(u.query, cases[i].query ? cases[i].query : ""));
		assert_int_equal(u.query.p != NULL, cases[i].query != NULL);
		assert_true(slice_is(u.fragment, cases[i].fragment ? cases[i].fragment : ""));
		assert_int_equal(u.fragment.p != NULL, cases[i].fragment != NULL);
		url_put_origin(&origin, &u);
		assert_string_equal(buf_cstr(&origin), cases[i].origin);
		buf_done(&origin);
	}
}

static const char *const refused[] = {
	/* other schemes, or none */
	"",
	"a.example",
	"//a.example",
	"/path",
	"ftp://a",
	"file:///etc/passwd",
	"gopher://a",
	"javascript:alert(1)",
	"data:text/html,x",
	"https:a",
	"https:/a",
	"https//a",
	"https:\\\\a",
	"http:",
	"https://",
	"http://",
	"httpss://a",
	" https://a",
	"view-source:https://a",
	"https ://a",
	/* user info (SS-01) */
	"https://user@a",
	"https://user:pw@a",
	"https://@a",
	"https://a@b@c",
	"https://good.example@evil.example",
	"https://a:443@b",
	"https://[::1]@b",
	"https://%40a@b",
	/* no host */
	"https:///x",
	"https://:443",
	"https://?q",
	"https://#f",
	"https://.",
	"https://..",
	"https://a..b",
	"https://.a",
	"https://a.",
	"https://127.0.0.1.",
	"https://a./x", /* trailing dot: another name for the same host */
	/* characters that other parsers take for separators or drop */
	"https://a\\b",
	"https://a\\@b",
	"https://a/\\b",
	"https://a\tb",
	"https://a\nb",
	"https://a/\r\nHost: b",
	"https://a b",
	"https://a/ b",
	"https://a/<",
	"https://a/>",
	"https://a/\"",
	"https://a/`",
	"https://a/{",
	"https://a/|",
	"https://a/^",
	"https://a/\x7f",
	"https://\xc3\xa9",
	"https://a/\xc3\xa9",
	"https://\xe2\x91\xa0\xe2\x91\xa1\xe2\x91\xa6.0.0.1",
	"https://a%2eb",
	"https://%61",
	"https://a%00.b",
	"https://a!b",
	"https://a,b",
	"https://a;b",
	"https://a*b",
	"https://a'b",
	"https://a(b",
	"https://a+b",
	"https://a=b",
	"https://a$b",
	"https://a&b",
	"https://a~b",
	"https://a/%",
	"https://a/%4",
	"https://a/%4g",
	"https://a/%%41",
	"https://a/%00",
	"https://a/?x=%00",
	"https://a/#%00",
	/* labels */
	"https://-a",
	"https://a-",
	"https://a.-b",
	"https://a-.b",
	"https://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b", /* 64 */
	/* numbers that some resolvers take for addresses (SS-05) */
	"https://0x7f.1",
	"https://2130706433",
	"https://127.1",
	"https://0177.0.0.1",
	"https://0x7f000001",
	"https://127.0.0.01",
	"https://127.0.1",
	"https://017700000001",
	"https://1.2.3.4.5",
	"https://256.0.0.1",
	"https://1.2.3",
	"https://0x7f.0.0.0x1",
	"https://127.0.0.0x1",
	"https://1e1",
	"https://a.1",
	"https://a.0x7f",
	"https://127.0.0.1a",
	"https://0",
	"https://00000000127.0.0.1",
	/* IPv6: broken, with a zone, or one address in another spelling */
	"https://[",
	"https://]",
	"https://[]",
	"https://[::1",
	"https://::1",
	"https://[::1]x",
	"https://[::1]]",
	"https://[::1%25eth0]",
	"https://[fe80::1%eth0]",
	"https://[1:2:3]",
	"https://[::g]",
	"https://[127.0.0.1]",
	"https://[::ffff:7f00:1]",
	"https://[0:0:0:0:0:0:0:1]",
	"https://[::0001]",
	"https://[2001:db8:0:0:0:0:0:1]",
	"https://[v1.a]",
	"https://[a]",
	"https://a[::1]",
	"https://[::1]a:80",
	"https://[::1]80",
	"https://[::1]180",
	/* ports */
	"https://a:",
	"https://a:/",
	"https://a:0",
	"https://a:65536",
	"https://a:99999",
	"https://a:100000",
	"https://a:-1",
	"https://a:+1",
	"https://a:1x",
	"https://a:x",
	"https://a:80:80",
	"https://a:080",
	"https://a: 80",
	"https://a:4294967739",
	"https://[::1]:",
	"https://[::1]:0",
	/* paths that clients rewrite before they ask */
	"https://a/.",
	"https://a/..",
	"https://a/./b",
	"https://a/b/../c",
	"https://a/b/..",
	"https://a/%2e%2e/c",
	"https://a/.%2E/c",
	"https://a/%2e",
	"https://a/b/%2E./c",
	"https://a/x/..?q",
	"https://a/x/..#f",
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		struct errinfo ei = {0};
		struct url u = {.port = 4711};
		enum err e = url_parse(slice_from(refused[i]), &u, &ei);

		if (e != ERR_INVALID)
			print_error("taken: %s\n", refused[i]);
		assert_int_equal(e, ERR_INVALID);
		assert_true(ei.detail[0] && slice_is_printable(slice_from(ei.detail)));
		assert_int_equal(u.port, 4711); /* the result is written only on success */
	}
}

static void test_every_byte_in_a_host_and_in_a_path(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char host[] = "https://ax.b/", path[] = "https://a/xb";
		/* '-' would end a label, '.' make an empty one */
		bool name = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			    (c && strchr("_/?#", c));
		bool text = c > 0x20 && c < 0x7F && !strchr("\\\"<>^`{|}%", c);
		struct url u;

		host[9] = (char)(unsigned char)c;
		path[10] = (char)(unsigned char)c;
		assert_int_equal(url_parse(slice_make(host, sizeof host - 1), &u, NULL) == ERR_OK, name);
		assert_int_equal(url_parse(slice_make(path, sizeof path - 1), &u, NULL) == ERR_OK, text);
	}
}

static void test_lengths(void **state)
{
	char *text = mem_calloc(1, 70000);
	struct url u;

	(void)state;
	memset(text, 'a', 70000);
	memcpy(text, "https://a/", 10);
	assert_int_equal(url_parse(slice_make(text, URL_MAX_BYTES), &u, NULL), ERR_OK);
	assert_int_equal(url_parse(slice_make(text, URL_MAX_BYTES + 1), &u, NULL), ERR_INVALID);
	assert_int_equal(url_parse(slice_make(text, 70000), &u, NULL), ERR_INVALID);
	for (size_t n = 0; n <= 9; n++) /* "https://a" is the shortest, and nothing behind n is read */
		assert_int_equal(url_parse(slice_make(text, n), &u, NULL), n == 9 ? ERR_OK : ERR_INVALID);
	for (size_t i = 10; i < 400; i++)
		text[i - 2] = i % 64 == 63 ? '.' : 'a';
	assert_int_equal(url_parse(slice_make(text, 8 + 253), &u, NULL), ERR_OK);
	assert_int_equal(url_parse(slice_make(text, 8 + 254), &u, NULL), ERR_INVALID);
	free(text);
}

/* The sentence may name host and port, never what stands in the query. */
static void test_the_sentence_never_quotes_the_query(void **state)
{
	static const char *const cases[] = {"https://a b/?s3cret", "https://a/?s3cret s3cret", "https://-a?s3cret",
					    "https://a:x?s3cret",  "https://u@a?s3cret",       "ftp://a?s3cret"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};
		struct url u;

		assert_int_equal(url_parse(slice_from(cases[i]), &u, &ei), ERR_INVALID);
		assert_null(strstr(ei.detail, "s3cret"));
	}
}

static void test_the_sentence_names_the_part(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{"https://user@a", "user name"}, {"https://a:x", "port \"x\""}, {"https://[::0001]", "as ::1"},
		{"https://127.1", "IPv4"},	 {"https://a/../b", "segment"}, {"https://a/%00", "NUL"},
		{"https://a b", "position 10"},	 {"ftp://a", "https://"},	{"https://-a", "\"-a\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};
		struct url u;

		assert_int_equal(url_parse(slice_from(cases[i].text), &u, &ei), ERR_INVALID);
		assert_non_null(strstr(ei.detail, cases[i].part));
	}
}

static void test_origins_and_loopback(void **state)
{
	static const struct {
		const char *a, *b;
		bool same, a_is_loopback;
	} cases[] = {
		{"https://a/x", "HTTPS://A:443/y?z", true, false},
		{"https://a", "http://a", false, false},
		{"https://a", "https://a:444", false, false},
		{"http://a:443", "https://a:443", false, false},
		{"https://a.b", "https://a.bc", false, false},
		{"http://127.0.0.1", "http://localhost", false, true},
		{"http://127.255.0.9", "http://127.255.0.9:80", true, true},
		{"http://[::1]", "http://[::1]:80", true, true},
		{"http://LOCALHOST", "http://localhost", true, true},
		{"http://localhost.evil.example", "http://localhost", false, false},
		{"http://127.evil.example", "http://127.0.0.1", false, false},
		{"http://[::2]", "http://[::1]", false, false},
		{"http://128.0.0.1", "http://127.0.0.1", false, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct url a, b;

		assert_int_equal(url_parse(slice_from(cases[i].a), &a, NULL), ERR_OK);
		assert_int_equal(url_parse(slice_from(cases[i].b), &b, NULL), ERR_OK);
		assert_int_equal(url_same_origin(&a, &b), cases[i].same);
		assert_int_equal(url_same_origin(&b, &a), cases[i].same);
		assert_int_equal(url_is_loopback(&a), cases[i].a_is_loopback);
	}
}

static void test_parameters(void **state)
{
	struct buf out;
	bool first = true;

	(void)state;
	buf_init(&out, 200);
	buf_puts(&out, "https://a/x");
	url_put_param(&out, &first, "state", SLICE_LIT("a b&c=\r\n#"));
	url_put_param(&out, &first, "a&b", (struct slice){0});
	assert_string_equal(buf_cstr(&out), "https://a/x?state=a%20b%26c%3D%0D%0A%23&a%26b=");
	buf_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_every_byte_in_a_host_and_in_a_path),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_the_sentence_never_quotes_the_query),
		cmocka_unit_test(test_the_sentence_names_the_part),
		cmocka_unit_test(test_origins_and_loopback),
		cmocka_unit_test(test_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
