/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl, one easy handle. Must never send the key to another host (no redirects, no netrc), never
 * over a connection whose certificate wasn't verified, and never show what it sends unmasked.
 */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/answer.h"
#include "cli/mask.h"
#include "cli/text.h"

enum { ANSWER_MAX_BYTES = 8 * 1024 * 1024, CONNECT_SECONDS = 10, WHOLE_SECONDS = 40 };

struct client {
	CURL *curl;
	struct client_args args;
	struct buf answer;
	struct jsonr *refusal;
	long status;
	unsigned retry_after_s;
	int64_t date_s; /* of the last answer that said it; -1 unknown */
	char why[CURL_ERROR_SIZE];
};

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct client *c = arg;

	buf_put(&c->answer, slice_make(bytes, size * n));
	return buf_ok(&c->answer) ? size * n : 0;
}

/* The value of a header line of that name ("date:"); p NULL for another. */
static struct slice header_value(struct slice line, const char *name)
{
	size_t n = strlen(name);

	return line.n > n && strncasecmp(line.p, name, n) == 0 ? slice_trim(slice_sub(line, n, line.n)) : (struct slice){0};
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg)
{
	struct client *c = arg;
	struct slice line = slice_make(bytes, size * n), value;
	uint64_t seconds;
	char date[64];

	while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r'))
		line.n--;
	value = header_value(line, "retry-after:");
	if (value.p && slice_to_u64(value, 86400, &seconds))
		c->retry_after_s = (unsigned)seconds;
	value = header_value(line, "date:");
	if (value.p && value.n < sizeof date) {
		memcpy(date, value.p, value.n);
		date[value.n] = '\0';
		c->date_s = curl_getdate(date, NULL);
	}
	return size * n;
}

/* Everything that is the same for each request. False when libcurl lacks one of them. */
static bool set_up(struct client *c)
{
	bool https = strncmp(c->args.root, "https:", 6) == 0;
	CURL *curl = c->curl;

	return !curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, https ? "https" : "http") &&
	       !curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) &&
	       !curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) &&
	       !curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) &&
	       !curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
	       !curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) &&
	       !curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)WHOLE_SECONDS) &&
	       !curl_easy_setopt(curl, CURLOPT_USERAGENT, "fiber/" FW_VERSION) &&
	       !curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->why) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) &&
	       !curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)c) &&
	       !curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header) &&
	       !curl_easy_setopt(curl, CURLOPT_HEADERDATA, (void *)c) &&
	       /* Plain http is only spoken to this machine; a proxy would carry the key elsewhere. */
	       (https || !curl_easy_setopt(curl, CURLOPT_PROXY, ""));
}

enum err client_new(const struct client_args *args, struct client **ret_client, struct errinfo *ei)
{
	CLEANUP(client_free) struct client *c = MEM_NEW(struct client);

	c->args = *args;
	c->date_s = -1;
	buf_init(&c->answer, ANSWER_MAX_BYTES);
	c->curl = curl_easy_init();
	if (!c->curl || !set_up(c))
		return err_set(ei, ERR_INTERNAL, "libcurl can't be set up");
	*ret_client = TAKE(c);
	return ERR_OK;
}

void client_free(struct client **cp)
{
	struct client *c = cp ? *cp : NULL;

	if (!c)
		return;
	if (c->curl)
		curl_easy_cleanup(c->curl);
	buf_done(&c->answer);
	jsonr_free(&c->refusal);
	free(c);
	*cp = NULL;
}

bool client_clock_skew(const struct client *c, int64_t now, int64_t *ret_seconds)
{
	if (c->date_s < 0)
		return false;
	*ret_seconds = c->date_s - now / 1000;
	return true;
}

long client_status(const struct client *c)
{
	return c->status;
}

const struct jsonr *client_refusal(const struct client *c)
{
	return c->refusal;
}

/* One body of a trace: JSON masked, anything else only by its size. */
static void trace_body(char direction, struct slice body, const char *empty)
{
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	struct buf text;

	if (body.n == 0) {
		fprintf(stderr, "%c %s\n", direction, empty);
		return;
	}
	if (jsonr_parse(body, ANSWER_MAX_BYTES, &doc, NULL)) {
		fprintf(stderr, "%c (%zu bytes that are no JSON)\n", direction, body.n);
		return;
	}
	buf_init(&text, ANSWER_MAX_BYTES);
	mask_json(doc, &text);
	fprintf(stderr, "%c %s\n", direction, buf_cstr(&text));
	buf_done(&text);
}

static void trace_request(const struct client *c, const struct client_call *call)
{
	struct buf key;

	buf_init(&key, 256);
	mask_key(c->args.key, &key);
	fprintf(stderr, "> %s %s/api/v1%s\n> Authorization: Bearer %s\n", call->method, c->args.root, call->path,
		buf_cstr(&key));
	buf_done(&key);
	if (call->body)
		trace_body('>', buf_slice(call->body), "(no body)");
}

static void trace_answer(const struct client *c, int64_t took_ms)
{
	fprintf(stderr, "< %ld after %lld ms\n", c->status, (long long)took_ms);
	trace_body('<', buf_slice(&c->answer), "(empty)");
}

