/* SPDX-License-Identifier: Apache-2.0 */
/* The list of trusted proxies: what it holds, and what is no list. */
#include "http/proxies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static bool held(const char *list, const char *address)
{
	struct proxies p;
	struct peer peer;

	assert_int_equal(proxies_parse(slice_from(list), &p, NULL), ERR_OK);
	assert_true(peer_parse(slice_from(address), &peer));
	return proxies_hold(&p, &peer);
}

static void ranges_hold_their_addresses(void **state)
{
	static const struct {
		const char *list, *address;
		bool held;
	} cases[] = {
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"10.1.2.3/32", "10.1.2.3", true},
		{"10.1.2.3/32", "10.1.2.2", false},
		{"192.168.4.0/23", "192.168.5.255", true},
		{"192.168.4.0/23", "192.168.6.0", false},
		{" 127.0.0.1/32 , ::1/128 ", "::1", true},
		{"127.0.0.1/32,::1/128", "127.0.0.1", true},
		{"127.0.0.1/32,::1/128", "127.0.0.2", false},
		{"fd00::/8", "fdff::1", true},
		{"fd00::/8", "fe00::1", false},
		{"2001:db8:1:2::/65", "2001:db8:1:2:7fff::1", true},
		{"2001:db8:1:2::/65", "2001:db8:1:2:8000::1", false},
		{"::/64", "10.0.0.1", false}, /* IPv4 is not in it */
		{"::/64", "::2", true},
		{"", "127.0.0.1", false},
		{"  ", "127.0.0.1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(held(cases[i].list, cases[i].address), cases[i].held);
}

static void what_is_no_list_is_refused(void **state)
{
	static const char *const lists[] = {
		"10.0.0.1",
		"10.0.0.0/33",
		"10.0.0.1/8",
		"10.0.0.0/",
		"10.0.0.0/8,",
		",10.0.0.0/8",
		"10.0.0.0/8,,::1/128",
		"proxy/32",
		"10.0.0/8",
		"::1/129",
		"::1/64",
		"::ffff:10.0.0.0/104",
		"0.0.0.0/0",
		"::/0",
		"[::1]/128",
		"10.0.0.0/8 ::1/128",
		"10.0.0.0/8:443",
		"10.0.0.0/-1",
		"010.0.0.0/8",
	};
	struct proxies p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct errinfo ei = {.detail = ""};

		assert_int_equal(proxies_parse(slice_from(lists[i]), &p, &ei), ERR_CONFIG);
		assert_true(ei.detail[0] && ei.hint[0]);
	}
}

static void a_list_has_an_end(void **state)
{
	struct proxies p;
	struct buf list;

	(void)state;
	buf_init(&list, 4096);
	for (int i = 0; i < PROXIES_MAX; i++)
		buf_printf(&list, "%s10.0.0.%d/32", i ? "," : "", i);
	assert_int_equal(proxies_parse(buf_slice(&list), &p, NULL), ERR_OK);
	buf_puts(&list, ",10.1.0.0/16");
	assert_int_equal(proxies_parse(buf_slice(&list), &p, NULL), ERR_CONFIG);
	buf_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_hold_their_addresses),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(a_list_has_an_end),
	};

	return cmocka_run_group_tests_name("http/proxies", tests, NULL, NULL);
}
