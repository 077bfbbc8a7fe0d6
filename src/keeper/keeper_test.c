/* SPDX-License-Identifier: Apache-2.0 */
/* The keeper's answers, and the role itself in a process of its own with the control pair it is given. */
#include "keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "ipc/role.h"
#include "keeper/vault.h"
#include "secret/spoolseal.h"

#define ID "00112233445566778899aabbccddeeff"
#define APP "ffeeddccbbaa99887766554433221100"

struct fixture {
	char dir[64], key[96];
	struct master *master;
	struct arena *a;
};

static int setup(void **state)
{
	struct fixture *f = MEM_NEW(struct fixture);

	snprintf(f->dir, sizeof f->dir, "/tmp/keeper_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->key, sizeof f->key, "%s/master.key", f->dir);
	assert_int_equal(master_create(f->key, NULL), ERR_OK);
	assert_int_equal(master_load(f->key, &f->master, NULL), ERR_OK);
	f->a = arena_new(8 * IPC_ARENA_BYTES);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	master_free(&f->master);
	arena_free(&f->a);
	unlink(f->key);
	rmdir(f->dir);
	free(f);
	return 0;
}

static struct ipc_message ask_key(enum ipc_kind kind, const char *id, const char *app, int64_t epoch)
{
	struct ipc_message m = {.kind = kind, .id = 12};

	m.field[IPC_KEY_ID].bytes = slice_from(id);
	m.field[IPC_KEY_APP].bytes = slice_from(app);
	m.field[IPC_KEY_EPOCH].number = epoch;
	return m;
}

static void test_a_new_key_unwraps_only_as_itself(void **state)
{
	static const struct {
		const char *id, *app;
		int64_t epoch;
		int flip; /* byte of the wrapped form to change, -1: none */
		enum err want;
	} rows[] = {
		{ID, APP, 3, -1, ERR_OK},
		{"10112233445566778899aabbccddeeff", APP, 3, -1, ERR_CRYPTO},
		{ID, "", 3, -1, ERR_CRYPTO},
		{ID, APP, 4, -1, ERR_CRYPTO},
		{ID, APP, 3, 0, ERR_CRYPTO},
		{ID, APP, 3, 70, ERR_CRYPTO},
	};
	struct fixture *f = *state;
	struct ipc_message ask = ask_key(IPC_NEW_KEY, ID, APP, 3);
	struct ipc_message made, back;

	assert_int_equal(vault_answer(f->master, &ask, f->a, &made), ERR_OK);
	assert_int_equal(made.kind, IPC_KEY);
	assert_int_equal(made.id, 12);
	assert_int_equal(made.field[IPC_KEY_ERR].number, ERR_OK);
	assert_int_equal(made.field[IPC_KEY_CLEAR].bytes.n, SEAL_KEY_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct slice wrapped = made.field[IPC_KEY_WRAPPED_OUT].bytes;
		char *changed = arena_strndup(f->a, wrapped);

		if (rows[i].flip >= 0)
			changed[rows[i].flip] ^= 1;
		ask = ask_key(IPC_UNWRAP, rows[i].id, rows[i].app, rows[i].epoch);
		ask.field[IPC_KEY_WRAPPED].bytes = slice_make(changed, wrapped.n);
		assert_int_equal(vault_answer(f->master, &ask, f->a, &back), ERR_OK);
		assert_int_equal(back.field[IPC_KEY_ERR].number, rows[i].want);
		if (rows[i].want) {
			assert_int_equal(back.field[IPC_KEY_CLEAR].bytes.n, 0);
			assert_true(back.field[IPC_KEY_DETAIL].bytes.n > 0);
		} else {
			assert_true(slice_eq(back.field[IPC_KEY_CLEAR].bytes, made.field[IPC_KEY_CLEAR].bytes));
		}
	}
}

static void test_two_new_keys_differ(void **state)
{
	struct fixture *f = *state;
	struct ipc_message ask = ask_key(IPC_NEW_KEY, ID, APP, 1);
	struct ipc_message one, two;

	assert_int_equal(vault_answer(f->master, &ask, f->a, &one), ERR_OK);
	assert_int_equal(vault_answer(f->master, &ask, f->a, &two), ERR_OK);
	assert_false(slice_eq(one.field[IPC_KEY_CLEAR].bytes, two.field[IPC_KEY_CLEAR].bytes));
	assert_false(slice_eq(one.field[IPC_KEY_WRAPPED_OUT].bytes, two.field[IPC_KEY_WRAPPED_OUT].bytes));
}

static void test_bad_requests_get_no_key(void **state)
{
	static const struct {
		const char *id, *app;
		int64_t epoch;
	} rows[] = {
		{"", APP, 1},   {ID "0", APP, 1}, {ID, APP "0", 1}, {ID, "a|b", 1},
		{"a|b", "", 1}, {ID, APP, -1},    {"a b", "", 1},   {"\n", "", 1},
	};
	struct fixture *f = *state;
	struct ipc_message back;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ipc_message ask = ask_key(IPC_NEW_KEY, rows[i].id, rows[i].app, rows[i].epoch);

		assert_int_equal(vault_answer(f->master, &ask, f->a, &back), ERR_OK);
		assert_int_equal(back.field[IPC_KEY_ERR].number, ERR_INVALID);
		assert_int_equal(back.field[IPC_KEY_CLEAR].bytes.n, 0);
		assert_int_equal(back.field[IPC_KEY_WRAPPED_OUT].bytes.n, 0);
	}
	assert_int_equal(vault_answer(f->master, &(struct ipc_message){.kind = IPC_STOP}, f->a, &back), ERR_INVALID);
}

