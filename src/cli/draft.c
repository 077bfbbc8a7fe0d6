/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a configuration together. Must never invent a value: what neither file, options,
 * environment nor person says is left out, and the server tells what is missing.
 */
#include "cli/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/file.h"

static const struct {
	const char *option;
	const char *field;
	const char *other_name; /* under which a file may hold the same */
} texts[] = {
	{"name", "name", NULL},
	{"redirect-uri", "redirect_uri", NULL},
	{"authorize-url", "authorize_url", "auth_uri"},
	{"token-url", "token_url", "token_uri"},
};

static const char *environment(const char *name, void *arg)
{
	(void)arg;
	return getenv(name);
}

static const char *member(struct cli *cli, const struct draft *draft, const char *name)
{
	struct slice text = jsonr_get_string(draft->file.object, name);

	return text.n ? arena_strndup(cli->arena, text) : NULL;
}

enum err draft_load(struct cli *cli, const char *path, struct draft *draft)
{
	struct buf text;
	enum err e;

	buf_init(&text, AUTHFILE_MAX_BYTES);
	e = file_read(path, &text, &cli->ei);
	if (!e)
		e = authfile_parse(cli->arena, path, buf_slice(&text), environment, NULL, &draft->file, &cli->ei);
	buf_done(&text);
	if (e)
		return e;
	draft->path = path;
	draft->type = member(cli, draft, "authenticator_type");
	draft->name = args_get(&cli->args, "name");
	draft->name = draft->name ? draft->name : member(cli, draft, "name");
	return ERR_OK;
}

