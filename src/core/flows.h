/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of the authorization-code dance, from the redirect to the provider to the stored result. The
 * state is stored as a hash, bound to the browser (cookie), to the session and to the path it must come back at (OA-01).
 */
#pragma once

#include "core/access.h"
#include "core/authenticators.h"
#include "oauth/callback.h"

enum {
	FLOWS_LIFE_MS = 10 * 60 * 1000,
	FLOWS_KEPT_MS = 60 * 60 * 1000,  /* a finished flow's result can be asked for again by the same browser */
	FLOWS_ABANDONED_MS = 10 * 60 * 1000, /* so long one who comes back too late is told so */
	FLOWS_PENDING_MAX = 50000,      /* DO-03 */
	FLOWS_PENDING_OF_APP_MAX = 10000, /* so that one app leaves room for others */
	FLOWS_RETURN_TO_MAX = 2048,
};

struct flow_start_args {
	const struct app_row *app;
	const char *user_id;
	const struct authenticator_row *authenticator;
	struct slice ref;          /* the authenticator as the caller named it */
	const char *return_to;     /* checked by flows_check_return_to(); "" for our own page */
	const char *scopes;        /* JSON array; at most the configured ones */
	const char *session_hash;  /* "" for connect links */
	const char *link_id;       /* "" without a link */
	struct slice browser;      /* the browser's cookie, in clear */
};

/* Stores the flow and gives the URL to send the browser to. ERR_LIMIT when too many are under way. */
enum err flows_start(struct core *core, const struct flow_start_args *args, struct arena *a, const char **ret_url,
		     struct errinfo *ei);
/*
 * return_to: a path of ours ("/settings"), or an absolute URL on the app's list of prefixes (OA-12). `ret` "" for an empty one. ERR_UNPROCESSABLE,
 * field "return_to".
 */
enum err flows_check_return_to(struct core *core, const struct app_row *app, struct slice text, struct arena *a,
			       const char **ret, struct errinfo *ei);

struct flow_return_args {
	const struct callback *callback;
	const struct callback_param *param; /* all that came with it, of which the profile may keep some */
	size_t param_count;
	struct slice path;         /* where the answer came in */
	struct slice browser;      /* cookie, n 0 when missing */
	const char *session_hash;  /* "" when not signed in */
};

/*
 * The provider's answer came back. Checks state, browser, session, path and issuer and claims the flow in one atomic
 * statement; an error answer finishes it. `ret` is the flow as it is then: `result` "" with `*ret_exchange` true means
 * that the clerk is to exchange the code (also for a repetition while that runs); else result tells the end.
 * ERR_INVALID / ERR_UNAUTHENTICATED: an answer that belongs to no flow of this browser; nothing reaches the provider.
 */
enum err flows_return(struct core *core, const struct flow_return_args *args, struct arena *a, struct flow_row *ret,
		      bool *ret_exchange, struct errinfo *ei);
/* The flow again, after the exchange. */
enum err flows_get(struct core *core, const char *flow_id, struct arena *a, struct flow_row *ret, struct errinfo *ei);
/* Ends a flow that failed, with its connect link. Within or outside a transaction; a flow that has a result keeps it. */
enum err flows_fail(struct core *core, const struct flow_row *flow, const char *code, const char *sentence,
		    struct errinfo *ei);
/* Where the browser goes at the end: return_to with connected=…, or our result page. In the arena. */
const char *flows_end_url(const struct core *core, const struct flow_row *flow, struct arena *a);
/* Forgets flows, sessions and the like that are over. */
enum err flows_housekeeping(struct core *core, struct errinfo *ei);
