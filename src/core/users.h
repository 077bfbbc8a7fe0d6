/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of the pages: the administrator's one-time link, the password, sessions; and the external users of apps. */
#pragma once

#include "core/access.h"

enum {
	USERS_LINK_LIFE_MS = 15 * 60 * 1000,
	USERS_SESSION_LIFE_MS = 12 * 60 * 60 * 1000, /* absolute (WB-02) */
	USERS_SESSION_IDLE_MS = 2 * 60 * 60 * 1000,
	USERS_EXTERNAL_ID_MAX = 200,
};

/* True while the administrator has chosen no password. */
enum err users_needs_password(struct core *core, struct arena *a, bool *ret, struct errinfo *ei);
/* A new sign-in link for the administrator, instead of those before it: the URL's token in clear. */
enum err users_admin_link(struct core *core, struct arena *a, struct secret **ret_token, struct errinfo *ei);
/* ERR_NOT_FOUND when unknown, spent or expired. Changes nothing (a mail scanner's GET spends nothing). */
enum err users_link_check(struct core *core, struct slice token, struct arena *a, struct errinfo *ei);
/* Spends the link, sets the password, ends all sessions of the administrator and opens a new one. */
enum err users_link_spend(struct core *core, struct slice token, const struct secret *password, struct arena *a,
			  struct secret **ret_cookie, struct errinfo *ei);
/* The hash that the password of this name is to be checked against, "" when there is no such user (WB-07). */
enum err users_password(struct core *core, struct slice name, struct arena *a, const char **ret_stored, struct errinfo *ei);
/*
 * After the password was checked against `stored`, which takes too long for the store thread: opens a session if it
 * `matches` and is still the user's. ERR_UNAUTHENTICATED tells nothing more (WB-07).
 */
enum err users_sign_in(struct core *core, struct slice name, const char *stored, bool matches, struct arena *a,
		       struct secret **ret_cookie, struct errinfo *ei);
enum err users_sign_out(struct core *core, const char *session_hash, struct errinfo *ei);
/* A live session by the hash of its cookie; notes that it was used. ERR_UNAUTHENTICATED otherwise. */
enum err users_session_check(struct core *core, const char *hash, struct arena *a, struct user_session_row *ret,
			     struct errinfo *ei);
/* The external user of that id, made when new. ERR_UNPROCESSABLE, field "user", for a bad id. */
enum err users_external(struct core *core, const char *app_id, struct slice external_id, struct arena *a,
			struct user_row *ret, struct errinfo *ei);
