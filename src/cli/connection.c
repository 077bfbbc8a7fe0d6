/* SPDX-License-Identifier: Apache-2.0 */
/* Listing connections and ending one. Must never show a status more cheerful than the server's. */
#include "cli/cli.h"

#include "base/mem.h"
#include "cli/connection.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/text.h"
#include "cli/when.h"

static enum tone tone_of(struct slice status)
{
	if (slice_is(status, "active"))
		return TONE_GOOD;
	if (slice_is(status, "expiring") || slice_is(status, "pending"))
		return TONE_WARN;
	return slice_is(status, "revoked") ? TONE_DIM : TONE_BAD;
}

static const char *status_of(struct cli *cli, const struct jsonr *one)
{
	const char *status = cli_text(cli, one, "status"), *cause = cli_text(cli, one, "cause");

	return cause[0] ? arena_printf(cli->arena, "%s (%s)", status, cause) : status;
}

static void put_row(struct cli *cli, struct table *t, const struct jsonr *one)
{
	int64_t now = clock_wall_ms(cli->clock);
	struct table_cell cells[] = {
		{cli_text(cli, one, "name"), TONE_BOLD},
		{cli_text(cli, one, "account"), TONE_PLAIN},
		{status_of(cli, one), tone_of(jsonr_get_string(one, "status"))},
		{when_of(cli->arena, jsonr_get_string(one, "expires_at"), now), TONE_PLAIN},
		{when_of(cli->arena, jsonr_get_string(one, "last_used_at"), now), TONE_PLAIN},
		{cli_text(cli, one, "id"), TONE_DIM},
	};

	table_row(t, cells);
}

/* What the user did not grant, and how to ask again. */
static void note_missing(struct cli *cli, const struct jsonr *one)
{
	const char *missing = cli_joined(cli, jsonr_get(one, "missing_scopes")), *user = args_get(&cli->args, "user");
	const char *name = lookup_shell_word(cli, cli_text(cli, one, "name"));

	if (missing[0])
		cli_note(cli, "%s was not granted %s; to ask again: fiber app oauth connect %s%s%s", cli_text(cli, one, "account"), missing, name,
			 user ? " --user " : "", user ? lookup_shell_word(cli, user) : "");
}

enum err connection_list(struct cli *cli)
{
	static const struct table_column columns[] = {
		{"NAME", false},	  {"ACCOUNT", false},	{"STATUS", false},
		{"TOKEN EXPIRES", false}, {"LAST USED", false}, {"ID", true},
	};
	struct table *t = table_new(cli->arena, columns, ARRAY_LEN(columns));
	const struct jsonr *list = NULL;
	char *path;
	enum err e;

	e = cli_app(cli);
	if (e)
		return e;
	path = cli_query(cli, arena_strdup(cli->arena, "/credentials/connections"), "app_id", cli->app_id);
	path = cli_query(cli, path, "user", args_get(&cli->args, "user"));
	path = cli_query(cli, path, "status", args_get(&cli->args, "status"));
	e = cli_call(cli, "GET", path, NULL, &list);
	if (e)
		return e;
	if (cli->args.json) {
		cli_put_json(cli, list);
		return ERR_OK;
	}
	for (size_t i = 0; i < jsonr_count(list); i++)
		put_row(cli, t, jsonr_at(list, i));
	if (table_count(t)) {
		table_write(t, cli->term.columns, cli->term.colour, &cli->out);
		for (size_t i = 0; i < jsonr_count(list); i++)
			note_missing(cli, jsonr_at(list, i));
	} else {
		buf_puts(&cli->out, "Nothing is connected. Connect an account:\n"
				    "  fiber app oauth connect REF\n");
	}
	return ERR_OK;
}

const char *connection_words(struct cli *cli, const char *command)
{
	const char *ref = lookup_shell_word(cli, text_clean(cli->arena, slice_from(cli->args.positional)));
	const char *user = args_get(&cli->args, "user");

	if (!user)
		return arena_printf(cli->arena, "fiber app oauth %s %s", command, ref);
	return arena_printf(cli->arena, "fiber app oauth %s %s --user %s", command, ref,
			    lookup_shell_word(cli, text_clean(cli->arena, slice_from(user))));
}

enum err connection_explain(struct cli *cli, enum err e)
{
	const char *connect = connection_words(cli, "connect");

	if (e == ERR_NOT_FOUND)
		return err_hint(&cli->ei, e, "\"fiber app oauth connections\" lists what there is; to make one: %s",
				connect);
	if (e == ERR_UPSTREAM_DENIED)
		return err_hint(&cli->ei, e, "the person must allow it again: %s", connect);
	return e;
}

enum err connection_disconnect(struct cli *cli)
{
	const struct jsonr *answer = NULL;
	char *path;
	enum err e;

	e = cli_app(cli);
	if (e)
		return e;
	path = cli_path(cli, "/credentials/connections/", cli->args.positional, "");
	path = cli_query(cli, path, "app_id", cli->app_id);
	path = cli_query(cli, path, "user", args_get(&cli->args, "user"));
	e = cli_call(cli, "DELETE", path, NULL, &answer);
	if (e)
		return connection_explain(cli, e);
	if (cli->args.json && answer)
		cli_put_json(cli, answer);
	else
		buf_printf(&cli->out, "Disconnected \"%s\".\n",
			   text_clean(cli->arena, slice_from(cli->args.positional)));
	return ERR_OK;
}
