/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement that changes rows touches in the eyes of whoever keeps a token that it has read: nothing, everything
 * (policy), or the stripes of a user and of a grant. It is derived from the statement's text, so no caller can forget it.
 *
 * A kept token rests on the key, its owner and scopes, the app, the user, the user's list of connections, their authenticators,
 * and the grant. Nothing negative is kept, so a new key, user, app or authenticator touches nothing; a new
 * connection touches its user, because a name that meant one connection may now mean two.
 */
#pragma once

#include "store/store.h"
#include "store/stripes.h"

enum touch_kind { TOUCH_NOTHING, TOUCH_STRIPES, TOUCH_ALL };

struct touch {
	enum touch_kind kind;
	/* Numbers of the parameters, 1 for $1, that hold the ids; 0: none. */
	unsigned user, grant;
};

/* A text as in sql.h, or an INSERT made from a table. A change of a watched table that names no id touches all. */
struct touch touch_of(const char *text);

/* What a transaction has touched so far: marked on the way, told after COMMIT. */
enum { TOUCH_MARKS_MAX = 2048 }; /* a batch of the clerk has at most some hundred; more become "all" */
struct touch_marks {
	bool all;
	size_t count;
	uint32_t stripe[TOUCH_MARKS_MAX];
};

void touch_mark(struct touch_marks *m, const struct touch *t, struct store_params params);
/* Tells of all marks, if anybody listens (`s` may be NULL), and forgets them. */
void touch_tell(struct touch_marks *m, struct stripes *s);
void touch_forget(struct touch_marks *m);
