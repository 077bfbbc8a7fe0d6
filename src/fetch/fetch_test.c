/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers as messages: what goes through unchanged and what is refused on either side. */
#include "fetch/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

#define ATTEMPT "0123456789abcdef0123456789abcdef"
#define CONSUMES "refresh 00112233445566778899aabbccddeeff 8899aabbccddeeff0011223344556677"
/* printf https://as.example/token | sha256sum */
#define ENDPOINT "df916745003b56a3da2d1410afc64170564bbabf01c99e8b3f205ec617a94c25"
#define BOND	 ATTEMPT "\nconsumes=" CONSUMES "\nendpoint=" ENDPOINT
#define NO_BOND	 "\nconsumes=\nendpoint="
#define HEAD_OF(bond_, status_, sent_, complete_, sealed_, retry_, type_)                            \
	"attempt=" bond_ "\nstatus=" status_ "\nsent=" sent_ "\ncomplete=" complete_                 \
	"\nsealed=" sealed_ "\nretry_after=" retry_ "\ncontent_type=" type_ "\n"

static struct fetch_request token_request(void)
{
	return (struct fetch_request){
		.flags = FETCH_YIELDS_TOKENS,
		.attempt = ATTEMPT,
		.consumes = CONSUMES,
		.method = "POST",
		.url = "https://as.example/token",
		.body_cap = FETCH_TOKEN_CAP,
		.header_count = 2,
		.header = {{"Authorization", SLICE_LIT("Basic abc=")}, {"Accept", SLICE_LIT("")}},
		.body = SLICE_LIT("grant_type=refresh_token&refresh_token=r"),
		.label = "token example",
	};
}

static void request_survives_the_way(void **state)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct fetch_request r = token_request(), back;
	struct ipc_message m;

	(void)state;
	assert_int_equal(fetch_to_message(&r, a, &m, NULL), ERR_OK);
	assert_int_equal(m.kind, IPC_FETCH);
	assert_int_equal(fetch_from_message(&m, a, &back), ERR_OK);
	assert_int_equal(back.flags, r.flags);
	assert_string_equal(back.attempt, r.attempt);
	assert_string_equal(back.method, r.method);
	assert_string_equal(back.url, r.url);
	assert_int_equal(back.body_cap, r.body_cap);
	assert_int_equal(back.header_count, 2);
	assert_string_equal(back.header[0].name, "Authorization");
	assert_true(slice_is(back.header[0].value, "Basic abc="));
	assert_string_equal(back.header[1].name, "Accept");
	assert_int_equal(back.header[1].value.n, 0);
	assert_true(slice_eq(back.body, r.body));
	assert_string_equal(back.label, r.label);
	assert_string_equal(back.consumes, r.consumes);
}

/* Each changes one part of a good request into one that must be refused. */
static void no_attempt(struct fetch_request *r) { r->attempt = ""; }
static void short_attempt(struct fetch_request *r) { r->attempt = "0123"; }
static void upper_attempt(struct fetch_request *r) { r->attempt = "0123456789ABCDEF0123456789abcdef"; }
static void long_attempt(struct fetch_request *r) { r->attempt = ATTEMPT "0"; }
static void attempt_without_tokens(struct fetch_request *r) { r->flags = 0; }
static void unknown_flag(struct fetch_request *r) { r->flags |= 2; }
static void put_method(struct fetch_request *r) { r->method = "PUT"; }
static void lower_method(struct fetch_request *r) { r->method = "post"; }
static void no_url(struct fetch_request *r) { r->url = ""; }
static void url_with_blank(struct fetch_request *r) { r->url = "https://as.example/a\tb"; }
static void no_cap(struct fetch_request *r) { r->body_cap = 0; }
static void big_cap(struct fetch_request *r) { r->body_cap = FETCH_TOKEN_CAP + 1; }
static void big_body(struct fetch_request *r)
{
	static char bytes[256 * 1024 + 1];

	r->body = slice_make(bytes, sizeof bytes);
}
static void label_with_newline(struct fetch_request *r) { r->label = "token\nx"; }
static void no_consumption(struct fetch_request *r) { r->consumes = ""; }
static void consumes_two_lines(struct fetch_request *r) { r->consumes = "a\nsealed=0"; }
static void consumes_much(struct fetch_request *r) { r->consumes = CONSUMES CONSUMES; }
static void consumes_for_nothing(struct fetch_request *r) { r->flags = 0; r->attempt = ""; }
static void long_label(struct fetch_request *r)
{
	r->label = "0123456789012345678901234567890123456789012345678901234567890123456789";
}
static void too_many_headers(struct fetch_request *r) { r->header_count = FETCH_HEADERS_MAX + 1; }
static void header_with_newline(struct fetch_request *r) { r->header[0].value = SLICE_LIT("a\nX: y"); }
static void header_with_cr(struct fetch_request *r) { r->header[0].value = SLICE_LIT("a\rX"); }
static void header_with_nul(struct fetch_request *r) { r->header[0].value = SLICE_LIT("a\0b"); }
static void header_name_with_colon(struct fetch_request *r) { r->header[0].name = "X: y"; }
static void header_without_name(struct fetch_request *r) { r->header[0].name = ""; }
static void own_host(struct fetch_request *r) { r->header[0].name = "hOST"; }
static void own_length(struct fetch_request *r) { r->header[0].name = "Content-Length"; }
static void own_encoding(struct fetch_request *r) { r->header[0].name = "transfer-encoding"; }
static void long_headers(struct fetch_request *r)
{
	static char bytes[80 * 1024];

	memset(bytes, 'x', sizeof bytes);
	r->header[0].value = slice_make(bytes, sizeof bytes);
}

