/* SPDX-License-Identifier: Apache-2.0 */
/* `fiber account`: which servers fiber knows. Must never print a key, only its public id. */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/handlers.h"
#include "cli/mask.h"
#include "cli/text.h"

static enum err take_key(struct cli *cli, const struct secret **ret_key)
{
	struct secret *typed = NULL;
	enum err e;

	if (args_has(&cli->args, "api-key")) {
		e = cli_secret(cli, "api-key", "API key: ", ret_key);
	} else if (term_can_ask(&cli->term)) {
		e = term_ask("API key: ", false, &typed, &cli->ei);
		*ret_key = secret_in_arena(cli->arena, typed);
	} else {
		cli_usage(cli, "--api-key is missing");
		return err_hint(&cli->ei, ERR_INVALID, "--api-key=- reads it from standard input");
	}
	if (!e && (e = instance_check_key(*ret_key, &cli->ei)))
		cli->usage = true;
	return e;
}

static enum err take_config(struct cli *cli, struct instance *instance)
{
	const char *root;
	enum err e;

	instance->name = args_get(&cli->args, "name");
	instance->base_url = args_get(&cli->args, "base-url");
	if (!instance->name || !instance->base_url) {
		cli_usage(cli, "--%s is missing", instance->name ? "base-url" : "name");
		return err_hint(&cli->ei, ERR_INVALID, "for example: %s", cli->args.command->example);
	}
	if (!slice_is_utf8(slice_from(instance->name)))
		return cli_usage(cli, "--name is not UTF-8");
	e = instance_check_url(cli->arena, instance->base_url, &root, &cli->ei);
	if (e) {
		cli->usage = true;
		return e;
	}
	return take_key(cli, &instance->api_key);
}

enum err account_add_config(struct cli *cli)
{
	const char *home, *name, *was;
	struct instance instance = {0};
	bool replaced = false, becomes;
	enum err e;

	e = take_config(cli, &instance);
	if (!e)
		e = instance_home(cli->arena, &home, &cli->ei);
	if (!e)
		e = instance_save(cli->arena, home, &instance, &replaced, &cli->ei);
	if (e)
		return e;
	was = instance_default(cli->arena, home);
	becomes = args_has(&cli->args, "set-default") || !was;
	if (becomes && (e = instance_set_default(cli->arena, home, instance.name, &cli->ei)))
		return e;
	name = text_clean(cli->arena, slice_from(instance.name));
	if (cli->args.json) {
		struct jsonw w;

		jsonw_init(&w, &cli->out);
		jsonw_object(&w, NULL);
		jsonw_string(&w, "name", instance.name);
		jsonw_string(&w, "base_url", instance.base_url);
		jsonw_bool(&w, "default", becomes || slice_is(slice_from(was), instance.name));
		jsonw_object_end(&w);
		buf_putc(&cli->out, '\n');
		return ERR_OK;
	}
	buf_printf(&cli->out, "%s the instance \"%s\" (%s).\n", replaced ? "Replaced" : "Added", name,
		   instance.base_url);
	if (becomes)
		buf_printf(&cli->out, "It is the default%s.\n",
			   was || args_has(&cli->args, "set-default") ? "" : "; there was none yet");
	else
		buf_printf(&cli->out, "The default stays \"%s\"; --set-default changes that.\n",
			   text_clean(cli->arena, slice_from(was)));
	return ERR_OK;
}

static const char *shown_key(struct cli *cli, const struct secret *key)
{
	struct buf text;
	char *copy;

	buf_init(&text, 64);
	mask_key(key, &text);
	copy = arena_strndup(cli->arena, buf_slice(&text));
	buf_done(&text);
	return copy;
}

/* One instance as a table row, and, for --json, as an object. */
static void put_config(struct cli *cli, const char *home, const char *name, const char *by_default, struct table *t,
		       struct jsonw *w)
{
	struct errinfo why = {0};
	struct instance instance;
	bool broken = instance_load(cli->arena, home, name, &instance, &why) != ERR_OK;
	bool chosen = by_default && slice_is(slice_from(name), instance_file_name(cli->arena, by_default));
	const char *shown = broken ? name : instance.name;
	struct table_cell cells[] = {
		{text_clean(cli->arena, slice_from(shown)), chosen ? TONE_BOLD : TONE_PLAIN},
		{chosen ? "default" : " ", TONE_PLAIN},
		{broken ? "broken, see its file" : text_clean(cli->arena, slice_from(instance.base_url)),
		 broken ? TONE_BAD : TONE_PLAIN},
		{broken ? "" : shown_key(cli, instance.api_key), TONE_DIM},
	};

	table_row(t, cells);
	jsonw_object(w, NULL);
	jsonw_string(w, "name", shown);
	jsonw_string(w, "base_url", broken ? NULL : instance.base_url);
	jsonw_bool(w, "default", chosen);
	if (broken)
		jsonw_string(w, "problem", why.detail);
	jsonw_object_end(w);
}

enum err account_list_configs(struct cli *cli)
{
	static const struct table_column columns[] = {{"NAME", true}, {"", false}, {"BASE URL", false}, {"KEY", false}};
	struct table *t = table_new(cli->arena, columns, ARRAY_LEN(columns));
	const char *home, *by_default;
	const char *const *names;
	struct buf json;
	struct jsonw w;
	size_t n;
	enum err e;

	e = instance_home(cli->arena, &home, &cli->ei);
	if (e)
		return e;
	by_default = instance_default(cli->arena, home);
	n = instance_list(cli->arena, home, &names);
	buf_init(&json, cli->out.max);
	jsonw_init(&w, &json);
	jsonw_array(&w, NULL);
	for (size_t i = 0; i < n; i++)
		put_config(cli, home, names[i], by_default, t, &w);
	jsonw_array_end(&w);
	if (cli->args.json) {
		text_put_json(&cli->out, buf_slice(&json));
		buf_putc(&cli->out, '\n');
	} else if (n) {
		table_write(t, cli->term.columns, cli->term.colour, &cli->out);
	} else {
		buf_puts(&cli->out, "No instance is configured yet. Add one:\n"
				    "  fiber account add-config --name local --base-url URL --api-key=-\n");
	}
	buf_done(&json);
	return ERR_OK;
}