static enum err transport_error(const struct client *c, CURLcode code, struct errinfo *ei)
{
	const char *root = c->args.root, *why = c->why[0] ? c->why : curl_easy_strerror(code);
	enum err e;

	switch ((int)code) {
	case CURLE_COULDNT_CONNECT:
		e = err_set(ei, ERR_UPSTREAM_DOWN, "nothing answers at %s", root);
		return err_hint(ei, e, "start the service there (./run), or mend the base URL of the instance \"%s\"",
				c->args.instance);
	case CURLE_COULDNT_RESOLVE_HOST:
		e = err_set(ei, ERR_UPSTREAM_DOWN, "the host of %s is not known", root);
		return err_hint(ei, e, "check the base URL of the instance \"%s\" and your network", c->args.instance);
	case CURLE_OPERATION_TIMEDOUT:
		e = err_set(ei, ERR_TIMEOUT, "%s did not answer in time", root);
		return err_hint(ei, e, "try again; if it stays so, look at the server's log");
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		e = err_set(ei, ERR_UPSTREAM_DOWN, "the certificate of %s can't be trusted: %s", root, why);
		return err_hint(ei, e, "install its CA on this machine; the check can't be switched off");
	case CURLE_SSL_CONNECT_ERROR:
		e = err_set(ei, ERR_UPSTREAM_DOWN, "no TLS connection to %s: %s", root, why);
		return err_hint(ei, e, "does it speak https on this port?");
	case CURLE_WRITE_ERROR:
		if (!buf_ok(&c->answer))
			return err_set(ei, ERR_TOO_LARGE, "the answer of %s is larger than %d bytes", root,
				       ANSWER_MAX_BYTES);
		break;
	default: break;
	}
	return err_set(ei, ERR_UPSTREAM_DOWN, "the exchange with %s broke off: %s", root, why);
}

static enum err perform(struct client *c, const struct client_call *call, struct errinfo *ei)
{
	CLEANUP(mem_free_str) char *url = mem_printf("%s/api/v1%s", c->args.root, call->path);
	struct curl_slist *headers = NULL;
	struct buf auth;
	CURLcode code;

	buf_init(&auth, 1024);
	buf_puts(&auth, "Authorization: Bearer ");
	buf_put(&auth, secret_expose(c->args.key));
	headers = curl_slist_append(headers, buf_cstr(&auth));
	buf_done(&auth);
	headers = curl_slist_append(headers, "Accept: application/json");
	/* An empty "Expect:" keeps libcurl from waiting for "100 Continue". */
	headers = curl_slist_append(headers, "Expect:");
	if (call->body)
		headers = curl_slist_append(headers, "Content-Type: application/json");
	curl_easy_setopt(c->curl, CURLOPT_URL, url);
	curl_easy_setopt(c->curl, CURLOPT_HTTPGET, 1L);
	if (call->body) {
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, call->body->p);
		curl_easy_setopt(c->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body->n);
	}
	curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, call->method);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
	c->why[0] = '\0';
	code = curl_easy_perform(c->curl);
	curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, NULL);
	for (struct curl_slist *h = headers; h; h = h->next)
		secret_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
	if (code != CURLE_OK) {
		enum err e = transport_error(c, code, ei);

		/* The kind's own word is about providers, which are not meant here. */
		return e == ERR_UPSTREAM_DOWN ? err_code(ei, e, "server_unreachable") : e;
	}
	curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &c->status);
	return ERR_OK;
}

static enum err refused(struct client *c, struct jsonr *doc, struct errinfo *ei)
{
	enum err e = answer_error(c->status, doc, ei);

	c->refusal = doc;
	/* The server speaks of headers here; a person at this program has an instance. */
	if (c->status == 401)
		return err_hint(ei, e,
				"give the instance \"%s\" a valid key: fiber account add-config --name %s --base-url "
				"%s --api-key=-",
				c->args.instance, c->args.instance, c->args.root);
	if (c->retry_after_s && ei && !ei->hint[0])
		return err_hint(ei, e, "try again in %u s", c->retry_after_s);
	return e;
}

enum err client_call(struct client *c, const struct client_call *call, struct jsonr **ret_doc, struct errinfo *ei)
{
	int64_t start = clock_mono_ms(&clock_system);
	CLEANUP(jsonr_free) struct jsonr *doc = NULL;
	bool is_json;
	enum err e;

	buf_reset(&c->answer);
	jsonr_free(&c->refusal);
	c->status = 0;
	c->retry_after_s = 0;
	if (c->args.verbose)
		trace_request(c, call);
	e = perform(c, call, ei);
	if (e)
		return e;
	if (c->args.verbose)
		trace_answer(c, clock_mono_ms(&clock_system) - start);
	is_json = c->answer.n && jsonr_parse(buf_slice(&c->answer), ANSWER_MAX_BYTES, &doc, NULL) == ERR_OK;
	if (c->status >= 300)
		return refused(c, TAKE(doc), ei);
	if (c->answer.n && !is_json)
		return err_hint(ei, err_set(ei, ERR_INVALID, "%s answered something that isn't JSON", c->args.root),
				"is this the address of a FiberWise server? \"fiber account list-configs\" shows it");
	*ret_doc = TAKE(doc);
	return ERR_OK;
}
