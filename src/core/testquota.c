/* SPDX-License-Identifier: Apache-2.0 */
/* A bench for limits. */
#include "core/testquota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

int64_t testquota_now_ms;

static int64_t read_clock(void *arg)
{
	(void)arg;
	return testquota_now_ms;
}

const struct clock testquota_clock = {.wall_ms = read_clock, .mono_ms = read_clock};

int testquota_setup(void **state)
{
	struct quota *q = MEM_NEW(struct quota);
	struct buckets *b = NULL;
	int fd = -1;

	testquota_now_ms = 1000000;
	assert_int_equal(buckets_create(&fd, NULL), ERR_OK);
	assert_int_equal(buckets_map(fd, &b, NULL), ERR_OK);
	close(fd);
	quota_init(q, b, &testquota_clock);
	*state = q;
	return 0;
}

int testquota_teardown(void **state)
{
	struct quota *q = *state;

	buckets_unmap(&q->buckets);
	free(q);
	return 0;
}
