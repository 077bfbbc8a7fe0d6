/* SPDX-License-Identifier: Apache-2.0 */
/* CR-01 and CR-02 in small: what was sealed at one place opens there, whole and unchanged, and nowhere else. */
#include "secret/seal.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

#define ROW "0123456789abcdef0123456789abcdef"

static const struct data_key key = {.id = "00112233445566778899aabbccddeeff",
				    .app_id = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
				    .epoch = 1,
				    .bytes = {1, 2, 3}};
static const struct seal_place here = {"oauth_token_grants", ROW, "access_token", 7};
static const char token[] = "ya29.a0AfH6SMB-token";
static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(8 << 20);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct sealed seal_token(void)
{
	struct secret *clear = secret_new(slice_from(token));
	struct sealed value = seal_value(&key, &here, clear, arena);

	secret_free(&clear);
	return value;
}

static void refused(const struct data_key *with, const struct seal_place *at, struct slice bytes)
{
	struct secret *untouched = secret_new(SLICE_LIT("untouched")), *clear = untouched;
	struct errinfo ei = {0};

	assert_int_equal(seal_open(with, at, (struct sealed){.bytes = bytes}, &clear, &ei), ERR_CRYPTO);
	assert_ptr_equal(clear, untouched);
	assert_non_null(strstr(ei.detail, at->table));
	assert_null(strstr(ei.detail, token));
	secret_free(&untouched);
}

static void test_what_was_sealed_opens(void **state)
{
	static const size_t lengths[] = {0, 1, 15, 16, 17, 64, 4096, SEAL_CLEAR_MAX_BYTES};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct secret *clear = secret_random(lengths[i]), *opened = NULL;
		struct sealed value = seal_value(&key, &here, clear, arena);
		char id[RANDOM_ID_BYTES];

		assert_int_equal(value.bytes.n, lengths[i] + SEAL_OVERHEAD_BYTES);
		assert_int_equal(seal_key_id(value, id, NULL), ERR_OK);
		assert_string_equal(id, key.id);
		assert_int_equal(seal_open(&key, &here, value, &opened, NULL), ERR_OK);
		assert_true(secret_equal(opened, secret_expose(clear)));
		secret_free(&clear);
		secret_free(&opened);
	}
}

static void test_absent_stays_absent(void **state)
{
	struct secret *opened = secret_new(SLICE_LIT("x")), *before = opened;

	(void)state;
	assert_int_equal(seal_value(&key, &here, NULL, arena).bytes.n, 0);
	assert_int_equal(seal_open(&key, &here, (struct sealed){0}, &opened, NULL), ERR_OK);
	assert_null(opened);
	secret_free(&before);
}

static void test_the_same_twice_is_not_the_same_ciphertext(void **state)
{
	struct sealed a = seal_token(), b = seal_token();

	(void)state;
	assert_false(slice_eq(a.bytes, b.bytes));
	assert_false(slice_eq(slice_sub(a.bytes, 18, 24), slice_sub(b.bytes, 18, 24))); /* the nonce */
	for (size_t i = 0; i + sizeof token - 1 <= a.bytes.n; i++)
		assert_memory_not_equal(a.bytes.p + i, token, sizeof token - 1);
}

static void test_another_place_is_refused(void **state)
{
	static const struct seal_place places[] = {
		{"oauth_sessions", ROW, "access_token", 7},
		{"oauth_token_grant", ROW, "access_token", 7},
		{"", ROW, "access_token", 7},
		{"oauth_token_grants", "1123456789abcdef0123456789abcdef", "access_token", 7},
		{"oauth_token_grants", "", "access_token", 7},
		{"oauth_token_grants", ROW, "refresh_token", 7},
		{"oauth_token_grants", ROW, "access_toke", 7},
		{"oauth_token_grants", ROW, "access_token", 6}, /* rolled back */
		{"oauth_token_grants", ROW, "access_token", 8},
		{"oauth_token_grants", ROW, "access_token", 0},
		{"oauth_token_grants", ROW, "access_token", -7},
		{"oauth_token_grants", ROW, "access_token", 7 + (1LL << 32)},
		/* the same bytes in a row, cut elsewhere */
		{"oauth_token_grants0", "123456789abcdef0123456789abcdef", "access_token", 7},
		{"oauth_token_grants", ROW "a", "ccess_token", 7},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(places); i++)
		refused(&key, &places[i], seal_token().bytes);
}

