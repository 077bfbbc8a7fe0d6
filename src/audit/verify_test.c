/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LG-04: 1,000 random tamperings of a chain whose head was signed, none missed; and the same chain untouched is well,
 * so that the verifier cannot pass by always complaining.
 */
#include "audit/verify.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/journal.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/testtree.h"

enum { SEGMENTS_MAX = 16, RECORDS = 120, FILE_MAX = 8192 };

static const unsigned char key[HASH_KEY_BYTES] = {9, 8, 7}, other_key[HASH_KEY_BYTES] = {6};
static char dir[64];

struct file {
	char bytes[FILE_MAX];
	size_t n;
	bool there;
};

static struct file original[SEGMENTS_MAX], forged[SEGMENTS_MAX], now[SEGMENTS_MAX];
static size_t segments;
static struct verify_head head;
static char head_mac[CHAIN_MAC_BYTES], head_signature[CHAIN_MAC_BYTES];

static size_t pick(size_t below)
{
	uint32_t r;

	assert_true(below > 0);
	random_bytes(&r, sizeof r);
	return r % (below ? below : 1);
}

static void path_of(size_t i, char ret[128])
{
	snprintf(ret, 128, "%s/audit/worker-0/%03zu.log", dir, i + 1);
}

static void store_files(const struct file *files)
{
	char path[128];

	for (size_t i = 0; i < SEGMENTS_MAX; i++) {
		int fd;

		path_of(i, path);
		unlink(path);
		if (!files[i].there)
			continue;
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(write(fd, files[i].bytes, files[i].n), files[i].n);
		close(fd);
	}
}

static size_t load_files(struct file *files)
{
	char path[128];
	size_t n = 0;

	memset(files, 0, SEGMENTS_MAX * sizeof *files);
	for (; n < SEGMENTS_MAX; n++) {
		int fd;

		path_of(n, path);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		files[n].n = (size_t)read(fd, files[n].bytes, FILE_MAX);
		files[n].there = true;
		close(fd);
	}
	return n;
}

/* A chain of RECORDS; the same texts under another key or at another time are another chain. */
static void write_chain(const unsigned char *with, int64_t at, struct chain *ret_head)
{
	const struct journal_args args = {.data_dir = dir, .name = "worker-0", .key = with, .clock = &clock_system,
					  .segment_bytes = 4096};
	struct journal *j;
	struct buf members;

	assert_int_equal(journal_open(&args, &j, NULL), ERR_OK);
	buf_init(&members, RECORD_MAX_BYTES);
	for (int i = 0; i < RECORDS; i++) {
		const struct record r = {.at = at + i, .event = "token_read", .actor = "key 1", .app_id = "default",
					 .fingerprint = i == 50 ? "00112233445566778899aabbccddeeff" : ""};

		buf_reset(&members);
		record_put(&members, &r);
		assert_int_equal(journal_add(j, buf_slice(&members)), ERR_OK);
		assert_int_equal(journal_write(j, NULL), ERR_OK);
	}
	buf_done(&members);
	*ret_head = journal_head(j);
	journal_close(&j);
}

static void take(const struct verify_result *r, void *arg)
{
	*(struct verify_result *)arg = *r;
}

static bool is_well(struct verify_result *ret)
{
	const struct verify_args args = {.data_dir = dir, .key = key, .heads = &head, .head_count = 1};
	bool ok = false;

	assert_int_equal(verify_all(&args, take, ret, &ok, NULL), ERR_OK);
	assert_int_equal(ok, ret->ok);
	return ok;
}

static struct slice line_of(const struct file *f, size_t number)
{
	struct slice rest = slice_make(f->bytes, f->n);

	for (; number; number--)
		rest = slice_sub(rest, slice_index(rest, '\n') + 1, rest.n);
	return slice_sub(rest, 0, slice_index(rest, '\n') + 1);
}

static size_t line_count(const struct file *f)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->bytes[i] == '\n';
	return n;
}

/* Puts `with` in place of the `n` bytes at `at`. */
static void replace(struct file *f, size_t at, size_t n, struct slice with)
{
	struct file old = *f;

	memcpy(f->bytes + at, with.p, with.n);
	memcpy(f->bytes + at + with.n, old.bytes + at + n, old.n - at - n);
	f->n = old.n - n + with.n;
}

static void flip(struct file *f)
{
	f->bytes[pick(f->n)] ^= (char)(1 << pick(8));
}

static void remove_line(struct file *f)
{
	struct slice line = line_of(f, pick(line_count(f)));

	replace(f, (size_t)(line.p - f->bytes), line.n, SLICE_LIT(""));
}

