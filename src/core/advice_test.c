/* SPDX-License-Identifier: Apache-2.0 */
/* The mistakes that people make with a provider, and what they are told; and what needs no advice. */
#include "core/advice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static const char document[] =
	"{\"type\":\"cloud\",\"display_name\":\"Cloud\",\"profile\":{\"authorize_url\":\"https://c.example/a\",\"token_url\":\"https://c.example/t\","
	"\"rotation\":\"R0\",\"identity_url\":\"https://c.example/me\",\"authorize_params\":{\"access_type\":\"offline\"}},\"variables\":{\"tenant\":\"common\"},"
	"\"scopes\":[\"mail.read\"],\"known_scopes\":[{\"scope\":\"mail.read\",\"sentence\":\"Reads mail.\"},"
	"{\"scope\":\"https://c.example/auth/calendar.read\",\"sentence\":\"Reads calendars.\"},{\"scope\":\"offline_access\",\"sentence\":\"Stays.\"},"
	"{\"scope\":\"files.everything\",\"sentence\":\"Reads and deletes all files.\",\"broad\":true}],"
	"\"client_id_form\":{\"suffix\":\".apps.cloud.example\"},\"client_secret_form\":{\"prefix\":\"CSEC-\"},"
	"\"callback_rules\":{\"https_only\":true,\"localhost_refused\":true},"
	"\"guide\":{\"steps\":[\"s\"],\"mistakes\":[\"m\"]},\"sources\":[{\"url\":\"https://c.example\",\"date\":\"2026-12\"}]";

struct fixture {
	struct arena *arena;
	struct core core;
	struct template template;
	struct authenticator_input in;
};

static const struct jsonr *json(struct fixture *f, const char *text)
{
	struct jsonr *doc;

	assert_int_equal(jsonr_parse(slice_from(text), 1 << 16, &doc, NULL), ERR_OK);
	return jsonr_in_arena(f->arena, doc);
}

/* An input in which nothing is wrong. `more`: further members of the template. */
static void begin(struct fixture *f, const char *more)
{
	struct errinfo ei = {0};

	*f = (struct fixture){.arena = arena_new(4 << 20)};
	assert_int_equal(core_set_public_url(&f->core, "https://tokens.example", &ei), ERR_OK);
	if (template_parse(json(f, arena_printf(f->arena, "%s%s}", document, more)), f->arena, &f->template, &ei))
		fail_msg("%s", ei.detail);
	f->in = (struct authenticator_input){.name = "Cloud", .template = &f->template, .client_id = "1.apps.cloud.example", .redirect_uri = "",
					     .profile = f->template.profile, .scopes = SLICE_LIT("[\"mail.read\",\"offline_access\"]")};
	f->in.client_secret = secret_in_arena(f->arena, secret_new(SLICE_LIT("CSEC-0123456789")));
}

static void expect(struct fixture *f, const char *body, bool is_new, const char *words)
{
	advice_give(&f->core, json(f, body), is_new, f->arena, &f->in);
	if (!words && f->in.warning_count)
		fail_msg("needless: %s", f->in.warning[0]);
	if (words && (f->in.warning_count != 1 || !strstr(f->in.warning[0], words)))
		fail_msg("%zu warnings, not \"%s\": %s", f->in.warning_count, words, f->in.warning_count ? f->in.warning[0] : "");
	for (size_t i = 0; i < f->in.warning_count; i++)
		assert_null(strstr(f->in.warning[i], "CSEC-0123456789"));
	arena_free(&f->arena);
}

#define SAID "{\"configuration\":{\"variables\":{\"tenant\":\"t\"}}}"

static void test_nothing_to_say(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "");
	expect(&f, SAID, true, NULL);
	begin(&f, ",\"offline\":{\"scope\":\"offline_access\"}");
	expect(&f, SAID, true, NULL);
	begin(&f, ",\"offline\":{\"param\":\"access_type\"}");
	expect(&f, SAID, true, NULL);
}