static void test_spool_entries_open_with_their_head(void **state)
{
	struct fixture *f = *state;
	struct ipc_message keys, back;
	struct ipc_message ask = {.kind = IPC_OPEN_SPOOL, .id = 5};
	CLEANUP(secret_free) struct secret *clear = secret_new(SLICE_LIT("{\"access_token\":\"t\"}"));
	struct slice entry;

	vault_spool_keys(f->master, f->a, &keys);
	entry = spoolseal_make((const unsigned char *)keys.field[IPC_SPOOL_KEYS_PUBLIC].bytes.p,
			       (const unsigned char *)keys.field[IPC_SPOOL_KEYS_MAC].bytes.p, SLICE_LIT("attempt=1\n"), clear,
			       f->a);
	ask.field[IPC_OPEN_SPOOL_HEAD].bytes = SLICE_LIT("attempt=1\n");
	ask.field[IPC_OPEN_SPOOL_ENTRY].bytes = entry;
	assert_int_equal(vault_answer(f->master, &ask, f->a, &back), ERR_OK);
	assert_int_equal(back.field[IPC_SPOOL_OPENED_ERR].number, ERR_OK);
	assert_true(slice_eq(back.field[IPC_SPOOL_OPENED_BODY].bytes, secret_expose(clear)));
	ask.field[IPC_OPEN_SPOOL_HEAD].bytes = SLICE_LIT("attempt=2\n");
	assert_int_equal(vault_answer(f->master, &ask, f->a, &back), ERR_OK);
	assert_int_equal(back.field[IPC_SPOOL_OPENED_ERR].number, ERR_CRYPTO);
	assert_int_equal(back.field[IPC_SPOOL_OPENED_BODY].bytes.n, 0);
	ask.field[IPC_OPEN_SPOOL_HEAD].bytes = SLICE_LIT("attempt=1\n");
	for (size_t n = 0; n < entry.n; n++) {
		ask.field[IPC_OPEN_SPOOL_ENTRY].bytes = slice_sub(entry, 0, n);
		assert_int_equal(vault_answer(f->master, &ask, f->a, &back), ERR_OK);
		assert_int_equal(back.field[IPC_SPOOL_OPENED_ERR].number, ERR_CRYPTO);
	}
}

/* A keeper in a child process, as the supervisor starts it. */
struct running {
	pid_t pid;
	int control;
};

static struct running run_keeper(const struct fixture *f)
{
	struct running r;
	int fds[2];
	char *config = mem_printf("FIBERWISE_MASTER_KEY_FILE=%s\nOAUTH_DEBUG=false\n", f->key);
	struct ipc_message m = {.kind = IPC_START};

	assert_int_equal(ipc_pair(fds), ERR_OK);
	r.pid = fork();
	if (r.pid == 0) {
		dup2(fds[1], ROLE_CONTROL_FD);
		_exit(keeper_main("keeper"));
	}
	close(fds[1]);
	r.control = fds[0];
	m.field[IPC_START_CONFIG].bytes = slice_from(config);
	m.field[IPC_START_WORKERS].number = 2;
	m.field[IPC_START_INSTANCE].bytes = SLICE_LIT(ID);
	m.field[IPC_START_LOG].fd = m.field[IPC_START_SOCKET].fd = m.field[IPC_START_STRIPES].fd =
		m.field[IPC_START_LIMITS].fd = m.field[IPC_START_METRICS].fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_int_equal(ipc_send(r.control, &m), ERR_OK);
	close(m.field[IPC_START_LOG].fd);
	mem_free_str(&config);
	return r;
}

/* The next message, waited for. */
static enum err next(int fd, enum ipc_role self, struct arena *a, struct ipc_message *ret)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, 5000), 1);
	return ipc_receive(fd, IPC_KEEPER, self, a, ret);
}

