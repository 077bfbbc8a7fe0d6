/* SPDX-License-Identifier: Apache-2.0 */
/* The loop, the peers and the engine of the transfer tests. Must never reach anything but loopback. */
#include "courier/testworld.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

void testworld_script(struct testworld *w, struct testserver_script s)
{
	testserver_script(w->server, &s);
}

void testworld_answer(struct testworld *w, const char *response)
{
	testworld_script(w, (struct testserver_script){.response = response, .n = strlen(response)});
}

void testworld_resolve(struct testworld *w, const char *v4, const char *v6)
{
	testdns_set(w->dns, &(struct testdns_answer){.v4 = {v4}, .v6 = {v6}}, NULL);
}

void testworld_open(struct testworld *w, const char *allow, const char *ca_file, int64_t total_ms)
{
	struct resolver_args resolver = {.loop = &w->loop};
	struct transfers_args args = {.loop = &w->loop, .egress = &w->egress, .ca_file = ca_file,
				       .total_ms = total_ms, .connect_ms = 700};

	assert_int_equal(egress_parse(slice_from(allow), &w->egress, NULL), ERR_OK);
	resolver.servers = arena_printf(w->arena, "127.0.0.1:%u", testdns_port(w->dns));
	assert_int_equal(resolver_new(&resolver, &w->resolver, NULL), ERR_OK);
	args.resolver = w->resolver;
	assert_int_equal(transfers_new(&args, &w->transfers, NULL), ERR_OK);
}

int testworld_setup(void **state)
{
	struct testworld *w = MEM_NEW(struct testworld);

	assert_int_equal(uv_loop_init(&w->loop), 0);
	w->arena = arena_new(1 << 20);
	w->server = testserver_start(NULL);
	w->dns = testdns_start();
	testworld_resolve(w, "127.0.0.1", NULL);
	testworld_answer(w, TESTWORLD_OK);
	testworld_open(w, "127.0.0.1/32,127.0.0.2/32", "", 2000);
	w->request = (struct fetch_request){
		.flags = FETCH_YIELDS_TOKENS,
		.attempt = TESTWORLD_ATTEMPT,
		.consumes = "refresh grant fp",
		.method = "POST",
		.url = arena_printf(w->arena, "http://as.test:%u/token?x=1", testserver_port(w->server)),
		.body_cap = 1000,
		.header_count = 1,
		.header = {{"Authorization", SLICE_LIT("Basic Zm9v")}},
		.body = SLICE_LIT("grant_type=x"),
		.label = "test",
	};
	*state = w;
	return 0;
}

int testworld_teardown(void **state)
{
	struct testworld *w = *state;

	transfers_free(&w->transfers);
	resolver_free(&w->resolver);
	uv_run(&w->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&w->loop), 0); /* no handle is left */
	testserver_stop(&w->server);
	testdns_stop(&w->dns);
	arena_free(&w->arena);
	free(w);
	return 0;
}

void testworld_on_done(struct transfer *t, void *arg)
{
	struct testworld *w = arg;

	w->answer = *transfer_answer(t);
	w->answer.body = arena_copy(w->arena, w->answer.body);
	memset(w->cause, 0, sizeof w->cause);
	memcpy(w->cause, transfer_cause(t), strlen(transfer_cause(t)));
	w->took_ms = clock_mono_ms(&clock_system) - w->began;
	w->done++;
	transfer_free(&t);
}

void testworld_run(struct testworld *w)
{
	w->done = 0;
	w->began = clock_mono_ms(&clock_system);
	transfer_start(w->transfers, &w->request, testworld_on_done, w);
	assert_int_equal(w->done, 0); /* never before it returned */
	while (!w->done)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(w->done, 1);
}

void testworld_run_url(struct testworld *w, const char *url)
{
	w->request.url = url;
	testworld_run(w);
}

void testworld_assert_unreachable(const struct testworld *w, enum err e, bool sent)
{
	assert_int_equal(w->answer.err, e);
	assert_string_equal(w->answer.detail, TRANSFER_UNREACHABLE);
	assert_true(w->cause[0] != '\0');
	assert_int_equal(w->answer.sent, sent);
	assert_false(w->answer.complete);
	assert_int_equal(w->answer.status, 0);
}