static void double_line(struct file *f)
{
	struct file copy = *f;
	struct slice line = line_of(&copy, pick(line_count(f)));

	replace(f, (size_t)(line.p - copy.bytes), 0, line);
}

static void swap_lines(struct file *f)
{
	struct file copy = *f;
	size_t i = pick(line_count(f) - 1);
	struct slice a = line_of(&copy, i), b = line_of(&copy, i + 1);
	size_t at = (size_t)(a.p - copy.bytes);

	memcpy(f->bytes + at, b.p, b.n);
	memcpy(f->bytes + at + b.n, a.p, a.n);
}

static void foreign_line(struct file *f)
{
	static const char line[] = "{\"seq\":5,\"by\":\"worker-0\",\"at\":1,\"prev\":\"00000000000000000000000000000000\","
				   "\"mac\":\"00000000000000000000000000000000\"}\n";
	struct file copy = *f;
	struct slice before = line_of(&copy, pick(line_count(f)));

	replace(f, (size_t)(before.p - copy.bytes), 0, slice_from(line));
}

/* A cut inside the records: without the last byte alone, a line end, nothing would be lost. */
static void cut(struct file *f)
{
	f->n = pick(f->n - 1);
}

static void delete_segment(struct file *f)
{
	f->there = false;
}

static void cut_rest(struct file *f)
{
	for (size_t i = (size_t)(f - now); i < SEGMENTS_MAX; i++)
		now[i].there = false;
}

/* Whole segments up to here from a chain that somebody else made. */
static void foreign_prefix(struct file *f)
{
	for (size_t i = 0; i <= (size_t)(f - now); i++)
		now[i] = forged[i];
}

static void swap_segments(struct file *f)
{
	struct file copy = *f;
	struct file *other = f == now ? f + 1 : f - 1;

	*f = *other;
	*other = copy;
}

/* The attempt to pass a changed end off as a crash: the rest of the file becomes zeros. */
static void zero_rest(struct file *f)
{
	size_t at = pick(f->n - 1);

	memset(f->bytes + at, 0, f->n - at);
}

/* Whether the first `count` segments are as they were. */
static bool same_files(size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (now[i].there != original[i].there || now[i].n != original[i].n ||
		    memcmp(now[i].bytes, original[i].bytes, now[i].n) != 0)
			return false;
	return true;
}

static void test_thousand_tamperings(void **state)
{
	static const struct {
		const char *name;
		void (*fn)(struct file *f);
	} tamperings[] = {
		{"bit flip", flip}, {"line removed", remove_line}, {"line doubled", double_line}, {"lines swapped", swap_lines},
		{"foreign line", foreign_line}, {"file cut", cut}, {"segment deleted", delete_segment},
		{"last segments deleted", cut_rest}, {"foreign prefix", foreign_prefix}, {"segments swapped", swap_segments},
		{"rest zeroed", zero_rest},
	};
	struct verify_result r;
	int missed = 0, done = 0;

	(void)state;
	for (int i = 0; done < 1000; i++) {
		size_t kind = (size_t)i % ARRAY_LEN(tamperings), at = pick(segments);

		memcpy(now, original, sizeof now);
		tamperings[kind].fn(&now[at]);
		/* A lost line end at the very end changes no record. */
		if (same_files(segments) || (at == segments - 1 && now[at].n == original[at].n && same_files(at) &&
		    memcmp(now[at].bytes, original[at].bytes, now[at].n - 1) == 0))
			continue;
		done++;
		store_files(now);
		if (is_well(&r)) {
			print_message("missed: %s in segment %zu\n", tamperings[kind].name, at + 1);
			missed++;
		} else {
			assert_non_null(strstr(r.defect, "worker-0"));
		}
		if (i % 50 == 0) {
			store_files(original);
			if (!is_well(&r))
				fail_msg("untouched, but: %s", r.defect);
			assert_int_equal(r.records, RECORDS);
			assert_int_equal(r.heads, 1);
		}
	}
	assert_int_equal(missed, 0);
}

static void test_a_tampered_chain_is_not_washed_by_a_restart(void **state)
{
	struct verify_result r;
	struct chain end;

	(void)state;
	for (int i = 0; i < 20; i++) {
		memcpy(now, original, sizeof now);
		(i % 2 ? cut : flip)(&now[segments - 1]);
		store_files(now);
		write_chain(key, 5, &end); /* the service starts and goes on */
		if (is_well(&r) && memcmp(now[segments - 1].bytes, original[segments - 1].bytes, original[segments - 1].n - 1) != 0)
			fail_msg("round %d: a changed chain is called well", i);
	}
}

