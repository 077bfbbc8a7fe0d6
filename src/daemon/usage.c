/* SPDX-License-Identifier: Apache-2.0 */
/* The command line as a table. Must never know a command or a configuration key that the tables don't. */
#include "daemon/usage.h"

#include <string.h>

#include "base/mem.h"
#include "base/roff.h"
#include "daemon/config.h"

enum { HELP_COLUMN = 42 };

static const struct {
	const char *words, *what;
	bool configured;
} commands[] = {
#define X(words, what, configured) {words, what, configured},
	USAGE_COMMANDS(X)
#undef X
};

const char *usage_find(int argc, char **argv, int *io_i)
{
	for (size_t c = 0; c < ARRAY_LEN(commands); c++) {
		struct slice rest = slice_from(commands[c].words), word;
		int i = *io_i;

		if (!rest.n)
			continue;
		while (slice_split(&rest, ' ', &word) && i < argc && slice_is(word, argv[i]))
			i++;
		if (!rest.p && slice_is(word, argv[i - 1])) {
			*io_i = i - 1;
			return commands[c].words;
		}
	}
	return NULL;
}

void usage_put_help(struct buf *out)
{
	buf_puts(out, "fiberd, the FiberWise OAuth token service\n\n");
	for (size_t c = 0; c < ARRAY_LEN(commands); c++) {
		size_t start = out->n;

		buf_printf(out, "  fiberd%s %s", commands[c].configured ? " [--config FILE]" : "", commands[c].words);
		do
			buf_putc(out, ' ');
		while (out->n - start < HELP_COLUMN);
		buf_printf(out, "%s\n", commands[c].what);
	}
	buf_puts(out, "\nConfiguration comes from the environment and from fiberd.conf in the data directory; see\n"
		      "docs/configuration.md, or fiberd man fiberd.conf.\n");
}

void usage_put_man(struct buf *out)
{
	buf_puts(out, ".TH FIBERD 8 \"\" \"fiberd " FW_VERSION "\" \"System Administration\"\n.SH NAME\nfiberd \\- OAuth token service\n.SH SYNOPSIS\n");
	for (size_t c = 0; c < ARRAY_LEN(commands); c++) {
		buf_printf(out, ".B fiberd\n%s\\fB", commands[c].configured ? "[\\fB\\-\\-config\\fR \\fIFILE\\fR] " : "");
		roff_put(out, commands[c].words);
		buf_puts(out, "\\fR\n.br\n");
	}
	buf_puts(out, ".SH DESCRIPTION\nConnects accounts at OAuth providers, keeps their tokens sealed, refreshes them, and hands access tokens to apps.\n"
		      "One program, started once; it starts its own processes and stops them on SIGTERM. SIGHUP reopens the log.\n.SH COMMANDS\n");
	for (size_t c = 0; c < ARRAY_LEN(commands); c++) {
		buf_puts(out, ".TP\n\\fBfiberd ");
		roff_put(out, commands[c].words);
		buf_puts(out, "\\fR\n");
		roff_put(out, commands[c].what);
		buf_puts(out, ".\n");
	}
	buf_puts(out, ".SH EXIT STATUS\n0 done or stopped in order, 1 failed, 2 used wrongly.\n"
		      ".SH FILES\nIn the data directory: the database, \\fIkeys/master.key\\fR (keep a copy elsewhere), \\fIadmin.key\\fR,\n"
		      "\\fIaudit/\\fR, \\fIlogs/oauth.log\\fR, \\fIspool/\\fR.\n.SH SEE ALSO\n\\fBfiberd.conf\\fR(5), \\fBfiber\\fR(1)\n");
}

void usage_put_man_conf(struct buf *out)
{
	static const struct {
		const char *name, *standard, *form, *what;
	} keys[] = {
#define X(key, name, standard, roles, form, what) {name, standard, form, what},
		CONFIG_KEYS(X)
#undef X
	};

	buf_puts(out, ".TH FIBERD.CONF 5 \"\" \"fiberd " FW_VERSION "\" \"File Formats\"\n.SH NAME\nfiberd.conf \\- configuration of fiberd(8)\n"
		      ".SH DESCRIPTION\nLines \\fINAME\\fR=\\fIvalue\\fR; a # at the beginning of a line makes it a comment. The file lies in the data\n"
		      "directory, or is named by \\fBfiberd \\-\\-config\\fR. The same names may stand in the environment, which wins.\n"
		      "An unknown name or a value that is not allowed stops the start.\n.SH KEYS\n");
	for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
		buf_puts(out, ".TP\n\\fB");
		roff_put(out, keys[k].name);
		buf_puts(out, "\\fR\n");
		roff_put(out, keys[k].what);
		buf_puts(out, "\n.br\nAllowed: ");
		roff_put(out, keys[k].form);
		buf_puts(out, ".\n.br\nDefault: ");
		roff_put(out, keys[k].standard[0] ? keys[k].standard : "none");
		buf_puts(out, ".\n");
	}
	buf_puts(out, ".SH SEE ALSO\n\\fBfiberd\\fR(8)\n");
}
