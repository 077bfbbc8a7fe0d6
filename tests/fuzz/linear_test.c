/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DO-04: what comes from outside is read in time that grows as its length does. Each reader gets the worst that fits its limit,
 * in two lengths, one twice the other, in turns; the medians of CPU time may differ by 2.2 at most.
 * DO-05: nobody outside can foretell where a hash table puts a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/url.h"
#include "http/message.h"
#include "json/jsonr.h"
#include "oauth/identity.h"
#include "oauth/jwks.h"

enum { PAIRS = 21, TRIES = 24, KEYS = 64 };
#define SLOPE 2.2

typedef void reader(struct slice text, struct arena *a);

static void read_json(struct slice text, struct arena *a)
{
	struct jsonr *doc = NULL;

	(void)a;
	(void)jsonr_parse(text, text.n, &doc, NULL);
	jsonr_free(&doc);
}

static void read_params(struct slice text, struct arena *a)
{
	struct params p;

	(void)params_parse(text, a, &p, NULL);
}

static void read_cookies(struct slice text, struct arena *a)
{
	struct request_pair header = {SLICE_LIT("cookie"), text};
	struct request r = {.header_count = 1, .header = &header};

	(void)a;
	(void)request_cookie(&r, "none");
}

static void read_head(struct slice text, struct arena *a)
{
	struct request *r = ARENA_NEW(a, struct request);
	enum refusal why = REFUSAL_NONE;
	struct message m;
	size_t head = 0;
	CLEANUP(buf_done) struct buf body;

	buf_init(&body, REQUEST_BODY_MAX);
	r->arena = a;
	if (head_scan(text, 0, &head, &why) == HEAD_COMPLETE)
		(void)message_begin(&m, slice_sub(text, 0, head), r, &body);
}

static void read_url(struct slice text, struct arena *a)
{
	struct url u;

	(void)a;
	(void)url_parse(text, &u, NULL);
}

static void read_id_token(struct slice text, struct arena *a)
{
	struct secret *token = secret_new(text);
	struct identity id;

	(void)identity_from_id_token(profile_default(), token, &(struct identity_expect){"c", NULL, 0}, a, &id, NULL);
	secret_free(&token);
}

static void read_jwks(struct slice text, struct arena *a)
{
	struct jwks keys;

	(void)jwks_parse(text, a, &keys, NULL);
}

/* A text of some length: `before`, then `piece` again and again, then `after`. A piece with %u in it is another each time. */
struct shape {
	const char *before, *piece, *after;
};

static void write_shape(struct buf *text, const struct shape *shape, size_t length)
{
	const char *number = strstr(shape->piece, "%u");
	size_t most = strlen(shape->piece) + (number ? 8 : 0);

	buf_puts(text, shape->before);
	for (unsigned i = 0; text->n + most + strlen(shape->after) <= length; i++) {
		if (number)
			buf_printf(text, "%.*s%u%s", (int)(number - shape->piece), shape->piece, i, number + 2);
		else
			buf_puts(text, shape->piece);
	}
	buf_puts(text, shape->after);
}

