/* SPDX-License-Identifier: Apache-2.0 */
/* The table and the bytes of a frame: what is encoded decodes to the same, everything else is refused. */
#include "ipc/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* A FETCH has text and numbers; PEER and START have descriptors. */
static struct ipc_message fetch_message(void)
{
	struct ipc_message m = {.kind = IPC_FETCH, .id = 0x0102030405060708};

	m.field[IPC_FETCH_FLAGS].number = 1;
	m.field[IPC_FETCH_ATTEMPT].bytes = SLICE_LIT("0123456789abcdef0123456789abcdef");
	m.field[IPC_FETCH_METHOD].bytes = SLICE_LIT("POST");
	m.field[IPC_FETCH_URL].bytes = SLICE_LIT("https://provider.example/token");
	m.field[IPC_FETCH_BODY_CAP].number = INT64_MIN;
	m.field[IPC_FETCH_HEADERS].bytes = SLICE_LIT("");
	m.field[IPC_FETCH_BODY].bytes = slice_make("a\0b", 3);
	m.field[IPC_FETCH_LABEL].bytes = SLICE_LIT("token");
	return m;
}

static struct ipc_message peer_message(void)
{
	struct ipc_message m = {.kind = IPC_PEER};

	m.field[IPC_PEER_ROLE].number = IPC_CLERK;
	m.field[IPC_PEER_SLOT].number = 3;
	m.field[IPC_PEER_SOCKET].fd = 0;
	return m;
}

static void encode(const struct ipc_message *m, struct buf *frame)
{
	buf_init(frame, IPC_BODY_MAX);
	assert_int_equal(ipc_encode(m, frame), ERR_OK);
}

static void test_every_kind_round_trips(void **state)
{
	(void)state;
	for (int kind = 0; kind < IPC_KIND__COUNT; kind++) {
		struct ipc_message m = {.kind = (enum ipc_kind)kind, .id = 77};
		const char *fields = ipc_fields(m.kind);
		struct ipc_message back;
		struct buf frame;
		bool allowed = false;

		assert_true(strlen(fields) <= IPC_FIELDS_MAX);
		for (size_t i = 0; fields[i]; i++) {
			m.field[i].bytes = fields[i] == 's' ? SLICE_LIT("text") : slice_make(NULL, 0);
			m.field[i].number = fields[i] == 'i' ? -5 - (int64_t)i : 0;
		}
		encode(&m, &frame);
		for (int from = 0; from < IPC_ROLE__COUNT; from++)
			for (int to = 0; to < IPC_ROLE__COUNT; to++) {
				bool ok = ipc_allowed(m.kind, (enum ipc_role)from, (enum ipc_role)to);
				enum err e = ipc_decode(buf_slice(&frame), (enum ipc_role)from, (enum ipc_role)to, &back);

				assert_int_equal(e, ok ? ERR_OK : ERR_INVALID);
				allowed |= ok;
			}
		assert_true(allowed);
		assert_int_equal(back.id, 77);
		for (size_t i = 0; fields[i]; i++) {
			assert_int_equal(back.field[i].fd, -1);
			assert_int_equal(back.field[i].number, m.field[i].number);
			assert_true(slice_eq(back.field[i].bytes, m.field[i].bytes));
		}
		buf_done(&frame);
	}
}

static void test_values_survive(void **state)
{
	struct ipc_message m = fetch_message();
	struct ipc_message back;
	struct buf frame;

	(void)state;
	encode(&m, &frame);
	assert_int_equal(ipc_decode(buf_slice(&frame), IPC_CLERK, IPC_COURIER, &back), ERR_OK);
	assert_true(back.id == m.id);
	assert_true(back.field[IPC_FETCH_BODY_CAP].number == INT64_MIN);
	assert_int_equal(back.field[IPC_FETCH_BODY].bytes.n, 3);
	assert_memory_equal(back.field[IPC_FETCH_BODY].bytes.p, "a\0b", 3);
	assert_int_equal(back.field[IPC_FETCH_HEADERS].bytes.n, 0);
	buf_done(&frame);
}

static void test_every_truncation_and_tail_is_refused(void **state)
{
	const struct ipc_message all[] = {fetch_message(), peer_message()};
	const enum ipc_role from[] = {IPC_CLERK, IPC_SUPERVISOR};
	const enum ipc_role to[] = {IPC_COURIER, IPC_WORKER};

	(void)state;
	for (size_t k = 0; k < ARRAY_LEN(all); k++) {
		struct ipc_message back;
		struct buf frame;

		encode(&all[k], &frame);
		assert_int_equal(ipc_decode(buf_slice(&frame), from[k], to[k], &back), ERR_OK);
		for (size_t n = 0; n < frame.n; n++)
			assert_int_equal(ipc_decode(slice_make(frame.p, n), from[k], to[k], &back), ERR_INVALID);
		buf_putc(&frame, 0);
		assert_int_equal(ipc_decode(buf_slice(&frame), from[k], to[k], &back), ERR_INVALID);
		buf_done(&frame);
	}
}

