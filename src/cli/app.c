/* SPDX-License-Identifier: Apache-2.0 */
/* `fiber app init`: makes an app and ties a directory to it. Must never make a second app for the same directory. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

#include "cli/appdir.h"
#include "cli/handlers.h"
#include "cli/text.h"

/* The directory's own name. */
static const char *name_of(struct cli *cli, const char *dir)
{
	char *real = realpath(dir, NULL);
	const char *slash = real ? strrchr(real, '/') : NULL;
	const char *name = slash && slash[1] ? arena_strdup(cli->arena, slash + 1) : "app";

	free(real);
	return name;
}

/* The directory has its app already: it is told, after making sure that the server knows it. */
static enum err known_app(struct cli *cli, const struct appdir *app)
{
	const struct jsonr *doc = NULL;
	enum err e;

	e = cli_call(cli, "GET", cli_path(cli, "/apps/", app->app_id, ""), NULL, &doc);
	if (e == ERR_NOT_FOUND) {
		err_set(&cli->ei, e, "%s names the app %s, which the instance \"%s\" doesn't have", app->path,
			app->app_id, cli->instance.name);
		return err_hint(&cli->ei, e, "delete that file to make a new app, or choose the right --to-instance");
	}
	if (e)
		return e;
	if (cli->args.json) {
		cli_put_json(cli, doc);
		return ERR_OK;
	}
	buf_printf(&cli->out, "This directory already has the app \"%s\".\n", cli_text(cli, doc, "name"));
	cli_put_fact(cli, "app id", text_clean(cli->arena, slice_from(app->app_id)), TONE_PLAIN);
	cli_put_fact(cli, "file", app->path, TONE_PLAIN);
	return ERR_OK;
}

static enum err make_app(struct cli *cli, const char *name, const struct jsonr **ret_doc)
{
	struct buf body;
	struct jsonw w;
	enum err e;

	buf_init(&body, 4096);
	jsonw_init(&w, &body);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "name", name);
	jsonw_object_end(&w);
	e = buf_ok(&body) ? cli_call(cli, "POST", "/apps", &body, ret_doc) : cli_usage(cli, "--name is too long");
	buf_done(&body);
	return e;
}

enum err app_init(struct cli *cli)
{
	const char *dir = args_get(&cli->args, "app-dir"), *name = args_get(&cli->args, "name"), *path, *id;
	const struct jsonr *doc = NULL;
	struct appdir app;
	enum err e;

	dir = dir ? dir : ".";
	e = cli_open(cli);
	if (!e)
		e = appdir_find(cli->arena, dir, cli->instance.name, &app, &cli->ei);
	if (e)
		return e;
	if (app.app_id)
		return known_app(cli, &app);
	name = name ? name : name_of(cli, dir);
	e = make_app(cli, name, &doc);
	if (e)
		return e;
	id = cli_text(cli, doc, "app_id");
	id = id[0] ? id : cli_text(cli, doc, "id");
	if (!id[0])
		return err_set(&cli->ei, ERR_INTERNAL, "the server made the app but didn't tell its id");
	e = appdir_save(cli->arena, dir, cli->instance.name, id, name, &path, &cli->ei);
	if (e)
		return err_hint(&cli->ei, e, "the app %s was made; name it with --app-id", id);
	if (cli->args.json) {
		cli_put_json(cli, doc);
		return ERR_OK;
	}
	buf_printf(&cli->out, "Made the app \"%s\" at \"%s\".\n", text_clean(cli->arena, slice_from(name)),
		   text_clean(cli->arena, slice_from(cli->instance.name)));
	cli_put_fact(cli, "app id", id, TONE_PLAIN);
	cli_put_fact(cli, "file", path, TONE_PLAIN);
	buf_puts(&cli->out, "\nNext: fiber app oauth register --authenticator-config FILE\n");
	return ERR_OK;
}
