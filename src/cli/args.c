/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading argv: words lead to a command of the table, what begins with "--" must be one of its
 * options. Must never guess: what isn't known is refused, with the nearest known thing.
 */
#include "cli/args.h"

#include <string.h>

#include "base/mem.h"
#include "base/suggest.h"

static void offer_option(const struct option *o, void *arg)
{
	suggest_offer(arg, o->name);
}

static enum err unknown_option(const struct args *a, struct slice name, struct errinfo *ei)
{
	struct suggest s;

	suggest_init(&s, name);
	command_each_option(a->command, offer_option, &s);
	if (a->command)
		err_set(ei, ERR_INVALID, "\"%s\" has no option --%.*s", a->command->name, SLICE_ARG(name));
	else
		err_set(ei, ERR_INVALID, "--%.*s is unknown here; options of a command stand behind it",
			SLICE_ARG(name));
	if (s.best)
		return err_hint(ei, ERR_INVALID, "did you mean --%s?", s.best);
	return err_hint(ei, ERR_INVALID, "\"fiber%s%s%s%s --help\" shows the options",
			a->command && a->command->group[0] ? " " : "", a->command ? a->command->group : "",
			a->command ? " " : "", a->command ? a->command->name : "");
}

static enum err unknown_word(const struct args *a, struct slice word, struct errinfo *ei)
{
	const char *space = a->group.n ? " " : "";
	const char *within = NULL;
	struct suggest s;

	suggest_init(&s, word);
	for (size_t i = 0; i < commands_count; i++) {
		if (!slice_is(a->group, commands[i].group))
			continue;
		suggest_offer(&s, commands[i].name);
		if (commands[i].alias)
			suggest_offer(&s, commands[i].alias);
	}
	for (size_t i = 0; i < command_groups_count; i++) {
		struct slice last;

		/* The last word of a path runs to its end, so it is a C string too. */
		if (command_group_within(command_groups[i].path, a->group, &last))
			suggest_offer(&s, last.p);
	}
	err_set(ei, ERR_INVALID, "there is no command \"fiber %.*s%s%.*s\"", SLICE_ARG(a->group), space,
		SLICE_ARG(word));
	for (size_t i = 0; i < commands_count && !within; i++)
		if (slice_is(word, commands[i].name) || (commands[i].alias && slice_is(word, commands[i].alias)))
			within = commands[i].group;
	if (within)
		return err_hint(ei, ERR_INVALID, "did you mean \"fiber %s%s%.*s\"?", within, within[0] ? " " : "",
				SLICE_ARG(word));
	if (s.best)
		return err_hint(ei, ERR_INVALID, "did you mean \"fiber %.*s%s%s\"?", SLICE_ARG(a->group), space,
				s.best);
	return err_hint(ei, ERR_INVALID, "\"fiber %.*s%s--help\" shows the commands", SLICE_ARG(a->group), space);
}

static enum err take_word(struct args *a, char *word, char *path, size_t path_bytes, struct errinfo *ei)
{
	struct slice w = slice_from(word);
	size_t n = strlen(path);

	if (a->command && !a->command->positional) {
		err_set(ei, ERR_INVALID, "\"%s\" takes no further word, but \"%s\" was given", a->command->name, word);
		return err_hint(ei, ERR_INVALID, "a value with blanks needs quotes; options begin with --");
	}
	if (a->command && a->positional)
		return err_set(ei, ERR_INVALID, "\"%s\" takes one %s, but after \"%s\" came \"%s\"", a->command->name,
			       a->command->positional, a->positional, word);
	if (a->command) {
		a->positional = word;
		return ERR_OK;
	}
	if (n == 0 && !a->help && slice_is(w, "help")) {
		a->help = true;
		return ERR_OK;
	}
	a->command = command_find(a->group, w);
	if (a->command)
		return ERR_OK;
	if (n + w.n + 2 > path_bytes)
		return unknown_word(a, w, ei);
	if (n)
		path[n++] = ' ';
	memcpy(path + n, word, w.n + 1);
	if (!command_group(slice_from(path))) {
		path[a->group.n] = '\0';
		return unknown_word(a, w, ei);
	}
	a->group = slice_from(command_group(slice_from(path)));
	return ERR_OK;
}

