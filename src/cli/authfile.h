/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authenticator files: one JSON object with comments allowed, in whose values ${NAME} stands for an
 * environment variable.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "json/jsonr.h"

enum { AUTHFILE_MAX_BYTES = 256 * 1024, AUTHFILE_MEMBERS_MAX = 64 };

/* The value of a variable, NULL when it is unset. */
typedef const char *(*authfile_env_fn)(const char *name, void *arg);

struct authfile {
	const struct jsonr *object; /* lives as long as the arena */
	struct {
		const char *name;
		unsigned line;
	} members[AUTHFILE_MEMBERS_MAX]; /* of the object itself, not of what lies in it */
	size_t count;
};

/*
 * `path` is only for the sentences. ERR_INVALID with path, line and what is wrong: a comment or string
 * without end, a comma too many or missing, text after the object, an unset variable, no object.
 */
enum err authfile_parse(struct arena *a, const char *path, struct slice text, authfile_env_fn env, void *env_arg,
			struct authfile *ret_file, struct errinfo *ei);
/* The line of a member; "configuration.issuer" is found where "configuration" stands. 0 when it isn't there. */
unsigned authfile_line(const struct authfile *f, const char *field);
