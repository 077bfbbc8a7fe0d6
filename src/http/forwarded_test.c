/* SPDX-License-Identifier: Apache-2.0 */
/* WB-11: whom a proxy names. 10.0.0.0/8 and fd00::/8 are proxies of ours in every case. */
#include "http/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* The client that these headers name; "" for none. */
static const char *client(const struct request_pair *headers, size_t n)
{
	static struct peer peer;
	struct request r = {.header_count = n, .header = (struct request_pair *)(uintptr_t)headers};
	struct proxies trusted;

	assert_int_equal(proxies_parse(SLICE_LIT("10.0.0.0/8, fd00::/8"), &trusted, NULL), ERR_OK);
	return forwarded_client(&trusted, &r, &peer) ? peer.text : "";
}

static const struct {
	const char *name, *value, *client;
} cases[] = {
	{"x-forwarded-for", "203.0.113.7", "203.0.113.7"},
	{"x-forwarded-for", "203.0.113.7:4711", "203.0.113.7"},
	{"x-forwarded-for", "2001:db8::7", "2001:db8::7"},
	{"x-forwarded-for", "[2001:db8::7]", "2001:db8::7"},
	{"x-forwarded-for", "[2001:db8::7]:4711", "2001:db8::7"},
	{"x-forwarded-for", "::ffff:203.0.113.7", "203.0.113.7"},
	{"x-forwarded-for", " 203.0.113.7\t", "203.0.113.7"},
	/* What stands left of the client was written by the client. */
	{"x-forwarded-for", "198.51.100.1, 203.0.113.7", "203.0.113.7"},
	{"x-forwarded-for", "198.51.100.1, 203.0.113.7, 10.0.0.2, 10.0.0.3", "203.0.113.7"},
	{"x-forwarded-for", "10.0.0.9, 203.0.113.7", "203.0.113.7"},
	{"x-forwarded-for", "127.0.0.1,203.0.113.7,10.1.1.1", "203.0.113.7"},
	{"x-forwarded-for", "<script>, ,,\", 203.0.113.7", "203.0.113.7"},
	{"x-forwarded-for", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
	{"x-forwarded-for", "fd00::5", "fd00::5"},
	/* What cannot be read as far as the client says nothing. */
	{"x-forwarded-for", "", ""},
	{"x-forwarded-for", "203.0.113.7, unknown", ""},
	{"x-forwarded-for", "203.0.113.7, ", ""},
	{"x-forwarded-for", "203.0.113.7, unknown, 10.0.0.2", ""},
	{"x-forwarded-for", "203.0.113.7 10.0.0.2", ""},
	{"x-forwarded-for", "203.0.113.7:", ""},
	{"x-forwarded-for", "203.0.113.7:65536", ""},
	{"x-forwarded-for", "203.0.113.7:x", ""},
	{"x-forwarded-for", "[203.0.113.7]", ""},
	{"x-forwarded-for", "[2001:db8::7", ""},
	{"x-forwarded-for", "[2001:db8::7]4711", ""},
	{"x-forwarded-for", "203.0.113.07", ""},
	{"x-forwarded-for", "203.0.113", ""},
	{"x-forwarded-for", "3405803783", ""},
	{"x-forwarded-for", "fe80::1%eth0", ""},
	{"x-forwarded-for", "203.0.113.7\r", ""},
	{"x-forwarded-for", "for=203.0.113.7", ""},
	{"forwarded", "for=203.0.113.7", "203.0.113.7"},
	{"forwarded", "For=\"203.0.113.7:4711\";proto=https;by=10.0.0.2", "203.0.113.7"},
	{"forwarded", "proto=https;for=\"[2001:db8::7]:4711\"", "2001:db8::7"},
	{"forwarded", "for=198.51.100.1, for=203.0.113.7 , for=10.0.0.2", "203.0.113.7"},
	{"forwarded", "for=unknown, for=203.0.113.7", "203.0.113.7"},
	{"forwarded", "for=\"2\\03.0.113.7\"", "203.0.113.7"},
	{"forwarded", "for=198.51.100.1;host=\"a,for=203.0.113.9\"", "198.51.100.1"},
	{"forwarded", "for=203.0.113.7, for=_hidden", ""},
	{"forwarded", "for=203.0.113.7, proto=https", ""},
	{"forwarded", "for=\"203.0.113.7", ""},
	{"forwarded", "for=203.0.113.7;for=203.0.113.8", ""},
	{"forwarded", "for", ""},
	{"forwarded", "for=", ""},
	{"forwarded", "=203.0.113.7", ""},
	{"forwarded", "for=203.0.113.7,", ""},
	{"forwarded", "for=203.0.113.7;", ""},
	{"forwarded", "for =203.0.113.7", ""},
	{"forwarded", "for=[2001:db8::7]", ""}, /* brackets stand in quotes only */
	{"forwarded", "", ""},
	/* A quote that the client opened swallows what the proxy wrote: then nothing counts. */
	{"forwarded", "for=198.51.100.1, for=\", for=203.0.113.7", ""},
	{"forwarded", "for=198.51.100.1;x=\", for=\"[2001:db8::7]\"", ""},
	{"x-real-ip", "203.0.113.7", ""},
};

static void one_header(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct request_pair h = {slice_from(cases[i].name), slice_from(cases[i].value)};

		assert_string_equal(client(&h, 1), cases[i].client);
	}
	assert_string_equal(client(NULL, 0), "");
}

