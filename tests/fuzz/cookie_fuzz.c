/* SPDX-License-Identifier: Apache-2.0 */
/* A Cookie header: what is found lies inside it, and stands behind its own name exactly once. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

/* How often "; name=" (or at the beginning) occurs, counted without the parser's own steps. */
static size_t count(struct slice header, const char *name)
{
	size_t hits = 0, length = strlen(name);

	for (size_t i = 0; i + length < header.n; i++) {
		size_t before = i;

		if (memcmp(header.p + i, name, length) != 0 || header.p[i + length] != '=')
			continue;
		while (before > 0 && (header.p[before - 1] == ' ' || header.p[before - 1] == '\t'))
			before--;
		hits += before == 0 || header.p[before - 1] == ';';
	}
	return hits;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"s", "__Host-session", "a=b"};
	struct request_pair header = {SLICE_LIT("cookie"), slice_make(data, size)};
	struct request r = {.header_count = 1, .header = &header};

	if (size > REQUEST_HEAD_MAX)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		struct slice got = request_cookie(&r, names[i]);

		MUST((got.p != NULL) == (count(r.header[0].value, names[i]) == 1));
		if (got.p)
			MUST(got.p >= (const char *)data && got.p + got.n <= (const char *)data + size &&
			     !memchr(got.p, ';', got.n));
	}
	MUST(request_cookie(&r, names[2]).p == NULL); /* no cookie has such a name */
	return 0;
}
