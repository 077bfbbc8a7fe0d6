/* SPDX-License-Identifier: Apache-2.0 */
/* Finding authenticators by what a person calls them. Must never pick one of several. */
#include "cli/lookup.h"

#include <string.h>

#include "cli/text.h"

enum err lookup_list(struct cli *cli, const struct jsonr **ret_list)
{
	const struct jsonr *list = NULL;
	char *path;
	enum err e;

	e = cli_app(cli);
	if (e)
		return e;
	path = arena_strdup(cli->arena, "/oauth/authenticators?include_disabled=true");
	e = cli_call(cli, "GET", cli_query(cli, path, "app_id", cli->app_id), NULL, &list);
	if (e)
		return e;
	if (jsonr_type(list) != JSONR_ARRAY)
		return err_set(&cli->ei, ERR_INTERNAL, "the server's list of authenticators is no list");
	*ret_list = list;
	return ERR_OK;
}

static const char *const keys[] = {"id", "authenticator_id", "name", "authenticator_type"};

static bool matches(const struct jsonr *one, size_t key, const char *ref)
{
	struct slice value = jsonr_get_string(one, keys[key]);

	return value.p && (key < 2 ? slice_is(value, ref) : slice_is_nocase(value, ref));
}

enum err lookup_by_name(struct cli *cli, const char *name, const struct jsonr **ret_one)
{
	const struct jsonr *list, *found = NULL;
	enum err e = lookup_list(cli, &list);

	for (size_t i = 0; !e && i < jsonr_count(list) && !found; i++)
		if (matches(jsonr_at(list, i), 2, name))
			found = jsonr_at(list, i);
	if (!e)
		*ret_one = found;
	return e;
}

static enum err unknown(struct cli *cli, const struct jsonr *list, const char *ref)
{
	const char *known = "";

	for (size_t i = 0; i < jsonr_count(list); i++)
		known = arena_printf(cli->arena, "%s%s%s", known, known[0] ? ", " : "",
				     cli_text(cli, jsonr_at(list, i), "name"));
	err_set(&cli->ei, ERR_NOT_FOUND, "the app %s has no authenticator \"%s\"",
		cli->app_id ? cli->app_id : "\"default\"", ref);
	if (known[0])
		return err_hint(&cli->ei, ERR_NOT_FOUND, "it has: %s", known);
	return err_hint(&cli->ei, ERR_NOT_FOUND,
			"it has none yet: fiber app oauth register --authenticator-config FILE");
}

static enum err ambiguous(struct cli *cli, const struct jsonr *list, size_t key, const char *ref)
{
	const char *ids = "";

	for (size_t i = 0; i < jsonr_count(list); i++) {
		const struct jsonr *one = jsonr_at(list, i);

		if (matches(one, key, ref))
			ids = arena_printf(cli->arena, "%s%s%s (%s)", ids, ids[0] ? ", " : "", cli_text(cli, one, "id"),
					   cli_text(cli, one, "name"));
	}
	err_code(&cli->ei, ERR_CONFLICT, "ambiguous");
	err_set(&cli->ei, ERR_CONFLICT, "\"%s\" means more than one authenticator", ref);
	return err_hint(&cli->ei, ERR_CONFLICT, "say which by its id: %s", ids);
}

enum err lookup_resolve(struct cli *cli, const char *ref, const struct jsonr **ret_one)
{
	const struct jsonr *list;
	enum err e = lookup_list(cli, &list);

	for (size_t key = 0; !e && key < sizeof keys / sizeof *keys; key++) {
		const struct jsonr *found = NULL;
		size_t n = 0;

		for (size_t i = 0; i < jsonr_count(list); i++)
			if (matches(jsonr_at(list, i), key, ref)) {
				found = jsonr_at(list, i);
				n++;
			}
		if (n > 1)
			return ambiguous(cli, list, key, ref);
		if (n && !cli_text(cli, found, "id")[0])
			return err_set(&cli->ei, ERR_INTERNAL, "the server lists \"%s\" without an id", ref);
		if (n) {
			*ret_one = found;
			return ERR_OK;
		}
	}
	return e ? e : unknown(cli, list, ref);
}

void lookup_put_facts(struct cli *cli, const struct jsonr *one)
{
	const struct jsonr *active = jsonr_get(one, "is_active");

	cli_put_fact(cli, "id", cli_text(cli, one, "id"), TONE_PLAIN);
	cli_put_fact(cli, "type", cli_text(cli, one, "authenticator_type"), TONE_PLAIN);
	if (active && !jsonr_is_true(active))
		cli_put_fact(cli, "status", "disabled", TONE_WARN);
	cli_put_fact(cli, "scopes", cli_joined(cli, jsonr_get(one, "scopes")), TONE_PLAIN);
	cli_put_fact(cli, "redirect URI", cli_text(cli, one, "redirect_uri"), TONE_PLAIN);
	cli_put_fact(cli, "app", cli_text(cli, one, "app_id"), TONE_PLAIN);
}

void lookup_note_ignored(struct cli *cli, const struct jsonr *answer)
{
	const struct jsonr *warnings = jsonr_get(answer, "warnings");
	const char *ignored = cli_joined(cli, jsonr_get(answer, "ignored"));

	if (ignored[0])
		cli_note(cli, "the server doesn't know and ignored: %s", ignored);
	for (size_t i = 0; i < jsonr_count(warnings); i++) {
		struct slice text = jsonr_string(jsonr_at(warnings, i));

		if (text.p)
			cli_note(cli, "%s", text_clean(cli->arena, text));
	}
}

const char *lookup_shell_word(struct cli *cli, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@:/,+=";
	struct buf quoted;
	const char *word;

	if (name[0] && name[0] != '-' && strspn(name, plain) == strlen(name))
		return name;
	buf_init(&quoted, 4096);
	buf_putc(&quoted, '\'');
	for (const char *c = name; *c; c++)
		buf_puts(&quoted, *c == '\'' ? "'\\''" : (char[]){*c, '\0'});
	buf_putc(&quoted, '\'');
	word = arena_strndup(cli->arena, buf_slice(&quoted));
	buf_done(&quoted);
	return word;
}
