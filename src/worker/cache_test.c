/* SPDX-License-Identifier: Apache-2.0 */
/* The table of tokens: what is found, what is never found again, what goes first, and what is left in memory. */
#include "worker/cache.h"

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

#define OK(call_) assert_int_equal((call_), ERR_OK)

enum { MANY = 20000, MIB = 1 << 20 };

struct bench {
	struct stripes *stripes;
	struct cache *cache;
};

static struct bench open_bench(size_t bytes)
{
	struct bench b = {.stripes = NULL};
	int fd = -1;

	OK(stripes_create(&fd, NULL));
	OK(stripes_map(fd, &b.stripes, NULL));
	close(fd);
	b.cache = cache_new(bytes, b.stripes);
	return b;
}

static void close_bench(struct bench *b)
{
	cache_free(&b->cache);
	assert_null(b->cache);
	stripes_unmap(&b->stripes);
}

static const struct cache_token usual = {
	.connection_id = "c0000000000000000000000000000001", .actor = "key 21ec7e9514839c8f",
	.subject = ",\"app\":\"default\",\"connection\":\"c0000000000000000000000000000001\",\"user\":\"11111111111111111111111111111111\","
		   "\"grant\":\"22222222222222222222222222222222\",\"generation\":3,\"fingerprint\":\"f0000000000000000000000000000001\"",
	.life = {.expires_at = 3600 * 1000, .issued_at = 0, .refreshable = true}, .used_at = 5,
};

/* A question that differs in one number. */
static void key_of(const struct bench *b, unsigned n, unsigned char ret[CACHE_KEY_BYTES])
{
	char text[16];
	struct slice parts[] = {SLICE_LIT("fw_key"), slice_make(text, 0), {0}, {0}};

	parts[1].n = (size_t)snprintf(text, sizeof text, "%u", n);
	assert_true(cache_key(b->cache, parts, ARRAY_LEN(parts), ret));
}

/* Of user "u1" and grant "g1". */
static struct cache_fill fill_of(const struct bench *b, const struct cache_token *t, const char *before, const char *after)
{
	return (struct cache_fill){.token = *t, .user_id = "u1", .grant_id = "g1", .epoch = stripes_epoch(b->stripes),
				   .before = slice_from(before), .after = slice_from(after)};
}

static void put(struct bench *b, unsigned n, const struct cache_token *t, const char *before, const char *after)
{
	struct cache_fill fill = fill_of(b, t, before, after);
	unsigned char key[CACHE_KEY_BYTES];

	key_of(b, n, key);
	cache_put(b->cache, key, &fill);
}

static bool get(struct bench *b, unsigned n, struct cache_hit *ret)
{
	unsigned char key[CACHE_KEY_BYTES];

	key_of(b, n, key);
	return cache_find(b->cache, key, ret);
}

static void assert_body(const struct bench *b, const struct cache_hit *hit, int64_t seconds, const char *wanted)
{
	struct buf body;

	buf_init(&body, 1 << 20);
	cache_put_body(b->cache, hit, seconds, &body);
	assert_string_equal(buf_cstr(&body), wanted);
	buf_done(&body);
}

static void what_is_put_is_found(void **state)
{
	struct bench b = open_bench(MIB);
	struct cache_token endless = usual;
	struct cache_hit hit;

	(void)state;
	assert_false(get(&b, 1, &hit));
	put(&b, 1, &usual, "{\"in\":", "}");
	assert_true(get(&b, 1, &hit));
	assert_string_equal(hit.token.connection_id, usual.connection_id);
	assert_string_equal(hit.token.actor, usual.actor);
	assert_string_equal(hit.token.subject, usual.subject);
	assert_true(hit.token.life.expires_at == 3600 * 1000 && hit.token.life.refreshable);
	assert_body(&b, &hit, 77, "{\"in\":77}");
	cache_noted(b.cache, &hit, 9);
	assert_true(get(&b, 1, &hit) && hit.token.used_at == 9);
	assert_false(get(&b, 2, &hit));
	/* The newer one stands. */
	endless.life.expires_at = 0;
	put(&b, 1, &endless, "{\"in\":null", "}");
	assert_true(get(&b, 1, &hit));
	assert_body(&b, &hit, 77, "{\"in\":null}");
	assert_int_equal(cache_count(b.cache), 1);
	close_bench(&b);
}

