/* SPDX-License-Identifier: Apache-2.0 */
/* Registered OAuth apps: register, read, change, delete, and finding one by what a caller calls it. */
#pragma once

#include "core/access.h"
#include "core/authenticator_input.h"
#include "oauth/token.h"

enum { AUTHENTICATORS_MAX = 150 }; /* per app: as many of the largest as one answer holds */

/* ERR_CONFLICT when the app has one of that name, or AUTHENTICATORS_MAX ("limit_reached"). */
enum err authenticators_register(struct core *core, const struct caller *c, const struct app_row *app,
				 const struct authenticator_input *in, struct arena *a, struct authenticator_row *ret,
				 struct errinfo *ei);
enum err authenticators_list(struct core *core, const char *app_id, struct arena *a, struct authenticator_row **ret,
			     size_t *ret_n, struct errinfo *ei);
/* By id, for a caller that reaches its app. ERR_NOT_FOUND also for somebody else's or a deleted one. */
enum err authenticators_get(struct core *core, const struct caller *c, struct slice id, struct arena *a,
			    struct authenticator_row *ret, struct errinfo *ei);
/* ERR_NOT_FOUND in the words for it. */
enum err authenticators_missing(struct errinfo *ei);
/* Writes what the input says. ERR_CONFLICT when the name is taken or somebody else changed it meanwhile. */
enum err authenticators_update(struct core *core, const struct caller *c, const struct authenticator_input *in,
			       bool endpoints_changed, struct arena *a, struct authenticator_row *io,
			       struct errinfo *ei);
/*
 * Ends it and all its connections at once. `ret_grants` (ids, in the arena) are those that the provider is to be told of.
 */
enum err authenticators_delete(struct core *core, const struct caller *c, const struct authenticator_row *row,
			       struct arena *a, const char ***ret_grants, size_t *ret_n, struct errinfo *ei);
/* "active", "disabled", or "paused" while the provider refuses its client id or secret. */
const char *authenticators_status(const struct authenticator_row *row);
/*
 * {ref} within the app: id, name without regard to case, then type. ERR_NOT_FOUND, or ERR_CONFLICT "ambiguous" with the candidates.
 * Disabled ones are found only with `disabled_too`.
 */
enum err authenticators_resolve(struct core *core, const char *app_id, struct slice ref, bool disabled_too,
				struct arena *a, struct authenticator_row *ret, struct errinfo *ei);
/* Its profile and opened secret, for a request to the token endpoint. */
enum err authenticators_client(struct core *core, const struct authenticator_row *row, struct arena *a,
			       struct profile *ret_profile, struct token_client *ret_client, struct errinfo *ei);
