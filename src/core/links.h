/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connect links: for a user who has no session here. Looking at one spends nothing; its POST spends it once and binds
 * that browser (OA-20).
 */
#pragma once

#include "core/access.h"
#include "core/authenticators.h"
#include "json/jsonr.h"

enum {
	LINKS_LIFE_MS = 10 * 60 * 1000,
	LINKS_ABANDONED_MS = 60 * 60 * 1000, /* so long after its end an app is told that nobody opened it or came back */
	LINKS_KEPT_MS = 24 * 60 * 60 * 1000, /* and what became of it */
	LINKS_WAITING_OF_APP_MAX = 10000,   /* DO-03 */
};

struct link_args {
	const struct app_row *app;
	struct slice authenticator; /* a ref */
	struct slice user;          /* external id; n 0: the caller itself */
	struct slice return_to;
	const struct jsonr *scopes; /* NULL: the configured ones */
	struct slice expect_account;
	bool confirm;
};

/* Makes a link; `ret_url` holds its token and is shown once. */
enum err links_create(struct core *core, const struct caller *c, const struct link_args *args, struct arena *a,
		      struct link_row *ret, const char **ret_url, struct errinfo *ei);
/* By id, for callers that reach its app. `status` is "expired" when its time is over unopened. */
enum err links_get(struct core *core, const struct caller *c, struct slice id, struct arena *a, struct link_row *ret,
		   struct errinfo *ei);

/* What the link's page shows. */
struct link_view {
	struct link_row row;
	struct app_row app;
	struct authenticator_row authenticator;
	struct user_row user;
};

/* By the token of its URL, unspent and in time. ERR_NOT_FOUND otherwise. Changes nothing. */
enum err links_view(struct core *core, struct slice token, struct arena *a, struct link_view *ret, struct errinfo *ei);
/* Spends it and starts the flow for this browser; the URL of the provider. */
enum err links_spend(struct core *core, struct slice token, struct slice browser, struct arena *a, const char **ret_url,
		     struct errinfo *ei);
/* Forgets links that are over. */
enum err links_housekeeping(struct core *core, struct errinfo *ei);
/* The app's backend agrees to a connection made with `confirm`: pending becomes active. */
enum err links_confirm(struct core *core, const struct caller *c, struct slice id, struct arena *a,
		       struct link_row *ret, struct errinfo *ei);