/* Every length of body around the blocks' edges. */
static void bodies_are_whole(void **state)
{
	struct bench b = open_bench(MIB);
	char *before = mem_calloc(CACHE_BODY_MAX + 2, 1), *after = mem_calloc(CACHE_BODY_MAX + 2, 1);
	struct cache_hit hit;

	(void)state;
	for (size_t n = 0; n < 3 * CACHE_BLOCK_BYTES; n++) {
		CLEANUP(mem_free_str) char *wanted = NULL;

		for (size_t i = 0; i < n; i++)
			before[i] = (char)('a' + i % 26);
		for (size_t i = 0; i < n / 2; i++)
			after[i] = (char)('A' + i % 26);
		before[n] = after[n / 2] = '\0';
		put(&b, 1, &usual, before, after);
		wanted = mem_printf("%s12%s", before, after);
		assert_true(get(&b, 1, &hit));
		assert_body(&b, &hit, 12, wanted);
	}
	memset(before, 'x', CACHE_BODY_MAX);
	before[CACHE_BODY_MAX] = '\0';
	put(&b, 1, &usual, before, "");
	assert_true(get(&b, 1, &hit));
	put(&b, 1, &usual, before, "y");
	assert_false(get(&b, 1, &hit));
	assert_int_equal(cache_bytes(b.cache), 0);
	mem_free_str(&before);
	mem_free_str(&after);
	close_bench(&b);
}

static void parts_do_not_run_together(void **state)
{
	struct bench b = open_bench(MIB), other = open_bench(MIB);
	static const struct {
		struct slice part[3];
	} all[] = {
		{{SLICE_LIT("ab"), SLICE_LIT("c"), SLICE_LIT("")}}, {{SLICE_LIT("a"), SLICE_LIT("bc"), SLICE_LIT("")}},
		{{SLICE_LIT("abc"), SLICE_LIT(""), SLICE_LIT("")}}, {{SLICE_LIT("ab"), SLICE_LIT("c"), {NULL, 0}}},
		{{SLICE_LIT("ab"), {NULL, 0}, SLICE_LIT("c")}},     {{SLICE_LIT("ab"), SLICE_LIT(""), SLICE_LIT("c")}},
	};
	static char long_text[2000];
	const struct slice too_long[] = {slice_make(long_text, sizeof long_text)};
	unsigned char key[ARRAY_LEN(all)][CACHE_KEY_BYTES], there[CACHE_KEY_BYTES];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		assert_true(cache_key(b.cache, all[i].part, 3, key[i]));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(key[i], key[k], CACHE_KEY_BYTES);
	}
	/* Nobody outside can know which key a question has. */
	assert_true(cache_key(other.cache, all[0].part, 3, there));
	assert_memory_not_equal(there, key[0], CACHE_KEY_BYTES);
	assert_false(cache_key(b.cache, too_long, 1, there));
	close_bench(&b);
	close_bench(&other);
}

static void a_change_ends_what_rests_on_it(void **state)
{
	struct bench b = open_bench(MIB);
	struct cache_fill fill = fill_of(&b, &usual, "1", ""), other = fill;
	unsigned char key[CACHE_KEY_BYTES], other_key[CACHE_KEY_BYTES];
	struct cache_hit hit;

	(void)state;
	other.user_id = "u2";
	other.grant_id = "g2";
	key_of(&b, 1, key);
	key_of(&b, 2, other_key);
	for (int round = 0; round < 3; round++) {
		put(&b, 1, &usual, "1", "");
		other.epoch = stripes_epoch(b.stripes);
		cache_put(b.cache, other_key, &other);
		if (round == 0)
			stripes_touch(b.stripes, stripes_of(SLICE_LIT("u1")));
		else if (round == 1)
			stripes_touch(b.stripes, stripes_of(SLICE_LIT("g1")));
		else
			stripes_touch_all(b.stripes);
		assert_false(get(&b, 1, &hit));
		assert_true(get(&b, 2, &hit) == (round < 2));
	}
	assert_int_equal(cache_count(b.cache), 0);
	/* A change between the first row and the last: what was read is not kept at all. */
	fill.epoch = stripes_epoch(b.stripes);
	stripes_touch(b.stripes, stripes_of(SLICE_LIT("g1")));
	cache_put(b.cache, key, &fill);
	assert_false(get(&b, 1, &hit));
	/* One of others is no matter. */
	fill.epoch = stripes_epoch(b.stripes);
	stripes_touch(b.stripes, stripes_of(SLICE_LIT("g2")));
	cache_put(b.cache, key, &fill);
	assert_true(get(&b, 1, &hit));
	close_bench(&b);
}

