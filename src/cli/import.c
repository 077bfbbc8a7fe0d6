/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What providers let a developer download, made into configurations: Google's {"web": …} and {"installed": …}, objects in
 * camelCase, our own form, and arrays of those. Must never guess a type: a file that does not tell it needs --type.
 */
#include "cli/cli.h"

#include <string.h>

#include "base/mem.h"
#include "cli/file.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/register.h"
#include "cli/text.h"

enum { ENTRIES_MAX = 100 };

/* Members under other names than ours. */
static const struct {
	const char *theirs, *ours;
} names[] = {
	{"clientId", "client_id"},		{"clientID", "client_id"},	  {"clientSecret", "client_secret"},
	{"displayName", "name"},		{"display_name", "name"},	  {"title", "name"},
	{"authorizationUrl", "authorize_url"},	{"authorizeUrl", "authorize_url"}, {"authorization_url", "authorize_url"},
	{"auth_uri", "authorize_url"},		{"tokenUrl", "token_url"},	  {"token_uri", "token_url"},
	{"redirectUri", "redirect_uri"},	{"callbackUrl", "redirect_uri"},  {"provider", "authenticator_type"},
	{"type", "authenticator_type"},		{"scope", "scopes"},
};

static const char *our_name(const char *theirs)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i].theirs, theirs) == 0)
			return names[i].ours;
	return theirs;
}

struct entry {
	struct cli *cli;
	struct jsonw *w;
	const struct jsonr *object;
	bool google; /* its template knows the addresses; the lists of origins and redirect URIs are the console's */
};

static void copy_member(const char *key, const struct jsonr *value, void *arg)
{
	static const char *const ours[] = {"name", "authenticator_type", "client_id", "client_secret", "scopes", "authorize_url", "token_url",
					   "redirect_uri", "configuration", "is_active"};
	struct entry *entry = arg;
	const char *name = our_name(key);
	bool known = false;
	struct buf text;

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		known = known || strcmp(ours[i], name) == 0;
	if (!known || (name != key && jsonr_get(entry->object, name)))
		return;
	if (entry->google && (strcmp(name, "authorize_url") == 0 || strcmp(name, "token_url") == 0))
		return;
	buf_init(&text, DRAFT_MAX_BYTES);
	jsonr_dump(value, &text);
	jsonw_raw(entry->w, name, buf_slice(&text));
	buf_done(&text);
}

/* The object that holds the client, and whether it is one of Google's downloads. */
static const struct jsonr *unwrap(const struct jsonr *entry, bool *ret_google)
{
	const struct jsonr *inner = jsonr_get(entry, "web");

	if (jsonr_type(inner) != JSONR_OBJECT)
		inner = jsonr_get(entry, "installed");
	*ret_google = jsonr_type(inner) == JSONR_OBJECT &&
		      slice_starts(jsonr_get_string(inner, "auth_uri"), "https://accounts.google.com/");
	return jsonr_type(inner) == JSONR_OBJECT ? inner : entry;
}

static const char *type_of(struct cli *cli, const struct jsonr *object, bool google)
{
	static const char *const members[] = {"authenticator_type", "provider", "type"};

	if (args_has(&cli->args, "type"))
		return args_get(&cli->args, "type");
	for (size_t i = 0; !google && i < ARRAY_LEN(members); i++)
		if (jsonr_get_string(object, members[i]).n)
			return arena_strndup(cli->arena, jsonr_get_string(object, members[i]));
	if (google)
		return "google";
	return jsonr_get_string(object, "authorize_url").n || jsonr_get_string(object, "authorizationUrl").n ? "custom" : NULL;
}

static const char *name_of(struct cli *cli, const struct jsonr *object, const char *type)
{
	static const char *const members[] = {"name", "displayName", "display_name", "title"};

	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (jsonr_get_string(object, members[i]).n)
			return arena_strndup(cli->arena, jsonr_get_string(object, members[i]));
	return register_usual_name(cli, type);
}

/* One entry of the file as a draft: an object in our own words. */
static enum err make_draft(struct cli *cli, const char *path, const struct jsonr *given, struct draft *ret_draft)
{
	struct entry entry = {.cli = cli};
	struct jsonr *parsed;
	struct buf text;
	struct jsonw w;
	struct draft d = {.path = path};
	enum err e;

