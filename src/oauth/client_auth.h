/* SPDX-License-Identifier: Apache-2.0 */
/* Client authentication, and what all our POSTs to a provider have in common; used inside oauth only. */
#pragma once

#include "oauth/token.h"

enum { CLIENT_AUTH_BODY_MAX = 512 * 1024, CLIENT_PARAMS_MAX = 8 + PROFILE_PARAMS_MAX };

/* The parameters of a request's body, in order; texts are borrowed. */
struct client_params {
	size_t count;
	struct {
		const char *name;
		struct slice value;
	} param[CLIENT_PARAMS_MAX];
};

void client_params_put(struct client_params *params, const char *name, struct slice value);
/* The provider's name for one of our parameters. */
const char *client_auth_name(const struct profile *p, const char *name);
/* Sets a header, in place of one of that name. */
void client_auth_add_header(struct fetch_request *r, const char *name, struct slice value);
/* "Bearer …", or another word for it. In the arena. */
struct slice client_auth_token(const char *scheme, const struct secret *token, struct arena *a);
/* "Authorization: Basic …" with id and secret form-encoded first (RFC 6749 §2.3.1, OA-16). In the arena. */
struct slice client_auth_basic(const struct token_client *c, struct arena *a);
/*
 * A POST of `params` to `url`, as a form or as a JSON object, with this client's authentication by one method only: header,
 * body, or, without a secret, the bare client_id (RFC 6749 §3.2.1). All of it lies in the arena.
 */
void client_auth_post(const struct token_client *c, const char *url, enum token_encoding encoding, struct client_params *params,
		      struct arena *a, struct fetch_request *io);