static int introduce(const struct running *r, enum ipc_role role, int64_t slot)
{
	struct ipc_message m = {.kind = IPC_PEER};
	int fds[2];

	assert_int_equal(ipc_pair(fds), ERR_OK);
	m.field[IPC_PEER_ROLE].number = (int64_t)role;
	m.field[IPC_PEER_SLOT].number = slot;
	m.field[IPC_PEER_SOCKET].fd = fds[1];
	assert_int_equal(ipc_send(r->control, &m), ERR_OK);
	close(fds[1]);
	return fds[0];
}

static int finish(struct running *r)
{
	int status = 0;

	close(r->control);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	return status;
}

static void test_the_role_serves_who_is_introduced(void **state)
{
	struct fixture *f = *state;
	struct running r = run_keeper(f);
	struct ipc_message m, ask = ask_key(IPC_NEW_KEY, ID, "", 1);
	int worker, clerk, courier, again, stranger;

	assert_int_equal(next(r.control, IPC_SUPERVISOR, f->a, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_READY);
	worker = introduce(&r, IPC_WORKER, 1);
	clerk = introduce(&r, IPC_CLERK, 0);
	assert_int_equal(ipc_call(worker, IPC_WORKER, IPC_KEEPER, &ask, 5000, f->a, &m), ERR_OK);
	assert_int_equal(m.field[IPC_KEY_CLEAR].bytes.n, SEAL_KEY_BYTES);
	assert_int_equal(ipc_call(clerk, IPC_CLERK, IPC_KEEPER, &ask, 5000, f->a, &m), ERR_OK);
	/* Each courier that is introduced gets its keys unasked; a successor gets the same. */
	courier = introduce(&r, IPC_COURIER, 0);
	assert_int_equal(next(courier, IPC_COURIER, f->a, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_SPOOL_KEYS);
	again = introduce(&r, IPC_COURIER, 0);
	assert_int_equal(next(again, IPC_COURIER, f->a, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_SPOOL_KEYS);
	/* A worker may not open the spool: the connection ends, the others go on. */
	assert_int_equal(ipc_send(worker, &(struct ipc_message){.kind = IPC_OPEN_SPOOL, .id = 9}), ERR_OK);
	assert_int_equal(next(worker, IPC_WORKER, f->a, &m), ERR_NOT_FOUND);
	assert_int_equal(next(r.control, IPC_SUPERVISOR, f->a, &m), ERR_OK); /* and the supervisor is told */
	assert_int_equal(m.kind, IPC_BROKE);
	assert_int_equal(m.field[IPC_BROKE_ROLE].number, IPC_WORKER);
	assert_int_equal(m.field[IPC_BROKE_SLOT].number, 1);
	ask.id++;
	assert_int_equal(ipc_call(clerk, IPC_CLERK, IPC_KEEPER, &ask, 5000, f->a, &m), ERR_OK);
	stranger = introduce(&r, IPC_WORKER, 2); /* there are slots 0 and 1 */
	assert_int_equal(next(stranger, IPC_WORKER, f->a, &m), ERR_NOT_FOUND);
	assert_int_equal(ipc_send(r.control, &(struct ipc_message){.kind = IPC_STOP}), ERR_OK);
	assert_int_equal(next(clerk, IPC_CLERK, f->a, &m), ERR_NOT_FOUND);
	close(worker);
	close(clerk);
	close(courier);
	close(again);
	close(stranger);
	assert_int_equal(finish(&r), 0);
}

static void test_the_role_ends_with_its_supervisor(void **state)
{
	struct fixture *f = *state;
	struct running r = run_keeper(f);
	struct ipc_message m;

	assert_int_equal(next(r.control, IPC_SUPERVISOR, f->a, &m), ERR_OK);
	assert_int_equal(finish(&r), 0);
}

static void test_a_key_that_others_may_read_is_refused(void **state)
{
	struct fixture *f = *state;
	struct running r;
	struct ipc_message m;

	assert_int_equal(chmod(f->key, 0640), 0);
	r = run_keeper(f);
	assert_int_equal(next(r.control, IPC_SUPERVISOR, f->a, &m), ERR_OK);
	assert_int_equal(m.kind, IPC_FAILED);
	assert_int_equal(m.field[IPC_FAILED_ERR].number, ERR_CONFIG);
	assert_non_null(memmem(m.field[IPC_FAILED_DETAIL].bytes.p, m.field[IPC_FAILED_DETAIL].bytes.n, "read by others", 14));
	assert_int_equal(WEXITSTATUS(finish(&r)), 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_new_key_unwraps_only_as_itself),
		TEST(test_two_new_keys_differ),
		TEST(test_bad_requests_get_no_key),
		TEST(test_spool_entries_open_with_their_head),
		TEST(test_the_role_serves_who_is_introduced),
		TEST(test_the_role_ends_with_its_supervisor),
		TEST(test_a_key_that_others_may_read_is_refused),
	};

	return cmocka_run_group_tests_name("keeper/keeper", tests, NULL, NULL);
}
