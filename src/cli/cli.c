/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all commands share. Must never put a text that came from outside into the output without
 * cleaning it, and never leave output in a buffer that isn't wiped.
 */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/encode.h"
#include "base/mem.h"
#include "base/url.h"
#include "cli/appdir.h"
#include "cli/file.h"
#include "cli/text.h"

enum { PATH_MAX_BYTES = 8192, FACT_COLUMN = 14 };

enum err cli_usage(struct cli *cli, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(cli->ei.detail, sizeof cli->ei.detail, format, args);
	va_end(args);
	cli->usage = true;
	return ERR_INVALID;
}

static enum err in_file(struct cli *cli, enum err e)
{
	char detail[ERRINFO_DETAIL_MAX];

	if (!e)
		return ERR_OK;
	snprintf(detail, sizeof detail, "%s", cli->ei.detail);
	return err_set(&cli->ei, ERR_CONFIG, "%s: %.300s", cli->instance.path, detail);
}

enum err cli_open(struct cli *cli)
{
	const char *home, *root = NULL;
	struct client_args args;
	enum err e;

	if (cli->client)
		return ERR_OK;
	e = instance_home(cli->arena, &home, &cli->ei);
	if (!e)
		e = instance_load(cli->arena, home, args_get(&cli->args, "to-instance"), &cli->instance, &cli->ei);
	if (e)
		return e;
	if (file_is_open_to_others(cli->instance.path))
		cli_note(cli, "%s holds a key and others may read it; chmod 600 it", cli->instance.path);
	e = in_file(cli, instance_check_url(cli->arena, cli->instance.base_url, &root, &cli->ei));
	if (!e)
		e = in_file(cli, instance_check_key(cli->instance.api_key, &cli->ei));
	if (e)
		return e;
	args = (struct client_args){
		.root = root,
		.instance = cli->instance.name,
		.key = cli->instance.api_key,
		.verbose = cli->verbose,
	};
	return client_new(&args, &cli->client, &cli->ei);
}

/* Both said, and differently: acting on the wrong app would be worse than asking back. */
static enum err contradiction(struct cli *cli, const struct appdir *app, const char *given)
{
	cli_usage(cli, "--app-id says %s, but %s says %s", given, app->path, app->app_id);
	return err_hint(&cli->ei, ERR_INVALID, "leave out --app-id, or name another directory with --app-dir");
}

enum err cli_app(struct cli *cli)
{
	const char *dir = args_get(&cli->args, "app-dir"), *given = args_get(&cli->args, "app-id");
	struct appdir app;
	enum err e;

	if (cli->app_known)
		return ERR_OK;
	e = cli_open(cli);
	if (!e)
		e = appdir_find(cli->arena, dir ? dir : ".", cli->instance.name, &app, &cli->ei);
	if (e)
		return e;
	if (app.app_id && given && strcmp(app.app_id, given) != 0)
		return contradiction(cli, &app, given);
	if (dir && !app.app_id && !given)
		cli_note(cli,
			 "%s names no app of the instance \"%s\"; taking the app \"default\" (\"fiber app init\" makes "
			 "one)",
			 dir, cli->instance.name);
	cli->app_id = app.app_id ? app.app_id : given;
	cli->app_known = true;
	return ERR_OK;
}

char *cli_path(struct cli *cli, const char *before, const char *ref, const char *after)
{
	struct buf path;
	char *text;

	buf_init(&path, PATH_MAX_BYTES);
	buf_puts(&path, before);
	encode_percent(&path, slice_from(ref));
	buf_puts(&path, after);
	text = arena_strndup(cli->arena, buf_slice(&path));
	buf_done(&path);
	return text;
}

char *cli_query(struct cli *cli, char *path, const char *name, const char *value)
{
	bool first = !strchr(path, '?');
	struct buf longer;
	char *text;

	if (!value)
		return path;
	buf_init(&longer, PATH_MAX_BYTES);
	buf_puts(&longer, path);
	url_put_param(&longer, &first, name, slice_from(value));
	text = arena_strndup(cli->arena, buf_slice(&longer));
	buf_done(&longer);
	return text;
}

enum err cli_call(struct cli *cli, const char *method, const char *path, const struct buf *body,
		  const struct jsonr **ret_doc)
{
	struct client_call call = {.method = method, .path = path, .body = body};
	struct jsonr *doc = NULL;
	enum err e;

	e = cli_open(cli);
	if (!e)
		e = client_call(cli->client, &call, &doc, &cli->ei);
	if (e)
		return e;
	*ret_doc = doc ? jsonr_in_arena(cli->arena, doc) : NULL;
	return ERR_OK;
}

enum err cli_secret(struct cli *cli, const char *option, const char *prompt, const struct secret **ret_secret)
{
	const struct secret *given = args_secret(&cli->args, option);
	struct secret *line = NULL;
	enum err e = ERR_OK;

	if (secret_equal(given, SLICE_LIT("-"))) {
		e = term_can_ask(&cli->term) ? term_ask(prompt, false, &line, &cli->ei)
					     : term_read_line(&line, &cli->ei);
		given = line ? secret_in_arena(cli->arena, line) : NULL;
		if (!e && secret_length(given) == 0)
			e = err_set(&cli->ei, ERR_INVALID, "--%s=- read an empty line", option);
	}
	if (!e)
		*ret_secret = given;
	return e;
}

const char *cli_text(struct cli *cli, const struct jsonr *obj, const char *name)
{
	struct slice text = jsonr_get_string(obj, name);

	return text.p ? text_clean(cli->arena, text) : "";
}

const char *cli_joined(struct cli *cli, const struct jsonr *array)
{
	const char *all = "";

	for (size_t i = 0; i < jsonr_count(array); i++) {
		struct slice one = jsonr_string(jsonr_at(array, i));

		if (one.p)
			all = arena_printf(cli->arena, "%s%s%s", all, all[0] ? ", " : "", text_clean(cli->arena, one));
	}
	return all;
}

void cli_put_json(struct cli *cli, const struct jsonr *doc)
{
	struct buf text;

	buf_init(&text, cli->out.max);
	jsonr_dump(doc, &text);
	text_put_json(&cli->out, buf_slice(&text));
	buf_putc(&cli->out, '\n');
	buf_done(&text);
}

void cli_put_fact(struct cli *cli, const char *name, const char *text, enum tone tone)
{
	table_put_fact(&cli->out, name, FACT_COLUMN, (struct table_cell){text, tone}, cli->term.colour);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
	va_list args;
	struct buf clean;
	char line[1024];

	if (cli->args.json)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	buf_init(&clean, 4 * sizeof line);
	text_put_clean(&clean, slice_from(line));
	fprintf(stderr, "note: %s\n", buf_cstr(&clean));
	buf_done(&clean);
}

bool cli_flush(struct cli *cli)
{
	bool written = true;

	while (written && cli->out.n) {
		ssize_t n = write(STDOUT_FILENO, cli->out.p, cli->out.n);

		if (n > 0)
			buf_consume(&cli->out, (size_t)n);
		else
			written = n < 0 && errno == EINTR;
	}
	buf_reset(&cli->out);
	return written;
}
