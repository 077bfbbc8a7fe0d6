/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcurl is told, in one place (SS-04, SS-06, SS-07, SS-10, RF-16): one protocol, no redirect, no
 * proxy, no netrc, no decoding, certificate and name checked, TLS 1.2 at least, a fresh connection that
 * is closed afterwards, names pinned. Must never leave a choice to libcurl's defaults or the environment.
 */
#include "courier/easy.h"

#include <string.h>

#include <openssl/ssl.h>

enum {
	LINES_MAX_BYTES = 64 * 1024,
	/* Below this for so long an answer without tokens is given up; one with tokens gets its whole time. */
	SLOW_BYTES_PER_S = 64,
	SLOW_S = 20,
};

/*
 * RFC 8446 §6.1: only a close_notify says that the provider has said everything. This libcurl takes a bare
 * end of file for the same thing, so it is noted here.
 */
static void note_alert(const SSL *ssl, int where, int value)
{
	bool *closed_well = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));

	if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT && (value & 0xff) == SSL_AD_CLOSE_NOTIFY)
		*closed_well = true;
}

/* Decrypted bytes are wiped from OpenSSL's buffers once we have read them. */
static CURLcode tune_tls(CURL *easy, void *ssl_ctx, void *arg)
{
	(void)easy;
	SSL_CTX_clear_options(ssl_ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_app_data(ssl_ctx, arg);
	SSL_CTX_set_info_callback(ssl_ctx, note_alert);
	return CURLE_OK;
}

static bool add_line(struct curl_slist **list, struct buf *line)
{
	struct curl_slist *longer = buf_ok(line) ? curl_slist_append(*list, buf_cstr(line)) : NULL;

	buf_reset(line);
	if (!longer)
		return false;
	*list = longer;
	return true;
}

static bool add_headers(struct easy *e, const struct fetch_request *r)
{
	struct buf line;
	bool ok;

	buf_init(&line, LINES_MAX_BYTES);
	buf_puts(&line, "Accept-Encoding: identity");
	ok = add_line(&e->headers, &line);
	buf_puts(&line, "Expect:");
	ok = ok && add_line(&e->headers, &line);
	for (size_t i = 0; ok && i < r->header_count; i++) {
		buf_puts(&line, r->header[i].name);
		/* "Name;" is libcurl's way to send an empty value. */
		buf_puts(&line, r->header[i].value.n ? ": " : ";");
		buf_put(&line, r->header[i].value);
		ok = add_line(&e->headers, &line);
	}
	buf_done(&line);
	return ok;
}

/* host:port:address,address */
static bool add_pin(struct easy *e, const struct easy_args *args)
{
	char text[EGRESS_TEXT_BYTES];
	struct buf line;
	bool ok;

	buf_init(&line, LINES_MAX_BYTES);
	buf_put(&line, args->url->host);
	buf_printf(&line, ":%u:", args->url->port);
	for (size_t i = 0; i < args->peer_count; i++) {
		egress_peer_text(&args->peer[i], text);
		buf_printf(&line, args->peer[i].is_ipv6 ? "%s[%s]" : "%s%s", i ? "," : "", text);
	}
	ok = add_line(&e->pins, &line);
	buf_done(&line);
	return ok;
}

static bool set_url(CURL *h, const struct url *u)
{
	struct buf text;
	bool ok;

	buf_init(&text, URL_MAX_BYTES + 16);
	egress_put_url(&text, u);
	ok = buf_ok(&text) && curl_easy_setopt(h, CURLOPT_URL, buf_cstr(&text)) == CURLE_OK;
	buf_done(&text);
	return ok;
}

/* An option that this libcurl refuses makes the transfer fail: none of them is decoration. */
static bool set_safety(CURL *h, const struct easy_args *args)
{
	const char *ca = args->ca_file ? args->ca_file : curl_version_info(CURLVERSION_NOW)->cainfo;
	bool yields = args->request->flags & FETCH_YIELDS_TOKENS;

	return curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, args->url->is_https ? "https" : "http") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NOPROXY, "*") == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_CTX_FUNCTION, tune_tls) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SSL_CTX_DATA, args->closed_well) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CAINFO, ca) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CAPATH, NULL) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_TCP_FASTOPEN, 0L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)args->connect_ms) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, yields ? 0L : (long)SLOW_BYTES_PER_S) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, yields ? 0L : (long)SLOW_S) == CURLE_OK;
}

static bool set_request(struct easy *e, const struct easy_args *args)
{
	const struct fetch_request *r = args->request;
	CURL *h = e->handle;

	if ((strcmp(r->method, "POST") == 0 || r->body.n) &&
	    (curl_easy_setopt(h, CURLOPT_POST, 1L) != CURLE_OK ||
	     curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) != CURLE_OK ||
	     curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body.p ? r->body.p : "") != CURLE_OK))
		return false;
	if (strcmp(r->method, "DELETE") == 0 && curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, "DELETE") != CURLE_OK)
		return false;
	return set_url(h, args->url) && curl_easy_setopt(h, CURLOPT_HTTPHEADER, e->headers) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_USERAGENT, "FiberWise/" FW_VERSION) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_RESOLVE, e->pins) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_SHARE, e->names) == CURLE_OK;
}

static bool set_callbacks(CURL *h, const struct easy_args *args)
{
	return curl_easy_setopt(h, CURLOPT_PRIVATE, args->arg) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_ERRORBUFFER, args->error) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, args->open_socket) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, args->arg) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, args->before_request) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_PREREQDATA, args->arg) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, args->take_header) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_HEADERDATA, args->arg) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, args->take_body) == CURLE_OK &&
	       curl_easy_setopt(h, CURLOPT_WRITEDATA, args->arg) == CURLE_OK;
}

bool easy_init(struct easy *e, const struct easy_args *args)
{
	*e = (struct easy){.handle = curl_easy_init(), .names = curl_share_init()};
	return e->handle && e->names &&
	       curl_share_setopt(e->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
	       add_headers(e, args->request) && add_pin(e, args) && set_safety(e->handle, args) &&
	       set_callbacks(e->handle, args) && set_request(e, args);
}

void easy_done(struct easy *e)
{
	if (e->handle)
		curl_easy_cleanup(e->handle);
	if (e->names)
		curl_share_cleanup(e->names);
	curl_slist_free_all(e->headers);
	curl_slist_free_all(e->pins);
	*e = (struct easy){0};
}
