/* SPDX-License-Identifier: Apache-2.0 */
/* Which client sends a request to the token or revocation endpoint (RFC 6749 §2.3.1). */
#pragma once

#include "base/arena.h"
#include "base/slice.h"
#include "support/adversary_config.h"
#include "support/adversary_request.h"

struct adversary_client {
	struct slice id;
	struct slice secret;	    /* p NULL: none was sent */
	enum adversary_auth method; /* BASIC, POST or NONE */
};

/*
 * Reads and checks the client. NULL when it is welcome, else the OAuth error code: "invalid_request"
 * for two methods at once, "invalid_client" for a wrong or missing one.
 */
const char *adversary_client_read(const struct adversary_config *config, const struct adversary_request *request,
				  const struct adversary_params *params, struct arena *arena,
				  struct adversary_client *ret_client);
