/* SPDX-License-Identifier: Apache-2.0 */
/* What fiberd can be told on its command line: the table that parses, and help and manual pages made of it. */
#pragma once

#include "base/buf.h"

/* words after "fiberd [--config FILE]", what it does, whether --config means something to it */
#define USAGE_COMMANDS(X)                                                                                        \
	X("", "run the service in the foreground", true)                                                        \
	X("--check-config", "check the configuration and print it", true)                                       \
	X("admin-link", "print a sign-in link for the administrator of the running service", true)              \
	X("audit verify", "check the audit chains and their signed heads; 1 when one has a defect", true)       \
	X("audit where", "read a token from standard input, print when it was handed out, and to whom", true)   \
	X("--print-config-docs", "print docs/configuration.md", false)                                          \
	X("man fiberd", "print the manual page fiberd(8)", false)                                               \
	X("man fiberd.conf", "print the manual page fiberd.conf(5)", false)                                     \
	X("--version", "print the version", false)                                                              \
	X("--help", "print this", false)

/* The command whose words begin argv at `*io_i`, as the table has them; moves `*io_i` to its last word. NULL: none. */
const char *usage_find(int argc, char **argv, int *io_i);
void usage_put_help(struct buf *out);
/* fiberd(8), fiberd.conf(5) */
void usage_put_man(struct buf *out);
void usage_put_man_conf(struct buf *out);
