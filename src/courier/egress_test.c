/* SPDX-License-Identifier: Apache-2.0 */
/* The address policy: SS-01, SS-02, SS-09, with the first and last address of every refused range. */
#include "courier/egress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <netinet/in.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/mem.h"

static struct egress_peer peer(const char *text, uint16_t port)
{
	struct egress_peer p;

	if (!egress_peer_parse(slice_from(text), port, &p))
		fail_msg("%s is no address", text);
	return p;
}

static void ss_02_refuses_what_is_not_global(void **state)
{
	static const char *const addresses[] = {
		"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
		"127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254", "169.254.255.255",
		"172.16.0.0", "172.31.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0", "192.0.2.255",
		"192.88.99.0", "192.88.99.255", "192.168.0.0", "192.168.255.255", "198.18.0.0",
		"198.19.255.255", "198.51.100.0", "198.51.100.255", "203.0.113.0", "203.0.113.255",
		"224.0.0.0", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:8.8.8.8",
		"64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "fc00::", "fd00:ec2::254",
		"fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe80::1", "febf::1", "fec0::1", "ff00::", "ff02::1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001::", "2001::1", "2001:0:ffff::1", "2001:2::1",
		"2001:10::1", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::", "2001:db8:ffff::1", "2002::",
		"2002:7f00:1::1", "2002:ffff::1", "3fff::", "3fff:fff::1", "5f00::1", "1fff::1", "4000::1",
	};
	const struct egress none = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct egress_peer p = peer(addresses[i], 443);
		struct errinfo ei = {0};

		if (egress_vet_peer(&none, true, &p, &ei) != ERR_FORBIDDEN || !ei.detail[0])
			fail_msg("%s was allowed", addresses[i]);
	}
}

static void ss_02_takes_what_is_global(void **state)
{
	static const char *const addresses[] = {
		"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
		"126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0",
		"191.255.255.255", "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255",
		"192.169.0.0", "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
		"203.0.114.0", "223.255.255.255", "2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1",
		"2001:4860:4860::8888", "2003::1", "2606:4700::1111", "3ffe:ffff::1", "3fff:1000::1",
	};
	const struct egress none = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(addresses); i++) {
		struct egress_peer p = peer(addresses[i], 443);

		if (egress_vet_peer(&none, true, &p, NULL) != ERR_OK)
			fail_msg("%s was refused", addresses[i]);
	}
}

static void ss_01_ports_and_schemes(void **state)
{
	static const struct {
		const char *allow, *address;
		uint16_t port;
		bool https;
		enum err want;
	} cases[] = {
		{"", "8.8.8.8", 443, true, ERR_OK},
		{"", "8.8.8.8", 8443, true, ERR_OK},
		{"", "8.8.8.8", 80, true, ERR_FORBIDDEN},
		{"", "8.8.8.8", 22, true, ERR_FORBIDDEN},
		{"", "8.8.8.8", 9443, true, ERR_FORBIDDEN},
		{"", "8.8.8.8", 443, false, ERR_FORBIDDEN},
		{"", "8.8.8.8", 80, false, ERR_FORBIDDEN},
		{"8.8.8.8/32", "8.8.8.8", 80, false, ERR_OK},
		{"8.8.8.8/32:9443", "8.8.8.8", 9443, true, ERR_OK},
		{"8.8.8.8/32:9443", "8.8.8.8", 9444, true, ERR_FORBIDDEN},
		{"8.8.8.8/32:9443", "8.8.8.8", 443, true, ERR_OK}, /* public anyway */
		{"8.8.8.8/32:9443", "8.8.8.8", 443, false, ERR_FORBIDDEN},
		{"127.0.0.0/8", "127.0.0.1", 7002, false, ERR_OK},
		{"127.0.0.0/8", "127.255.255.254", 1, true, ERR_OK},
		{"127.0.0.0/8", "128.0.0.1", 7002, true, ERR_FORBIDDEN},
		{"127.0.0.0/8", "::1", 7002, false, ERR_FORBIDDEN},
		{"127.0.0.0/8,::1/128", "::1", 7002, false, ERR_OK},
		{" 10.0.0.0/8:443 , ::1/128:7002 ", "::1", 7002, false, ERR_OK},
		{"10.0.0.0/8:443,::1/128:7002", "::1", 7003, false, ERR_FORBIDDEN},
		{"10.0.0.0/8:443", "10.1.2.3", 443, false, ERR_OK},
		{"10.1.2.0/23", "10.1.3.255", 443, true, ERR_OK},
		{"10.1.2.0/23", "10.1.4.0", 443, true, ERR_FORBIDDEN},
		{"0.0.0.0/0", "10.1.4.0", 443, true, ERR_OK},
		{"0.0.0.0/0", "::1", 443, true, ERR_FORBIDDEN},
		{"::/0", "fd00::1", 443, true, ERR_OK},
		{"::/0", "127.0.0.1", 443, true, ERR_FORBIDDEN},
		{"::/0", "::ffff:127.0.0.1", 443, true, ERR_FORBIDDEN}, /* never as IPv6 */
		{"127.0.0.0/8", "::ffff:127.0.0.1", 443, true, ERR_FORBIDDEN},
		{"64:ff9b::/96", "64:ff9b::808:808", 443, true, ERR_OK}, /* an operator's own NAT64 */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct egress_peer p = peer(cases[i].address, cases[i].port);
		struct egress g;

		assert_int_equal(egress_parse(slice_from(cases[i].allow), &g, NULL), ERR_OK);
		if (egress_vet_peer(&g, cases[i].https, &p, NULL) != cases[i].want)
			fail_msg("case %zu: %s to %s port %u", i, cases[i].allow, cases[i].address, cases[i].port);
	}
}

