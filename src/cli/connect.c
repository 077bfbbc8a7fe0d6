/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fiber app oauth connect`: makes a link, shows it, and waits until the person behind the browser is
 * done. Must never wait longer than the link lives.
 */
#include "cli/cli.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cli/browser.h"
#include "cli/connection.h"
#include "cli/handlers.h"
#include "cli/text.h"
#include "cli/when.h"

enum { POLL_MS = 1000, LINK_LIFE_MS = 10 * 60 * 1000, GRACE_MS = 10 * 60 * 1000, TROUBLES_MAX = 5 };

struct link {
	const struct jsonr *made; /* the server's answer */
	const char *id, *url;
	int64_t expires_at;
};

static enum err make_link(struct cli *cli, struct link *link)
{
	const char *user = args_get(&cli->args, "user"), *account = args_get(&cli->args, "expect-account");
	struct buf body;
	struct jsonw w;
	enum err e;

	buf_init(&body, 16384);
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "authenticator", cli->args.positional);
	if (user)
		jsonw_string(&w, "user", user);
	if (account)
		jsonw_string(&w, "expect_account", account);
	if (cli->app_id)
		jsonw_string(&w, "app_id", cli->app_id);
	jsonw_object_end(&w);
	e = buf_ok(&body) ? cli_call(cli, "POST", "/credentials/connect-links", &body, &link->made)
			  : cli_usage(cli, "REF or a value is too long");
	buf_done(&body);
	if (e)
		return e;
	link->id = cli_text(cli, link->made, "id");
	link->url = cli_text(cli, link->made, "url");
	if (!link->id[0] || !link->url[0])
		return err_set(&cli->ei, ERR_INTERNAL, "the server made a link but didn't tell it");
	if (!when_parse(jsonr_get_string(link->made, "expires_at"), &link->expires_at))
		link->expires_at = clock_wall_ms(cli->clock) + LINK_LIFE_MS;
	return ERR_OK;
}

static void show_link(struct cli *cli, const struct link *link)
{
	if (cli->args.json) {
		cli_put_json(cli, link->made);
		return;
	}
	if (!cli->term.out_tty) {
		buf_printf(&cli->out, "%s\n", link->url);
		return;
	}
	buf_puts(&cli->out, "Open this link and allow the access (it works once, and ends ");
	buf_printf(&cli->out, "%s):\n\n  ", when_text(cli->arena, link->expires_at, clock_wall_ms(cli->clock)));
	table_put_toned(&cli->out, TONE_BOLD, link->url, cli->term.colour);
	buf_puts(&cli->out, "\n\n");
}

static void show_progress(const struct cli *cli, const struct link *link, bool opened)
{
	int64_t left_s = (link->expires_at - clock_wall_ms(cli->clock)) / 1000;

	if (!cli->term.err_tty || cli->args.json || cli->verbose)
		return;
	fprintf(stderr, "\r\033[K%s, %lld:%02lld left",
		opened ? "opened; waiting for the provider" : "waiting for the link to be opened",
		(long long)(left_s > 0 ? left_s / 60 : 0), (long long)(left_s > 0 ? left_s % 60 : 0));
	fflush(stderr);
}

static void end_progress(const struct cli *cli)
{
	if (cli->term.err_tty && !cli->args.json && !cli->verbose)
		fprintf(stderr, "\r\033[K");
}

static enum err expired(struct cli *cli, const struct link *link)
{
	err_code(&cli->ei, ERR_TIMEOUT, "expired");
	err_set(&cli->ei, ERR_TIMEOUT, "the link %s ended before the account was connected", link->id);
	return err_hint(&cli->ei, ERR_TIMEOUT, "make a new one: %s", connection_words(cli, "connect"));
}

/* Why it failed, from whichever of its fields the server filled in. */
static enum err failed(struct cli *cli, const struct jsonr *state)
{
	static const char *const whys[] = {"error_description", "error"};
	const char *why = "", *code = cli_text(cli, state, "error");

	for (size_t i = 0; i < sizeof whys / sizeof *whys && !why[0]; i++)
		why = cli_text(cli, state, whys[i]);
	if (code[0] && strlen(code) < ERRINFO_CODE_MAX)
		err_code(&cli->ei, ERR_UPSTREAM_DENIED, code);
	err_set(&cli->ei, ERR_UPSTREAM_DENIED, "the account was not connected: %s",
		why[0] ? why : "the server doesn't say why");
	return err_hint(&cli->ei, ERR_UPSTREAM_DENIED, "try again: %s", connection_words(cli, "connect"));
}

/* A hiccup while polling is no reason to give up: the person may be in the middle of it. */
static bool may_pass(enum err e)
{
	return e == ERR_UPSTREAM_DOWN || e == ERR_TIMEOUT || e == ERR_BUSY || e == ERR_STORE || e == ERR_LIMIT;
}

static enum err wait_for_it(struct cli *cli, const struct link *link, const struct jsonr **ret_state)
{
	char *path = cli_path(cli, "/credentials/connect-links/", link->id, "");
	unsigned troubles = 0;
	bool opened = false;

	for (;;) {
		const struct jsonr *state = NULL;
		enum err e = cli_call(cli, "GET", path, NULL, &state);
		struct slice status = jsonr_get_string(state, "status");

		if (e == ERR_NOT_FOUND && clock_wall_ms(cli->clock) >= link->expires_at)
			return expired(cli, link);
		if (e && (!may_pass(e) || ++troubles > TROUBLES_MAX))
			return e;
		if (!e) {
			troubles = 0;
			*ret_state = state;
		}
		if (slice_is(status, "connected"))
			return ERR_OK;
		if (slice_is(status, "failed"))
			return failed(cli, state);
		opened = opened || slice_is(status, "opened");
		if (clock_wall_ms(cli->clock) > link->expires_at + (opened ? GRACE_MS : 0))
			return expired(cli, link);
		show_progress(cli, link, opened);
		poll(NULL, 0, POLL_MS);
	}
}

/* The connection that came of it; NULL when the list doesn't tell, which is no failure. */
static const struct jsonr *find_connection(struct cli *cli, struct slice id)
{
	char *path = cli_query(cli, arena_strdup(cli->arena, "/credentials/connections"), "app_id", cli->app_id);
	const struct jsonr *list = NULL;
	enum err e;

	path = cli_query(cli, path, "user", args_get(&cli->args, "user"));
	e = id.n ? cli_call(cli, "GET", path, NULL, &list) : ERR_NOT_FOUND;
	for (size_t i = 0; !e && i < jsonr_count(list); i++)
		if (slice_eq(jsonr_get_string(jsonr_at(list, i), "id"), id))
			return jsonr_at(list, i);
	err_clear(&cli->ei);
	return NULL;
}

static void show_result(struct cli *cli, const struct jsonr *state)
{
	const struct jsonr *made = find_connection(cli, jsonr_get_string(state, "connection_id"));
	const char *account = cli_text(cli, made, "account"),
		   *missing = cli_joined(cli, jsonr_get(made, "missing_scopes"));
	const char *ref = text_clean(cli->arena, slice_from(cli->args.positional));

	if (cli->args.json) {
		cli_put_json(cli, made ? made : state);
		return;
	}
	if (slice_is(jsonr_get_string(made, "status"), "pending")) {
		buf_puts(&cli->out, "The account is there, and waits for your backend to confirm the link.\n");
		return;
	}
	table_put_toned(&cli->out, TONE_GOOD, "Connected", cli->term.colour);
	buf_printf(&cli->out, " %s%s%s.\n", ref, account[0] ? " as " : "", account);
	cli_put_fact(cli, "connection", cli_text(cli, state, "connection_id"), TONE_PLAIN);
	if (made)
		cli_put_fact(cli, "scopes", cli_joined(cli, jsonr_get(made, "scopes")), TONE_PLAIN);
	if (missing[0])
		cli_put_fact(cli, "not granted", missing, TONE_WARN);
	if (cli->term.out_tty)
		buf_printf(&cli->out, "\nNext: %s\n", connection_words(cli, "token"));
}

enum err connect_account(struct cli *cli)
{
	const struct jsonr *state = NULL;
	struct link link = {0};
	const char *page = NULL;
	enum err e;

	e = cli_app(cli);
	if (!e)
		e = make_link(cli, &link);
	if (e)
		return e;
	show_link(cli, &link);
	/* Whoever reads a pipe needs the link now, not when it was used. */
	if (args_has(&cli->args, "no-wait") || !cli_flush(cli))
		return ERR_OK;
	if (cli->term.desktop && !args_has(&cli->args, "no-browser"))
		browser_open(cli->arena, link.url, &page);
	e = wait_for_it(cli, &link, &state);
	end_progress(cli);
	browser_forget(page);
	if (!e)
		show_result(cli, state);
	return e;
}
