/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the directory in which a test plays, as a whole. */
#pragma once

#include <stdbool.h>

enum { TESTTREE_SNAPSHOT_BYTES = 32 };

/* Removes the directory and all below it, symbolic links as links. False when something of it is left. */
bool testtree_remove(const char *dir);

/*
 * A digest of names, kinds, modes and contents of the directory and all below it: two are the same when nothing was
 * changed in between. Times don't count, nor what is in SQLite's index of its log (-shm). False when something could not be read.
 */
bool testtree_snapshot(const char *dir, unsigned char ret[TESTTREE_SNAPSHOT_BYTES]);