static void test_scopes(void **state)
{
	static const struct {
		const char *scopes, *words; /* NULL: fine */
	} cases[] = {
		{"[\"mail.raed\"]", "did you mean mail.read?"},
		{"[\"calendar.read\"]", "did you mean https://c.example/auth/calendar.read?"},
		{"[\"files.everything\"]", "far more than most apps need: Reads and deletes all files."},
		{"[\"admin:all\"]", "sounds like everything"},
		{"[\"all:permissions\"]", "sounds like everything"},
		{"[\"*\"]", "sounds like everything"},
		{"[\"something.quite.different\"]", NULL}, /* a template knows the usual ones only */
		{"[]", NULL},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(&f, "");
		f.in.scopes = slice_from(cases[i].scopes);
		expect(&f, SAID, true, cases[i].words);
	}
}

static void test_credentials(void **state)
{
	static const struct {
		const char *id, *secret, *words;
	} cases[] = {
		{"CSEC-9", "x", "client_id looks like Cloud client secret"},
		{"1.apps.cloud.example", "2.apps.cloud.example", "client_secret looks like Cloud client id"},
		{"same", "same", "are the same"},
		{"my-client", "CSEC-1", "which end with .apps.cloud.example"},
		{"1.apps.cloud.example", NULL, NULL},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(&f, "");
		f.in.client_id = cases[i].id;
		f.in.client_secret = cases[i].secret ? secret_in_arena(f.arena, secret_new(slice_from(cases[i].secret))) : NULL;
		expect(&f, SAID, true, cases[i].words);
	}
}

static void test_no_refresh_token(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, ",\"offline\":{\"scope\":\"offline_access\"}");
	f.in.scopes = SLICE_LIT("[\"mail.read\"]");
	expect(&f, SAID, true, "without the scope offline_access Cloud issues no refresh token");
	begin(&f, ",\"offline\":{\"param\":\"access_type\"}");
	f.in.profile.param_count = 0;
	expect(&f, SAID, true, "without access_type=offline");
	begin(&f, ",\"offline\":{\"param\":\"access_type\"}");
	f.in.profile.authorize_param[0].value = "online";
	expect(&f, SAID, true, "without access_type=offline");
}

static void test_variables_and_redirects(void **state)
{
	static const struct {
		const char *redirect, *words;
	} cases[] = {
		{"https://tokens.example/auth/callback/cloud", NULL},
		{"http://127.0.0.1:3000/cb", "the developer's own machine"},
		{"https://localhost/cb", "the developer's own machine"},
	};
	struct fixture f;

	(void)state;
	begin(&f, "");
	expect(&f, "{}", true, "tenant is \"common\"");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(&f, "");
		f.template.callback_rules = (struct template_callback_rules){0};
		f.in.redirect_uri = cases[i].redirect;
		expect(&f, SAID, true, cases[i].words);
	}
	begin(&f, "");
	assert_int_equal(core_set_public_url(&f.core, "http://127.0.0.1:7001", NULL), ERR_OK);
	expect(&f, SAID, true, "with https only");
	begin(&f, "");
	f.template.callback_rules.loopback_ok = true;
	assert_int_equal(core_set_public_url(&f.core, "http://127.0.0.1:7001", NULL), ERR_OK);
	expect(&f, SAID, true, NULL);
	begin(&f, "");
	assert_int_equal(core_set_public_url(&f.core, "http://localhost:7001", NULL), ERR_OK);
	expect(&f, SAID, true, "use 127.0.0.1");
}

/* Whoever changes one thing hears nothing about the others. */
static void test_a_change_is_advised_on_what_changes(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, "");
	f.in.client_id = "odd";
	expect(&f, "{\"name\":\"x\"}", false, NULL);
	begin(&f, "");
	f.in.client_id = "odd";
	expect(&f, "{\"client_id\":\"odd\"}", false, "does not look like");
	begin(&f, "");
	f.in.scopes = SLICE_LIT("[\"mail.raed\"]");
	expect(&f, "{\"scopes\":[\"mail.raed\"]}", false, "did you mean mail.read?");
	begin(&f, "");
	f.in.template = NULL;
	expect(&f, SAID, true, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_say),		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_credentials),		cmocka_unit_test(test_no_refresh_token),
		cmocka_unit_test(test_variables_and_redirects), cmocka_unit_test(test_a_change_is_advised_on_what_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
