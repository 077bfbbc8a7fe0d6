/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/x-www-form-urlencoded (WHATWG URL §5.1), but strict: what a browser would repair or what
 * two readers could take differently (a name twice, a broken escape) is refused (OA-08).
 */
#include <string.h>

#include "base/encode.h"
#include "http/request.h"

enum { NAME_SHOWN_MAX = 40 };

/* A name may go into a sentence for a person only when it is short and plain. */
static enum err refuse(struct errinfo *ei, struct slice name, const char *why)
{
	if (name.n > 0 && name.n <= NAME_SHOWN_MAX && slice_is_printable(name))
		return err_set(ei, ERR_INVALID, "The parameter '%.*s' %s.", SLICE_ARG(name), why);
	return err_set(ei, ERR_INVALID, "A parameter %s.", why);
}

static enum err decode(struct slice raw, struct slice name, struct arena *a, struct slice *ret, struct errinfo *ei)
{
	struct buf clear;
	bool ok;

	if (!raw.n || !(memchr(raw.p, '%', raw.n) || memchr(raw.p, '+', raw.n))) {
		*ret = raw;
	} else {
		buf_init(&clear, raw.n);
		ok = decode_percent(raw, true, &clear);
		if (ok)
			*ret = arena_copy(a, buf_slice(&clear));
		buf_done(&clear);
		if (!ok)
			return refuse(ei, name, "is not properly percent-encoded, or holds a NUL");
	}
	if (!slice_is_utf8(*ret))
		return refuse(ei, name, "is not valid UTF-8");
	return ERR_OK;
}

static enum err parse_pair(struct slice text, struct arena *a, struct params *p, struct errinfo *ei)
{
	size_t sign = slice_index(text, '=');
	struct request_pair pair = {0};
	struct slice raw_name = slice_sub(text, 0, sign);
	enum err e;

	e = decode(raw_name, raw_name, a, &pair.name, ei);
	if (e)
		return e;
	e = decode(slice_sub(text, sign + 1, text.n), pair.name, a, &pair.value, ei);
	if (e)
		return e;
	if (pair.name.n == 0)
		return refuse(ei, pair.name, "has no name");
	for (size_t i = 0; i < p->count; i++)
		if (slice_eq(p->pair[i].name, pair.name))
			return refuse(ei, pair.name, "comes twice");
	if (p->count == REQUEST_PARAMS_MAX)
		return err_set(ei, ERR_INVALID, "There are more than %d parameters.", REQUEST_PARAMS_MAX);
	p->pair[p->count++] = pair;
	return ERR_OK;
}

enum err params_parse(struct slice text, struct arena *a, struct params *ret_params, struct errinfo *ei)
{
	struct slice rest = text, pair = {0};
	struct params p;

	p.count = 0;
	while (slice_split(&rest, '&', &pair)) {
		enum err e = pair.n ? parse_pair(pair, a, &p, ei) : ERR_OK;

		if (e)
			return e;
	}
	ret_params->count = p.count;
	memcpy(ret_params->pair, p.pair, p.count * sizeof p.pair[0]);
	return ERR_OK;
}

struct slice params_get(const struct params *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (slice_is(p->pair[i].name, name))
			return p->pair[i].value;
	return (struct slice){0};
}
