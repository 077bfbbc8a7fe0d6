/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fiber doctor`: looks at everything that has to fit, in the order in which it is needed, and says what to mend. Must never stop
 * at the first trouble when what comes after can still be looked at, and never change anything.
 */
#include "cli/cli.h"

#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "cli/file.h"
#include "cli/handlers.h"
#include "cli/lookup.h"
#include "cli/text.h"

enum finding { FINE, ODD, BROKEN };
enum { SKEW_MAX_S = 30 };

struct doctor {
	struct cli *cli;
	struct jsonw *w; /* for --json */
	unsigned odd, broken;
};

/* One thing that was looked at; `mend` NULL for what is fine. */
static void find(struct doctor *d, enum finding finding, const char *what, const char *mend)
{
	static const struct {
		const char *word, *mark;
		enum tone tone;
	} shown[] = {{"ok", "ok     ", TONE_GOOD}, {"warning", "look at", TONE_WARN}, {"problem", "mend   ", TONE_BAD}};
	struct cli *cli = d->cli;

	d->odd += finding == ODD;
	d->broken += finding == BROKEN;
	if (cli->args.json) {
		jsonw_object(d->w, NULL);
		jsonw_string(d->w, "finding", shown[finding].word);
		jsonw_string(d->w, "what", what);
		jsonw_string(d->w, "mend", mend);
		jsonw_object_end(d->w);
		return;
	}
	table_put_toned(&cli->out, shown[finding].tone, shown[finding].mark, cli->term.colour);
	buf_printf(&cli->out, "  %s\n", what);
	if (mend)
		buf_printf(&cli->out, "         %s\n", mend);
	cli_flush(cli); /* the next look may take a while */
}

/* An error of a step as a finding. */
static void find_error(struct doctor *d, const char *what)
{
	struct cli *cli = d->cli;

	find(d, BROKEN, arena_printf(cli->arena, "%s: %s", what, cli->ei.detail),
	     cli->ei.hint[0] ? arena_strdup(cli->arena, cli->ei.hint) : "see the server's log");
	err_clear(&cli->ei);
}

static bool look_at_instance(struct doctor *d)
{
	struct cli *cli = d->cli;

	if (cli_open(cli)) {
		find_error(d, "instance");
		return false;
	}
	find(d, FINE, arena_printf(cli->arena, "instance \"%s\" (%s), in %s", text_clean(cli->arena, slice_from(cli->instance.name)),
				   text_clean(cli->arena, slice_from(cli->instance.base_url)), cli->instance.path), NULL);
	if (file_is_open_to_others(cli->instance.path))
		find(d, BROKEN, "its file, which holds the API key, can be read by others",
		     arena_printf(cli->arena, "chmod 600 %s", lookup_shell_word(cli, cli->instance.path)));
	return true;
}

static bool look_at_server(struct doctor *d)
{
	struct cli *cli = d->cli;
	const struct jsonr *health = NULL, *ready = NULL;
	int64_t skew_s;

	if (cli_call(cli, "GET", "/health", NULL, &health)) {
		find_error(d, "server");
		return false;
	}
	find(d, FINE, arena_printf(cli->arena, "the server answers, version %s", cli_text(cli, health, "version")), NULL);
	if (cli_call(cli, "GET", "/ready", NULL, &ready))
		find_error(d, "database");
	else
		find(d, FINE, "its database answers", NULL);
	if (!client_clock_skew(cli->client, clock_wall_ms(cli->clock), &skew_s))
		return true;
	if (skew_s > SKEW_MAX_S || skew_s < -SKEW_MAX_S)
		find(d, ODD, arena_printf(cli->arena, "the server's clock is %lld s %s this machine's", (long long)(skew_s < 0 ? -skew_s : skew_s),
					  skew_s < 0 ? "behind" : "ahead of"),
		     "set both by NTP: tokens and sign-ins live by the clock");
	else
		find(d, FINE, "the clocks agree", NULL);
	return true;
}

static bool look_at_key(struct doctor *d)
{
	struct cli *cli = d->cli;
	const struct jsonr *profile = NULL;

	if (cli_call(cli, "GET", "/user/profile", NULL, &profile)) {
		find_error(d, "API key");
		return false;
	}
	find(d, FINE, arena_printf(cli->arena, "the key is valid; it speaks for %s", cli_text(cli, profile, "name")), NULL);
	return true;
}

/* The server's own address, by which users come, against what an authenticator tells its provider. */
static void look_at_redirect(struct doctor *d, const struct jsonr *one, const char *name)
{
	struct cli *cli = d->cli;
	const char *redirect = cli_text(cli, one, "redirect_uri"), *root = NULL;
	struct url base, to;

	if (instance_check_url(cli->arena, cli->instance.base_url, &root, NULL) || url_parse(slice_from(root), &base, NULL) ||
	    url_parse(slice_from(redirect), &to, NULL))
		return;
	if (!url_same_origin(&base, &to) && !(url_is_loopback(&base) && url_is_loopback(&to)))
		find(d, ODD, arena_printf(cli->arena, "\"%s\" sends users back to %s, not to %s", name, redirect, root),
		     "fine when that address passes them on to this server; else let the redirect URI be the server's own");
	else
		find(d, FINE, arena_printf(cli->arena, "\"%s\": the provider's console must list %s", name, redirect), NULL);
}

static void look_at_authenticator(struct doctor *d, const struct jsonr *one)
{
	struct cli *cli = d->cli;
	const char *name = cli_text(cli, one, "name"), *status = cli_text(cli, one, "status");

	if (strcmp(status, "paused") == 0)
		find(d, BROKEN, arena_printf(cli->arena, "\"%s\" is paused: its provider refuses the client id or secret", name),
		     arena_printf(cli->arena, "compare them with the provider's console, then: fiber app oauth update %s --client-secret=-",
				  lookup_shell_word(cli, name)));
	else if (strcmp(status, "disabled") == 0)
		find(d, ODD, arena_printf(cli->arena, "\"%s\" is switched off", name),
		     arena_printf(cli->arena, "fiber app oauth update %s --enable", lookup_shell_word(cli, name)));
	else
		look_at_redirect(d, one, name);
}

static void look_at_authenticators(struct doctor *d)
{
	struct cli *cli = d->cli;
	const struct jsonr *list = NULL;

	if (lookup_list(cli, &list)) {
		find_error(d, "authenticators");
		return;
	}
	if (jsonr_count(list) == 0)
		find(d, ODD, arena_printf(cli->arena, "the app %s has no authenticator yet", cli->app_id ? cli->app_id : "\"default\""),
		     "fiber register-authenticator google --client-id=ID --client-secret=-");
	for (size_t i = 0; i < jsonr_count(list); i++)
		look_at_authenticator(d, jsonr_at(list, i));
}

enum err doctor_look(struct cli *cli)
{
	struct jsonw w;
	struct doctor d = {.cli = cli, .w = &w};

	jsonw_init(&w, &cli->out);
	if (cli->args.json)
		jsonw_array(&w, NULL);
	if (look_at_instance(&d) && look_at_server(&d) && look_at_key(&d))
		look_at_authenticators(&d);
	if (cli->args.json) {
		jsonw_array_end(&w);
		buf_putc(&cli->out, '\n');
	}
	if (!d.broken)
		return ERR_OK;
	cli_flush(cli);
	err_set(&cli->ei, ERR_CONFIG, "%u thing%s to mend", d.broken, d.broken == 1 ? "" : "s");
	return err_hint(&cli->ei, ERR_CONFIG, "each says above how");
}
