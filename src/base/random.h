/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes from the kernel's generator, and the ids made of them. */
#pragma once

#include <stddef.h>

enum { RANDOM_ID_BYTES = 33 };

void random_bytes(void *p, size_t n);
/* A row's id: 128 random bits as 32 lower-case hex digits, NUL-terminated. */
void random_id(char ret[RANDOM_ID_BYTES]);