static void bad_requests_are_refused(void **state)
{
	static const struct {
		const char *name;
		void (*spoil)(struct fetch_request *r);
	} cases[] = {
#define CASE(fn) {#fn, fn}
		CASE(no_attempt), CASE(short_attempt), CASE(upper_attempt), CASE(long_attempt),
		CASE(attempt_without_tokens), CASE(unknown_flag), CASE(put_method), CASE(lower_method), CASE(no_url),
		CASE(url_with_blank), CASE(no_cap), CASE(big_cap), CASE(big_body), CASE(label_with_newline),
		CASE(no_consumption), CASE(consumes_two_lines), CASE(consumes_much), CASE(consumes_for_nothing),
		CASE(long_label), CASE(too_many_headers), CASE(header_with_newline), CASE(header_with_cr),
		CASE(header_with_nul), CASE(header_name_with_colon), CASE(header_without_name), CASE(own_host),
		CASE(own_length), CASE(own_encoding), CASE(long_headers),
#undef CASE
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
		struct fetch_request r = token_request();
		struct errinfo ei = {0};
		struct ipc_message m;

		cases[i].spoil(&r);
		if (fetch_to_message(&r, a, &m, &ei) != ERR_INVALID || ei.detail[0] == '\0')
			fail_msg("%s was not refused with a sentence", cases[i].name);
	}
}

/* What the clerk would never send must not get past the courier either. */
static void bad_messages_are_refused(void **state)
{
	static const struct {
		int field;
		struct slice bytes;
	} texts[] = {
		{IPC_FETCH_ATTEMPT, SLICE_LIT("")},
		{IPC_FETCH_ATTEMPT, SLICE_LIT("0123456789abcdef0123456789abcde\0")},
		{IPC_FETCH_ATTEMPT, SLICE_LIT(ATTEMPT "\0")},
		{IPC_FETCH_METHOD, SLICE_LIT("POST\0")},
		{IPC_FETCH_METHOD, SLICE_LIT("TRACE")},
		{IPC_FETCH_URL, SLICE_LIT("https://good.example\0.evil")},
		{IPC_FETCH_URL, SLICE_LIT("")},
		{IPC_FETCH_HEADERS, SLICE_LIT("A: b")},
		{IPC_FETCH_HEADERS, SLICE_LIT("A:b\n")},
		{IPC_FETCH_HEADERS, SLICE_LIT("A: b\n\n")},
		{IPC_FETCH_HEADERS, SLICE_LIT("A: b\r\n")},
		{IPC_FETCH_HEADERS, SLICE_LIT("Host: evil\n")},
		{IPC_FETCH_HEADERS, SLICE_LIT(": b\n")},
		{IPC_FETCH_HEADERS, SLICE_LIT("A\n")},
		{IPC_FETCH_HEADERS,
		 SLICE_LIT("A: 1\nA: 2\nA: 3\nA: 4\nA: 5\nA: 6\nA: 7\nA: 8\nA: 9\nA: 10\nA: 11\nA: 12\nA: 13\n")},
		{IPC_FETCH_LABEL, SLICE_LIT("a\x7F")},
	};
	static const struct {
		int field;
		int64_t number;
	} numbers[] = {
		{IPC_FETCH_FLAGS, -1},	  {IPC_FETCH_FLAGS, 3},		 {IPC_FETCH_FLAGS, INT64_C(1) << 32},
		{IPC_FETCH_BODY_CAP, -1}, {IPC_FETCH_BODY_CAP, 1 << 30}, {IPC_FETCH_BODY_CAP, 0},
	};
	struct fetch_request r = token_request(), back;
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	struct ipc_message good, m;

	(void)state;
	assert_int_equal(fetch_to_message(&r, a, &good, NULL), ERR_OK);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		m = good;
		m.field[texts[i].field].bytes = texts[i].bytes;
		if (fetch_from_message(&m, a, &back) != ERR_INVALID)
			fail_msg("text case %zu was taken", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		m = good;
		m.field[numbers[i].field].number = numbers[i].number;
		if (fetch_from_message(&m, a, &back) != ERR_INVALID)
			fail_msg("number case %zu was taken", i);
	}
	m = good;
	m.kind = IPC_JOIN;
	assert_int_equal(fetch_from_message(&m, a, &back), ERR_INVALID);
}

