/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How this client proves itself at a provider's endpoints (RFC 6749 §2.3). One method a request; must
 * never put a secret into a URL (OA-16).
 */
#include "oauth/client_auth.h"

#include <assert.h>
#include <string.h>

#include "base/encode.h"
#include "base/mem.h"
#include "json/jsonw.h"

static const char user_agent[] = "fiberwise/" FW_VERSION;

void client_params_put(struct client_params *params, const char *name, struct slice value)
{
	assert(params->count < CLIENT_PARAMS_MAX); /* the parts of a profile are capped */
	params->param[params->count].name = name;
	params->param[params->count++].value = value;
}

const char *client_auth_name(const struct profile *p, const char *name)
{
	for (size_t i = 0; i < p->param_names.count; i++)
		if (strcmp(p->param_names.pair[i].name, name) == 0)
			return p->param_names.pair[i].value;
	return name;
}

void client_auth_add_header(struct fetch_request *r, const char *name, struct slice value)
{
	size_t i = 0;

	while (i < r->header_count && !slice_is_nocase(slice_from(name), r->header[i].name))
		i++;
	assert(i < FETCH_HEADERS_MAX); /* four of ours and what a profile may add */
	r->header[i] = (struct fetch_header){.name = name, .value = value};
	if (i == r->header_count)
		r->header_count++;
}

struct slice client_auth_token(const char *scheme, const struct secret *token, struct arena *a)
{
	CLEANUP(buf_done) struct buf header;

	buf_init(&header, TOKEN_MAX_BYTES + PROFILE_TEXT_MAX + 1);
	buf_puts(&header, scheme);
	buf_putc(&header, ' ');
	buf_put(&header, secret_expose(token));
	return arena_copy(a, buf_slice(&header));
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

/* RFC 6749 appendix B. */
static void put_form(const struct client_params *params, struct buf *body)
{
	for (size_t i = 0; i < params->count; i++) {
		if (i)
			buf_putc(body, '&');
		encode_form(body, slice_from(params->param[i].name));
		buf_putc(body, '=');
		encode_form(body, params->param[i].value);
	}
}

static void put_json(const struct client_params *params, struct buf *body)
{
	struct jsonw w;

	jsonw_init(&w, body);
	jsonw_object(&w, NULL);
	for (size_t i = 0; i < params->count; i++)
		jsonw_slice(&w, params->param[i].name, params->param[i].value);
	jsonw_object_end(&w);
}

void client_auth_post(const struct token_client *c, const char *url, enum token_encoding encoding, struct client_params *params,
		      struct arena *a, struct fetch_request *io)
{
	bool has_secret = c->client_secret && c->profile->auth != CLIENT_AUTH_NONE;
	bool json = encoding == TOKEN_JSON;
	CLEANUP(buf_done) struct buf body;

	buf_init(&body, CLIENT_AUTH_BODY_MAX);
	io->method = "POST";
	io->url = url;
	io->body_cap = FETCH_TOKEN_CAP;
	io->label = c->label;
	client_auth_add_header(io, "Accept", SLICE_LIT("application/json"));
	client_auth_add_header(io, "Content-Type", json ? SLICE_LIT("application/json") : SLICE_LIT("application/x-www-form-urlencoded"));
	client_auth_add_header(io, "User-Agent", slice_from(user_agent));
	if (has_secret && c->profile->auth == CLIENT_AUTH_BASIC) {
		client_auth_add_header(io, "Authorization", client_auth_basic(c, a));
	} else {
		client_params_put(params, client_auth_name(c->profile, "client_id"), slice_from(c->client_id));
		if (has_secret)
			client_params_put(params, client_auth_name(c->profile, "client_secret"), secret_expose(c->client_secret));
	}
	if (json)
		put_json(params, &body);
	else
		put_form(params, &body);
	io->body = arena_copy(a, buf_slice(&body));
}