static void test_changed_heads_are_refused(void **state)
{
	/* Where a byte of an encoded PEER is changed, and to what. */
	static const struct {
		const char *what;
		size_t at;
		unsigned char value;
	} rows[] = {
		{"unknown kind", 0, 0xEE},
		{"unknown kind, high byte", 1, 1},
		{"kind of another direction", 0, IPC_READY},
		{"too few fields", 2, 2},
		{"too many fields", 2, 4},
		{"many more fields", 3, 1},
		{"flag: body elsewhere", 4, IPC_BODY_IN_MEMFD},
		{"unknown flag", 7, 0x80},
		{"number announced as text", 16, 's'},
		{"unknown field letter", 16, 'x'},
		{"short number", 17, 7},
		{"long number", 17, 9},
		{"field longer than the frame", 20, 0x7F},
		{"descriptor with bytes", 16 + 13 + 13 + 1, 1},
	};
	struct ipc_message m = peer_message();
	struct ipc_message back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct buf frame;

		encode(&m, &frame);
		assert_true(rows[i].at < frame.n);
		frame.p[rows[i].at] = (char)rows[i].value;
		if (ipc_decode(buf_slice(&frame), IPC_SUPERVISOR, IPC_WORKER, &back) != ERR_INVALID)
			fail_msg("accepted: %s", rows[i].what);
		buf_done(&frame);
	}
}

static void test_own_mistakes_are_not_sent(void **state)
{
	struct ipc_message m = {.kind = IPC_STOP};
	struct buf frame;
	char *big = mem_calloc(IPC_BODY_MAX + 1, 1);

	(void)state;
	buf_init(&frame, 4 * IPC_BODY_MAX);
	m.field[0].bytes = SLICE_LIT("STOP has no field");
	assert_int_equal(ipc_encode(&m, &frame), ERR_INTERNAL);
	m = (struct ipc_message){.kind = IPC_PEER, .field[IPC_PEER_SOCKET].fd = -1};
	assert_int_equal(ipc_encode(&m, &frame), ERR_INTERNAL);
	m = (struct ipc_message){.kind = IPC_PEER, .field[IPC_PEER_ROLE].bytes = SLICE_LIT("a number")};
	assert_int_equal(ipc_encode(&m, &frame), ERR_INTERNAL);
	m = (struct ipc_message){.kind = IPC_JOIN, .field[IPC_JOIN_ATTEMPT].number = 1};
	assert_int_equal(ipc_encode(&m, &frame), ERR_INTERNAL);
	m = (struct ipc_message){.kind = IPC_KIND__COUNT};
	assert_int_equal(ipc_encode(&m, &frame), ERR_INTERNAL);
	m = (struct ipc_message){.kind = IPC_SAY, .field[IPC_SAY_TEXT].bytes = slice_make(big, IPC_BODY_MAX)};
	assert_int_equal(ipc_encode(&m, &frame), ERR_TOO_LARGE);
	m.field[IPC_SAY_TEXT].bytes.n = IPC_BODY_MAX + 1;
	assert_int_equal(ipc_encode(&m, &frame), ERR_TOO_LARGE);
	assert_int_equal(frame.n, 0);
	m.field[IPC_SAY_TEXT].bytes.n = IPC_BODY_MAX - IPC_HEAD_BYTES - 5;
	assert_int_equal(ipc_encode(&m, &frame), ERR_OK);
	assert_int_equal(frame.n, IPC_BODY_MAX);
	buf_done(&frame);
	mem_free_str(&big);
}

/* Who holds what follows from this table: nobody but the keeper answers with keys, nobody but the clerk asks the courier. */
static void test_the_table_keeps_roles_apart(void **state)
{
	(void)state;
	assert_false(ipc_allowed(IPC_FETCH, IPC_WORKER, IPC_COURIER));
	assert_false(ipc_allowed(IPC_OPEN_SPOOL, IPC_WORKER, IPC_KEEPER));
	assert_false(ipc_allowed(IPC_OPEN_SPOOL, IPC_COURIER, IPC_KEEPER));
	assert_false(ipc_allowed(IPC_UNWRAP, IPC_COURIER, IPC_KEEPER));
	assert_false(ipc_allowed(IPC_UNWRAP, IPC_SUPERVISOR, IPC_KEEPER));
	assert_false(ipc_allowed(IPC_KEY, IPC_KEEPER, IPC_COURIER));
	assert_false(ipc_allowed(IPC_PEER, IPC_WORKER, IPC_CLERK));
	assert_true(ipc_allowed(IPC_SPOOL_KEYS, IPC_KEEPER, IPC_COURIER));
	assert_false(ipc_allowed(IPC_KIND__COUNT, IPC_CLERK, IPC_COURIER));
	assert_false(ipc_allowed(IPC_FETCH, IPC_ROLE__COUNT, IPC_COURIER));
	assert_true(ipc_once(IPC_START) && ipc_once(IPC_READY) && ipc_once(IPC_SPOOL_KEYS));
	assert_false(ipc_once(IPC_PEER) || ipc_once(IPC_KIND__COUNT));
	assert_string_equal(ipc_role_name(IPC_COURIER), "courier");
	assert_string_equal(ipc_role_name(IPC_ROLE__COUNT), "?");
	assert_string_equal(ipc_kind_name(IPC_FETCHED), "FETCHED");
	assert_string_equal(ipc_kind_name(IPC_KIND__COUNT), "?");
	assert_string_equal(ipc_fields(IPC_KIND__COUNT), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_round_trips),
		cmocka_unit_test(test_values_survive),
		cmocka_unit_test(test_every_truncation_and_tail_is_refused),
		cmocka_unit_test(test_changed_heads_are_refused),
		cmocka_unit_test(test_own_mistakes_are_not_sent),
		cmocka_unit_test(test_the_table_keeps_roles_apart),
	};

	return cmocka_run_group_tests_name("ipc/ipc", tests, NULL, NULL);
}