static void it_stays_in_its_bounds(void **state)
{
	struct bench b = open_bench(64 * 1024);
	struct cache_hit hit;

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		put(&b, i, &usual, "0123456789", "");
		assert_true(cache_bytes(b.cache) <= 64 * 1024);
		assert_true(get(&b, 0, &hit)); /* the one that is asked for all the time */
	}
	assert_true(get(&b, 4999, &hit));
	assert_true(cache_count(b.cache) > 100);
	assert_false(get(&b, 100, &hit));
	close_bench(&b);
	b = open_bench(0);
	put(&b, 1, &usual, "1", "");
	assert_false(get(&b, 1, &hit));
	cache_sweep(b.cache, 0);
	close_bench(&b);
}

/* DESIGN §8: at most 1 KB plus the token's length for each connection, over tokens of 40 to 2,000 bytes. */
static void an_entry_is_small(void **state)
{
	struct bench b = open_bench(64 * MIB);
	static char token[2001];
	size_t lengths = 0;
	struct cache_hit hit;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		size_t n = 40 + i * 37u % 1961;
		CLEANUP(mem_free_str) char *body = NULL;

		memset(token, 't', n);
		token[n] = '\0';
		lengths += n;
		body = mem_printf("{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_at\":\"2026-11-24T02:00:00Z\",\"expires_in\":", token);
		put(&b, i, &usual, body, ",\"scopes\":[\"read\",\"write\"],\"fingerprint\":\"f0000000000000000000000000000001\"}");
	}
	assert_true(cache_bytes(b.cache) <= lengths + MANY * 1024u);
	assert_int_equal(cache_count(b.cache), MANY);
	for (unsigned i = 0; i < MANY; i++)
		assert_true(get(&b, i, &hit));
	close_bench(&b);
}

/* Whether the text stands anywhere in this process's memory, but for one place. */
static size_t times_in_memory(const char *text, const char *but)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	size_t n = strlen(text), times = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof line, maps)) {
		unsigned long from, to;
		char mode[5];

		if (sscanf(line, "%lx-%lx %4s", &from, &to, mode) != 3 || strncmp(mode, "rw-p", 4) != 0 || strchr(line, '['))
			continue; /* named ones are the heap and the stack, where this function itself works */
		for (const char *p = (const char *)from; p + n <= (const char *)to; p++)
			times += p != but && memcmp(p, text, n) == 0;
	}
	fclose(maps);
	return times;
}

static void what_goes_is_wiped(void **state)
{
	struct bench b;
	static char canary[64];
	struct cache_hit hit;

	(void)state;
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
	skip(); /* they keep terabytes of shadow, and what was freed */
#endif
	b = open_bench(MIB);
	for (size_t i = 0; i < 40; i++)
		canary[i] = (char)('A' + (i * 7 + 3) % 26);
	put(&b, 1, &usual, canary, "");
	assert_true(times_in_memory(canary, canary) > 0);
	stripes_touch_all(b.stripes);
	assert_false(get(&b, 1, &hit));
	assert_int_equal(times_in_memory(canary, canary), 0);
	/* Nobody asks for it again: the sweep wipes it, and one that is over, and leaves what is good. */
	put(&b, 1, &usual, canary, "");
	stripes_touch_all(b.stripes);
	put(&b, 2, &usual, "good", "");
	for (int i = 0; i < CACHE_SWEEPS; i++)
		cache_sweep(b.cache, 1000);
	assert_int_equal(cache_count(b.cache), 1);
	assert_int_equal(times_in_memory(canary, canary), 0);
	assert_true(get(&b, 2, &hit));
	put(&b, 1, &usual, canary, "");
	for (int i = 0; i < CACHE_SWEEPS; i++)
		cache_sweep(b.cache, usual.life.expires_at);
	assert_int_equal(cache_count(b.cache), 0);
	assert_int_equal(times_in_memory(canary, canary), 0);
	close_bench(&b);
}

