/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which app is meant: <dir>/.fw-data/fw_app_info.json, then <dir>/.fiber/<instance>/app.json, each
 * with "app_id". An fw_app_info.json that names another instance does not count for this one.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"

struct appdir {
	const char *app_id; /* NULL: no file says */
	const char *path;   /* of the file that says it */
};

/* ERR_NOT_FOUND when `dir` is no directory, ERR_CONFIG for a file that is broken or has no app_id. */
enum err appdir_find(struct arena *a, const char *dir, const char *instance, struct appdir *ret_app,
		     struct errinfo *ei);
/*
 * Writes the app's id: into .fw-data/fw_app_info.json, or, when that belongs to another instance, into
 * .fiber/<instance>/app.json.
 */
enum err appdir_save(struct arena *a, const char *dir, const char *instance, const char *app_id, const char *name,
		     const char **ret_path, struct errinfo *ei);