static void ss_09_wrong_lists_name_the_item(void **state)
{
	static const struct {
		const char *list, *item;
	} cases[] = {
		{"127.0.0.1", "\"127.0.0.1\""},
		{"::1/128,10.0.0.1/8", "\"10.0.0.1/8\""},
		{"::1/127", "\"::1/127\""},
		{"10.0.0.0/33", "\"10.0.0.0/33\""},
		{"::/129", "\"::/129\""},
		{"10.0.0.0/", "\"10.0.0.0/\""},
		{"10.0.0.0/x", "\"10.0.0.0/x\""},
		{"10.0.0.0/8:", "\"10.0.0.0/8:\""},
		{"10.0.0.0/8:0", "\"10.0.0.0/8:0\""},
		{"10.0.0.0/8:65536", "\"10.0.0.0/8:65536\""},
		{"10.0.0.0/8:80:81", "\"10.0.0.0/8:80:81\""},
		{"localhost/8", "\"localhost/8\""},
		{"/8", "\"/8\""},
		{"0x7f.1/8", "\"0x7f.1/8\""},
		{"::ffff:127.0.0.1/128", "\"::ffff:127.0.0.1/128\""},
		{"::ffff:127.0.0.0/104", "\"::ffff:127.0.0.0/104\""},
		{"127.0.0.0/8,", "empty"},
		{",127.0.0.0/8", "empty"},
		{"127.0.0.0/8,\x01", "unreadable"},
		{"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890/8",
		 "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789\""},
		{"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd/8", "1111:2222"},
	};
	char many[EGRESS_RULES_MAX * 11 + 16] = "";
	struct egress g = {.count = 42};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct errinfo ei = {0};

		if (egress_parse(slice_from(cases[i].list), &g, &ei) != ERR_CONFIG || !strstr(ei.detail, cases[i].item) ||
		    !strstr(ei.hint, "address/bits"))
			fail_msg("\"%s\": %s", cases[i].list, ei.detail);
	}
	for (size_t i = 0; i <= EGRESS_RULES_MAX; i++)
		memcpy(many + i * 11, "10.0.0.0/8,", 11);
	assert_int_equal(egress_parse(slice_make(many, EGRESS_RULES_MAX * 11 + 10), &g, NULL), ERR_CONFIG);
	assert_int_equal(g.count, 42); /* written only on success */
	assert_int_equal(egress_parse(slice_make(many, EGRESS_RULES_MAX * 11 - 1), &g, NULL), ERR_OK);
	assert_int_equal(g.count, EGRESS_RULES_MAX);
	assert_int_equal(egress_parse(SLICE_LIT("  "), &g, NULL), ERR_OK);
	assert_int_equal(g.count, 0);
}

static void ss_03_one_bad_address_refuses_all(void **state)
{
	struct egress_peer mixed[] = {peer("8.8.8.8", 443), peer("127.0.0.1", 443)};
	const struct egress none = {0};

	(void)state;
	assert_int_equal(egress_vet_peers(&none, true, mixed, 1, NULL), ERR_OK);
	assert_int_equal(egress_vet_peers(&none, true, mixed, 2, NULL), ERR_FORBIDDEN);
	assert_int_equal(egress_vet_peers(&none, true, mixed, 0, NULL), ERR_FORBIDDEN);
}

