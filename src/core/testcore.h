/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of core and what stands on it: a fresh store in a temporary directory, a clock to turn, keys without a keeper. */
#pragma once

#include "core/access.h"
#include "core/authenticators.h"
#include "core/exchange.h"
#include "core/keys.h"
#include "secret/master.h"

struct testcore {
	char dir[32];
	char *database;
	int64_t now_ms;
	struct clock clock;
	struct master *master;
	struct core core;
	struct arena *arena;
	struct caller admin; /* the administrator's platform key */
	struct app_row app;  /* default */
	struct errinfo ei;
};

/* Aborts the test when anything fails. */
void testcore_init(struct testcore *t);
void testcore_done(struct testcore *t);
/* Of cmocka: a bench for each test. */
int testcore_setup(void **state);
int testcore_teardown(void **state);
/* The key source of this bench, for another struct keys. */
struct key_source testcore_source(struct testcore *t);
/* Registers an authenticator from its JSON body; asserts that it works. */
struct authenticator_row testcore_register(struct testcore *t, const char *json);
/* A custom authenticator called "Probe" at https://provider.example. */
struct authenticator_row testcore_probe(struct testcore *t);
/* Runs a whole connect of `subject` for the user and gives the flow's end. `answer`: the token endpoint's JSON; `identity`: the identity request's. */
struct flow_row testcore_connect(struct testcore *t, const struct authenticator_row *auth, const struct user_row *user,
				 const char *answer, const char *identity);
/* How many events of that kind there are. */
size_t testcore_events(struct testcore *t, const char *kind);
/* Runs SQL on the database file, as somebody with the disk could. */
void testcore_sql(struct testcore *t, const char *sql);
