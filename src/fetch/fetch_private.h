/* SPDX-License-Identifier: Apache-2.0 */
/* What fetch.c (requests) and fetch_answer.c share. For these two only. */
#pragma once

#include "fetch/fetch.h"

/* Lower-case hex digits, `n` of them. */
bool fetch_is_hex(struct slice text, size_t n);
bool fetch_is_attempt(struct slice text);
/* Says something, on one line. */
bool fetch_is_consumable(struct slice text);
