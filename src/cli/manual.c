/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What shells and man(1) need, made from the table of subcommands: completion for bash and zsh, and the page fiber(1). Must never
 * know a command by itself.
 */
#include "cli/cli.h"

#include <string.h>

#include "base/roff.h"
#include "cli/handlers.h"

struct writer {
	struct buf *out;
	const char *before; /* each option's line */
};

static void put_option_word(const struct option *o, void *arg)
{
	struct writer *w = arg;

	buf_printf(w->out, "%s--%s%s", w->before, o->name, o->value ? "=" : "");
}

/* The words that may follow each beginning, as a shell function's case. */
static void put_words_of(struct buf *out, const char *path)
{
	struct slice group = slice_from(path), word;

	for (size_t i = 0; i < commands_count; i++)
		if (slice_is(group, commands[i].group))
			buf_printf(out, " %s%s%s", commands[i].name, commands[i].alias ? " " : "", commands[i].alias ? commands[i].alias : "");
	for (size_t i = 0; i < command_groups_count; i++)
		if (command_group_within(command_groups[i].path, group, &word))
			buf_printf(out, " %.*s", SLICE_ARG(word));
}

static void put_cases(struct buf *out)
{
	for (size_t i = 0; i < command_groups_count; i++) {
		buf_printf(out, "\t'%s') words='", command_groups[i].path);
		put_words_of(out, command_groups[i].path);
		buf_puts(out, "' ;;\n");
	}
	for (size_t i = 0; i < commands_count; i++) {
		const struct command *c = &commands[i];
		struct writer w = {out, " "};
		const char *space = c->group[0] ? " " : "";

		buf_printf(out, "\t'%s%s%s'", c->group, space, c->name);
		if (c->alias)
			buf_printf(out, " | '%s%s%s'", c->group, space, c->alias);
		buf_puts(out, ") words='");
		command_each_option(c, put_option_word, &w);
		buf_puts(out, "' ;;\n");
	}
}

