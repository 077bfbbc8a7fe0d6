/* SPDX-License-Identifier: Apache-2.0 */
/* Which files each role reaches, shut in as the service does it, and that only the courier connects to anything. */
#include "ipc/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ipc/testsandbox.h"

static enum ipc_role role_now; /* known to the child, which is forked */

/* '-': no, 'r': to read, 'w': to write and cut. */
static char reach(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 && errno == EISDIR)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	else if (fd >= 0)
		return (char)(close(fd) == 0 && (truncate(path, 0) == 0 || sandbox_files_version() < 3) ? 'w' : '?');
	if (fd < 0)
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return '-';
	close(fd);
	return 'r';
}

struct file_row {
	const char *file; /* with % for the data directory, @ for the one around it */
	const char *want; /* init, keeper, courier, clerk, worker: in the order of enum ipc_role */
};

static const struct file_row file_rows[] = {
	{"/etc/passwd", "-----"},
	{"/etc/shadow", "-----"},
	{"/proc/self/environ", "-----"},
	{"/proc/self/mem", "-----"},
	{"/bin/sh", "-----"},
	{"/dev/null", "----r"},
	{"/tmp", "-----"},
	{"@/ca.pem", "--r--"},
	{"/etc/hosts", "--r--"},
	{"%/keys/master.key", "wr---"},
	{"%/admin.key", "w----"},
	{"%", "r-rrr"},
	{"%/fiberwise.db", "w--ww"},
	{"%/fiberwise.db-wal", "w--ww"},
	{"%/spool/slots", "w-w--"},
	{"%/audit/clerk-0/001.log", "w--w-"},
	{"%/audit/worker-0/001.log", "w---w"},
	{"%/audit/worker-1/001.log", "w----"},
};

static char *file_path(const struct sandboxed *f, const char *file)
{
	if (file[0] == '%')
		return mem_printf("%s%s", f->data, file + 1);
	return file[0] == '@' ? mem_printf("%s%s", f->dir, file + 1) : mem_strdup(file);
}

static int reach_all(const struct sandboxed *f)
{
	int wrong = 0;

	for (size_t i = 0; i < ARRAY_LEN(file_rows); i++) {
		CLEANUP(mem_free_str) char *path = file_path(f, file_rows[i].file);
		char got = reach(path);

		if (got == file_rows[i].want[role_now - IPC_INIT])
			continue;
		fprintf(stderr, "the %s and %s: %c\n", ipc_role_name(role_now), path, got);
		wrong = 1;
	}
	return wrong;
}

/* The files' half alone: the keeper has no open() after the other one. */
static void test_each_role_reaches_its_own_files_only(void **state)
{
	static const char *const made[] = {"spool", "audit", "audit/clerk-0", "audit/worker-0", "audit/worker-1"};
	const struct sandboxed *f = *state;

	testsandbox_need_files();
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		CLEANUP(mem_free_str) char *folder = mem_printf("%s/%s", f->data, made[i]);

		assert_int_equal(mkdir(folder, 0700), 0);
	}
	for (int role = IPC_INIT; role < IPC_ROLE__COUNT; role++) {
		for (size_t i = 0; i < ARRAY_LEN(file_rows); i++) {
			CLEANUP(mem_free_str) char *path = file_path(f, file_rows[i].file);

			if (file_rows[i].file[0] == '%' && file_rows[i].file[1])
				testsandbox_put(path);
		}
		role_now = (enum ipc_role)role;
		assert_int_equal(testsandbox_run_files(f, role_now, reach_all), 0);
	}
}

/* A record of who was given what cannot be taken back by who wrote it, nor the database put elsewhere. */
static int remove_and_rename(const struct sandboxed *f)
{
	CLEANUP(mem_free_str) char *chain = mem_printf("%s/audit/worker-0", f->data);
	CLEANUP(mem_free_str) char *log = mem_printf("%s/001.log", chain);
	CLEANUP(mem_free_str) char *stray = mem_printf("%s/stray", f->data);
	int fd = open(log, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return 1;
	if (unlink(log) == 0 || errno != EACCES)
		return 2;
	if (unlink(f->key) == 0 || unlink(f->database) == 0)
		return 3;
	if (open(stray, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0)
		return 4;
	return close(fd);
}

static void test_a_worker_removes_nothing(void **state)
{
	const struct sandboxed *f = *state;

	testsandbox_need_files();
	assert_int_equal(testsandbox_run(f, IPC_WORKER, remove_and_rename), 0);
	assert_int_equal(access(f->key, F_OK), 0);
	assert_int_equal(access(f->database, F_OK), 0);
}

/* Landlock's own word on it, below the list of calls. */
static int connect_out(const struct sandboxed *f)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)f;
	return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? 0 : errno;
}

static void test_only_the_courier_connects(void **state)
{
	testsandbox_need_files();
	if (sandbox_files_version() < 4) {
		print_message("this kernel's Landlock knows no network: nothing to see\n");
		skip();
	}
	for (int role = IPC_INIT; role < IPC_ROLE__COUNT; role++)
		assert_int_equal(testsandbox_run_files(*state, (enum ipc_role)role, connect_out),
				 role == IPC_COURIER ? ECONNREFUSED : EACCES);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, testsandbox_setup, testsandbox_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_role_reaches_its_own_files_only),
		TEST(test_a_worker_removes_nothing),
		TEST(test_only_the_courier_connects),
	};

	return cmocka_run_group_tests_name("ipc/sandbox_files", tests, NULL, NULL);
}
