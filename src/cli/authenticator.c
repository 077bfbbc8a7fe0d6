/* SPDX-License-Identifier: Apache-2.0 */
/* Listing, changing and deleting authenticators. Must never delete without asking where it can ask. */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/draft.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/text.h"

enum err authenticator_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"NAME", false}, {"TYPE", false}, {"STATUS", true}, {"SCOPES", false}, {"ID", true},
	};
	struct table *t = table_new(cli->arena, columns, ARRAY_LEN(columns));
	const struct jsonr *list;
	enum err e;

	e = lookup_list(cli, &list);
	if (e)
		return e;
	if (cli->args.json) {
		cli_put_json(cli, list);
		return ERR_OK;
	}
	for (size_t i = 0; i < jsonr_count(list); i++) {
		const struct jsonr *one = jsonr_at(list, i);
		const struct jsonr *active = jsonr_get(one, "is_active");
		bool disabled = active && !jsonr_is_true(active);
		struct table_cell cells[] = {
			{cli_text(cli, one, "name"), TONE_BOLD},
			{cli_text(cli, one, "authenticator_type"), TONE_PLAIN},
			{disabled ? "disabled" : "active", disabled ? TONE_WARN : TONE_GOOD},
			{cli_joined(cli, jsonr_get(one, "scopes")), TONE_PLAIN},
			{cli_text(cli, one, "id"), TONE_DIM},
		};

		table_row(t, cells);
	}
	if (table_count(t))
		table_write(t, cli->term.columns, cli->term.colour, &cli->out);
	else
		buf_puts(&cli->out, "No authenticator is registered in this app yet. Register one:\n"
				    "  fiber app oauth register --authenticator-config FILE\n");
	return ERR_OK;
}

static enum err check_changes(struct cli *cli)
{
	static const char *const changes[] = {
		"authenticator-config", "name",		 "scopes",    "client-id", "client-secret",
		"redirect-uri",		"authorize-url", "token-url", "enable",	   "disable",
	};

	if (args_has(&cli->args, "enable") && args_has(&cli->args, "disable"))
		return cli_usage(cli, "--enable and --disable contradict each other");
	for (size_t i = 0; i < ARRAY_LEN(changes); i++)
		if (args_has(&cli->args, changes[i]))
			return ERR_OK;
	cli_usage(cli, "nothing to change was given");
	return err_hint(&cli->ei, ERR_INVALID, "for example: %s", cli->args.command->example);
}

static enum err send_changes(struct cli *cli, struct draft *draft, const struct jsonr **ret_one)
{
	const struct jsonr *one = NULL;
	struct buf body;
	enum err e;

	buf_init(&body, DRAFT_MAX_BYTES);
	draft->client_id = args_get(&cli->args, "client-id");
	e = lookup_resolve(cli, cli->args.positional, &one);
	if (!e)
		e = cli_secret(cli, "client-secret", "New client secret: ", &draft->client_secret);
	if (!e)
		e = draft_write(cli, draft, &body);
	if (!e) {
		e = cli_call(cli, "PATCH", cli_path(cli, "/oauth/authenticators/", cli_text(cli, one, "id"), ""), &body,
			     ret_one);
		if (e)
			draft_explain(cli, draft);
	}
	buf_done(&body);
	return e;
}

enum err authenticator_update(struct cli *cli)
{
	const char *path = args_get(&cli->args, "authenticator-config");
	const struct jsonr *changed = NULL;
	struct draft draft = {0};
	enum err e;

	e = check_changes(cli);
	if (!e && path)
		e = draft_load(cli, path, &draft);
	if (!e)
		e = send_changes(cli, &draft, &changed);
	if (e)
		return e;
	if (cli->args.json) {
		cli_put_json(cli, changed);
		return ERR_OK;
	}
	lookup_note_ignored(cli, changed);
	buf_printf(&cli->out, "Updated \"%s\".\n", cli_text(cli, changed, "name"));
	lookup_put_facts(cli, changed);
	return ERR_OK;
}

enum err authenticator_delete(struct cli *cli)
{
	const struct jsonr *one, *answer = NULL;
	const char *name, *id;
	enum err e;

	e = lookup_resolve(cli, cli->args.positional, &one);
	if (e)
		return e;
	name = cli_text(cli, one, "name");
	id = cli_text(cli, one, "id");
	if (term_can_ask(&cli->term) && !args_has(&cli->args, "yes") &&
	    !term_confirm(arena_printf(cli->arena, "Delete \"%s\" (%s) and revoke its connections? [y/N] ", name, id)))
		return err_set(&cli->ei, ERR_INVALID, "nothing was deleted");
	e = cli_call(cli, "DELETE", cli_path(cli, "/oauth/authenticators/", id, ""), NULL, &answer);
	if (e)
		return e;
	if (cli->args.json && answer)
		cli_put_json(cli, answer);
	else
		buf_printf(&cli->out, "Deleted \"%s\"; its connections are revoked.\n", name);
	return ERR_OK;
}
