/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The terminal. Must never leave echo switched off, also when the person presses Ctrl-C at a prompt,
 * and never read standard input through a buffer that would keep a copy of a secret.
 */
#include "cli/term.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

enum { LINE_MAX_BYTES = 4096, COLUMNS_MIN = 20, COLUMNS_MAX = 1000, COLUMNS_DEFAULT = 80 };

static unsigned columns_of(int fd)
{
	const char *set = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (set && slice_to_u64(slice_from(set), COLUMNS_MAX, &n) && n >= COLUMNS_MIN)
		return (unsigned)n;
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= COLUMNS_MIN)
		return size.ws_col;
	return COLUMNS_DEFAULT;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && value[0];
}

void term_init(struct term *ret_term)
{
	const char *kind = getenv("TERM");
	bool colour = !is_set("NO_COLOR") && kind && strcmp(kind, "dumb") != 0;
	struct term t = {
		.in_tty = isatty(STDIN_FILENO) == 1,
		.out_tty = isatty(STDOUT_FILENO) == 1,
		.err_tty = isatty(STDERR_FILENO) == 1,
	};

	t.colour = colour && t.out_tty;
	t.err_colour = colour && t.err_tty;
	t.columns = t.out_tty ? columns_of(STDOUT_FILENO) : 0;
	t.desktop = t.out_tty && (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && !is_set("SSH_CONNECTION");
	*ret_term = t;
}

bool term_can_ask(const struct term *t)
{
	return t->in_tty && t->err_tty;
}

/* The signal that came while echo was off. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

enum err term_read_line(struct secret **ret_line, struct errinfo *ei)
{
	char line[LINE_MAX_BYTES + 1];
	enum err e = ERR_OK;
	size_t n = 0;
	ssize_t got = 0;

	/* Byte by byte: what follows the line stays where it is, and no stdio buffer sees the secret. */
	while (n < sizeof line) {
		got = read(STDIN_FILENO, line + n, 1);
		if (got < 0 && errno == EINTR && !caught)
			continue;
		if (got <= 0 || line[n] == '\n')
			break;
		n++;
	}
	if (got <= 0 && n == 0)
		e = err_set(ei, ERR_INVALID, "standard input ended before a line was read");
	else if (n == sizeof line)
		e = err_set(ei, ERR_INVALID, "the line on standard input is longer than %d bytes", LINE_MAX_BYTES);
	if (n && line[n - 1] == '\r')
		n--;
	if (!e)
		*ret_line = secret_new(slice_make(line, n));
	secret_wipe(line, sizeof line);
	return e;
}

/*
 * Echo off, then the prompt, so that nothing typed after it is seen or flushed away; a signal that would
 * end the program waits until echo is back.
 */
static enum err ask_quietly(const char *prompt, const struct termios *before, struct secret **ret_line,
			    struct errinfo *ei)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction act = {.sa_handler = on_signal}, saved[ARRAY_LEN(ending)];
	struct termios quiet = *before;
	sigset_t stop, unstop;
	enum err e;

	caught = 0;
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaction(ending[i], &act, &saved[i]);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	sigprocmask(SIG_BLOCK, &stop, &unstop);
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	fprintf(stderr, "%s", prompt);
	fflush(stderr);
	e = term_read_line(ret_line, ei);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
	sigprocmask(SIG_SETMASK, &unstop, NULL);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		sigaction(ending[i], &saved[i], NULL);
	fputc('\n', stderr);
	if (caught)
		raise((int)caught);
	return e;
}

enum err term_ask(const char *prompt, bool echo, struct secret **ret_line, struct errinfo *ei)
{
	struct termios before;

	if (!echo && tcgetattr(STDIN_FILENO, &before) == 0)
		return ask_quietly(prompt, &before, ret_line, ei);
	fprintf(stderr, "%s", prompt);
	fflush(stderr);
	return term_read_line(ret_line, ei);
}

bool term_confirm(const char *question)
{
	CLEANUP(secret_free) struct secret *answer = NULL;

	if (term_ask(question, true, &answer, NULL))
		return false;
	/* Not a secret, but read the same way. */
	return slice_is_nocase(slice_trim(secret_expose(answer)), "y") ||
	       slice_is_nocase(slice_trim(secret_expose(answer)), "yes");
}
