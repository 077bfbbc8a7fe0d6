/* SPDX-License-Identifier: Apache-2.0 */
/* Small files: read whole, written so that a reader sees the old or the new one and never half. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

/*
 * Appends the file's bytes to `out`, whose maximum is the most that is read. ERR_NOT_FOUND when there
 * is none, ERR_TOO_LARGE, ERR_CONFIG for a directory or when it can't be read; the sentence names it.
 */
enum err file_read(const char *path, struct buf *out, struct errinfo *ei);
/*
 * Writes beside it, flushes to disk, renames. `secret`: mode 0600, else 0644 less the umask. Its
 * directory must be there. ERR_CONFIG with path and reason.
 */
enum err file_write(const char *path, struct slice text, bool secret, struct errinfo *ei);
/* Makes a directory and its parents; `secret`: 0700, else 0755 less the umask. */
enum err file_make_directory(const char *path, bool secret, struct errinfo *ei);
/* True when group or others may read it. */
bool file_is_open_to_others(const char *path);
