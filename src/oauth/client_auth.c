/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this client proves itself at a provider's endpoints (RFC 6749 §2.3). One method a request; must
 * never put a secret into a URL (OA-16).
 */
#include "oauth/client_auth.h"

#include "base/encode.h"
#include "base/mem.h"

static const char user_agent[] = "fiberwise/" FW_VERSION;

void client_auth_put_param(struct buf *body, const char *name, struct slice value)
{
	if (body->n)
		buf_putc(body, '&');
	encode_form(body, slice_from(name));
	buf_putc(body, '=');
	encode_form(body, value);
}

void client_auth_add_header(struct fetch_request *r, const char *name, struct slice value)
{
	if (r->header_count < FETCH_HEADERS_MAX)
		r->header[r->header_count++] = (struct fetch_header){.name = name, .value = value};
}

struct slice client_auth_basic(const struct token_client *c, struct arena *a)
{
	CLEANUP(buf_done) struct buf pair;
	CLEANUP(buf_done) struct buf header;

	buf_init(&pair, CLIENT_AUTH_BODY_MAX);
	buf_init(&header, 2 * CLIENT_AUTH_BODY_MAX);
	encode_form(&pair, slice_from(c->client_id));
	buf_putc(&pair, ':');
	encode_form(&pair, secret_expose(c->client_secret));
	buf_puts(&header, "Basic ");
	encode_base64(&header, buf_slice(&pair));
	return arena_copy(a, buf_slice(&header));
}

void client_auth_post(const struct token_client *c, const char *url, struct buf *body, struct arena *a,
		      struct fetch_request *io)
{
	bool has_secret = c->client_secret && c->profile->auth != CLIENT_AUTH_NONE;

	io->method = "POST";
	io->url = url;
	io->body_cap = FETCH_TOKEN_CAP;
	io->label = c->label;
	client_auth_add_header(io, "Accept", SLICE_LIT("application/json"));
	client_auth_add_header(io, "Content-Type", SLICE_LIT("application/x-www-form-urlencoded"));
	client_auth_add_header(io, "User-Agent", slice_from(user_agent));
	if (has_secret && c->profile->auth == CLIENT_AUTH_BASIC) {
		client_auth_add_header(io, "Authorization", client_auth_basic(c, a));
	} else {
		client_auth_put_param(body, "client_id", slice_from(c->client_id));
		if (has_secret)
			client_auth_put_param(body, "client_secret", secret_expose(c->client_secret));
	}
	io->body = arena_copy(a, buf_slice(body));
}