static double seconds(reader *read, struct slice text)
{
	struct timespec from, to;
	struct arena *a = arena_new(64 << 20);

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	read(text, a);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	arena_free(&a);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static int by_size(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static double ratio(reader *read, struct slice one, struct slice two)
{
	double times[2][PAIRS];

	for (int i = 0; i < PAIRS; i++)
		for (int k = 0; k < 2; k++) {
			int which = (i + k) % 2;

			times[which][i] = seconds(read, which ? two : one);
		}
	qsort(times[0], PAIRS, sizeof(double), by_size);
	qsort(times[1], PAIRS, sizeof(double), by_size);
	/* What one call costs whatever its length: 20 µs are too short to tell anything. */
	return (times[1][PAIRS / 2] + 20e-6) / (times[0][PAIRS / 2] + 20e-6);
}

static bool is_linear(const char *what, reader *read, const struct shape *shape, size_t length)
{
	struct buf one, two;
	double least = 1e9;

	buf_init(&one, length + 64);
	buf_init(&two, 2 * length + 64);
	write_shape(&one, shape, length);
	write_shape(&two, shape, 2 * length);
	assert_true(buf_ok(&one) && buf_ok(&two) && two.n > one.n);
	for (int i = 0; i < TRIES && least > SLOPE; i++) { /* a busy machine is no proof */
		double r = ratio(read, buf_slice(&one), buf_slice(&two));

		least = r < least ? r : least;
	}
	if (least > SLOPE)
		print_message("%s: %.2f\n", what, least);
	buf_done(&one);
	buf_done(&two);
	return least <= SLOPE;
}

static void test_do_04_linear_time(void **state)
{
	static const struct {
		const char *what;
		reader *read;
		struct shape shape;
		size_t length; /* twice that is the most the reader takes, or more */
	} cases[] = {
		{"JSON of numbers", read_json, {"[0", ",1", "]"}, 256 << 10},
		{"JSON with escapes", read_json, {"\"", "\\u0041", "\""}, 256 << 10},
		{"JSON of members", read_json, {"{\"x\":0", ",\"k%u\":1", "}"}, REQUEST_BODY_MAX / 2},
		{"form in percents", read_params, {"a=", "%41", ""}, REQUEST_BODY_MAX / 2},
		{"form of nothing", read_params, {"a=b", "&&", ""}, REQUEST_BODY_MAX / 2},
		{"cookies", read_cookies, {"a=b", "; none", ""}, REQUEST_HEAD_MAX / 2},
		{"cookies of that name", read_cookies, {"none=", ";none==", ""}, REQUEST_HEAD_MAX / 2},
		{"head of lines", read_head, {"GET / HTTP/1.1\r\nHost: a\r\n", "a: b\r\n", "\r\n"}, REQUEST_HEAD_MAX / 2},
		{"head of one line", read_head, {"GET / HTTP/1.1\r\nHost: a\r\nX: ", "b ", "\r\n\r\n"}, REQUEST_HEAD_MAX / 2},
		{"URL with segments", read_url, {"https://a.example/", "a/", ""}, URL_MAX_BYTES / 2},
		{"URL with labels", read_url, {"https://", "a.", "b/"}, URL_MAX_BYTES / 2},
		{"ID token", read_id_token, {"eyJhbGciOiJSUzI1NiJ9.", "eyJh", ".c2ln"}, 64 << 10},
		{"ID token of dots", read_id_token, {"", ".", ""}, 64 << 10},
		{"keys", read_jwks, {"{\"keys\":[{}", ",{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "]}"}, 64 << 10},
	};
	bool all = true;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		all = is_linear(cases[i].what, cases[i].read, &cases[i].shape, cases[i].length) && all;
	assert_true(all);
}

/* A reader that looks at all pairs is seen. */
static void read_squared(struct slice text, struct arena *a)
{
	volatile size_t equal = 0;

	(void)a;
	for (size_t i = 0; i < text.n; i++)
		for (size_t k = 0; k < text.n; k++)
			equal += text.p[i] == text.p[k];
}

static void test_do_04_can_fail(void **state)
{
	(void)state;
	assert_false(is_linear("squared (this one must be seen)", read_squared, &(struct shape){"", ".", ""}, 1024));
}

static void put_name(struct slice key, void *value, void *arg)
{
	(void)value;
	buf_put(arg, key);
}

/* The order in which a process of its own finds the same keys. */
static void order(char ret[KEYS * 2 + 1])
{
	int ends[2];
	pid_t child;
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct map *m = map_new();
		struct buf names;

		buf_init(&names, KEYS * 2);
		for (unsigned i = 0; i < KEYS; i++) {
			char key[3];

			snprintf(key, sizeof key, "%02u", i);
			map_put(m, slice_from(key), names.p ? (void *)names.p : (void *)&names);
		}
		map_each(m, put_name, &names);
		_exit(write(ends[1], names.p, names.n) == (ssize_t)names.n ? 0 : 1);
	}
	n = read(ends[0], ret, KEYS * 2);
	assert_int_equal(n, KEYS * 2);
	ret[KEYS * 2] = '\0';
	close(ends[0]);
	close(ends[1]);
	waitpid(child, NULL, 0);
}

static void test_do_05_no_two_processes_hash_alike(void **state)
{
	char one[KEYS * 2 + 1], two[KEYS * 2 + 1];

	(void)state;
	order(one);
	order(two);
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_do_05_no_two_processes_hash_alike), /* before this process has a table */
		cmocka_unit_test(test_do_04_linear_time),
		cmocka_unit_test(test_do_04_can_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
