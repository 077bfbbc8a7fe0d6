/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens behind a connection: sealing them into a grant row, opening them, and reading the access token. */
#pragma once

#include "core/access.h"
#include "core/connections.h"
#include "core/rotation.h"
#include "oauth/token.h"

enum { GRANTS_MIN_TTL_DEFAULT_S = 60, GRANTS_MIN_TTL_MAX_S = 24 * 60 * 60 };

/* Seals both tokens for `row->generation` and sets fingerprint, type and times from the answer. `row` has its id and app. */
enum err grants_seal(struct core *core, const struct token_answer *answer, struct arena *a, struct grant_row *row,
		     struct errinfo *ei);
/*
 * When the refresh token of an answer is over, as far as answer and profile tell; 0: nobody says. `row` as it was before the answer,
 * but updated_at, which is now (for a new one: created_at).
 */
int64_t grants_refresh_expires_at(const struct profile *p, const struct grant_row *row, const struct token_answer *answer);
enum err grants_open_access(struct core *core, const struct grant_row *row, struct arena *a, struct secret **ret,
			    struct errinfo *ei);
enum err grants_open_refresh(struct core *core, const struct grant_row *row, struct arena *a, struct secret **ret,
			     struct errinfo *ei);
/* Which token a connection has now. */
struct grant_current {
	const char *grant_id;
	int64_t generation;
	char fingerprint[33];
};

/* ERR_NOT_FOUND; ERR_CONFLICT "ambiguous"; ERR_UPSTREAM_DENIED "needs_reauth" when it has none that could be refreshed. */
enum err grants_current(struct core *core, const struct app_row *app, const struct user_row *user, struct slice ref,
			struct arena *a, struct grant_current *ret, struct errinfo *ei);
/* The one of the row's refresh tokens that `source` names; NULL when it has none. */
enum err grants_open_source(struct core *core, const struct grant_row *row, enum rotation_source source, struct arena *a,
			    struct secret **ret, struct errinfo *ei);
/* Seals a token for the place of the row's alternate or previous one, as of `generation`. */
enum err grants_seal_spare(struct core *core, const struct grant_row *row, enum rotation_source source, int64_t generation,
			   const struct secret *token, struct arena *a, struct sealed *ret, struct errinfo *ei);

/* What decides whether an access token may be handed out as it is. */
struct grant_life {
	int64_t expires_at, issued_at; /* expires_at 0: the provider did not say */
	bool uncertain, refreshable;
};

struct grant_life grants_life(const struct grant_row *row);
/* An access token with no more life than this is nearly over: a minute, or a tenth of its life. */
int64_t grants_last_life_ms(const struct grant_row *row);
/*
 * min_ttl, but never more than nine tenths of the token's life: else a short-lived token is refreshed on every read. Where
 * an answer was lost the one retry may end the grant, so what life the access token has is used first (LIFECYCLE §4.7).
 */
int64_t grants_wanted_life_ms(const struct grant_life *life, int64_t min_ttl_s);
/* True when it may be handed out without asking the clerk for a newer one. */
bool grants_is_fresh(const struct grant_life *life, int64_t min_ttl_s, int64_t now);

/* What a token read found. */
struct grant_reading {
	bool wants_refresh;   /* ask the clerk for `grant_id`, then read again with `after_refresh` */
	const char *grant_id;
	int64_t min_life_ms;
	const char *connection_id;
	struct secret *access_token; /* in the arena; NULL when wants_refresh */
	const char *token_type, *scopes;
	const char *extra;    /* what is kept with it, a JSON object; "" none */
	struct grant_life life;
	char fingerprint[33];
	int64_t generation;
	int64_t used_at;      /* when it was last used before, as far as that is written */
};

struct grant_read_args {
	const struct app_row *app;
	const struct user_row *user;
	struct slice ref;
	int64_t min_ttl_s;
	bool after_refresh;       /* the clerk was asked: serve what lives, ask no more */
	enum err refresh_err;     /* what the clerk said */
	const struct errinfo *refresh_why;
};

/*
 * ERR_NOT_FOUND; ERR_CONFLICT "ambiguous" or "pending"; ERR_UPSTREAM_DENIED ("needs_reauth", with the cause in the sentence) when only the user
 * can help; the clerk's error when the token is over and could not be refreshed.
 */
enum err grants_read(struct core *core, const struct grant_read_args *args, struct arena *a, struct grant_reading *ret,
		     struct errinfo *ei);
/* The sentence for a cause (LIFECYCLE §4.12), and for why the last refresh failed (the row's `failure`). */
const char *grants_cause_sentence(const char *cause);
const char *grants_failure_sentence(const char *failure);