	entry.object = unwrap(given, &entry.google);
	d.type = type_of(cli, entry.object, entry.google);
	if (jsonr_type(given) != JSONR_OBJECT)
		return err_set(&cli->ei, ERR_INVALID, "%s holds something that is no object", path);
	if (!d.type) {
		err_set(&cli->ei, ERR_INVALID, "%s does not say which provider it is for", path);
		return err_hint(&cli->ei, ERR_INVALID, "say it: fiber app oauth import %s --type=google", lookup_shell_word(cli, path));
	}
	d.name = name_of(cli, entry.object, d.type);
	buf_init(&text, DRAFT_MAX_BYTES);
	jsonw_init(&w, &text);
	entry.w = &w;
	jsonw_object(&w, NULL);
	jsonr_each(entry.object, copy_member, &entry);
	if (!jsonr_get(entry.object, "authenticator_type") && !jsonr_get(entry.object, "provider") && !jsonr_get(entry.object, "type"))
		jsonw_string(&w, "authenticator_type", d.type);
	if (!jsonr_get(entry.object, "name") && !jsonr_get(entry.object, "displayName") && !jsonr_get(entry.object, "display_name") &&
	    !jsonr_get(entry.object, "title"))
		jsonw_string(&w, "name", d.name);
	jsonw_object_end(&w);
	e = jsonr_parse(buf_slice(&text), text.max, &parsed, &cli->ei);
	if (!e)
		d.file.object = jsonr_in_arena(cli->arena, parsed);
	buf_done(&text);
	if (!e)
		*ret_draft = d;
	return e;
}

/* What would be registered, as the server sees it; nothing is stored. */
static enum err try_out(struct cli *cli, struct draft *draft)
{
	const struct jsonr *answer = NULL;
	struct buf body;
	enum err e;

	draft->is_new = true;
	buf_init(&body, DRAFT_MAX_BYTES);
	e = cli_app(cli);
	if (!e)
		e = draft_write(cli, draft, &body);
	if (!e)
		e = cli_call(cli, "POST", "/oauth/authenticators/validate", &body, &answer);
	buf_done(&body);
	if (e) {
		draft_explain(cli, draft);
		return e;
	}
	if (cli->args.json) {
		cli_put_json(cli, answer);
		return ERR_OK;
	}
	lookup_note_ignored(cli, answer);
	buf_printf(&cli->out, "Would register \"%s\".\n", text_clean(cli->arena, slice_from(draft->name)));
	cli_put_fact(cli, "type", text_clean(cli->arena, slice_from(draft->type)), TONE_PLAIN);
	cli_put_fact(cli, "client id", cli_text(cli, draft->file.object, "client_id"), TONE_PLAIN);
	cli_put_fact(cli, "scopes", cli_joined(cli, jsonr_get(answer, "scopes")), TONE_PLAIN);
	return ERR_OK;
}

static enum err load(struct cli *cli, const char *path, const struct jsonr **ret_doc)
{
	struct jsonr *doc;
	struct buf text;
	enum err e;

	buf_init(&text, AUTHFILE_MAX_BYTES);
	e = file_read(path, &text, &cli->ei);
	if (!e && jsonr_parse(buf_slice(&text), text.max, &doc, &cli->ei)) {
		char detail[ERRINFO_DETAIL_MAX];

		memcpy(detail, cli->ei.detail, sizeof detail);
		e = err_set(&cli->ei, ERR_INVALID, "%s is no JSON: %.300s", path, detail);
	} else if (!e) {
		*ret_doc = jsonr_in_arena(cli->arena, doc);
	}
	buf_done(&text);
	return e;
}

enum err import_file(struct cli *cli)
{
	const char *path = cli->args.positional;
	bool dry_run = args_has(&cli->args, "dry-run");
	const struct jsonr *doc = NULL;
	enum err e = load(cli, path, &doc);
	size_t n;

	if (e)
		return e;
	n = jsonr_type(doc) == JSONR_ARRAY ? jsonr_count(doc) : 1;
	if (n == 0 || n > ENTRIES_MAX)
		return err_set(&cli->ei, ERR_INVALID, "%s holds %zu entries; 1 to %d can be taken at once", path, n, ENTRIES_MAX);
	for (size_t i = 0; !e && i < n; i++) {
		struct draft draft;

		e = make_draft(cli, path, jsonr_type(doc) == JSONR_ARRAY ? jsonr_at(doc, i) : doc, &draft);
		if (!e)
			e = dry_run ? try_out(cli, &draft) : register_draft(cli, &draft);
		if (!e && i + 1 < n && !cli->args.json)
			buf_putc(&cli->out, '\n');
	}
	return e;
}
