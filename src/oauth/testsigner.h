/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: an issuer that signs, with one key of each kind. */
#pragma once

#include "oauth/jws.h"

struct testsigner;

struct testsigner *testsigner_new(void);
void testsigner_free(struct testsigner **s);
/* The public key of that type as a JSON object, with that kid (NULL: none). In the arena. */
const char *testsigner_key(const struct testsigner *s, enum jwk_type type, const char *kid, struct arena *a);
/* A set of those keys: {"keys":[…]}, `keys` comma-separated objects. */
const char *testsigner_set(const char *keys, struct arena *a);
/* The compact form of that header and those claims, signed with the algorithm's key. */
const char *testsigner_sign(const struct testsigner *s, enum jws_alg alg, const char *header, const char *claims,
			    struct arena *a);
