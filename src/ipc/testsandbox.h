/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory, and a role shut in beside it, for the sandbox's tests. */
#pragma once

#include "ipc/sandbox.h"

struct sandboxed {
	char dir[64], data[80], key[160], database[160], ca[160];
};

int testsandbox_setup(void **state);
int testsandbox_teardown(void **state);
/* A sandbox of this role for this directory, not entered. */
struct sandbox testsandbox_of(const struct sandboxed *f, enum ipc_role role);
/* A file with something in it. */
void testsandbox_put(const char *path);

typedef int testsandbox_act_fn(const struct sandboxed *f);

enum { TESTSANDBOX_ENTERED_BADLY = 99 };

/* Does `act` in a process that is shut in as this role; returns its exit code, or 1000 and the signal. */
int testsandbox_run(const struct sandboxed *f, enum ipc_role role, testsandbox_act_fn *act);
/* The same with the files' half alone. */
int testsandbox_run_files(const struct sandboxed *f, enum ipc_role role, testsandbox_act_fn *act);
/* Skip the test, and say why, where there is nothing to see. */
void testsandbox_need_calls(void);
void testsandbox_need_files(void);
/* False with a sanitizer, or where the kernel lacks one of the two. */
bool testsandbox_whole(void);
