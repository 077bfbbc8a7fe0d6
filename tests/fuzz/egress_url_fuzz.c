/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's allow list, a newline, a tenant's URL. What is taken must mean the same host and port to
 * libcurl, whose own parser reads it again (SS-05); and an address that is not public is never allowed
 * by an empty list.
 */
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "courier/egress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_part(CURLU *parsed, CURLUPart part, struct slice want)
{
	char *text = NULL;

	require(curl_url_get(parsed, part, &text, part == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) == CURLUE_OK);
	require(slice_eq_nocase(slice_from(text), want));
	curl_free(text);
}

/* libcurl shortens IPv6 addresses: both are compared as addresses. */
static void check_host(CURLU *parsed, const struct url *u)
{
	struct egress_peer ours, theirs;
	char *text = NULL;

	if (!u->is_ipv6) {
		check_part(parsed, CURLUPART_HOST, u->host);
		return;
	}
	require(curl_url_get(parsed, CURLUPART_HOST, &text, 0) == CURLUE_OK && text[0] == '[');
	require(egress_peer_parse(slice_sub(slice_from(text), 1, strlen(text) - 2), 1, &theirs));
	require(egress_peer_parse(u->host, 1, &ours) && egress_peer_eq(&ours, &theirs));
	curl_free(text);
}

static void check_url(const struct url *u)
{
	char port[8];
	struct buf text;
	CURLU *parsed = curl_url();
	struct buf number = {.max = sizeof port};

	buf_init(&text, URL_MAX_BYTES + 16);
	egress_put_url(&text, u);
	require(buf_ok(&text));
	require(curl_url_set(parsed, CURLUPART_URL, buf_cstr(&text), CURLU_PATH_AS_IS | CURLU_DISALLOW_USER) == CURLUE_OK);
	check_part(parsed, CURLUPART_SCHEME, u->scheme);
	check_host(parsed, u);
	buf_put_i64(&number, u->port);
	check_part(parsed, CURLUPART_PORT, buf_slice(&number));
	buf_done(&number);
	buf_done(&text);
	curl_url_cleanup(parsed);
}

static void check_address(const struct url *u, const struct egress *g)
{
	static const struct egress none;
	struct egress_peer p;
	struct errinfo ei = {0};

	require(egress_peer_parse(u->host, u->port, &p));
	if (egress_vet_peer(&none, u->is_https, &p, &ei) == ERR_OK) {
		require(u->is_https && p.addr[0] != 127 && p.addr[0] != 10 && p.addr[0] != 0);
		require(egress_vet_peer(g, true, &p, NULL) == ERR_OK); /* a list only ever opens more */
	} else {
		require(ei.detail[0] != '\0' && slice_is_printable(slice_from(ei.detail)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_make(data, size), list, text;
	struct errinfo ei = {0};
	struct egress g = {0};
	struct url u;

	list = slice_sub(rest, 0, slice_index(rest, '\n'));
	text = slice_sub(rest, list.n + 1, rest.n);
	if (egress_parse(list, &g, &ei))
		require(strstr(ei.detail, "FIBERWISE_EGRESS_ALLOW") && slice_is_printable(slice_from(ei.detail)));
	require(g.count <= EGRESS_RULES_MAX);
	if (url_parse(text, &u, NULL) || egress_vet_url(&u, NULL))
		return 0;
	check_url(&u);
	if (u.is_ipv4 || u.is_ipv6)
		check_address(&u, &g);
	return 0;
}
