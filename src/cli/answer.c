/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading {"error", "detail", "hint", "fields"}. Must never trust it to be there: proxies answer too,
 * in shapes of their own.
 */
#include "cli/answer.h"

#include <stdio.h>

static enum err kind_of(long status, struct slice code)
{
	enum err by_status = status < 500 ? ERR_INVALID : ERR_INTERNAL;
	bool found = false;

	for (unsigned i = 1; i < ERR__COUNT; i++) {
		const struct err_kind *k = err_kind((enum err)i);

		if (k->http_status != status)
			continue;
		if (slice_is(code, k->code))
			return (enum err)i;
		if (!found)
			by_status = (enum err)i;
		found = true;
	}
	return by_status;
}

static void take_field(const char *name, const struct jsonr *why, void *arg)
{
	struct slice text = jsonr_string(why);

	err_field(arg, name, "%.*s", text.p ? (int)text.n : 0, text.p ? text.p : "");
}

/* What the status alone tells, for answers that bring no sentence. */
static const char *meaning(long status)
{
	if (status < 400)
		return "the server sent us to another address";
	switch (status) {
	case 401: return "the server didn't accept the API key";
	case 403: return "the API key may not do this";
	case 404: return "the server doesn't know this address";
	case 413: return "the server found the request too large";
	case 429: return "the server was asked too often";
	case 502:
	case 503:
	case 504: return "the server is not available";
	default: return status < 500 ? "the server refused the request" : "the server failed";
	}
}

enum err answer_error(long status, const struct jsonr *doc, struct errinfo *ei)
{
	struct slice detail = jsonr_get_string(doc, "detail"), hint = jsonr_get_string(doc, "hint");
	struct slice code = jsonr_get_string(doc, "error");
	enum err e = kind_of(status, code);
	char text[ERRINFO_CODE_MAX];

	if (detail.n)
		err_set(ei, e, "%.*s", SLICE_ARG(detail));
	else
		err_set(ei, e, "%s (HTTP status %ld)", meaning(status), status);
	if (hint.n)
		err_hint(ei, e, "%.*s", SLICE_ARG(hint));
	else if (status < 400 || (status == 404 && !detail.n))
		err_hint(ei, e,
			 "is the instance's base URL that of a FiberWise server? \"fiber account list-configs\" shows "
			 "it");
	if (code.n) {
		snprintf(text, sizeof text, "%.*s", SLICE_ARG(code));
		err_code(ei, e, text);
	}
	jsonr_each(jsonr_get(doc, "fields"), take_field, ei);
	return e;
}
