/* SPDX-License-Identifier: Apache-2.0 */
/* Connected accounts: listing, finding one by what a caller calls it, ending. */
#pragma once

#include "core/access.h"

enum { CONNECTIONS_MAX = 1000 }; /* per user and app */

/* A connection as people see it. */
struct connection_view {
	struct connection_row row;
	const char *status;        /* pending, active, expiring, needs_reauth, revoked */
	const char *cause;         /* "" none */
	const char *name, *type;   /* of the authenticator */
	const char *scopes;        /* granted, JSON array */
	struct slice missing;      /* JSON array */
	int64_t expires_at;        /* of the access token; 0 unknown */
	int64_t refresh_expires_at; /* of the refresh token; 0 unknown */
	const char *extra;         /* kept with it, a JSON object; "" none */
};

/* A user's connections in an app, oldest first; `status` n 0: all but revoked ones. */
enum err connections_list(struct core *core, const char *app_id, const char *user_id, struct slice status,
			  struct arena *a, struct connection_view **ret, size_t *ret_n, struct errinfo *ei);
/*
 * {ref} among the user's connections that have not ended and whose authenticator is not disabled: connection id, authenticator id, authenticator's name without regard to
 * case, then type. ERR_NOT_FOUND; ERR_CONFLICT "ambiguous" with the candidates' ids and accounts.
 */
enum err connections_resolve(struct core *core, const char *app_id, const char *user_id, struct slice ref,
			     struct arena *a, struct connection_row *ret, struct errinfo *ei);
/* Likewise among those of disabled authenticators too: what may be ended. */
enum err connections_resolve_any(struct core *core, const char *app_id, const char *user_id, struct slice ref,
				 struct arena *a, struct connection_row *ret, struct errinfo *ei);
/* Ends one within the caller's transaction: grant and connection revoked, event written. */
enum err connections_end(struct core *core, const struct connection_row *c, const char *cause, const char *actor,
			 struct errinfo *ei);
/* The same in a transaction of its own. A connection that ended meanwhile is no error. */
enum err connections_disconnect(struct core *core, const struct connection_row *c, const char *actor,
				struct errinfo *ei);
/* Notes a use. "Last used" is exact to a minute: where a use was noted less than that before, nothing is written. */
enum { CONNECTIONS_USED_MS = 60 * 1000 };
enum err connections_used(struct core *core, struct slice auth_id, int64_t at, struct errinfo *ei);
