/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A URL from outside. What is taken consists of its parts and nothing else, has only characters that
 * every other parser reads the same, and its origin is a URL that means the same again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Puts the parts together: the text must come back byte by byte. */
static void check_parts(struct slice text, const struct url *u)
{
	struct buf again;

	buf_init(&again, URL_MAX_BYTES);
	buf_put(&again, u->scheme);
	buf_puts(&again, "://");
	buf_puts(&again, u->is_ipv6 ? "[" : "");
	buf_put(&again, u->host);
	buf_puts(&again, u->is_ipv6 ? "]" : "");
	if (u->has_port)
		buf_printf(&again, ":%u", u->port);
	buf_put(&again, u->path);
	buf_puts(&again, u->query.p ? "?" : "");
	buf_put(&again, u->query);
	buf_puts(&again, u->fragment.p ? "#" : "");
	buf_put(&again, u->fragment);
	require(buf_ok(&again) && slice_eq(buf_slice(&again), text));
	buf_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = slice_make(data, size);
	struct url u, origin;
	struct errinfo ei;
	struct buf out;

	err_clear(&ei);
	if (url_parse(text, &u, &ei) != ERR_OK) {
		require(ei.detail[0] != '\0' && slice_is_printable(slice_from(ei.detail)));
		return 0;
	}
	require(u.host.n > 0 && u.port > 0 && size <= URL_MAX_BYTES && slice_is_printable(text));
	require(u.path.n == 0 || u.path.p[0] == '/');
	require(slice_index(u.host, '@') == u.host.n && slice_index(u.host, '%') == u.host.n);
	check_parts(text, &u);
	buf_init(&out, URL_MAX_BYTES);
	url_put_origin(&out, &u);
	require(buf_ok(&out) && url_parse(buf_slice(&out), &origin, NULL) == ERR_OK);
	require(url_same_origin(&u, &origin) && url_is_loopback(&u) == url_is_loopback(&origin));
	buf_done(&out);
	return 0;
}