static void test_another_key_is_refused(void **state)
{
	struct data_key others[] = {key, key, key, key, key};

	(void)state;
	others[0].app_id[0] = 'b';			      /* another app with the same key */
	memset(others[1].app_id, 0, sizeof others[1].app_id); /* the platform's */
	others[2].id[31] = 'e';
	others[3].bytes[31] ^= 1;
	others[4].id[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		refused(&others[i], &here, seal_token().bytes);
}

/* Two values of different apps, rows, columns and generations: each opens at its own place only. */
static void test_swapped_values_are_refused(void **state)
{
	struct data_key keys[] = {key, key};
	static const char *const rows[] = {ROW, "fedcba9876543210fedcba9876543210"};
	static const char *const columns[] = {"access_token", "refresh_token"};
	struct seal_place places[16];
	struct sealed values[16];

	(void)state;
	memset(keys[1].app_id, 'b', 32);
	memset(keys[1].id, '7', 32);
	for (size_t i = 0; i < 16; i++) {
		struct secret *clear = secret_random(40);

		places[i] = (struct seal_place){"oauth_token_grants", rows[i & 1], columns[i >> 1 & 1],
						(int64_t)(i >> 2 & 1)};
		values[i] = seal_value(&keys[i >> 3], &places[i], clear, arena);
		secret_free(&clear);
	}
	for (size_t at = 0; at < 16; at++) {
		for (size_t from = 0; from < 16; from++) {
			struct secret *clear = NULL;

			if (at != from) {
				refused(&keys[at >> 3], &places[at], values[from].bytes);
				continue;
			}
			assert_int_equal(seal_open(&keys[at >> 3], &places[at], values[from], &clear, NULL), ERR_OK);
			secret_free(&clear);
		}
	}
}

static void test_every_flipped_bit_is_refused(void **state)
{
	struct slice whole = seal_token().bytes;
	char *copy = arena_alloc(arena, whole.n, 1);

	(void)state;
	for (size_t bit = 0; bit < whole.n * 8; bit++) {
		memcpy(copy, whole.p, whole.n);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		refused(&key, &here, slice_make(copy, whole.n));
	}
}

/* Length 0 is SQL's NULL, the absent value; every other length but the right one is refused. */
static void test_every_other_length_is_refused(void **state)
{
	struct slice whole = seal_token().bytes;
	char *longer = arena_alloc(arena, whole.n + 1, 1);
	char *copy, id[RANDOM_ID_BYTES];

	(void)state;
	for (size_t n = 1; n < whole.n; n++) {
		copy = mem_calloc(1, n); /* of its own, so that the sanitizer sees a read behind the end */
		memcpy(copy, whole.p, n);
		refused(&key, &here, slice_make(copy, n));
		refused(&key, &here, slice_make(whole.p + n, whole.n - n));
		if (n < SEAL_OVERHEAD_BYTES)
			assert_int_equal(seal_key_id((struct sealed){.bytes = slice_make(copy, n)}, id, NULL),
					 ERR_CRYPTO);
		free(copy);
	}
	memcpy(longer, whole.p, whole.n);
	refused(&key, &here, slice_make(longer, whole.n + 1));
	copy = mem_calloc(1, SEAL_OVERHEAD_BYTES + SEAL_CLEAR_MAX_BYTES + 1);
	memcpy(copy, whole.p, whole.n);
	refused(&key, &here, slice_make(copy, SEAL_OVERHEAD_BYTES + SEAL_CLEAR_MAX_BYTES + 1));
	free(copy);
}

static void test_clear_text_is_no_sealed_value(void **state)
{
	static const char *const texts[] = {"t", "token", "\x01\x01",
					    "\x01\x02 a value of an algorithm that we do not know",
					    "a client secret that somebody wrote into the database by hand, in clear"};
	char id[RANDOM_ID_BYTES] = "untouched";

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		refused(&key, &here, slice_from(texts[i]));
		assert_int_equal(seal_key_id((struct sealed){.bytes = slice_from(texts[i])}, id, NULL), ERR_CRYPTO);
		assert_string_equal(id, "untouched");
	}
	assert_int_equal(seal_key_id((struct sealed){0}, id, NULL), ERR_CRYPTO);
}

static void test_a_key_can_be_wiped(void **state)
{
	static const struct data_key none;
	struct data_key copy = key;

	(void)state;
	seal_key_wipe(&copy);
	assert_memory_equal(&copy, &none, sizeof copy);
	seal_key_wipe(NULL);
}

static int end_of_sealing(size_t clear_bytes, size_t row_bytes)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0) {
		struct seal_place place = here;
		struct secret *clear = secret_random(clear_bytes);
		char *row = mem_calloc(1, row_bytes + 1);

		(void)!freopen("/dev/null", "w", stderr);
		memset(row, 'r', row_bytes);
		place.row = row;
		seal_value(&key, &place, clear, arena);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
}

/* What could not be opened again, or only with cut associated data, must not be sealed. */
static void test_our_own_mistakes_end_the_process(void **state)
{
	(void)state;
	assert_int_equal(end_of_sealing(SEAL_CLEAR_MAX_BYTES, 32), 0);
	assert_int_equal(end_of_sealing(SEAL_CLEAR_MAX_BYTES + 1, 32), SIGABRT);
	assert_int_equal(end_of_sealing(10, 60000), 0);
	assert_int_equal(end_of_sealing(10, 70000), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_what_was_sealed_opens, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_absent_stays_absent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_same_twice_is_not_the_same_ciphertext, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_place_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_another_key_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_swapped_values_are_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_flipped_bit_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_every_other_length_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_clear_text_is_no_sealed_value, set_up, tear_down),
		cmocka_unit_test(test_a_key_can_be_wiped),
		cmocka_unit_test_setup_teardown(test_our_own_mistakes_end_the_process, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
