/* SPDX-License-Identifier: Apache-2.0 */
/* The data directory: made, checked and locked for as long as the supervisor lives. */
#pragma once

#include <stdbool.h>

#include "base/err.h"

struct datadir {
	char *path;
	int fd;      /* the directory, for what lies in it; -1 when not open */
	int lock_fd; /* holds the lock; -1 when not open */
	bool made, made_lock;
};

/* Makes it (0700) when missing, and locks it. ERR_CONFIG, and nothing was changed: not ours, open to others, in use. */
enum err datadir_open(const char *path, struct datadir *ret_dir, struct errinfo *ei);
/* Lets go of the lock. `undo` also takes away what datadir_open() made, as far as it is empty: the start failed. */
void datadir_close(struct datadir *d, bool undo);