static void lines_are_one_list(void **state)
{
	const struct request_pair spoofed[] = {{SLICE_LIT("x-forwarded-for"), SLICE_LIT("198.51.100.1")},
					       {SLICE_LIT("accept"), SLICE_LIT("*/*")},
					       {SLICE_LIT("x-forwarded-for"), SLICE_LIT("203.0.113.7, 10.0.0.2")}};
	const struct request_pair open_quote[] = {{SLICE_LIT("forwarded"), SLICE_LIT("for=\"198.51.100.1")},
						  {SLICE_LIT("forwarded"), SLICE_LIT("for=203.0.113.7")}};

	(void)state;
	assert_string_equal(client(spoofed, 3), "203.0.113.7");
	assert_string_equal(client(open_quote, 2), "203.0.113.7");
}

static void two_kinds_must_agree(void **state)
{
	const struct request_pair x = {SLICE_LIT("x-forwarded-for"), SLICE_LIT("203.0.113.7")};
	const struct request_pair same = {SLICE_LIT("forwarded"), SLICE_LIT("for=203.0.113.7")};
	const struct request_pair other = {SLICE_LIT("forwarded"), SLICE_LIT("for=198.51.100.1")};
	const struct request_pair broken = {SLICE_LIT("forwarded"), SLICE_LIT("for=\"")};

	(void)state;
	assert_string_equal(client((const struct request_pair[]){x, same}, 2), "203.0.113.7");
	assert_string_equal(client((const struct request_pair[]){x, other}, 2), "");
	assert_string_equal(client((const struct request_pair[]){other, x}, 2), "");
	assert_string_equal(client((const struct request_pair[]){x, broken}, 2), "");
}

static void the_request_is_the_clients(void **state)
{
	struct request_pair h = {SLICE_LIT("x-forwarded-for"), SLICE_LIT("2001:db8:1:2:3::7")};
	struct request r = {.header_count = 1, .header = &h, .peer = "10.0.0.2"};
	struct proxies trusted;
	struct peer want;

	(void)state;
	assert_int_equal(proxies_parse(SLICE_LIT("10.0.0.0/8"), &trusted, NULL), ERR_OK);
	assert_true(peer_parse(SLICE_LIT("2001:db8:1:2::"), &want)); /* its /64 is who is counted */
	forwarded_apply(&trusted, &r);
	assert_string_equal(r.peer, "2001:db8:1:2:3::7");
	assert_memory_equal(r.peer_key, want.key, sizeof want.key);
	h.value = SLICE_LIT("nobody");
	memcpy(r.peer, "10.0.0.2", sizeof "10.0.0.2");
	forwarded_apply(&trusted, &r);
	assert_string_equal(r.peer, "10.0.0.2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_header),
		cmocka_unit_test(lines_are_one_list),
		cmocka_unit_test(two_kinds_must_agree),
		cmocka_unit_test(the_request_is_the_clients),
	};

	return cmocka_run_group_tests_name("http/forwarded", tests, NULL, NULL);
}
