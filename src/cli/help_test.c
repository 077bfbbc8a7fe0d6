/* SPDX-License-Identifier: Apache-2.0 */
/* Every page of help fits a screen of 80 by 24 and has an example that the parser takes. */
#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "cli/args.h"
#include "cli/file.h"
#include "cli/text.h"

enum { SCREEN_LINES = 24 - 1 /* the next prompt */, SCREEN_COLUMNS = 80 };

static void fits(struct buf *page, const char *name)
{
	struct slice rest = buf_slice(page), line;
	size_t lines = 0;

	while (slice_split(&rest, '\n', &line)) {
		if (text_width(line) > SCREEN_COLUMNS)
			fail_msg("%s: \"%.*s\" is %zu wide", name, SLICE_ARG(line), text_width(line));
		lines++;
	}
	if (lines > SCREEN_LINES + 1)
		fail_msg("%s: %zu lines", name, lines - 1);
}

static void pages_fit(void **state)
{
	struct buf page;

	(void)state;
	buf_init(&page, 65536);
	for (size_t i = 0; i < commands_count; i++) {
		buf_reset(&page);
		help_command(&commands[i], false, &page);
		fits(&page, commands[i].name);
		assert_non_null(strstr(buf_cstr(&page), commands[i].example));
	}
	for (size_t i = 0; i < command_groups_count; i++) {
		buf_reset(&page);
		help_group(slice_from(command_groups[i].path), false, &page);
		fits(&page, command_groups[i].path);
		assert_non_null(strstr(buf_cstr(&page), "Example\n  "));
	}
	buf_done(&page);
}

static void first_page_names_every_command(void **state)
{
	struct buf page;

	(void)state;
	buf_init(&page, 65536);
	help_group(SLICE_LIT(""), false, &page);
	for (size_t i = 0; i < commands_count; i++)
		assert_non_null(strstr(buf_cstr(&page), commands[i].name));
	buf_done(&page);
}

/* The words of an example, up to the first quote, are enough to find its command. */
static void examples_belong_to_their_command(void **state)
{
	(void)state;
	for (size_t i = 0; i < commands_count; i++) {
		struct arena *a = arena_new(65536);
		const char *start = strstr(commands[i].example, "fiber ");
		struct slice rest, word;
		struct args args;
		char *argv[16];
		int argc = 0;

		assert_non_null(start);
		rest = slice_make(start, strcspn(start, "\")"));
		while (argc < 15 && slice_split(&rest, ' ', &word))
			if (word.n)
				argv[argc++] = arena_strndup(a, word);
		argv[argc] = NULL;
		/* A cut value is no value: only the command counts here. */
		(void)args_parse(argc, argv, &args, NULL);
		assert_ptr_equal(args.command, &commands[i]);
		args_done(&args);
		arena_free(&a);
	}
}

static void need(const char *manual, const char *text)
{
	if (!strstr(manual, text))
		fail_msg("docs/cli.md does not mention %s", text);
}

static void option_is_documented(const struct option *o, void *arg)
{
	char text[80];

	snprintf(text, sizeof text, "--%s", o->name);
	need(arg, text);
}

/* A command or option that the manual doesn't have, is one that nobody finds. */
static void manual_is_complete(void **state)
{
	const char *path = getenv("FIBER_MANUAL");
	struct buf manual;

	(void)state;
	assert_non_null(path);
	buf_init(&manual, 1 << 20);
	assert_int_equal(file_read(path, &manual, NULL), ERR_OK);
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];
		char text[80];

		snprintf(text, sizeof text, "`fiber %s%s%s", c->group, c->group[0] ? " " : "", c->name);
		need(buf_cstr(&manual), text);
		if (c->alias) {
			snprintf(text, sizeof text, "%s`", c->alias);
			need(buf_cstr(&manual), text);
		}
		command_each_option(c, option_is_documented, (void *)(uintptr_t)buf_cstr(&manual));
	}
	buf_done(&manual);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_fit),
		cmocka_unit_test(first_page_names_every_command),
		cmocka_unit_test(examples_belong_to_their_command),
		cmocka_unit_test(manual_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