char *draft_variable(struct arena *a, const char *type, const char *suffix)
{
	char *name = arena_printf(a, "%s%s", type, suffix);

	for (char *c = name; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - ('a' - 'A'));
		else if (!((*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
			*c = '_';
	}
	return name;
}

static const char *from_environment(struct cli *cli, const struct draft *draft, const char *suffix)
{
	const char *value = draft->type ? getenv(draft_variable(cli->arena, draft->type, suffix)) : NULL;

	return value && value[0] ? value : NULL;
}

static enum err ask(struct cli *cli, const struct draft *draft, const char *what, bool echo,
		    const struct secret **ret_secret)
{
	const char *prompt = arena_printf(cli->arena, "%s of %s%s: ", what, draft->type ? draft->type : "the app",
					  echo ? "" : " (Enter for none)");
	struct secret *line = NULL;
	enum err e = term_ask(prompt, echo, &line, &cli->ei);

	if (e)
		return e;
	secret_in_arena(cli->arena, line);
	*ret_secret = secret_length(line) ? line : NULL;
	return ERR_OK;
}

static enum err fill_id(struct cli *cli, struct draft *draft)
{
	const struct secret *typed = NULL;
	enum err e;

	draft->client_id = args_get(&cli->args, "client-id");
	if (draft->client_id || jsonr_get_string(draft->file.object, "client_id").n)
		return ERR_OK;
	draft->client_id = from_environment(cli, draft, "_CLIENT_ID");
	if (draft->client_id || !term_can_ask(&cli->term))
		return ERR_OK;
	e = ask(cli, draft, "Client id", true, &typed);
	if (!e && typed)
		draft->client_id = arena_strndup(cli->arena, secret_expose(typed));
	return e;
}

static enum err fill_secret(struct cli *cli, struct draft *draft)
{
	const char *value;
	enum err e;

	e = cli_secret(cli, "client-secret", "Client secret: ", &draft->client_secret);
	if (e || draft->client_secret || jsonr_get_string(draft->file.object, "client_secret").n)
		return e;
	value = from_environment(cli, draft, "_CLIENT_SECRET");
	if (value)
		draft->client_secret = secret_in_arena(cli->arena, secret_new(slice_from(value)));
	if (value || !term_can_ask(&cli->term))
		return ERR_OK;
	return ask(cli, draft, "Client secret", false, &draft->client_secret);
}

enum err draft_fill_credentials(struct cli *cli, struct draft *draft)
{
	enum err e = fill_id(cli, draft);

	return e ? e : fill_secret(cli, draft);
}

static enum err put_scopes(struct cli *cli, struct jsonw *w)
{
	const char *given = args_get(&cli->args, "scopes");
	struct slice rest = slice_from(given), part;
	size_t n = 0;

	if (!given)
		return ERR_OK;
	jsonw_array(w, "scopes");
	while (slice_split(&rest, ',', &part)) {
		struct slice words = part, word;

		while (slice_split(&words, ' ', &word)) {
			if (!word.n)
				continue;
			jsonw_slice(w, NULL, word);
			n++;
		}
	}
	jsonw_array_end(w);
	return n ? ERR_OK : cli_usage(cli, "--scopes holds no scope");
}

struct copying {
	struct cli *cli;
	const struct draft *draft;
	struct jsonw *w;
};

/* Whether something else than the file decides on this member. */
static bool is_overridden(const struct copying *c, const char *name)
{
	const struct args *args = &c->cli->args;
	struct slice n = slice_from(name);

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if ((slice_is(n, texts[i].field) || (texts[i].other_name && slice_is(n, texts[i].other_name))) &&
		    args_has(args, texts[i].option))
			return true;
	return (slice_is(n, "scopes") && args_has(args, "scopes")) ||
	       (slice_is(n, "client_id") && c->draft->client_id) ||
	       (slice_is(n, "client_secret") && c->draft->client_secret) ||
	       (slice_is(n, "is_active") && (args_has(args, "enable") || args_has(args, "disable"))) ||
	       (slice_is(n, "app_id") && (c->cli->app_id || !c->draft->is_new));
}

static void copy_member(const char *name, const struct jsonr *value, void *arg)
{
	struct copying *c = arg;
	struct buf text;

	if (is_overridden(c, name))
		return;
	buf_init(&text, DRAFT_MAX_BYTES);
	jsonr_dump(value, &text);
	jsonw_raw(c->w, name, buf_slice(&text));
	buf_done(&text);
}

enum err draft_write(struct cli *cli, const struct draft *draft, struct buf *out)
{
	struct jsonw w;
	struct copying c = {cli, draft, &w};
	enum err e;

	jsonw_init(&w, out);
	jsonw_object(&w, NULL);
	jsonr_each(draft->file.object, copy_member, &c);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (args_has(&cli->args, texts[i].option))
			jsonw_string(&w, texts[i].field, args_get(&cli->args, texts[i].option));
	e = put_scopes(cli, &w);
	if (draft->client_id)
		jsonw_string(&w, "client_id", draft->client_id);
	if (draft->client_secret)
		jsonw_slice(&w, "client_secret", secret_expose(draft->client_secret));
	if (args_has(&cli->args, "enable") || args_has(&cli->args, "disable"))
		jsonw_bool(&w, "is_active", args_has(&cli->args, "enable"));
	if (draft->is_new && !draft->file.object) {
		jsonw_string(&w, "authenticator_type", draft->type);
		if (!args_has(&cli->args, "name"))
			jsonw_string(&w, "name", draft->name);
	}
	if (draft->is_new && cli->app_id)
		jsonw_string(&w, "app_id", cli->app_id);
	jsonw_object_end(&w);
	if (!e && !buf_ok(out))
		e = err_set(&cli->ei, ERR_TOO_LARGE, "the configuration is larger than %zu bytes", out->max);
	return e;
}

/* The server's sentence repeats the first field; with the list below it, how many there are says more. */
static void count_fields(struct cli *cli, const struct draft *draft)
{
	const char *where = draft->path ? arena_printf(cli->arena, "%s: ", draft->path) : "";
	size_t n = cli->ei.field_count;

	if (n)
		err_set(&cli->ei, ERR_UNPROCESSABLE, "%s%zu value%s refused", where, n, n == 1 ? " is" : "s are");
}

void draft_explain(struct cli *cli, const struct draft *draft)
{
	const char *option = NULL, *suffix = NULL;

	for (size_t i = 0; i < cli->ei.field_count; i++) {
		struct errfield *f = &cli->ei.fields[i];
		unsigned line = authfile_line(&draft->file, f->name);
		char why[sizeof f->why];

		if (slice_is(slice_from(f->name), "client_id")) {
			option = "--client-id=ID";
			suffix = "_CLIENT_ID";
		} else if (slice_is(slice_from(f->name), "client_secret") && !suffix) {
			option = "--client-secret=-";
			suffix = "_CLIENT_SECRET";
		}
		if (!line)
			continue;
		snprintf(why, sizeof why, "%s", f->why);
		snprintf(f->why, sizeof f->why, "(line %u) %.180s", line, why);
	}
	count_fields(cli, draft);
	/* How to give a credential, the server can't know. */
	if (suffix && draft->is_new && draft->type)
		err_hint(&cli->ei, ERR_UNPROCESSABLE, "give %s, or %s in the environment", option,
			 draft_variable(cli->arena, draft->type, suffix));
	else if (suffix)
		err_hint(&cli->ei, ERR_UNPROCESSABLE, "give it with %s", option);
}