static void test_heads(void **state)
{
	struct verify_result r;
	struct verify_head good = head;
	struct chain c;

	(void)state;
	store_files(original);
	assert_true(is_well(&r));
	head.seq--;
	assert_false(is_well(&r));
	assert_non_null(strstr(r.defect, "signed head in the database was changed"));
	head = good;
	head.chain = "worker-9"; /* a chain whose directory is gone, or a head moved to another chain */
	assert_false(is_well(&r));
	chain_init(&c, key, "worker-9");
	c.seq = 3;
	chain_sign_head(&c, "run", head_signature);
	head = (struct verify_head){.chain = "worker-9", .run = "run", .mac = c.mac, .signature = head_signature, .seq = 3};
	assert_false(is_well(&r));
	assert_non_null(strstr(r.defect, "cut off"));
	head = good;
	chain_init(&c, key, "worker-0");
	c.seq = head.seq;
	memcpy(c.mac, head_mac, sizeof head_mac);
	chain_sign_head(&c, head.run, head_signature);
	assert_true(is_well(&r));
}

/* What the verifier cannot vouch for it counts: a cut there goes unseen, one record more and it is seen. */
static void test_records_behind_the_last_head(void **state)
{
	struct verify_result r;
	struct chain c;
	struct verify_head good = head;

	(void)state;
	store_files(original);
	assert_true(is_well(&r));
	assert_int_equal(r.unsigned_records, 0);
	chain_init(&c, key, "worker-0");
	for (size_t i = 0; i < segments && c.seq < RECORDS - 7; i++) {
		struct slice rest = slice_make(original[i].bytes, original[i].n);

		while (c.seq < RECORDS - 7 && rest.n) {
			size_t n = slice_index(rest, '\n');

			assert_true(chain_take(&c, slice_sub(rest, 0, n)));
			rest = slice_sub(rest, n + 1, rest.n);
		}
	}
	chain_sign_head(&c, head.run, head_signature);
	head.seq = c.seq;
	head.mac = c.mac;
	assert_true(is_well(&r));
	assert_int_equal(r.records, RECORDS);
	assert_int_equal(r.unsigned_records, 7);
	memcpy(now, original, sizeof now);
	for (int cut = 1; cut <= 8; cut++) {
		struct file *last = &now[segments - 1];

		while (last->n == 0) /* the record before stands in the segment before */
			last->there = false, last--;
		for (last->n--; last->n && last->bytes[last->n - 1] != '\n';)
			last->n--;
		store_files(now);
		assert_int_equal(is_well(&r), cut <= 7);
		if (cut <= 7)
			assert_int_equal(r.unsigned_records, 7 - cut);
	}
	head = good;
	c.seq = head.seq;
	memcpy(c.mac, head_mac, sizeof head_mac);
	chain_sign_head(&c, head.run, head_signature);
	store_files(original);
	assert_true(is_well(&r));
}

static void found(struct slice line, const char *file, void *arg)
{
	assert_non_null(strstr(file, "worker-0/"));
	assert_true(slice_starts(line, "{\"seq\":51,"));
	(*(int *)arg)++;
}

static void test_where(void **state)
{
	int n = 0;

	(void)state;
	store_files(original);
	assert_int_equal(verify_where(dir, "00112233445566778899aabbccddeeff", found, &n, NULL), ERR_OK);
	assert_int_equal(n, 1);
	assert_int_equal(verify_where(dir, "00112233445566778899aabbccddeefe", found, &n, NULL), ERR_OK);
	assert_int_equal(n, 1);
}

static int setup(void **state)
{
	struct chain c, other;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/verify_test.XXXXXX");
	if (!mkdtemp(dir))
		return 1;
	write_chain(other_key, 1790000000000, &other);
	load_files(forged);
	memset(now, 0, sizeof now);
	store_files(now);
	write_chain(key, 1790000000000, &c);
	segments = load_files(original);
	memcpy(head_mac, c.mac, sizeof head_mac);
	chain_sign_head(&c, "run", head_signature);
	head = (struct verify_head){.chain = "worker-0", .run = "run", .mac = head_mac, .signature = head_signature, .seq = c.seq};
	return segments > 3 && segments < SEGMENTS_MAX ? 0 : 1;
}

static int teardown(void **state)
{
	(void)state;
	return testtree_remove(dir) ? 0 : 1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand_tamperings),
		cmocka_unit_test(test_a_tampered_chain_is_not_washed_by_a_restart),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_records_behind_the_last_head),
		cmocka_unit_test(test_where),
	};

	return cmocka_run_group_tests_name("audit/verify", tests, setup, teardown);
}
