/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration of an authenticator on its way to the server: what a file says, what options say
 * (they win), and the credentials that were filled in.
 */
#pragma once

#include <stdbool.h>

#include "cli/authfile.h"
#include "cli/cli.h"

struct draft {
	struct authfile file; /* file.object NULL: no file */
	const char *path;     /* of the file */
	const char *type;     /* authenticator_type; NULL when unknown */
	const char *name;     /* NULL when neither file nor option says */
	const char *client_id;
	const struct secret *client_secret;
	bool is_new; /* to register: type and app go along; else only what shall change */
};

enum { DRAFT_MAX_BYTES = 512 * 1024 };

/* Reads the file of --authenticator-config. ERR_INVALID names file and line. */
enum err draft_load(struct cli *cli, const char *path, struct draft *draft);
/*
 * Finds client id and secret: option, file, <TYPE>_CLIENT_ID and <TYPE>_CLIENT_SECRET of the
 * environment, then the person at the terminal. What stays missing is for the server to judge.
 */
enum err draft_fill_credentials(struct cli *cli, struct draft *draft);
/* The request's JSON. `out` holds secrets afterwards. */
enum err draft_write(struct cli *cli, const struct draft *draft, struct buf *out);
/* Makes the server's refusal of fields readable: the file and line of each, and how to give a missing credential. */
void draft_explain(struct cli *cli, const struct draft *draft);
/* "google" becomes "GOOGLE_CLIENT_ID" with suffix "_CLIENT_ID". */
char *draft_variable(struct arena *a, const char *type, const char *suffix);
