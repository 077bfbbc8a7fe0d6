/* SPDX-License-Identifier: Apache-2.0 */
/* Roles shut in, in processes of their own. Must never be part of the program. */
#include "ipc/testsandbox.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/testtree.h"
#include "ipc/role.h"

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static const char *config(const void *arg, const char *key)
{
	const struct sandboxed *f = arg;

	if (strcmp(key, "FIBERWISE_DATA_DIR") == 0)
		return f->data;
	if (strcmp(key, "FIBERWISE_MASTER_KEY_FILE") == 0)
		return f->key;
	if (strcmp(key, "FIBERWISE_DATABASE") == 0)
		return f->database;
	return strcmp(key, "FIBERWISE_EGRESS_CA_FILE") == 0 ? f->ca : "";
}

void testsandbox_put(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

int testsandbox_setup(void **state)
{
	struct sandboxed *f = MEM_NEW(struct sandboxed);
	char path[200];

	snprintf(f->dir, sizeof f->dir, "/tmp/sandbox_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->data, sizeof f->data, "%s/data", f->dir);
	snprintf(f->key, sizeof f->key, "%s/keys/master.key", f->data);
	snprintf(f->database, sizeof f->database, "%s/fiberwise.db", f->data);
	snprintf(f->ca, sizeof f->ca, "%s/ca.pem", f->dir);
	mkdir(f->data, 0700);
	snprintf(path, sizeof path, "%s/keys", f->data);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/admin.key", f->data);
	testsandbox_put(path);
	testsandbox_put(f->key);
	testsandbox_put(f->database);
	testsandbox_put(f->ca);
	*state = f;
	return 0;
}

int testsandbox_teardown(void **state)
{
	struct sandboxed *f = *state;

	if (!testtree_remove(f->dir))
		return 1;
	free(f);
	return 0;
}

struct sandbox testsandbox_of(const struct sandboxed *f, enum ipc_role role)
{
	return (struct sandbox){.role = role, .mode = "auto", .config = config, .arg = f};
}

static int run(const struct sandboxed *f, enum ipc_role role, testsandbox_act_fn *act, bool calls_too)
{
	struct sandbox box = testsandbox_of(f, role);
	struct errinfo ei = {.detail = ""};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		role_harden(3);
		if (sandbox_begin(&box, &ei) || (calls_too && (sandbox_finish(&box, &ei) || !box.calls))) {
			fprintf(stderr, "%s\n", ei.detail);
			_exit(TESTSANDBOX_ENTERED_BADLY);
		}
		_exit(act(f));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int testsandbox_run(const struct sandboxed *f, enum ipc_role role, testsandbox_act_fn *act)
{
	return run(f, role, act, true);
}

int testsandbox_run_files(const struct sandboxed *f, enum ipc_role role, testsandbox_act_fn *act)
{
	return run(f, role, act, false);
}

void testsandbox_need_calls(void)
{
	if (sanitized || !sandbox_calls_possible()) {
		print_message("this kernel has no seccomp filters, or this build has a sanitizer: nothing to see\n");
		skip();
	}
}

void testsandbox_need_files(void)
{
	testsandbox_need_calls();
	if (sandbox_files_version() == 0) {
		print_message("this kernel has no Landlock: nothing to see\n");
		skip();
	}
}

bool testsandbox_whole(void)
{
	return !sanitized && sandbox_calls_possible() && sandbox_files_version() > 0;
}
