/* SPDX-License-Identifier: Apache-2.0 */
/* Registering by template: other names, what a provider insists on, and an operator's own file, which changes nothing that is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/testtree.h"
#include "catalog/template_directory.h"
#include "core/profiles.h"
#include "core/testcore.h"

#define OK(call_) assert_int_equal((call_), ERR_OK)
#define HOUSE(host, more)                                                                                                   \
	"{\"type\":\"house\",\"display_name\":\"House\",\"aliases\":[\"home\"]" more ",\"scopes\":[\"read\"],\"known_scopes\":[]," \
	"\"profile\":{\"authorize_url\":\"https://" host "/a\",\"token_url\":\"https://" host "/t\","                        \
	"\"identity_url\":\"https://" host "/me\",\"rotation\":{\"class\":\"R0\"}},"                                         \
	"\"guide\":{\"console_url\":\"https://c.example/\",\"steps\":[\"s\"],\"mistakes\":[\"m\"]},"                         \
	"\"sources\":[{\"url\":\"https://d.example/\",\"date\":\"2026-11\",\"says\":\"x\"}]}"

struct world {
	struct testcore t;
	char path[40];
};

static void on_broken(const char *why, void *arg)
{
	(void)arg;
	fail_msg("%s", why);
}

static int setup(void **state)
{
	struct world *w = MEM_NEW(struct world);

	testcore_init(&w->t);
	snprintf(w->path, sizeof w->path, "/tmp/fw-templates-XXXXXX");
	assert_non_null(mkdtemp(w->path));
	w->t.core.templates = template_directory_new(w->path, on_broken, NULL);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	template_directory_free(&w->t.core.templates);
	assert_true(testtree_remove(w->path));
	testcore_done(&w->t);
	free(w);
	return 0;
}

/* It counts from the next second on. */
static void put(struct world *w, const char *text)
{
	CLEANUP(mem_free_str) char *path = mem_printf("%s/house.json", w->path), *fresh = mem_printf("%s/.new", w->path);
	FILE *to = fopen(fresh, "w");

	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(rename(fresh, path), 0);
	w->t.now_ms += TEMPLATE_DIRECTORY_PAUSE_MS;
}

static enum err read_input(struct world *w, const char *type, struct authenticator_input *in)
{
	struct jsonr *body;
	const char *json = arena_printf(w->t.arena, "{\"name\":\"n\",\"authenticator_type\":\"%s\",\"client_id\":\"c\",\"client_secret\":\"s\"}", type);

	err_clear(&w->t.ei);
	OK(jsonr_parse(slice_from(json), 65536, &body, &w->t.ei));
	jsonr_in_arena(w->t.arena, body);
	return authenticator_input_new(&w->t.core, &(struct authenticator_wish){.body = body}, w->t.arena, in, &w->t.ei);
}

/* What the type of an authenticator is set to, unchanged or not. */
static enum err change_type(struct world *w, const struct authenticator_row *row, const char *type)
{
	struct authenticator_input in;
	struct jsonr *body;
	bool endpoints;

	err_clear(&w->t.ei);
	OK(jsonr_parse(slice_from(arena_printf(w->t.arena, "{\"authenticator_type\":\"%s\"}", type)), 1000, &body, &w->t.ei));
	jsonr_in_arena(w->t.arena, body);
	return authenticator_input_change(&w->t.core, row, body, w->t.arena, &in, &endpoints, &w->t.ei);
}

static struct profile stored_profile(struct world *w, const char *id)
{
	struct authenticator_row row;
	struct profile p;

	OK(store_find(w->t.core.store, SQL_AUTHENTICATOR_BY_ID, STORE_PARAMS(STORE_TEXT(id)), w->t.arena, &row, &w->t.ei));
	OK(profiles_read(w->t.core.profiles, row.configuration, w->t.arena, &p, &w->t.ei));
	assert_string_equal(row.token_url, p.token_url);
	assert_int_equal(row.endpoint_rev, 1);
	return p;
}

static void an_override_changes_nothing_that_is_stored(void **state)
{
	struct world *w = *state;
	struct authenticator_input in;
	struct authenticator_row row;

	assert_int_equal(read_input(w, "house", &in), ERR_UNPROCESSABLE);
	put(w, HOUSE("one.example", ""));
	OK(read_input(w, "Home", &in)); /* by its other name, and without a restart */
	OK(authenticators_register(&w->t.core, &w->t.admin, &w->t.app, &in, w->t.arena, &row, &w->t.ei));
	assert_string_equal(row.authenticator_type, "house");
	put(w, HOUSE("two.example", ""));
	OK(read_input(w, "house", &in));
	assert_string_equal(in.profile.token_url, "https://two.example/t");
	OK(change_type(w, &row, "Home"));
	assert_int_equal(change_type(w, &row, "google"), ERR_UNPROCESSABLE);
	assert_string_equal(stored_profile(w, row.authenticator_id).token_url, "https://one.example/t");
	assert_string_equal(stored_profile(w, row.authenticator_id).identity_url, "https://one.example/me");
	template_directory_free(&w->t.core.templates);
	assert_int_equal(read_input(w, "house", &in), ERR_UNPROCESSABLE);
	assert_string_equal(stored_profile(w, row.authenticator_id).token_url, "https://one.example/t");
}

static void what_a_provider_insists_on_and_we_lack_is_refused(void **state)
{
	struct world *w = *state;
	struct authenticator_input in;

	put(w, HOUSE("one.example", ",\"requires\":[\"par\",\"dpop\"]"));
	assert_int_equal(read_input(w, "house", &in), ERR_UNPROCESSABLE);
	assert_string_equal(w->t.ei.fields[0].name, "authenticator_type");
	assert_non_null(strstr(w->t.ei.detail, "House insists on par, dpop"));
	assert_non_null(template_find(SLICE_LIT("house"))); /* listed all the same */
	put(w, HOUSE("one.example", ",\"requires\":[]"));
	OK(read_input(w, "house", &in));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_override_changes_nothing_that_is_stored, setup, teardown),
		cmocka_unit_test_setup_teardown(what_a_provider_insists_on_and_we_lack_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
