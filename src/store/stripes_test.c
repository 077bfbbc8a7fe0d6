/* SPDX-License-Identifier: Apache-2.0 */
/* The shared counters: between mappings, under threads, and what a store tells after its COMMIT. */
#include "store/stripes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/mem.h"
#include "store/store.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

enum { ONE = 7, OTHER = 8, THIRD = 9 };

static struct stripes *mapped(int fd)
{
	struct stripes *s = NULL;

	OK(stripes_map(fd, &s, NULL));
	return s;
}

static void what_one_role_touches_another_sees(void **state)
{
	int fd = -1;
	struct stripes *here, *there;
	uint64_t before;

	(void)state;
	OK(stripes_create(&fd, NULL));
	here = mapped(fd);
	there = mapped(fd);
	before = stripes_epoch(there);
	assert_true(stripes_unchanged(there, before, ONE, OTHER));
	stripes_touch(here, THIRD);
	assert_true(stripes_unchanged(there, before, ONE, OTHER));
	stripes_touch(here, OTHER);
	assert_false(stripes_unchanged(there, before, ONE, OTHER));
	assert_false(stripes_unchanged(there, before, OTHER, ONE));
	assert_true(stripes_unchanged(there, stripes_epoch(there), ONE, OTHER));
	before = stripes_epoch(there);
	stripes_touch_all(here);
	assert_false(stripes_unchanged(there, before, ONE, ONE));
	assert_false(stripes_unchanged(there, before, STRIPES_COUNT - 1, 0));
	stripes_unmap(&here);
	stripes_unmap(&there);
	assert_null(here);
	stripes_unmap(NULL);
	close(fd);
}

/* A role cannot cut the memory short under the others, and foreign memory is not taken for it. */
static void it_keeps_its_size(void **state)
{
	struct errinfo ei = {.detail = ""};
	struct stripes *s = NULL;
	int fd = -1, null = -1;
	FILE *none = tmpfile();

	(void)state;
	OK(stripes_create(&fd, NULL));
	assert_int_equal(ftruncate(fd, 0), -1);
	null = fileno(none);
	assert_int_equal(stripes_map(null, &s, &ei), ERR_CONFIG);
	assert_null(s);
	fclose(none);
	close(fd);
}

static void ids_are_spread(void **state)
{
	static unsigned char met[STRIPES_COUNT];
	size_t distinct = 0;
	char id[33];

	(void)state;
	for (unsigned i = 0; i < STRIPES_COUNT / 4; i++) {
		snprintf(id, sizeof id, "%032x", i * 2654435761u);
		distinct += met[stripes_of(slice_from(id))]++ == 0;
	}
	assert_true(distinct > STRIPES_COUNT / 4 * 8 / 10); /* 88 in 100 would be by chance */
	assert_int_equal(stripes_of(SLICE_LIT("u")), stripes_of(SLICE_LIT("u")));
}

/*
 * Writers change a value and then touch its stripe; readers keep what they read as the cache does. What is kept and still
 * counts as unchanged must not be older than a change whose touch had ended before the question.
 */
enum { WRITERS = 3, READERS = 2, ROUNDS = 300000 };

struct field {
	struct stripes *stripes;
	_Atomic uint64_t row;      /* "the database" */
	_Atomic uint64_t announced; /* the highest value whose writer has been answered */
	_Atomic int running;
	_Atomic uint64_t stale, hits;
};

static void *write_rows(void *arg)
{
	struct field *f = arg;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t mine = atomic_fetch_add(&f->row, 1) + 1, seen = atomic_load(&f->announced), before = stripes_epoch(f->stripes);

		stripes_touch(f->stripes, ONE);
		/* What was kept before stays void, also when another's touch comes in between. */
		if (stripes_unchanged(f->stripes, before, ONE, OTHER))
			atomic_fetch_add(&f->stale, 1);
		while (seen < mine && !atomic_compare_exchange_weak(&f->announced, &seen, mine))
			;
	}
	atomic_fetch_sub(&f->running, 1);
	return NULL;
}

static void *read_rows(void *arg)
{
	struct field *f = arg;
	uint64_t kept = 0, epoch = 0;
	bool have = false;

	while (atomic_load(&f->running) || atomic_load(&f->hits) == 0) {
		uint64_t announced = atomic_load(&f->announced);

		if (have && stripes_unchanged(f->stripes, epoch, ONE, OTHER)) {
			if (kept < announced)
				atomic_fetch_add(&f->stale, 1);
			atomic_fetch_add(&f->hits, 1);
		} else {
			epoch = stripes_epoch(f->stripes);
			kept = atomic_load(&f->row);
			have = true;
		}
	}
	return NULL;
}

static void nothing_stale_is_taken_for_unchanged(void **state)
{
	struct field *f = MEM_NEW(struct field);
	pthread_t threads[WRITERS + READERS];
	int fd = -1;

	(void)state;
	OK(stripes_create(&fd, NULL));
	f->stripes = mapped(fd);
	f->running = WRITERS;
	for (int i = 0; i < WRITERS + READERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i < WRITERS ? write_rows : read_rows, f), 0);
	for (int i = 0; i < WRITERS + READERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(f->stale, 0);
	assert_true(f->hits > 0);
	/* The numbers of two writers never stand in the wrong order: the last touch is the epoch. */
	assert_true(stripes_unchanged(f->stripes, stripes_epoch(f->stripes), ONE, OTHER));
	assert_false(stripes_unchanged(f->stripes, stripes_epoch(f->stripes) - 1, ONE, OTHER));
	stripes_unmap(&f->stripes);
	close(fd);
	free(f);
}

