/* SPDX-License-Identifier: Apache-2.0 */
/* The spool's seal: the courier needs no secret that opens, the keeper opens only what is whole and ours. */
#include "secret/spoolseal.h"

#include <fcntl.h>
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

static const char head[] = "attempt=a1 grant=g1 generation=7";
static struct arena *arena;
static struct master *master, *foreign;
static unsigned char public_key[MASTER_PUBLIC_BYTES], mac_key[MASTER_MAC_KEY_BYTES];

static struct master *new_master(void)
{
	char path[] = "/tmp/spoolseal_test.XXXXXX";
	struct master *m = NULL;

	assert_non_null(mkdtemp(path));
	assert_int_equal(chdir(path), 0);
	assert_int_equal(master_create("key", NULL), ERR_OK); /* a name without a folder must do */
	assert_int_equal(master_load("key", &m, NULL), ERR_OK);
	assert_int_equal(unlink("key"), 0);
	assert_int_equal(rmdir(path), 0);
	return m;
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(8 << 20);
	master = new_master();
	foreign = new_master();
	master_spool_public(master, public_key);
	master_spool_mac_key(master, mac_key);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	master_free(&master);
	master_free(&foreign);
	arena_free(&arena);
	return 0;
}

static struct slice make(const char *text)
{
	struct secret *clear = secret_new(slice_from(text));
	struct slice entry = spoolseal_make(public_key, mac_key, slice_from(head), clear, arena);

	secret_free(&clear);
	return entry;
}

static void refused(const struct master *m, struct slice with_head, struct slice entry)
{
	struct errinfo ei = {0};
	struct secret *clear = NULL;

	assert_int_equal(master_open_spool(m, with_head, entry, &clear, &ei), ERR_CRYPTO);
	assert_null(clear);
	assert_true(ei.detail[0]);
}

static void test_round_trip(void **state)
{
	static const size_t lengths[] = {0, 1, 1000, 256 * 1024, 1 << 20};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		struct secret *clear = secret_random(lengths[i]), *opened = NULL;
		struct slice entry = spoolseal_make(public_key, mac_key, slice_from(head), clear, arena);

		assert_int_equal(entry.n, lengths[i] + SPOOLSEAL_OVERHEAD_BYTES);
		assert_true(spoolseal_check(mac_key, slice_from(head), entry));
		assert_int_equal(master_open_spool(master, slice_from(head), entry, &opened, NULL), ERR_OK);
		assert_true(secret_equal(opened, secret_expose(clear)));
		secret_free(&clear);
		secret_free(&opened);
	}
}

static void test_every_flipped_bit_and_every_other_length_is_refused(void **state)
{
	struct slice entry = make("{\"access_token\":\"a\"}");
	char *copy = arena_alloc(arena, entry.n + 1, 1);

	(void)state;
	for (size_t bit = 0; bit < entry.n * 8; bit++) {
		memcpy(copy, entry.p, entry.n);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		assert_false(spoolseal_check(mac_key, slice_from(head), slice_make(copy, entry.n)));
		refused(master, slice_from(head), slice_make(copy, entry.n));
	}
	for (size_t n = 0; n < entry.n; n++) {
		refused(master, slice_from(head), slice_make(entry.p, n));
		refused(master, slice_from(head), slice_make(entry.p + n + 1, entry.n - n - 1));
	}
	memcpy(copy, entry.p, entry.n);
	refused(master, slice_from(head), slice_make(copy, entry.n + 1));
	refused(master, slice_from(head), (struct slice){0});
}

static void test_another_head_is_refused(void **state)
{
	struct slice entry = make("x"), moved;
	char *joined;

	(void)state;
	for (size_t bit = 0; bit < (sizeof head - 1) * 8; bit++) {
		char copy[sizeof head];

		memcpy(copy, head, sizeof head);
		copy[bit / 8] = (char)(copy[bit / 8] ^ (1 << bit % 8));
		refused(master, slice_from(copy), entry);
	}
	refused(master, (struct slice){0}, entry);
	refused(master, slice_make(head, sizeof head - 2), entry);
	/* one byte moved from the head into the box: the same bytes under the MAC but for the length */
	joined = arena_alloc(arena, entry.n + 1, 1);
	joined[0] = head[sizeof head - 2];
	memcpy(joined + 1, entry.p, entry.n);
	moved = slice_make(joined, entry.n + 1);
	assert_false(spoolseal_check(mac_key, slice_make(head, sizeof head - 2), moved));
	refused(master, slice_make(head, sizeof head - 2), moved);
}

/* Whoever knows the public key can make a box; without the MAC key it is not ours. */
static void test_a_stranger_cannot_make_an_entry(void **state)
{
	struct secret *clear = secret_new(SLICE_LIT("forged"));
	unsigned char other_mac[MASTER_MAC_KEY_BYTES];

	(void)state;
	master_spool_mac_key(foreign, other_mac);
	assert_memory_not_equal(mac_key, other_mac, sizeof mac_key);
	refused(master, slice_from(head), spoolseal_make(public_key, other_mac, slice_from(head), clear, arena));
	secret_free(&clear);
	refused(foreign, slice_from(head), make("ours"));
}

/* The MAC fits but the box is for somebody else: must not open either. */
static void test_a_box_for_another_keeper_is_refused(void **state)
{
	struct secret *clear = secret_new(SLICE_LIT("x"));
	unsigned char other_public[MASTER_PUBLIC_BYTES];
	struct slice entry;

	(void)state;
	master_spool_public(foreign, other_public);
	entry = spoolseal_make(other_public, mac_key, slice_from(head), clear, arena);
	assert_true(spoolseal_check(mac_key, slice_from(head), entry));
	refused(master, slice_from(head), entry);
	secret_free(&clear);
}

/* A courier that never got its keys must not write down, under a fitting MAC, what nobody can open. */
static void test_an_unset_public_key_ends_the_process(void **state)
{
	static const unsigned char unset[MASTER_PUBLIC_BYTES];
	pid_t child = fork();
	int status = 0;

	(void)state;
	if (child == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		spoolseal_make(unset, mac_key, slice_from(head), NULL, arena);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_flipped_bit_and_every_other_length_is_refused),
		cmocka_unit_test(test_another_head_is_refused),
		cmocka_unit_test(test_a_stranger_cannot_make_an_entry),
		cmocka_unit_test(test_a_box_for_another_keeper_is_refused),
		cmocka_unit_test(test_an_unset_public_key_ends_the_process),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
