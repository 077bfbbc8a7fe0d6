/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"

/* A command line split at blanks, "~" standing for a blank within a word. */
static int split(struct arena *a, const char *line, char **argv)
{
	struct slice rest = slice_from(line), word;
	int argc = 0;

	argv[argc++] = arena_strdup(a, "fiber");
	while (line[0] && argc < 30 && slice_split(&rest, ' ', &word)) {
		argv[argc] = arena_strndup(a, word);
		for (char *c = argv[argc]; *c; c++)
			if (*c == '~')
				*c = ' ';
		argc++;
	}
	argv[argc] = NULL;
	return argc;
}

static enum err parse(struct arena *a, const char *line, struct args *args, struct errinfo *ei)
{
	char *argv[32];
	int argc = split(a, line, argv);

	return args_parse(argc, argv, args, ei);
}

static void commands_are_found(void **state)
{
	static const struct {
		const char *line, *group, *name, *positional;
	} cases[] = {
		{"app oauth list-authenticators", "app oauth", "list-authenticators", NULL},
		{"app oauth list --json", "app oauth", "list-authenticators", NULL},
		{"--json app oauth list", "app oauth", "list-authenticators", NULL},
		{"app --verbose oauth token practice", "app oauth", "token", "practice"},
		{"app oauth token -- --odd", "app oauth", "token", "--odd"},
		{"app oauth token My~App --user a", "app oauth", "token", "My App"},
		{"add-provider google", "", "register-authenticator", "google"},
		{"account list-configs", "account", "list-configs", NULL},
		{"app init --name X", "app", "init", NULL},
		{"help app oauth token", "app oauth", "token", NULL},
		{"app oauth token --help", "app oauth", "token", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(65536);
		struct args args;

		assert_int_equal(parse(a, cases[i].line, &args, NULL), ERR_OK);
		assert_non_null(args.command);
		assert_string_equal(args.command->group, cases[i].group);
		assert_string_equal(args.command->name, cases[i].name);
		if (cases[i].positional)
			assert_string_equal(args.positional, cases[i].positional);
		else
			assert_null(args.positional);
		args_done(&args);
		arena_free(&a);
	}
}

static void wrong_use_is_refused(void **state)
{
	static const struct {
		const char *line, *detail, *hint;
	} cases[] = {
		{"ap", "there is no command \"fiber ap\"", "did you mean \"fiber app\"?"},
		{"app oaut", "there is no command \"fiber app oaut\"", "did you mean \"fiber app oauth\"?"},
		{"app oauth lst", "no command \"fiber app oauth lst\"", "did you mean \"fiber app oauth list\"?"},
		{"token x", "no command \"fiber token\"", "did you mean \"fiber app oauth token\"?"},
		{"app list", "no command \"fiber app list\"", "did you mean \"fiber app oauth list\"?"},
		{"wombat", "no command \"fiber wombat\"", "\"fiber --help\" shows the commands"},
		{"app oauth list --jsno", "no option --jsno", "did you mean --json?"},
		{"app oauth list --to-instence x", "no option --to-instence", "did you mean --to-instance?"},
		{"app oauth list --yes", "no option --yes", "--help\" shows the options"},
		{"account list-configs --to-instance x", "no option --to-instance", "shows the options"},
		{"--to-instance x app oauth list", "--to-instance is unknown here", ""},
		{"app oauth list -x", "-x is no option", "whole words"},
		{"app oauth list more", "takes no further word", ""},
		{"app oauth token", "needs a REF", "for example"},
		{"app oauth token a b", "takes one REF", ""},
		{"app oauth list --to-instance", "--to-instance has no value", "--to-instance=NAME"},
		{"app oauth list --to-instance=", "--to-instance has no value", ""},
		{"app oauth list --app-id a --app-id b", "--app-id was given twice", ""},
		{"app oauth token x --show=1", "--show takes no value", ""},
		{"app oauth list --json=yes", "--json takes no value", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(65536);
		struct errinfo ei = {0};
		struct args args;

		assert_int_equal(parse(a, cases[i].line, &args, &ei), ERR_INVALID);
		if (!strstr(ei.detail, cases[i].detail) || !strstr(ei.hint, cases[i].hint))
			fail_msg("%s: got \"%s\" and \"%s\"", cases[i].line, ei.detail, ei.hint);
		args_done(&args);
		arena_free(&a);
	}
}

static void values_are_taken(void **state)
{
	struct arena *a = arena_new(65536);
	struct args args;

	(void)state;
	assert_int_equal(parse(a, "app oauth update g --scopes=a,b=c --name New~Name --enable --debug", &args, NULL),
			 ERR_OK);
	assert_string_equal(args_get(&args, "scopes"), "a,b=c");
	assert_string_equal(args_get(&args, "name"), "New Name");
	assert_true(args_has(&args, "enable"));
	assert_false(args_has(&args, "disable"));
	assert_null(args_get(&args, "token-url"));
	assert_null(args_secret(&args, "client-secret"));
	assert_true(args.verbose);
	args_done(&args);
	arena_free(&a);
}

/* Whoever runs ps must not read it. */
static void secrets_leave_argv(void **state)
{
	struct arena *a = arena_new(65536);
	struct args args;
	char *argv[32];
	int argc = split(a, "app oauth update g --client-secret=GOCSPX-abc", argv);

	(void)state;
	assert_int_equal(args_parse(argc, argv, &args, NULL), ERR_OK);
	assert_string_equal(argv[5], "--client-secret=**********");
	assert_null(args_get(&args, "client-secret"));
	assert_true(secret_equal(args_secret(&args, "client-secret"), SLICE_LIT("GOCSPX-abc")));
	args_done(&args);

	argc = split(a, "account add-config --api-key fw_key --name n", argv);
	assert_int_equal(args_parse(argc, argv, &args, NULL), ERR_OK);
	assert_string_equal(argv[4], "******");
	assert_true(secret_equal(args_secret(&args, "api-key"), SLICE_LIT("fw_key")));
	args_done(&args);
	arena_free(&a);
}

static void groups_without_command(void **state)
{
	struct arena *a = arena_new(65536);
	struct args args;

	(void)state;
	assert_int_equal(parse(a, "", &args, NULL), ERR_OK);
	assert_null(args.command);
	assert_int_equal(parse(a, "app oauth", &args, NULL), ERR_OK);
	assert_null(args.command);
	assert_true(slice_is(args.group, "app oauth"));
	assert_int_equal(parse(a, "app --help", &args, NULL), ERR_OK);
	assert_true(args.help);
	assert_int_equal(parse(a, "--version", &args, NULL), ERR_OK);
	assert_true(args.version);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_found),	  cmocka_unit_test(wrong_use_is_refused),
		cmocka_unit_test(values_are_taken),	  cmocka_unit_test(secrets_leave_argv),
		cmocka_unit_test(groups_without_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