struct shop {
	char dir[32], path[64];
	struct stripes *stripes;
	struct store *store;
	int fd;
};

static void open_shop(struct shop *s)
{
	struct store_args args = {.create = true};

	*s = (struct shop){.dir = "/tmp/fw-stripes-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof s->path, "%s/x.db", s->dir);
	OK(stripes_create(&s->fd, NULL));
	s->stripes = mapped(s->fd);
	args.path = s->path;
	args.stripes = s->stripes;
	OK(store_open(&args, &s->store, NULL));
	OK(store_migrate(s->store, 1, NULL));
}

static void close_shop(struct shop *s)
{
	static const char *const ends[] = {"", "-wal", "-shm"};

	store_close(&s->store);
	stripes_unmap(&s->stripes);
	close(s->fd);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char file[80];

		snprintf(file, sizeof file, "%s%s", s->path, ends[i]);
		unlink(file);
	}
	rmdir(s->dir);
}

static void end_grant(struct shop *s, const char *grant)
{
	OK(store_change(s->store, SQL_GRANT_REVOKE, STORE_PARAMS(STORE_TEXT(grant), STORE_TEXT("revoked"), STORE_INT(1)), NULL, NULL));
}

static void a_change_is_told_before_it_returns(void **state)
{
	struct shop s;
	uint32_t g = stripes_of(SLICE_LIT("g1")), u = stripes_of(SLICE_LIT("u1"));
	uint64_t before;

	(void)state;
	open_shop(&s);
	before = stripes_epoch(s.stripes);
	end_grant(&s, "g1");
	assert_false(stripes_unchanged(s.stripes, before, g, u));
	assert_true(stripes_unchanged(s.stripes, before, u, u));
	before = stripes_epoch(s.stripes);
	OK(store_change(s.store, SQL_API_KEY_REVOKE, STORE_PARAMS(STORE_TEXT("k"), STORE_INT(1)), NULL, NULL));
	assert_false(stripes_unchanged(s.stripes, before, u, u));
	before = stripes_epoch(s.stripes);
	OK(store_change(s.store, SQL_CONNECTION_USED, STORE_PARAMS(STORE_TEXT("c"), STORE_INT(1)), NULL, NULL));
	OK(store_change(s.store, SQL_SESSIONS_EXPIRE, STORE_PARAMS(STORE_INT(1)), NULL, NULL));
	assert_true(stripes_epoch(s.stripes) == before);
	close_shop(&s);
}

static void a_transaction_is_told_of_after_commit_only(void **state)
{
	struct shop s;
	uint32_t g1 = stripes_of(SLICE_LIT("g1")), g2 = stripes_of(SLICE_LIT("g2"));
	uint64_t before;

	(void)state;
	open_shop(&s);
	before = stripes_epoch(s.stripes);
	OK(store_begin(s.store, NULL));
	end_grant(&s, "g1");
	end_grant(&s, "g2");
	assert_true(stripes_epoch(s.stripes) == before);
	OK(store_commit(s.store, NULL));
	assert_false(stripes_unchanged(s.stripes, before, g1, g1));
	assert_false(stripes_unchanged(s.stripes, before, g2, g2));
	before = stripes_epoch(s.stripes);
	OK(store_begin(s.store, NULL));
	end_grant(&s, "g1");
	store_rollback(s.store);
	assert_true(stripes_epoch(s.stripes) == before);
	/* Nor is it told of by the next one. */
	OK(store_begin(s.store, NULL));
	OK(store_commit(s.store, NULL));
	assert_true(stripes_epoch(s.stripes) == before);
	close_shop(&s);
}

static void a_batch_is_told_of_at_its_end(void **state)
{
	struct shop s;
	uint32_t g1 = stripes_of(SLICE_LIT("g1")), g2 = stripes_of(SLICE_LIT("g2"));
	uint64_t before;

	(void)state;
	open_shop(&s);
	before = stripes_epoch(s.stripes);
	store_batch_begin(s.store);
	end_grant(&s, "g1");
	OK(store_begin(s.store, NULL));
	end_grant(&s, "g2");
	OK(store_commit(s.store, NULL));
	OK(store_begin(s.store, NULL));
	store_rollback(s.store); /* forgets nothing of the others */
	assert_true(stripes_epoch(s.stripes) == before);
	OK(store_batch_end(s.store, NULL));
	assert_false(stripes_unchanged(s.stripes, before, g1, g1));
	assert_false(stripes_unchanged(s.stripes, before, g2, g2));
	close_shop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_one_role_touches_another_sees),
		cmocka_unit_test(it_keeps_its_size),
		cmocka_unit_test(ids_are_spread),
		cmocka_unit_test(nothing_stale_is_taken_for_unchanged),
		cmocka_unit_test(a_change_is_told_before_it_returns),
		cmocka_unit_test(a_transaction_is_told_of_after_commit_only),
		cmocka_unit_test(a_batch_is_told_of_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
