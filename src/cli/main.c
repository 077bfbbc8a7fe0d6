/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `fiber`: command line in, exit code out. 0 done, 1 failed, 2 used wrongly. Must never end with 0
 * when the output could not be written.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"
#include "cli/report.h"

enum { OUT_MAX_BYTES = 16 * 1024 * 1024, ARENA_MAX_BYTES = 64 * 1024 * 1024, EXIT_USED_WRONGLY = 2 };

static int report(const struct cli *cli, enum err e)
{
	struct report r = {.kind = e, .ei = &cli->ei, .colour = cli->term.err_colour};
	struct buf text;
	ssize_t n;

	if (cli->client)
		r.refusal = client_refusal(cli->client);
	buf_init(&text, OUT_MAX_BYTES);
	if (cli->args.json)
		report_json(&r, &text);
	else
		report_text(&r, &text);
	n = write(STDERR_FILENO, text.p, text.n);
	buf_done(&text);
	/* There is nowhere left to say that standard error is closed. */
	(void)n;
	return cli->usage ? EXIT_USED_WRONGLY : err_kind(e)->exit_code;
}

/* A group without a command was named: that is help when it was asked for or nothing was typed at all. */
static int show_help(struct cli *cli)
{
	bool wanted = cli->args.help || cli->args.group.n == 0;

	if (cli->args.version)
		buf_puts(&cli->out, "fiber " FW_VERSION "\n");
	else if (cli->args.command)
		help_command(cli->args.command, cli->term.colour, &cli->out);
	else
		help_group(cli->args.group, cli->term.colour, &cli->out);
	if (!wanted && !cli->args.version) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		cli_flush(cli);
		return EXIT_USED_WRONGLY;
	}
	return cli_flush(cli) ? 0 : 1;
}

static int run(struct cli *cli, int argc, char **argv)
{
	const char *debug = getenv("OAUTH_DEBUG");
	enum err e;

	e = args_parse(argc, argv, &cli->args, &cli->ei);
	if (e) {
		cli->usage = true;
		return report(cli, e);
	}
	if (cli->args.help || cli->args.version || !cli->args.command)
		return show_help(cli);
	cli->verbose = cli->args.verbose || (debug && strcmp(debug, "true") == 0);
	e = cli->args.command->run(cli);
	if (!buf_ok(&cli->out))
		e = err_set(&cli->ei, ERR_TOO_LARGE, "the output is larger than %d bytes", OUT_MAX_BYTES);
	if (e)
		return report(cli, e);
	if (cli_flush(cli))
		return 0;
	return report(cli, err_set(&cli->ei, ERR_CONFIG, "standard output can't be written"));
}

int main(int argc, char **argv)
{
	struct cli cli = {.arena = arena_new(ARENA_MAX_BYTES), .clock = &clock_system};
	struct rlimit no_core = {0, 0};
	int code;

	/* Tokens and keys pass through here: no core file; and libcurl's sockets must not end us by SIGPIPE. */
	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGPIPE, SIG_IGN);
	buf_init(&cli.out, OUT_MAX_BYTES);
	term_init(&cli.term);
	code = run(&cli, argc, argv);
	client_free(&cli.client);
	buf_done(&cli.out);
	args_done(&cli.args);
	arena_free(&cli.arena);
	return code;
}