static bool take_general(struct args *a, struct slice name)
{
	if (slice_is(name, "json"))
		a->json = true;
	else if (slice_is(name, "verbose") || slice_is(name, "debug"))
		a->verbose = true;
	else if (slice_is(name, "help"))
		a->help = true;
	else if (slice_is(name, "version") && !a->command)
		a->version = true;
	else
		return false;
	return true;
}

/* `value` is NULL for a flag. A secret leaves argv here. */
static void keep(struct args *a, const struct option *o, char *value)
{
	a->given[a->count].option = o;
	a->given[a->count].text = value ? value : "";
	if (o->secret && value) {
		a->given[a->count].text = NULL;
		a->given[a->count].secret = secret_new(slice_from(value));
		if (strcmp(value, "-") != 0)
			memset(value, '*', strlen(value));
	}
	a->count++;
}

static enum err take_option(struct args *a, char *text, char *following, bool *ret_used_following, struct errinfo *ei)
{
	struct slice whole = slice_from(text + 2);
	size_t equals = slice_index(whole, '=');
	struct slice name = slice_sub(whole, 0, equals);
	char *value = equals < whole.n ? text + 2 + equals + 1 : NULL;
	const struct option *o;

	if (!value && take_general(a, name))
		return ERR_OK;
	o = command_option(a->command, name);
	if (!o)
		return unknown_option(a, name, ei);
	if (!o->value && value)
		return err_set(ei, ERR_INVALID, "--%s takes no value", o->name);
	if (o->value && !value) {
		value = following;
		*ret_used_following = true;
	}
	if (o->value && (!value || !value[0])) {
		err_set(ei, ERR_INVALID, "--%s has no value", o->name);
		return err_hint(ei, ERR_INVALID, "write --%s=%s", o->name, o->value);
	}
	if (args_has(a, o->name) || a->count == ARGS_MAX)
		return err_set(ei, ERR_INVALID, "--%s was given twice", o->name);
	keep(a, o, value);
	return ERR_OK;
}

static enum err check_complete(const struct args *a, struct errinfo *ei)
{
	if (a->help || !a->command || !a->command->positional || a->positional)
		return ERR_OK;
	err_set(ei, ERR_INVALID, "\"%s\" needs a %s", a->command->name, a->command->positional);
	return err_hint(ei, ERR_INVALID, "for example: %s", a->command->example);
}

enum err args_parse(int argc, char **argv, struct args *ret_args, struct errinfo *ei)
{
	bool only_words = false;
	char path[64] = "";
	enum err e = ERR_OK;

	*ret_args = (struct args){.group = slice_from("")};
	for (int i = 1; i < argc && !e; i++) {
		bool used_following = false;

		if (!only_words && strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!only_words && strcmp(argv[i], "-h") == 0)
			ret_args->help = true;
		else if (!only_words && strncmp(argv[i], "--", 2) == 0)
			e = take_option(ret_args, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used_following, ei);
		else if (!only_words && argv[i][0] == '-' && argv[i][1]) {
			err_set(ei, ERR_INVALID, "%s is no option", argv[i]);
			e = err_hint(ei, ERR_INVALID, "options are whole words, as in --json");
		} else
			e = take_word(ret_args, argv[i], path, sizeof path, ei);
		i += used_following;
	}
	return e ? e : check_complete(ret_args, ei);
}

void args_done(struct args *a)
{
	for (size_t i = 0; i < a->count; i++)
		secret_free(&a->given[i].secret);
	a->count = 0;
}

static size_t index_of(const struct args *a, const char *name)
{
	size_t i = 0;

	while (i < a->count && strcmp(a->given[i].option->name, name) != 0)
		i++;
	return i;
}

bool args_has(const struct args *a, const char *name)
{
	return index_of(a, name) < a->count;
}

const char *args_get(const struct args *a, const char *name)
{
	size_t i = index_of(a, name);

	return i < a->count ? a->given[i].text : NULL;
}

const struct secret *args_secret(const struct args *a, const char *name)
{
	size_t i = index_of(a, name);

	return i < a->count ? a->given[i].secret : NULL;
}
