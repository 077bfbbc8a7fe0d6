/* SPDX-License-Identifier: Apache-2.0 */
/* Registering by issuer: what its metadata says in place of what the developer left out (OIDC Discovery §4, RFC 8414). */
#pragma once

#include "catalog/profile.h"

/* The issuer whose metadata is needed because one of the two endpoints is missing; "" when none is, or no issuer is named. */
const char *authenticator_discovery_wanted(const struct profile *p);
/*
 * Fills what `io` has not from the metadata of its issuer; `configuration` is the developer's and wins. ERR_UNPROCESSABLE with the field for a
 * document that cannot be used, and for a provider that insists on what there is not (PAR, another client authentication).
 */
enum err authenticator_discovery_fill(struct slice metadata, const struct jsonr *configuration, struct arena *a,
				      struct profile *io, struct errinfo *ei);
