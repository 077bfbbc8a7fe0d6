/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances: the servers that fiber knows, one file each in ~/.fiberwise/configs/<name>.json
 * (name, api_key, base_url; 0600), and ~/.fiberwise/default_config.txt with the default's name.
 * `home` is always the .fiberwise directory.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "secret/secret.h"

struct instance {
	const char *name;
	const char *base_url; /* as written by the person; see instance_check_url() */
	const char *path;     /* of its file */
	const struct secret *api_key;
};

/* $HOME/.fiberwise, or that of the user database. ERR_CONFIG when neither says. */
enum err instance_home(struct arena *a, const char **ret_home, struct errinfo *ei);
/* The name as part of a path: characters other than letters, digits, '_' and '-' become '_'. */
char *instance_file_name(struct arena *a, const char *name);
/*
 * Reads the instance `name`, NULL meaning the default. ERR_NOT_FOUND with the known ones; ERR_CONFIG
 * when its file is broken, with the file's name.
 */
enum err instance_load(struct arena *a, const char *home, const char *name, struct instance *ret_instance,
		       struct errinfo *ei);
/* Name of the default, NULL when there is none. */
const char *instance_default(struct arena *a, const char *home);
/* Writes or replaces. ERR_CONFLICT when another name already has this file name. */
enum err instance_save(struct arena *a, const char *home, const struct instance *instance, bool *ret_replaced,
		       struct errinfo *ei);
enum err instance_set_default(struct arena *a, const char *home, const char *name, struct errinfo *ei);
/* The names of all instance files, sorted. */
size_t instance_list(struct arena *a, const char *home, const char *const **ret_names);
/*
 * The address without a trailing "/" or "/api/v1". ERR_INVALID for what is no URL, has a query, or is
 * plain http to another machine: the API key would travel in clear.
 */
enum err instance_check_url(struct arena *a, const char *base_url, const char **ret_root, struct errinfo *ei);
/* ERR_INVALID for an API key that can't be one: empty, too long, or with characters that no key has. */
enum err instance_check_key(const struct secret *key, struct errinfo *ei);
