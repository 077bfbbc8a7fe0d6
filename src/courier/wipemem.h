/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocators for libcurl that wipe what they free: its copies of headers, bodies and answers carry
 * tokens and client secrets, and it frees them unwiped.
 */
#pragma once

#include <stddef.h>

void *wipemem_malloc(size_t n);
void *wipemem_calloc(size_t n, size_t size);
void *wipemem_realloc(void *p, size_t n);
char *wipemem_strdup(const char *text);
void wipemem_free(void *p);
