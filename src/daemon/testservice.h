/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests of the supervisor: a service with small roles. The test program is its own fiberd: started as
 * "fiberd: <name>" it plays a small role that writes what happens to it into the file `events` of its working
 * directory, and does what files there tell it (fail-clerk, die-courier, hang-keeper, break-worker, accuse-worker).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TESTSERVICE_WAIT_MS = 8000, TESTSERVICE_STRAY_FD = 77 };

struct service {
	char dir[64];
	int port;
	pid_t pid;
	unsigned pulse_ms; /* of its supervisor */
	int out, err;      /* pipes */
	char said[8192], complained[8192];
};

/* Plays the small role of this name. */
int testservice_role(const char *name);
/* A struct service with a directory of its own and a free port; and its end. For cmocka. */
int testservice_setup(void **state);
int testservice_teardown(void **state);
/* Runs a supervisor in a child process, with two workers. */
void testservice_start(struct service *s);
/* Waits for its end: the exit code, or 1000 and the signal. */
int testservice_wait(struct service *s);
/* Waits until this stands on its standard output. */
bool testservice_said(struct service *s, const char *what);
/* Waits until `what` stands so many times among the events. */
bool testservice_events(const struct service *s, const char *what, size_t times);
/* A file of its directory, in static memory; "" when there is none. */
char *testservice_read(const struct service *s, const char *file);
void testservice_put(const struct service *s, const char *file);
bool testservice_there(const struct service *s, const char *file);
size_t testservice_count(const char *text, const char *what);
/* The process of this service with that role's command line; 0 when there is none. */
pid_t testservice_find(const struct service *s, const char *name);
int testservice_port(void);
int64_t testservice_now(void);
