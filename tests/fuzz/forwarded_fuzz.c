/* SPDX-License-Identifier: Apache-2.0 */
/*
 * X-Forwarded-For and Forwarded (WB-11): whom they name is never a proxy of ours unless all are, and whatever a client writes to the left
 * of what a trusted proxy appends changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "http/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(what) \
	do { \
		if (!(what)) \
			abort(); \
	} while (0)

enum { MAX = 4096 };

static bool named(const struct proxies *trusted, const char *name, struct slice value, struct peer *ret)
{
	struct request_pair header = {slice_from(name), value};
	struct request r = {.header_count = 1, .header = &header};

	return forwarded_client(trusted, &r, ret);
}

/* The same value with an element that our proxy wrote behind it. */
static bool named_behind(const struct proxies *trusted, const char *name, struct slice value, const char *appended,
			 struct peer *ret)
{
	char all[MAX + 64];
	size_t n = strlen(appended);

	memcpy(all, value.p, value.n);
	memcpy(all + value.n, appended, n);
	return named(trusted, name, slice_make(all, value.n + n), ret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice value = slice_make((const char *)data, size);
	struct proxies trusted, list;
	struct peer peer;

	if (size == 0 || size > MAX)
		return 0;
	(void)proxies_parse(value, &list, NULL);
	MUST(proxies_parse(SLICE_LIT("10.0.0.0/8, fd00::/8"), &trusted, NULL) == ERR_OK);
	if (named(&trusted, "x-forwarded-for", value, &peer))
		MUST(peer.text[0] && (peer.key[0] == 4 || peer.key[0] == 6));
	if (named(&trusted, "forwarded", value, &peer))
		MUST(peer.text[0] && (peer.key[0] == 4 || peer.key[0] == 6));
	MUST(named_behind(&trusted, "x-forwarded-for", value, ", 203.0.113.7", &peer) &&
	     strcmp(peer.text, "203.0.113.7") == 0);
	MUST(named_behind(&trusted, "x-forwarded-for", value, ", 203.0.113.7, 10.0.0.2", &peer) &&
	     strcmp(peer.text, "203.0.113.7") == 0);
	/* Here quotes may hide what follows: then nobody is named, never another. */
	if (named_behind(&trusted, "forwarded", value, ", for=203.0.113.7", &peer))
		MUST(strcmp(peer.text, "203.0.113.7") == 0);
	if (named_behind(&trusted, "forwarded", value, ", for=\"[2001:db8::7]\"", &peer))
		MUST(strcmp(peer.text, "2001:db8::7") == 0);
	return 0;
}