static void peers_and_sockaddrs(void **state)
{
	static const char *const texts[] = {"192.0.2.7", "2001:db8::7"};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct sockaddr_storage sa;
	struct egress_peer p, back;
	char text[EGRESS_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		p = peer(texts[i], 8443);
		socklen_t n = egress_peer_sockaddr(&p, &sa);

		assert_true(egress_peer_from((struct sockaddr *)&sa, n, &back));
		assert_true(egress_peer_eq(&p, &back));
		egress_peer_text(&back, text);
		assert_string_equal(text, texts[i]);
		assert_false(egress_peer_from((struct sockaddr *)&sa, n - 1, &back));
		back.port++;
		assert_false(egress_peer_eq(&p, &back));
		back.port--;
		back.addr[3]++;
		assert_false(egress_peer_eq(&p, &back));
	}
	assert_false(egress_peer_eq(&(struct egress_peer){.is_ipv6 = true}, &(struct egress_peer){0}));
	assert_false(egress_peer_from((struct sockaddr *)&un, sizeof un, &back));
	assert_false(egress_peer_parse(SLICE_LIT(""), 1, &p));
	assert_false(egress_peer_parse(SLICE_LIT("127.0.0.1\0x"), 1, &p));
	assert_false(egress_peer_parse(SLICE_LIT("127.1"), 1, &p));
	assert_false(egress_peer_parse(SLICE_LIT("fe80::1%eth0"), 1, &p));
}

/* SS-05: what the one parser takes or refuses, as egress sees it. */
static void ss_05_url_corpus(void **state)
{
	static const struct {
		const char *url;
		bool good;
	} cases[] = {
		{"https://as.example/token", true},	    {"https://as.example:8443/token?a=b", true},
		{"http://localhost:7002/token", true},	    {"https://as.example/token#x", false},
		{"https://as.example/token#", false},	    {"https://good@evil.example/", false},
		{"https://good:pw@evil.example/", false},   {"https://0x7f.1/", false},
		{"https://2130706433/", false},		    {"https://127.1/", false},
		{"https://0177.0.0.1/", false},		    {"https://evil.example./", false},
		{"https://evil.example\\@good/", false},    {"https://good#@evil.example/", false},
		{"https://good%00.evil/", false},	    {"https://\xef\xbc\x91\xef\xbc\x92/", false},
		{"file:///etc/passwd", false},		    {"gopher://good/", false},
		{"ftp://good/", false},			    {"javascript:alert(1)", false},
		{"https:/good/", false},		    {"//good/", false},
		{"https://good:0/", false},		    {"https://good:65536/", false},
		{"https://good:443x/", false},		    {"https://[::1%25eth0]/", false},
		{"https://[::ffff:7f00:1]/", false},
		{"https://[::ffff:127.0.0.1]/", true}, /* parsed, then refused as an address */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct url u;
		struct errinfo ei = {0};
		enum err e = url_parse(slice_from(cases[i].url), &u, &ei);

		if (!e)
			e = egress_vet_url(&u, &ei);
		if ((e == ERR_OK) != cases[i].good)
			fail_msg("%s: %s", cases[i].url, ei.detail);
	}
}

static void written_anew_from_its_parts(void **state)
{
	static const char *const cases[][2] = {
		{"https://AS.Example", "https://as.example/"},
		{"HTTPS://as.example:443?a=b", "https://as.example/?a=b"},
		{"https://as.example:8443/a//b?", "https://as.example:8443/a//b?"},
		{"http://[::1]:7002/token", "http://[::1]:7002/token"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct url u;
		struct buf text;

		assert_int_equal(url_parse(slice_from(cases[i][0]), &u, NULL), ERR_OK);
		buf_init(&text, URL_MAX_BYTES);
		egress_put_url(&text, &u);
		assert_string_equal(buf_cstr(&text), cases[i][1]);
		buf_done(&text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ss_02_refuses_what_is_not_global),  cmocka_unit_test(ss_02_takes_what_is_global),
		cmocka_unit_test(ss_01_ports_and_schemes),	     cmocka_unit_test(ss_09_wrong_lists_name_the_item),
		cmocka_unit_test(ss_03_one_bad_address_refuses_all), cmocka_unit_test(peers_and_sockaddrs),
		cmocka_unit_test(ss_05_url_corpus),		     cmocka_unit_test(written_anew_from_its_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
