/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file of lines NAME=value. */
#pragma once

#include "base/err.h"
#include "base/slice.h"

enum { CONFIG_FILE_MAX_BYTES = 64 * 1024 };

/* Called once per assignment; `where` is "<path> line <n>". An error ends the reading. */
typedef enum err config_line_fn(void *arg, struct slice name, struct slice value, const char *where, struct errinfo *ei);

/* ERR_NOT_FOUND: no such file. ERR_CONFIG: not readable, too large, or a line that is neither assignment nor comment. */
enum err config_file_read(const char *path, config_line_fn *fn, void *arg, struct errinfo *ei);
/* The same for text that was read already; `path` is only named. */
enum err config_file_parse(struct slice text, const char *path, config_line_fn *fn, void *arg, struct errinfo *ei);