/* Two entries or many, short or of many blocks: as many calls as are promised meet them all. */
static void sweeps_meet_every_entry(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 63, 64, 65, MANY};
	static char body[1500];

	(void)state;
	memset(body, 'b', sizeof body - 1);
	for (size_t k = 0; k < ARRAY_LEN(counts); k++) {
		struct bench b = open_bench(64 * MIB);

		for (unsigned i = 0; i < counts[k]; i++)
			put(&b, i, &usual, i % 3 ? body : "short", "");
		for (int i = 0; i < (int)k; i++)
			cache_sweep(b.cache, 0); /* from wherever it stands */
		stripes_touch_all(b.stripes);
		assert_int_equal(cache_count(b.cache), counts[k]);
		for (int i = 0; i < CACHE_SWEEPS; i++)
			cache_sweep(b.cache, 0);
		assert_int_equal(cache_count(b.cache), 0);
		close_bench(&b);
	}
}

/* A core file would have the region's pages in it, did the kernel not know better. */
static size_t undumped_regions(void)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512];
	size_t marked = 0;

	assert_non_null(smaps);
	while (fgets(line, sizeof line, smaps))
		marked += strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " dd") != NULL;
	fclose(smaps);
	return marked;
}

static void it_stays_out_of_dumps(void **state)
{
	size_t before = undumped_regions();
	struct bench b = open_bench(3 * MIB + 512);

	(void)state;
	assert_int_equal(undumped_regions(), before + 1);
	close_bench(&b);
	assert_int_equal(undumped_regions(), before);
}

/*
 * One thread fills and asks as a worker does, others change rows and tell of it: after a change was announced nothing older
 * may be found.
 */
enum { WRITERS = 2, CHANGES = 50000 };

struct field {
	struct bench bench;
	_Atomic uint64_t row, announced;
	_Atomic int running;
};

static void *change_rows(void *arg)
{
	struct field *f = arg;

	for (int i = 0; i < CHANGES; i++) {
		uint64_t mine = atomic_fetch_add(&f->row, 1) + 1, seen = atomic_load(&f->announced);

		stripes_touch(f->bench.stripes, stripes_of(SLICE_LIT("g1")));
		while (seen < mine && !atomic_compare_exchange_weak(&f->announced, &seen, mine))
			;
	}
	atomic_fetch_sub(&f->running, 1);
	return NULL;
}

static void nothing_is_found_that_was_changed_before(void **state)
{
	struct field *f = MEM_NEW(struct field);
	struct cache_fill fill;
	pthread_t threads[WRITERS];
	unsigned char key[CACHE_KEY_BYTES];
	size_t hits = 0, stale = 0;

	(void)state;
	f->bench = open_bench(MIB);
	f->running = WRITERS;
	key_of(&f->bench, 1, key);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, change_rows, f), 0);
	while (atomic_load(&f->running)) {
		uint64_t announced = atomic_load(&f->announced);
		struct cache_hit hit;

		if (cache_find(f->bench.cache, key, &hit)) {
			hits++;
			stale += (uint64_t)hit.token.used_at < announced;
			continue;
		}
		fill = fill_of(&f->bench, &usual, "1", "");
		fill.token.used_at = (int64_t)atomic_load(&f->row); /* what was read */
		cache_put(f->bench.cache, key, &fill);
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(stale, 0);
	(void)hits; /* how many depends on the machine */
	close_bench(&f->bench);
	free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_is_found),
		cmocka_unit_test(bodies_are_whole),
		cmocka_unit_test(parts_do_not_run_together),
		cmocka_unit_test(a_change_ends_what_rests_on_it),
		cmocka_unit_test(it_stays_in_its_bounds),
		cmocka_unit_test(an_entry_is_small),
		cmocka_unit_test(what_goes_is_wiped),
		cmocka_unit_test(sweeps_meet_every_entry),
		cmocka_unit_test(it_stays_out_of_dumps),
		cmocka_unit_test(nothing_is_found_that_was_changed_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
