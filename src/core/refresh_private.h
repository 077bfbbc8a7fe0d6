/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a refresh share with each other. For refresh*.c only. */
#pragma once

#include "core/refresh.h"
#include "core/rotation.h"
#include "oauth/token.h"

/* One attempt whose answer is there, and what it found. */
struct refresh_run {
	struct core *core;
	const struct grant_row *grant;
	const struct authenticator_row *auth;
	const struct profile *profile;
	const struct refresh_attempt *attempt;
	const struct fetch_answer *answer;
	const struct secret *body; /* clear; NULL: none came */
	struct arena *arena;
	struct refresh_after *after;
	bool salvaged;             /* the answer was cut or spoiled, but held a refresh token */
	bool unread;               /* it said yes, and nothing could be saved of it */
	bool raced;                /* the grant was not as it was found when it was to be written */
};

/* An event of the grant, with its connection where it still is the connection's. */
enum err refresh_note(struct core *core, const struct grant_row *g, const char *kind, const char *cause, const char *detail,
		      struct arena *a, struct errinfo *ei);
/* What a caller is told whose user has to connect again. */
enum err refresh_denied(const char *cause, struct errinfo *ei);
enum err refresh_changed(struct errinfo *ei);
/*
 * Marks the grant (whose intent is `attempt`, "" for none) and its connection as in need of the user. ERR_UPSTREAM_DENIED when done;
 * ERR_CONFLICT when it was ended or renewed meanwhile.
 */
enum err refresh_end(struct core *core, const struct grant_row *g, const char *attempt, const char *cause, const char *detail,
		     struct arena *a, struct errinfo *ei);

/* New tokens came, for an attempt whose intent stands or for one that is late: puts them where they belong (LIFECYCLE §5.3). */
enum err refresh_succeed(struct refresh_run *r, struct token_answer *tokens, struct errinfo *ei);
/* None came; the attempt's intent stands and the grant is as it found it. `ei` holds what token_parse() said, if it did. */
enum err refresh_fail(const struct refresh_run *r, enum outcome outcome, struct errinfo *ei);