static void head_is_written_and_read(void **state)
{
	static const char want[] = HEAD_OF(BOND, "200", "1", "0", "1", "3600", "application/json");
	struct fetch_answer answer = {.status = 200, .sent = true, .sealed = true, .retry_after_s = 9999}, back;
	struct fetch_request request = token_request();
	struct fetch_bond bond, bond_back;
	struct buf head;

	(void)state;
	fetch_bond_of(&request, &bond);
	memcpy(answer.content_type, "application/json", 17);
	buf_init(&head, 512);
	fetch_put_head(&head, &bond, &answer);
	assert_string_equal(buf_cstr(&head), want);
	assert_int_equal(fetch_parse_head(buf_slice(&head), &back), ERR_OK);
	assert_int_equal(back.status, 200);
	assert_true(back.sent);
	assert_false(back.complete);
	assert_true(back.sealed);
	assert_int_equal(back.retry_after_s, 3600);
	assert_string_equal(back.content_type, "application/json");
	assert_true(fetch_head_is_of(buf_slice(&head), ATTEMPT));
	assert_false(fetch_head_is_of(buf_slice(&head), "0123456789abcdef0123456789abcdee"));
	assert_false(fetch_head_is_of(buf_slice(&head), ""));
	assert_int_equal(fetch_parse_bond(buf_slice(&head), &bond_back), ERR_OK);
	assert_memory_equal(&bond, &bond_back, sizeof bond);
	assert_true(fetch_answer_is_for(&back, request.url, CONSUMES));
	assert_false(fetch_answer_is_for(&back, "https://as.example/token/", CONSUMES));
	assert_false(fetch_answer_is_for(&back, request.url, "exchange 00112233445566778899aabbccddeeff"));
	buf_done(&head);

	/* A provider's Content-Type cannot write a line of its own. */
	memcpy(answer.content_type, "a\nsealed=0", 11);
	answer.retry_after_s = -5;
	buf_init(&head, 512);
	fetch_put_head(&head, NULL, &answer);
	assert_string_equal(buf_cstr(&head), HEAD_OF(NO_BOND, "200", "1", "0", "1", "0", ""));
	buf_done(&head);
}

