/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that ends the process instead of failing. Must never be asked for a size that came unchecked from outside. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "out of memory\n";

	fwrite(text, 1, sizeof text - 1, stderr);
	abort();
}

void *mem_calloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		out_of_memory();
	return p;
}

void *mem_realloc(void *p, size_t n, size_t size)
{
	size_t bytes;
	void *grown;

	if (__builtin_mul_overflow(n ? n : 1, size, &bytes))
		out_of_memory();
	grown = realloc(p, bytes);
	if (!grown)
		out_of_memory();
	return grown;
}

char *mem_strndup(struct slice text)
{
	char *copy = mem_calloc(text.n + 1, 1);

	if (text.n)
		memcpy(copy, text.p, text.n);
	return copy;
}

char *mem_strdup(const char *text)
{
	return mem_strndup(slice_from(text));
}

char *mem_printf(const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int n;

	va_start(args, format);
	n = vasprintf(&text, format, args);
	va_end(args);
	if (n < 0)
		out_of_memory();
	return text;
}

void mem_free_str(char **p)
{
	if (!p)
		return;
	free(*p);
	*p = NULL;
}
