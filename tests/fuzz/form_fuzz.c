/* SPDX-License-Identifier: Apache-2.0 */
/* A form or query: what is taken is clean, unique, and comes back the same when written and read again. */
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "http/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

static void check(const struct params *p)
{
	MUST(p->count <= REQUEST_PARAMS_MAX);
	for (size_t i = 0; i < p->count; i++) {
		MUST(p->pair[i].name.n > 0 && slice_is_utf8(p->pair[i].name) && slice_is_utf8(p->pair[i].value));
		for (size_t k = 0; k < i; k++)
			MUST(!slice_eq(p->pair[i].name, p->pair[k].name));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct params p, again;
	struct errinfo ei = {0};
	struct buf written;

	if (size > REQUEST_BODY_MAX)
		return 0;
	a = arena_new(REQUEST_ARENA_MAX);
	buf_init(&written, 8 * REQUEST_BODY_MAX);
	if (params_parse(slice_make(data, size), a, &p, &ei) == ERR_OK) {
		check(&p);
		for (size_t i = 0; i < p.count; i++) {
			encode_form(&written, p.pair[i].name);
			buf_putc(&written, '=');
			encode_form(&written, p.pair[i].value);
			buf_putc(&written, '&');
		}
		MUST(buf_ok(&written));
		MUST(params_parse(buf_slice(&written), a, &again, NULL) == ERR_OK && again.count == p.count);
		for (size_t i = 0; i < p.count; i++)
			MUST(slice_eq(p.pair[i].name, again.pair[i].name) &&
			     slice_eq(p.pair[i].value, again.pair[i].value));
	} else {
		MUST(ei.detail[0] != '\0' && slice_is_printable(slice_from(ei.detail)));
	}
	buf_done(&written);
	arena_free(&a);
	return 0;
}
