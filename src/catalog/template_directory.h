/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An operator's own templates: a directory of *.json that add to ours or take the place of those of the same type. What was
 * registered before keeps the profile that it was registered with.
 */
#pragma once

#include <stdint.h>

#include "catalog/template.h"

enum { TEMPLATE_DIRECTORY_FILES_MAX = 64, TEMPLATE_DIRECTORY_PAUSE_MS = 1000 };

struct template_directory;

/* `why` begins with the file's name. */
typedef void (*template_directory_broken_fn)(const char *why, void *arg);

/* `path` "": there is none. Reads nothing yet. */
struct template_directory *template_directory_new(const char *path, template_directory_broken_fn on_broken, void *arg);
/* The templates are then ours again. */
void template_directory_free(struct template_directory **d);
/*
 * Reads the directory if anything in it changed since the last time, but looks no more than once a second. A file that is broken is told
 * once, and what it held before stays; a file that is gone is forgotten. NULL: nothing happens.
 */
void template_directory_look(struct template_directory *d, int64_t now_ms);
