/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: a courier in a process of its own; the test is its supervisor, keeper and clerk. */
#pragma once

#include <sys/types.h>

#include "courier/testserver.h"
#include "fetch/fetch.h"
#include "secret/master.h"

#define TESTROLE_1    "11111111111111111111111111111111"
#define TESTROLE_2    "22222222222222222222222222222222"
#define TESTROLE_BODY "{\"access_token\":\"at-1\",\"refresh_token\":\"rt-1\"}"

/* What the provider says. */
extern const char testrole_good[];
extern const size_t testrole_good_n;

struct testrole {
	char dir[64];
	struct master *master;
	struct testserver *server;
	struct arena *arena;
	pid_t pid;
	int control, keeper, clerk;
	unsigned long file_max; /* of the courier; 0: no limit */
};

/* cmocka's setup and teardown: a data directory, a master key and a provider. */
int testrole_setup(void **state);
int testrole_teardown(void **state);
/* The test program started again with this argument plays the courier: its main() returns testrole_play() then. */
#define TESTROLE_PLAY "--play-the-courier"
int testrole_play(void);
/* Until it is ready, with connections to keeper and clerk. */
void testrole_start(struct testrole *w, const char *instance, const char *allow);
/* kill -9. */
void testrole_kill(struct testrole *w);
/* STOP; it must end well. */
void testrole_stop(struct testrole *w);
/* Its exit status, or minus the signal. */
int testrole_reap(struct testrole *w);
void testrole_close_ends(struct testrole *w);
/* A new connection to that peer; `ret_ours` is the peer's end. */
void testrole_introduce(struct testrole *w, enum ipc_role role, int *ret_ours);
void testrole_send_keys(struct testrole *w);
struct ipc_message testrole_token_message(struct testrole *w, const char *attempt);
struct ipc_message testrole_attempt_message(enum ipc_kind kind, const char *attempt);
/* As the clerk: the next message, within ten seconds. */
struct ipc_message testrole_receive(struct testrole *w);
/* The next message is HOLDS of this attempt alone. */
void testrole_expect_holds(struct testrole *w, const char *attempt);
/* As the clerk; waits for the answer, past every HOLDS. */
struct fetch_answer testrole_ask(struct testrole *w, struct ipc_message m);
/* Sealed, of this attempt, and the keeper reads in it what the provider said. */
void testrole_assert_good(struct testrole *w, const struct fetch_answer *answer, const char *attempt);
void testrole_wait_for_requests(struct testrole *w, int n);
