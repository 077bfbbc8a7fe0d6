/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one audit record says. Texts are taken as they come, from wherever they come: a record is one line of
 * plain ASCII JSON whatever is in them (LG-02). There is no field for a token, only for its keyed fingerprint (LG-05).
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { RECORD_FIELD_MAX = 320, RECORD_MAX_BYTES = 6144 };

/* NULL and "" are left out, and so is a generation of 0. */
struct record {
	int64_t at;
	const char *event;       /* "token_read", "key_made", or the kind of an oauth_event */
	const char *actor;       /* "key <id>", "user <id>" */
	const char *app_id, *connection_id, *authenticator_id, *user_id, *grant_id;
	int64_t generation;
	const char *fingerprint; /* of the access token that was handed out */
	const char *cause, *detail;
};

/* Appends the record's JSON members, without braces; `"at"` comes first. */
void record_put(struct buf *out, const struct record *r);
/*
 * Its two halves: the act, and what it was done to. The second begins with a comma and is the same for every read of one token,
 * so it can be kept and put behind each act as it is.
 */
void record_put_act(struct buf *out, int64_t at, const char *event, const char *actor);
void record_put_subject(struct buf *out, const struct record *r);
/* Appends ,"name":"text" for one more member; nothing for NULL and "". */
void record_put_text(struct buf *out, const char *name, const char *text);
