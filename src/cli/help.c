/* SPDX-License-Identifier: Apache-2.0 */
/* Writing help from the table. Must never hold a text about one command: that belongs into the table. */
#include "cli/help.h"

#include <string.h>

#include "cli/table.h"

enum { COMMAND_COLUMN = 38, OPTION_COLUMN = 32 };

static void put_column(struct buf *out, size_t start, size_t width)
{
	for (size_t used = out->n - start; used < width; used++)
		buf_putc(out, ' ');
}

static void put_title(struct buf *out, const char *title, bool colour)
{
	buf_putc(out, '\n');
	table_put_toned(out, TONE_BOLD, title, colour);
	buf_putc(out, '\n');
}

static void put_command(struct buf *out, const struct command *c)
{
	size_t start = out->n;

	buf_printf(out, "  %s%s%s%s%s", c->group, c->group[0] ? " " : "", c->name, c->positional ? " " : "",
		   c->positional ? c->positional : "");
	put_column(out, start, COMMAND_COLUMN);
	buf_printf(out, "%s\n", c->summary);
}

/* A group and what lies beneath it are shown together. */
static bool beneath(const char *path, struct slice group)
{
	struct slice p = slice_from(path);

	return group.n == 0 || slice_is(group, path) ||
	       (p.n > group.n && slice_eq(slice_sub(p, 0, group.n), group) && p.p[group.n] == ' ');
}

static void put_example(struct buf *out, struct slice group)
{
	for (size_t i = 0; i < commands_count; i++) {
		if (!beneath(commands[i].group, group))
			continue;
		buf_printf(out, "  %s\n", commands[i].example);
		return;
	}
}

/* The first page is one screen: short forms of commands that have their place elsewhere, and what only shells need, are not on it. */
static bool is_on_first_page(const struct command *c)
{
	if (c->group[0])
		return true;
	for (size_t i = 0; i < commands_count; i++)
		if (commands[i].group[0] && slice_is(slice_from(commands[i].name), c->name))
			return false;
	return c->uses != 0;
}

void help_group(struct slice group, bool colour, struct buf *out)
{
	if (group.n == 0)
		buf_puts(out, "fiber: register OAuth apps, connect accounts, read tokens.\n");
	for (size_t g = 0; g < command_groups_count; g++) {
		bool titled = group.n == 0 && g > 0 && strcmp(command_groups[g].summary, command_groups[g - 1].summary) == 0;

		for (size_t i = 0; i < commands_count; i++) {
			if (!slice_is(slice_from(commands[i].group), command_groups[g].path) ||
			    !beneath(commands[i].group, group))
				continue;
			if (group.n == 0 && !is_on_first_page(&commands[i]))
				continue;
			if (!titled)
				put_title(out, command_groups[g].summary, colour);
			titled = true;
			put_command(out, &commands[i]);
		}
	}
	put_title(out, "Example", colour);
	put_example(out, group);
	if (group.n == 0)
		buf_puts(out, "\"fiber <command> --help\" shows its options; also completion, man, --json.\n");
}

static void put_option(const struct option *o, void *arg)
{
	struct buf *out = arg;
	size_t start = out->n;

	/* Who reads this found --help, and --debug is --verbose: each would cost a line on every page. */
	if (slice_is(slice_from(o->name), "debug") || slice_is(slice_from(o->name), "help"))
		return;
	buf_printf(out, "  --%s%s%s", o->name, o->value ? "=" : "", o->value ? o->value : "");
	put_column(out, start, OPTION_COLUMN);
	buf_printf(out, "%s%s\n", o->help, o->secret ? "; - reads stdin" : "");
}

void help_command(const struct command *c, bool colour, struct buf *out)
{
	table_put_toned(out, TONE_BOLD, c->summary, colour);
	buf_putc(out, '\n');
	buf_printf(out, "  fiber %s%s%s%s%s [options]", c->group, c->group[0] ? " " : "", c->name,
		   c->positional ? " " : "", c->positional ? c->positional : "");
	buf_printf(out, "%s%s\n", c->alias ? "   or: " : "", c->alias ? c->alias : "");
	put_title(out, "Options", colour);
	command_each_option(c, put_option, out);
	put_title(out, "Example", colour);
	buf_printf(out, "  %s\n", c->example);
}
