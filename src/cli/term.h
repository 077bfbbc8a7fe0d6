/* SPDX-License-Identifier: Apache-2.0 */
/* What the three standard streams are, and asking a person something. */
#pragma once

#include <stdbool.h>

#include "base/err.h"
#include "secret/secret.h"

struct term {
	bool in_tty, out_tty, err_tty;
	bool colour;	  /* for standard output */
	bool err_colour;  /* for standard error */
	unsigned columns; /* of standard output; 0 when it is no terminal: nothing is cut */
	bool desktop;	  /* a terminal on a desktop of this machine, where a browser can be opened */
};

void term_init(struct term *ret_term);
/* False when there is no terminal to ask on. Prompts go to standard error, so that output can be redirected. */
bool term_can_ask(const struct term *t);
/*
 * Asks for one line, without showing what is typed unless `echo`. ERR_INVALID at end of input or for a
 * line above 4096 bytes.
 */
enum err term_ask(const char *prompt, bool echo, struct secret **ret_line, struct errinfo *ei);
/* True only for "y" or "yes". */
bool term_confirm(const char *question);
/* The first line of standard input, without its line break, for options given as "-". Same errors as term_ask(). */
enum err term_read_line(struct secret **ret_line, struct errinfo *ei);
