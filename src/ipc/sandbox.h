/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process of ours may still ask of the kernel: which files it reaches (Landlock) and which system calls it makes
 * (seccomp). The tables of sandbox_files.c and sandbox_calls.c say it for each role. A role that is taken over by what
 * it reads has no more than that. FIBERWISE_SANDBOX: `off`, `auto` (what this kernel has), `required` (or no start).
 */
#pragma once

#include "ipc/ipc.h"

struct sandbox {
	enum ipc_role role;
	int64_t slot;
	const char *mode; /* FIBERWISE_SANDBOX; "" is off: a role that a test plays */
	/* The value of a configuration key, never NULL. */
	const char *(*config)(const void *arg, const char *key);
	const void *arg;
	/* What came of it. */
	int files;	     /* the version of Landlock that is on; 0: none */
	bool calls;	     /* the filter is on */
	const char *without; /* why something is not, NULL when all is as asked */
};

/*
 * Only the files of the table from here on, for this thread and those that it starts: call it before there are others.
 * ERR_CONFIG: `required`, and this kernel or build has not both; nothing was changed then.
 */
enum err sandbox_begin(struct sandbox *s, struct errinfo *ei);
/* Only the calls of the table from here on, for all threads. ERR_INTERNAL: the kernel did not take the filter. */
enum err sandbox_finish(struct sandbox *s, struct errinfo *ei);
/* One line of the log: what is on, and why something is not. */
void sandbox_tell(const struct sandbox *s);

/* The two halves, for sandbox.c and tests. 0: this kernel has no Landlock. */
int sandbox_files_version(void);
enum err sandbox_files_enter(const struct sandbox *s, int version, struct errinfo *ei);
bool sandbox_calls_possible(void);
enum err sandbox_calls_enter(enum ipc_role role, struct errinfo *ei);
