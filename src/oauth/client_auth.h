/* SPDX-License-Identifier: Apache-2.0 */
/* Client authentication, and what all our POSTs to a provider have in common; used inside oauth only. */
#pragma once

#include "oauth/token.h"

enum { CLIENT_AUTH_BODY_MAX = 512 * 1024 };

/* Appends name=value, form-encoded (RFC 6749 appendix B). */
void client_auth_put_param(struct buf *body, const char *name, struct slice value);
void client_auth_add_header(struct fetch_request *r, const char *name, struct slice value);
/* "Authorization: Basic …" with id and secret form-encoded first (RFC 6749 §2.3.1, OA-16). In the arena. */
struct slice client_auth_basic(const struct token_client *c, struct arena *a);
/*
 * Turns `body` into a form POST to `url` with this client's authentication, by one method only: header,
 * body, or, without a secret, the bare client_id (RFC 6749 §3.2.1). All of it lies in the arena; `body` is kept by the caller.
 */
void client_auth_post(const struct token_client *c, const char *url, struct buf *body, struct arena *a,
		      struct fetch_request *io);
