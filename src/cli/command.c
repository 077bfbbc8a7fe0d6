/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in the table of subcommands. Must never know a single command. */
#include "cli/command.h"

#include "base/mem.h"

static const struct option general[] = {
	{"json", NULL, "print JSON, for scripts", false},
	{"verbose", NULL, "show requests and answers, secrets masked", false},
	{"debug", NULL, "the same as --verbose", false},
	{"help", NULL, "show this help", false},
};

static const struct option of_instance[] = {
	{"to-instance", "NAME", "the instance to speak to; else the default one", false},
};

static const struct option of_app[] = {
	{"app-dir", "DIR", "the app's directory; else the current one", false},
	{"app-id", "ID", "the app, when its directory doesn't say", false},
};

const struct command *command_find(struct slice group, struct slice name)
{
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];

		if (slice_is(group, c->group) && (slice_is(name, c->name) || (c->alias && slice_is(name, c->alias))))
			return c;
	}
	return NULL;
}

const char *command_group(struct slice path)
{
	for (size_t i = 0; i < command_groups_count; i++)
		if (slice_is(path, command_groups[i].path))
			return command_groups[i].path;
	return NULL;
}

bool command_group_within(const char *child, struct slice group, struct slice *ret_word)
{
	struct slice path = slice_from(child);
	size_t skip = group.n ? group.n + 1 : 0;
	struct slice word;

	if (path.n <= skip || !slice_eq(slice_sub(path, 0, group.n), group) || (skip && path.p[group.n] != ' '))
		return false;
	word = slice_sub(path, skip, path.n);
	if (slice_index(word, ' ') != word.n)
		return false;
	*ret_word = word;
	return true;
}

static void each_of(const struct option *options, size_t n, void (*fn)(const struct option *, void *), void *arg)
{
	for (size_t i = 0; i < n; i++)
		fn(&options[i], arg);
}

void command_each_option(const struct command *c, void (*fn)(const struct option *o, void *arg), void *arg)
{
	for (const struct option *o = c ? c->options : NULL; o && o->name; o++)
		fn(o, arg);
	if (c && c->uses & USES_APP)
		each_of(of_app, ARRAY_LEN(of_app), fn, arg);
	if (c && c->uses & USES_INSTANCE)
		each_of(of_instance, ARRAY_LEN(of_instance), fn, arg);
	each_of(general, ARRAY_LEN(general), fn, arg);
}

struct wanted {
	struct slice name;
	const struct option *found;
};

static void look(const struct option *o, void *arg)
{
	struct wanted *w = arg;

	if (!w->found && slice_is(w->name, o->name))
		w->found = o;
}

const struct option *command_option(const struct command *c, struct slice name)
{
	struct wanted w = {.name = name};

	command_each_option(c, look, &w);
	return w.found;
}
