/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registering an authenticator, and what to say when there is one of that name already. Must never
 * change an authenticator that exists: that is what `update` is for.
 */
#include "cli/register.h"

#include "base/mem.h"
#include "cli/compare.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/text.h"

static void tell_registered(struct cli *cli, const struct jsonr *made)
{
	const char *name = cli_text(cli, made, "name");

	buf_printf(&cli->out, "Registered \"%s\".\n", name);
	lookup_put_facts(cli, made);
	buf_puts(&cli->out, "\nNext: enter the redirect URI at the provider, then\n");
	buf_printf(&cli->out, "  fiber app oauth connect %s\n", lookup_shell_word(cli, name));
}

static enum err tell_different(struct cli *cli, const struct draft *draft, const struct jsonr *there,
			       const char *differences)
{
	const char *name = cli_text(cli, there, "name");

	err_clear(&cli->ei);
	err_code(&cli->ei, ERR_CONFLICT, "conflict");
	err_set(&cli->ei, ERR_CONFLICT, "\"%s\" is registered already, with another configuration (%s)", name,
		differences);
	if (draft->path)
		return err_hint(&cli->ei, ERR_CONFLICT,
				"to make it so: fiber app oauth update %s --authenticator-config %s",
				lookup_shell_word(cli, name), lookup_shell_word(cli, draft->path));
	return err_hint(&cli->ei, ERR_CONFLICT,
			"to change it: fiber app oauth update %s with --scopes=… or what else is new",
			lookup_shell_word(cli, name));
}

/* The server has one of that name: the same configuration is fine, another one is for `update`. */
static enum err compare_with_existing(struct cli *cli, const struct draft *draft, const struct buf *body)
{
	struct errinfo refusal = cli->ei;
	const struct jsonr *there = NULL;
	const char *differences;
	struct jsonr *sent;
	enum err e;

	e = lookup_by_name(cli, draft->name, &there);
	if (e)
		return e;
	if (!there) {
		/* Some other conflict: the server's own words stand. */
		cli->ei = refusal;
		return ERR_CONFLICT;
	}
	e = jsonr_parse(buf_slice(body), body->max, &sent, &cli->ei);
	if (e)
		return e;
	differences = compare_configuration(cli->arena, jsonr_in_arena(cli->arena, sent), there);
	if (differences)
		return tell_different(cli, draft, there, differences);
	if (cli->args.json) {
		cli_put_json(cli, there);
		return ERR_OK;
	}
	buf_printf(&cli->out, "\"%s\" is registered already with this configuration; nothing was changed.\n",
		   cli_text(cli, there, "name"));
	lookup_put_facts(cli, there);
	buf_printf(&cli->out,
		   "\nThe client secret can't be compared. To replace it:\n  fiber app oauth update %s "
		   "--client-secret=-\n",
		   lookup_shell_word(cli, cli_text(cli, there, "name")));
	return ERR_OK;
}

enum err register_draft(struct cli *cli, struct draft *draft)
{
	const struct jsonr *made = NULL;
	struct buf body;
	enum err e;

	draft->is_new = true;
	buf_init(&body, DRAFT_MAX_BYTES);
	e = cli_app(cli);
	if (!e)
		e = draft_fill_credentials(cli, draft);
	if (!e)
		e = draft_write(cli, draft, &body);
	if (!e)
		e = cli_call(cli, "POST", "/oauth/authenticators", &body, &made);
	if (e == ERR_CONFLICT && draft->name) {
		e = compare_with_existing(cli, draft, &body);
	} else if (e) {
		draft_explain(cli, draft);
	} else if (cli->args.json) {
		cli_put_json(cli, made);
	} else {
		lookup_note_ignored(cli, made);
		tell_registered(cli, made);
	}
	buf_done(&body);
	return e;
}

enum err register_file(struct cli *cli)
{
	const char *path = args_get(&cli->args, "authenticator-config");
	struct draft draft = {0};
	enum err e;

	if (!path) {
		cli_usage(cli, "--authenticator-config is missing");
		return err_hint(&cli->ei, ERR_INVALID,
				"for example: %s; without a file: fiber register-authenticator google",
				cli->args.command->example);
	}
	e = draft_load(cli, path, &draft);
	return e ? e : register_draft(cli, &draft);
}

const char *register_usual_name(struct cli *cli, const char *type)
{
	const struct jsonr *template = NULL;
	char *name;

	if (cli_call(cli, "GET", cli_path(cli, "/oauth/templates/", type, ""), NULL, &template) == ERR_OK &&
	    jsonr_get_string(template, "display_name").n)
		return arena_strndup(cli->arena, jsonr_get_string(template, "display_name"));
	err_clear(&cli->ei);
	name = arena_strdup(cli->arena, type);
	if (name[0] >= 'a' && name[0] <= 'z')
		name[0] = (char)(name[0] - ('a' - 'A'));
	return name;
}

enum err register_type(struct cli *cli)
{
	const char *type = cli->args.positional;
	struct draft draft = {.type = type, .name = args_get(&cli->args, "name")};

	if (!draft.name)
		draft.name = register_usual_name(cli, type);
	return register_draft(cli, &draft);
}
