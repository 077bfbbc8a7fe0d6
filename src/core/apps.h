/* SPDX-License-Identifier: Apache-2.0 */
/* Apps and the API keys that reach them. */
#pragma once

#include "core/access.h"
#include "json/jsonr.h"

enum {
	APPS_NAME_MAX = 100,
	APPS_MAX = 1000,
	APPS_PREFIXES_MAX = 20,
	APPS_KEYS_MAX = 200,           /* live ones of one reach */
	APPS_KEYS_OF_USER_MAX = 10000, /* listed */
};

/* Makes an app with its data key. `return_to`: a JSON array of URL prefixes, may be NULL. */
enum err apps_create(struct core *core, const struct caller *c, struct slice name, const struct jsonr *return_to,
		     struct arena *a, struct app_row *ret, struct errinfo *ei);
/* Those that the caller reaches. */
enum err apps_list(struct core *core, const struct caller *c, struct arena *a, struct app_row **ret, size_t *ret_n,
		   struct errinfo *ei);
/* ERR_NOT_FOUND also for one out of reach. */
enum err apps_get(struct core *core, const struct caller *c, struct slice app_id, struct arena *a, struct app_row *ret,
		  struct errinfo *ei);
/* `name` p NULL and `return_to` NULL leave them as they are. */
enum err apps_update(struct core *core, struct app_row *io, struct slice name, const struct jsonr *return_to,
		     struct arena *a, struct errinfo *ei);

/*
 * Makes a key of reach `app_id` ("" platform) for the caller's owner. `scopes` a JSON array or NULL for the app default. ERR_FORBIDDEN when it would have wider
 * scopes or reach than the caller. `ret_text` is shown once.
 */
enum err apps_key_create(struct core *core, const struct caller *c, const char *app_id, struct slice name,
			 const struct jsonr *scopes, struct arena *a, struct api_key_row *ret,
			 struct secret **ret_text, struct errinfo *ei);
enum err apps_key_list(struct core *core, const char *app_id, struct arena *a, struct api_key_row **ret, size_t *ret_n,
		       struct errinfo *ei);
/* Live keys that the user owns. */
enum err apps_key_list_of_user(struct core *core, const char *user_id, struct arena *a, struct api_key_row **ret,
			       size_t *ret_n, struct errinfo *ei);
/* Ends a key that reaches `app_id`, or (app_id NULL) is owned by the caller's owner. ERR_NOT_FOUND otherwise. */
enum err apps_key_revoke(struct core *core, const struct caller *c, const char *app_id, struct slice key_id,
			 struct arena *a, struct errinfo *ei);
