/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of limits: buckets of their own, and a clock to turn. */
#pragma once

#include "core/quota.h"

extern int64_t testquota_now_ms;
extern const struct clock testquota_clock;

/* Of cmocka: the state is a struct quota without any limit. */
int testquota_setup(void **state);
int testquota_teardown(void **state);
