/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The short-lived child that prepares the data directory before any role starts: master key,
 * database, migrations, the first rows and admin.key. It is the only process beside the keeper that
 * ever holds the master key, and it is gone before the first request.
 */
#pragma once

#include "base/clock.h"
#include "base/err.h"

struct init_args {
	const char *database;   /* path of the SQLite file */
	const char *master_key; /* path of the key file */
	const char *admin_key;  /* path of the file for the platform key */
	const struct clock *clock;
};

/*
 * Makes what is missing; checks what is there. ERR_CONFIG with what to do, and nothing was changed: a key file that is
 * missing, open to others, or does not fit the database; a database that is none, or damaged.
 */
enum err init_prepare(const struct init_args *args, struct errinfo *ei);
/* The role: init_prepare() with what START says. Returns the process's exit code. */
int init_main(const char *name);
