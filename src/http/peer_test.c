/* SPDX-License-Identifier: Apache-2.0 */
/* Who counts as one client (DO-02). */
#include "http/peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/mem.h"

static struct peer peer_of(const char *text)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return peer_from((const struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return peer_from((const struct sockaddr *)&v6);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *a, *b;
		bool same, loopback;
	} cases[] = {
		{"203.0.113.5", "203.0.113.5", true, false},
		{"203.0.113.5", "203.0.113.6", false, false},
		{"203.0.113.5", "::ffff:203.0.113.5", true, false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true, false}, /* one /64 */
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false, false},
		{"127.0.0.1", "127.0.0.2", false, true},
		{"::ffff:127.0.0.1", "127.0.0.1", true, true},
		{"::1", "::1", true, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct peer a = peer_of(cases[i].a), b = peer_of(cases[i].b);

		assert_int_equal(memcmp(a.key, b.key, sizeof a.key) == 0, cases[i].same);
		assert_int_equal(a.is_loopback, cases[i].loopback);
		assert_true(a.text[0] != '\0');
	}
	assert_string_equal(peer_of("::ffff:203.0.113.5").text, "203.0.113.5");
}

static void test_counting(void **state)
{
	struct map *counts = map_new();
	struct peer a = peer_of("203.0.113.5"), b = peer_of("203.0.113.6");
	struct peer_count *held[4];

	(void)state;
	held[0] = peer_add(counts, &a, 2);
	held[1] = peer_add(counts, &a, 2);
	assert_non_null(held[0]);
	assert_non_null(held[1]);
	assert_null(peer_add(counts, &a, 2));
	held[2] = peer_add(counts, &b, 2);
	assert_non_null(held[2]); /* another's cap is not touched */
	peer_drop(counts, &held[0]);
	assert_null(held[0]);
	peer_drop(counts, &held[0]);
	held[3] = peer_add(counts, &a, 2);
	assert_non_null(held[3]);
	assert_null(peer_add(counts, &a, 2));
	for (size_t i = 0; i < 4; i++)
		peer_drop(counts, &held[i]);
	assert_int_equal(map_count(counts), 0); /* nothing stays behind for those who have gone */
	map_free(&counts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_addresses), cmocka_unit_test(test_counting)};

	return cmocka_run_group_tests_name("http/peer", tests, NULL, NULL);
}
