/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fiber app oauth token`: the one command whose output is a secret. It appears only where the person
 * asked for it: in a pipe or file, or with --show. A terminal keeps what it shows in its scroll-back,
 * so there it stays hidden otherwise.
 */
#include "cli/cli.h"

#include "cli/connection.h"
#include "cli/handlers.h"
#include "cli/text.h"
#include "cli/when.h"

static enum err read_answer(struct cli *cli, const struct jsonr **ret_doc)
{
	const char *min_ttl = args_get(&cli->args, "min-ttl");
	uint64_t seconds;
	char *path;
	enum err e;

	if (min_ttl && !slice_to_u64(slice_from(min_ttl), 86400, &seconds)) {
		cli_usage(cli, "--min-ttl is \"%s\", which is no number of seconds up to 86400", min_ttl);
		return err_hint(&cli->ei, ERR_INVALID, "for example --min-ttl=300");
	}
	e = cli_app(cli);
	if (e)
		return e;
	path = cli_path(cli, "/credentials/connections/", cli->args.positional, "/token");
	path = cli_query(cli, path, "app_id", cli->app_id);
	path = cli_query(cli, path, "user", args_get(&cli->args, "user"));
	path = cli_query(cli, path, "min_ttl", min_ttl);
	e = cli_call(cli, "GET", path, NULL, ret_doc);
	if (e)
		return connection_explain(cli, e);
	if (jsonr_get_string(*ret_doc, "access_token").n == 0)
		return err_set(&cli->ei, ERR_INTERNAL, "the server's answer holds no access token");
	return ERR_OK;
}

/* The answer without the token's value. */
static void put_hidden(const char *key, const struct jsonr *value, void *arg)
{
	struct jsonw *w = arg;
	struct buf text;

	if (slice_is(slice_from(key), "access_token")) {
		jsonw_string(w, key, "****");
		return;
	}
	buf_init(&text, 65536);
	jsonr_dump(value, &text);
	jsonw_raw(w, key, buf_slice(&text));
	buf_done(&text);
}

static void put_json(struct cli *cli, const struct jsonr *doc, bool shown)
{
	struct buf text;
	struct jsonw w;

	if (shown) {
		cli_put_json(cli, doc);
		return;
	}
	buf_init(&text, cli->out.max);
	jsonw_init(&w, &text);
	jsonw_object(&w, NULL);
	jsonr_each(doc, put_hidden, &w);
	jsonw_object_end(&w);
	text_put_json(&cli->out, buf_slice(&text));
	buf_putc(&cli->out, '\n');
	buf_done(&text);
}

static void put_facts(struct cli *cli, const struct jsonr *doc, bool shown)
{
	struct slice expires = jsonr_get_string(doc, "expires_at");
	const char *ends = expires.p ? when_of(cli->arena, expires, clock_wall_ms(cli->clock))
				     : "not told by the provider";

	cli_put_fact(cli, "access token", shown ? cli_text(cli, doc, "access_token") : "****  (--show shows it)",
		     shown ? TONE_BOLD : TONE_DIM);
	cli_put_fact(cli, "type", cli_text(cli, doc, "token_type"), TONE_PLAIN);
	cli_put_fact(cli, "expires", ends, TONE_PLAIN);
	cli_put_fact(cli, "scopes", cli_joined(cli, jsonr_get(doc, "scopes")), TONE_PLAIN);
	cli_put_fact(cli, "fingerprint", cli_text(cli, doc, "fingerprint"), TONE_PLAIN);
}

enum err token_read(struct cli *cli)
{
	bool shown = !cli->term.out_tty || args_has(&cli->args, "show");
	const struct jsonr *doc = NULL;
	enum err e;

	e = read_answer(cli, &doc);
	if (e)
		return e;
	if (cli->args.json)
		put_json(cli, doc, shown);
	else if (cli->term.out_tty)
		put_facts(cli, doc, shown);
	else
		buf_printf(&cli->out, "%s\n", cli_text(cli, doc, "access_token"));
	return ERR_OK;
}
