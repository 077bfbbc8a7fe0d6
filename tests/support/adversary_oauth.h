/* SPDX-License-Identifier: Apache-2.0 */
/* The honest provider: what each endpoint answers when no script interferes. */
#pragma once

#include <jansson.h>

#include "support/adversary_answer.h"
#include "support/adversary_request.h"
#include "support/adversary_world.h"

/*
 * Does the provider's work for the request and fills the answer, whose arena is set. This is the moment
 * of commit. `forge` is for adversary_signer_make(), NULL for an honest id_token.
 */
void adversary_oauth_answer(struct adversary_world *world, enum adversary_endpoint endpoint,
			    const struct adversary_request *request, const json_t *forge,
			    struct adversary_answer *ret_answer);

/* An OAuth error as JSON (RFC 6749 §5.2) in place of whatever the answer held. */
void adversary_oauth_error(struct adversary_answer *answer, int status, const char *error, const char *description);
