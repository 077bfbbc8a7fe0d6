/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scripted adversary: an OAuth provider on a loopback port, honest until a script makes it
 * misbehave, that remembers every request. Runs in a child process of the test. Its control
 * interface, settings and script language stand in README.md.
 */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct adversary;

struct adversary_args {
	const char *settings; /* JSON object as for /_adversary/config; NULL: the defaults */
	int port;	      /* 0: any free one */
};

/*
 * Starts it and waits until it listens. ERR_CONFIG with the reason when that fails. The child ends
 * when the caller's process does.
 */
enum err adversary_start(const struct adversary_args *args, struct adversary **ret_adversary, struct errinfo *ei);

/* "http://127.0.0.1:PORT", the issuer and base of all endpoints. Owned by the adversary. */
const char *adversary_url(const struct adversary *adversary);
/* The base of a second port that only serves /_adversary/ and that no script touches. */
const char *adversary_control_url(const struct adversary *adversary);

/*
 * One control call, for example ("POST", "/_adversary/script", "{\"rules\":[]}"); `body` NULL: none.
 * *ret_text is the answer's JSON and the caller's to free. ERR_INVALID with the adversary's sentence
 * when it refused, ERR_UPSTREAM_DOWN when it could not be asked.
 */
enum err adversary_ask(const struct adversary *adversary, const char *method, const char *path, const char *body,
		       char **ret_text, struct errinfo *ei);

/*
 * Ends it, sets NULL; NULL is allowed. False when it had crashed or had to be killed, which a test
 * should treat as a failure of its own.
 */
bool adversary_stop(struct adversary **adversary);