/* The words typed so far, options and their values left out, decide what may follow. */
static const char bash_head[] =
	"# bash completion for fiber; put it where bash finds it:\n"
	"#   fiber completion bash > ~/.local/share/bash-completion/completions/fiber\n"
	"_fiber() {\n\tlocal words='' path='' word\n\tlocal current=${COMP_WORDS[COMP_CWORD]}\n"
	"\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n\t\tcase $word in -* | =) continue ;; esac\n"
	"\t\t_fiber_words \"${path:+$path }$word\" && path=${path:+$path }$word\n\tdone\n\t_fiber_words \"$path\"\n"
	"\t# shellcheck disable=SC2207\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	"\t[[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace\n}\n"
	"_fiber_words() {\n\tcase $1 in\n";
static const char bash_tail[] = "\t*) return 1 ;;\n\tesac\n}\ncomplete -o default -F _fiber fiber\n";

static const char zsh_head[] =
	"#compdef fiber\n# zsh completion for fiber; put it where zsh finds it:\n"
	"#   fiber completion zsh > \"${fpath[1]}/_fiber\"\n"
	"_fiber() {\n\tlocal words_here='' path_here='' word\n"
	"\tfor word in ${words[2,CURRENT-1]}; do\n\t\t[[ $word == -* ]] && continue\n"
	"\t\t_fiber_words \"${path_here:+$path_here }$word\" && path_here=\"${path_here:+$path_here }$word\"\n\tdone\n"
	"\t_fiber_words \"$path_here\"\n\tcompadd -S '' -- ${(M)${(s: :)words_here}:#*=}\n"
	"\tcompadd -- ${${(s: :)words_here}:#*=}\n\t_files\n}\n"
	"_fiber_words() {\n\tlocal words=''\n\tcase $1 in\n";
static const char zsh_tail[] = "\t*) return 1 ;;\n\tesac\n\twords_here=$words\n}\n_fiber \"$@\"\n";

enum err manual_completion(struct cli *cli)
{
	struct slice shell = slice_from(cli->args.positional);
	bool zsh = slice_is(shell, "zsh");

	if (!zsh && !slice_is(shell, "bash")) {
		cli_usage(cli, "there is no completion for the shell \"%.40s\"", cli->args.positional);
		return err_hint(&cli->ei, ERR_INVALID, "fiber completion bash, or fiber completion zsh");
	}
	buf_puts(&cli->out, zsh ? zsh_head : bash_head);
	put_cases(&cli->out);
	buf_puts(&cli->out, zsh ? zsh_tail : bash_tail);
	return ERR_OK;
}

static void put_option_entry(const struct option *o, void *arg)
{
	struct buf *out = arg;

	if (strcmp(o->name, "help") == 0)
		return;
	buf_puts(out, ".TP\n\\fB\\-\\-");
	roff_put(out, o->name);
	buf_puts(out, "\\fR");
	if (o->value) {
		buf_puts(out, "=\\fI");
		roff_put(out, o->value);
		buf_puts(out, "\\fR");
	}
	buf_putc(out, '\n');
	roff_put(out, o->help);
	buf_puts(out, o->secret ? "; \\- reads it from standard input.\n" : ".\n");
}

static void put_command_entry(struct buf *out, const struct command *c)
{
	buf_puts(out, ".SS fiber ");
	roff_put(out, c->group);
	buf_printf(out, "%s", c->group[0] ? " " : "");
	roff_put(out, c->name);
	if (c->positional)
		buf_printf(out, " \\fI%s\\fR", c->positional);
	buf_putc(out, '\n');
	roff_put(out, c->summary);
	buf_puts(out, ".\n");
	if (c->alias) {
		buf_puts(out, "Also: \\fB");
		roff_put(out, c->alias);
		buf_puts(out, "\\fR.\n");
	}
	command_each_option(c, put_option_entry, out);
	buf_puts(out, ".PP\nExample:\n.PP\n.EX\n");
	roff_put(out, c->example);
	buf_puts(out, "\n.EE\n");
}

enum err manual_page(struct cli *cli)
{
	struct buf *out = &cli->out;

	buf_puts(out, ".TH FIBER 1 \"\" \"fiber " FW_VERSION "\" \"User Commands\"\n.SH NAME\nfiber \\- register OAuth apps, connect accounts, read tokens\n"
		      ".SH SYNOPSIS\n\\fBfiber\\fR \\fIcommand\\fR [\\fIoptions\\fR]\n.SH DESCRIPTION\n"
		      "Speaks to the HTTP API of a FiberWise server: an instance, added once with \\fBfiber account add\\-config\\fR.\n"
		      "Secrets given as \\- are read from standard input and never printed.\n.SH COMMANDS\n");
	for (size_t i = 0; i < commands_count; i++)
		put_command_entry(out, &commands[i]);
	buf_puts(out, ".SH EXIT STATUS\n0 done, 1 failed, 2 used wrongly.\n.SH ENVIRONMENT\n"
		      ".TP\n\\fBOAUTH_DEBUG\\fR\ntrue is \\-\\-debug for every command.\n"
		      ".TP\n\\fB<TYPE>_CLIENT_ID\\fR, \\fB<TYPE>_CLIENT_SECRET\\fR\nwhat a registration takes when neither file nor option says.\n"
		      ".TP\n\\fBNO_COLOR\\fR\nno colours.\n"
		      ".SH FILES\n.TP\n\\fI~/.fiberwise/configs/<name>.json\\fR\nan instance, with its key.\n"
		      ".TP\n\\fI~/.fiberwise/default_config.txt\\fR\nthe default's name.\n"
		      ".TP\n\\fI<app>/.fw\\-data/fw_app_info.json\\fR\nthe app of a directory.\n.SH SEE ALSO\n\\fBfiberd\\fR(8), \\fBfiberd.conf\\fR(5)\n");
	return ERR_OK;
}
