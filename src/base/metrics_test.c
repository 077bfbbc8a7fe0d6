/* SPDX-License-Identifier: Apache-2.0 */
/* Counting in several processes, and the text that a monitoring system reads. */
#include "base/metrics.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static uint64_t value(const char *sample)
{
	CLEANUP(buf_done) struct buf text;
	char *at, *line = mem_printf("\n%s ", sample);
	uint64_t n;

	buf_init(&text, 64 * 1024);
	metrics_put(&text);
	assert_true(buf_ok(&text));
	at = strstr(buf_cstr(&text), line);
	if (!at)
		fail_msg("no %s in\n%s", sample, buf_cstr(&text));
	n = at ? strtoull(at + strlen(line), NULL, 10) : 0;
	mem_free_str(&line);
	return n;
}

static void in_a_child(int fd, unsigned slot, unsigned times)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (metrics_map(fd, slot, NULL))
			_exit(1);
		for (unsigned i = 0; i < times; i++)
			metrics_add(METRIC_READS_MEMORY);
		metrics_set(METRIC_SPOOL, times);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_sums_over_processes_that_come_and_go(void **state)
{
	int fd = -1;

	(void)state;
	assert_int_equal(metrics_create(&fd, NULL), ERR_OK);
	assert_int_equal(metrics_map(fd, 0, NULL), ERR_OK);
	in_a_child(fd, 4, 3);
	in_a_child(fd, 5, 10);
	assert_int_equal(value("fiberwise_token_reads_total{from=\"memory\"}"), 13);
	assert_int_equal(value("fiberwise_spooled_answers"), 13);
	/* A successor goes on with the counters, and knows nothing of what its predecessor had. */
	in_a_child(fd, 4, 1);
	assert_int_equal(value("fiberwise_token_reads_total{from=\"memory\"}"), 14);
	assert_int_equal(value("fiberwise_spooled_answers"), 11);
	metrics_unmap();
	close(fd);
}

static void test_what_is_no_such_memory_is_refused(void **state)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), good = -1;

	(void)state;
	assert_int_equal(metrics_map(fd, 0, NULL), ERR_OK); /* and counts for itself */
	assert_int_equal(metrics_map(file, 0, NULL), ERR_CONFIG);
	assert_int_equal(metrics_create(&good, NULL), ERR_OK);
	assert_int_equal(metrics_map(good, METRICS_SLOTS, NULL), ERR_CONFIG);
	assert_true(ftruncate(good, 10) != 0);
	close(fd);
	close(file);
	close(good);
}

static void test_classes_and_times(void **state)
{
	static const int64_t took[] = {0, 1, 2, 5, 30, 10000, 10001, 60000};
	uint64_t before = value("fiberwise_http_requests_total{class=\"4xx\"}");

	(void)state;
	metrics_add_status(METRIC_REQUESTS_2XX, 404);
	metrics_add_status(METRIC_REQUESTS_2XX, 99);
	metrics_add_status(METRIC_REQUESTS_2XX, 600);
	assert_int_equal(value("fiberwise_http_requests_total{class=\"4xx\"}"), before + 1);
	for (size_t i = 0; i < ARRAY_LEN(took); i++)
		metrics_add_time(METRIC_TIME_PROVIDER, took[i]);
	assert_int_equal(value("fiberwise_provider_seconds_bucket{le=\"0.001\"}"), 2);
	assert_int_equal(value("fiberwise_provider_seconds_bucket{le=\"0.005\"}"), 4);
	assert_int_equal(value("fiberwise_provider_seconds_bucket{le=\"0.100\"}"), 5);
	assert_int_equal(value("fiberwise_provider_seconds_bucket{le=\"10.000\"}"), 6);
	assert_int_equal(value("fiberwise_provider_seconds_bucket{le=\"+Inf\"}"), 8);
	assert_int_equal(value("fiberwise_provider_seconds_count"), 8);
	assert_int_equal(value("fiberwise_provider_seconds_sum"), 80);
}

/* A family stands together, with its two lines before it and nowhere else; each line is one of the format's. */
static void test_the_text(void **state)
{
	CLEANUP(buf_done) struct buf text;
	char *line, *rest = NULL, *copy, family[100] = "";
	size_t heads = 0;

	(void)state;
	buf_init(&text, 64 * 1024);
	metrics_put(&text);
	assert_true(buf_ok(&text) && slice_ends(buf_slice(&text), "\n") && slice_is_printable(slice_make("a", 1)));
	copy = mem_strdup(buf_cstr(&text));
	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *end = strpbrk(line, "{ ");

		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_null(strstr(strstr(buf_cstr(&text), line) + 1, line));
			heads++;
			continue;
		}
		if (strncmp(line, "# TYPE ", 7) == 0) {
			*strchr(line + 7, ' ') = '\0';
			memcpy(family, line + 7, strlen(line + 7) + 1);
			continue;
		}
		assert_non_null(end);
		assert_int_equal(strncmp(line, family, strlen(family)), 0);
		assert_true(strchr("0123456789", line[strlen(line) - 1]) != NULL);
	}
	assert_true(heads >= 10);
	mem_free_str(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums_over_processes_that_come_and_go),
		cmocka_unit_test(test_what_is_no_such_memory_is_refused),
		cmocka_unit_test(test_classes_and_times),
		cmocka_unit_test(test_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
