/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of refreshes: one connected account at a provider of a rotation class, whose answers the test gives. */
#pragma once

#include "base/random.h"
#include "core/refresh.h"
#include "core/testcore.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)

struct testrefresh {
	struct testcore t;
	struct authenticator_row auth;
	const char *grant_id;
	struct flow_row flow;
	struct refresh_after after;
	struct refresh_attempt attempt; /* the last one */
	char id[RANDOM_ID_BYTES];
};

/* The first answer (at-1, rt-1, an hour) and whose account it is; a wish for more than that life; the provider's clear no. */
extern const char testrefresh_reading[], testrefresh_ann[], testrefresh_invalid_grant[];
extern const struct refresh_want testrefresh_all;

/* With further members of the configuration, as ",\"a\":1". */
void testrefresh_init_as(struct testrefresh *w, const char *configuration);
/* `rotation` as JSON. */
void testrefresh_init(struct testrefresh *w, const char *rotation);
void testrefresh_done(struct testrefresh *w);
struct grant_row testrefresh_row(struct testrefresh *w);
/* Intends; the refresh token that leaves, or "" when nothing does. */
const char *testrefresh_sent(struct testrefresh *w, const struct refresh_want *want, enum err *ret_err);
void testrefresh_expect(struct testrefresh *w, const struct refresh_want *want, const char *token);
/* The answer to an attempt; what refresh_commit() said. */
enum err testrefresh_take(struct testrefresh *w, const struct refresh_attempt *attempt, const struct fetch_answer *answer,
			  const char *body);
/* The same for the last attempt: a whole answer; a request that nobody answered. */
enum err testrefresh_answered(struct testrefresh *w, int status, const char *body);
enum err testrefresh_cut(struct testrefresh *w);
/* A good answer with at-n and rt-n. */
const char *testrefresh_tokens(struct testrefresh *w, int n);
void testrefresh_pass(struct testrefresh *w, int64_t ms);
/* The connection needs the user, everybody says why, and one event does. */
void testrefresh_expect_cause(struct testrefresh *w, const char *cause);