static void bad_heads_are_refused(void **state)
{
	static const char *const heads[] = {
		"",
		"attempt=",
		HEAD_OF("x\nconsumes=x\nendpoint=" ENDPOINT, "200", "1", "1", "1", "0", ""),
		HEAD_OF(NO_BOND, "200", "1", "1", "1", "0", ""), /* sealed, of no attempt */
		HEAD_OF(ATTEMPT "\nconsumes=\nendpoint=" ENDPOINT, "200", "1", "1", "1", "0", ""),
		HEAD_OF(ATTEMPT "\nconsumes=a\tb\nendpoint=" ENDPOINT, "200", "1", "1", "1", "0", ""),
		HEAD_OF(ATTEMPT "\nconsumes=x\nendpoint=", "200", "1", "1", "1", "0", ""),
		HEAD_OF(ATTEMPT "\nconsumes=x\nendpoint=" ATTEMPT, "200", "1", "1", "1", "0", ""),
		HEAD_OF(ATTEMPT "\nendpoint=" ENDPOINT "\nconsumes=x", "200", "1", "1", "1", "0", ""),
		HEAD_OF("\nconsumes=x\nendpoint=", "200", "1", "1", "0", "0", ""),
		HEAD_OF("\nconsumes=\nendpoint=" ENDPOINT, "200", "1", "1", "0", "0", ""),
		HEAD_OF(BOND, "1000", "1", "1", "1", "0", ""),
		HEAD_OF(BOND, "-1", "1", "1", "1", "0", ""),
		HEAD_OF(BOND, "", "1", "1", "1", "0", ""),
		HEAD_OF(BOND, "0200", "1", "1", "1", "0", ""),
		HEAD_OF(BOND, "200", "2", "1", "1", "0", ""),
		HEAD_OF(BOND, "200", "1", "01", "1", "0", ""),
		HEAD_OF(BOND, "200", "1", "1", "yes", "0", ""),
		HEAD_OF(BOND, "200", "1", "1", "1", "3601", ""),
		HEAD_OF(BOND, "200", "1", "1", "1", "0", "a\tb"),
		HEAD_OF(BOND, "200", "1", "1", "1", "0", "") "more=1\n",
		HEAD_OF(BOND, "200", "1", "1", "1", "0", "") "\n",
		HEAD_OF(BOND, "200", "1", "1", "1", "0",
			"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123"
			"45"),
		"status=200\nattempt=" NO_BOND "\nsent=1\ncomplete=1\nsealed=0\nretry_after=0\ncontent_type=\n",
		"attempt=" NO_BOND "\nstatus=200\nsent=1\ncomplete=1\nsealed=0\nretry_after=0\ncontent_type=",
		"attempt=" NO_BOND "\nstatus=200\nsent=1\nsent=1\ncomplete=1\nsealed=0\nretry_after=0\ncontent_type=\n",
		"attempt\nstatus=200\nsent=1\ncomplete=1\nsealed=0\nretry_after=0\ncontent_type=\n",
	};
	struct fetch_answer back;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(heads); i++)
		if (fetch_parse_head(slice_from(heads[i]), &back) != ERR_INVALID)
			fail_msg("head %zu was taken", i);
}

static void answer_survives_the_way(void **state)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	struct fetch_answer answer = {.err = ERR_OK,
				      .status = 404,
				      .sent = true,
				      .complete = true,
				      .content_type = "text/plain",
				      .body = SLICE_LIT("no")},
			    failed = {.err = ERR_UPSTREAM_DOWN, .detail = "nobody there"}, back;
	struct ipc_message m, bad;

	(void)state;
	fetch_answer_to_message(&answer, a, &m);
	assert_int_equal(m.kind, IPC_FETCHED);
	assert_int_equal(fetch_answer_from_message(&m, &back), ERR_OK);
	assert_int_equal(back.err, ERR_OK);
	assert_int_equal(back.status, 404);
	assert_true(back.complete && back.sent && !back.sealed);
	assert_string_equal(back.content_type, "text/plain");
	assert_true(slice_is(back.body, "no"));

	fetch_answer_to_message(&failed, a, &m);
	assert_int_equal(fetch_answer_from_message(&m, &back), ERR_OK);
	assert_int_equal(back.err, ERR_UPSTREAM_DOWN);
	assert_string_equal(back.detail, "nobody there");
	assert_false(back.sent || back.complete || back.sealed);

	bad = m;
	bad.kind = IPC_FETCH;
	assert_int_equal(fetch_answer_from_message(&bad, &back), ERR_INVALID);
	bad = m;
	bad.field[IPC_FETCHED_ERR].number = ERR__COUNT;
	assert_int_equal(fetch_answer_from_message(&bad, &back), ERR_INVALID);
	bad.field[IPC_FETCHED_ERR].number = -1;
	assert_int_equal(fetch_answer_from_message(&bad, &back), ERR_INVALID);
	bad = m;
	bad.field[IPC_FETCHED_STATUS].number = 200; /* not what the head says */
	assert_int_equal(fetch_answer_from_message(&bad, &back), ERR_INVALID);
	bad = m;
	bad.field[IPC_FETCHED_DETAIL].bytes = SLICE_LIT("two\nlines");
	assert_int_equal(fetch_answer_from_message(&bad, &back), ERR_INVALID);
	bad = m;
	bad.field[IPC_FETCHED_HEAD].bytes = SLICE_LIT("");
	assert_int_equal(fetch_answer_from_message(&bad, &back), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_survives_the_way), cmocka_unit_test(bad_requests_are_refused),
		cmocka_unit_test(bad_messages_are_refused), cmocka_unit_test(head_is_written_and_read),
		cmocka_unit_test(bad_heads_are_refused),    cmocka_unit_test(answer_survives_the_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
