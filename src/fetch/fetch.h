/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to a provider and its answer, as the protocol code describes them, and their form as
 * messages to and from the courier. Knows nothing of sockets.
 *
 * A request that yields tokens (flag FETCH_YIELDS_TOKENS) carries the attempt id of its intent: the
 * courier joins repetitions of it, spools the sealed answer before handing it on, uses a fresh
 * connection and never repeats it (RF-16). It also names what it consumes, a refresh token or a code, by
 * its row and keyed fingerprint: nothing is consumed by two attempts at once, and the answer is bound to
 * it. Other requests are answered in clear and not spooled.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "ipc/ipc.h"
#include "secret/hash.h"
#include "secret/secret.h"

enum {
	FETCH_YIELDS_TOKENS = 1,
};
enum {
	FETCH_TOKEN_CAP = 256 * 1024,    /* SS-07 */
	FETCH_METADATA_CAP = 512 * 1024,
	FETCH_HEADERS_MAX = 12,
	FETCH_ATTEMPT_BYTES = 32,
	FETCH_CONSUMES_MAX = 96,
};

struct fetch_header {
	const char *name;
	struct slice value; /* no CR, LF, NUL: checked by fetch_to_message() */
};

struct fetch_request {
	int flags;
	const char *attempt; /* 32 hex digits; "" when it yields no tokens */
	const char *consumes; /* "refresh <grant> <fingerprint>", "exchange <flow>"; "" when it yields no tokens */
	const char *method;  /* GET, POST, DELETE */
	const char *url;     /* absolute; vetted by the courier */
	size_t body_cap;     /* bytes of answer at most */
	size_t header_count;
	struct fetch_header header[FETCH_HEADERS_MAX];
	struct slice body; /* may hold secrets; lies in an arena */
	const char *label; /* for the log: "token google", never a secret */
};

/*
 * ERR_OK: an answer of any status came. Else nobody answered: ERR_UPSTREAM_DOWN with `sent` telling
 * whether the request may have reached the provider (LIFECYCLE §4.6), ERR_FORBIDDEN for an address or
 * URL that egress does not allow, ERR_NOT_FOUND for an unknown JOIN, ERR_BUSY for a request that was not taken
 * (no slot, or another attempt consumes the same), ERR_TOO_LARGE for an answer above the cap.
 */
struct fetch_answer {
	enum err err;
	char detail[256];
	int status;
	bool sent;            /* the request, or part of it, left this machine */
	bool complete;        /* the whole body arrived */
	bool sealed;          /* `body` is a spool entry; the keeper opens it with `head` */
	int64_t retry_after_s; /* 0: none */
	char content_type[96];
	struct slice head; /* the FETCHED head field, verbatim */
	struct slice body;
};

/* Views into `r`. ERR_INVALID for a header with a control character or too many parts. */
enum err fetch_to_message(const struct fetch_request *r, struct arena *a, struct ipc_message *ret, struct errinfo *ei);
/* What the courier gets; views into the message. ERR_INVALID when a part is malformed. */
enum err fetch_from_message(const struct ipc_message *m, struct arena *a, struct fetch_request *ret);

/* What an answer belongs to; every part "" for one without tokens. */
struct fetch_bond {
	char attempt[FETCH_ATTEMPT_BYTES + 1], consumes[FETCH_CONSUMES_MAX + 1];
	char endpoint[HASH_TEXT_BYTES]; /* SHA-256 of the URL: of fixed length whatever the URL */
};

/* Of a request that was checked. */
void fetch_bond_of(const struct fetch_request *r, struct fetch_bond *ret);

/*
 * The FETCHED head is lines "attempt=…\nconsumes=…\nendpoint=…\nstatus=…\nsent=…\ncomplete=…\nsealed=…\nretry_after=…\n
 * content_type=…\n", authenticated by the spool's MAC. `bond` NULL: of no attempt.
 */
void fetch_put_head(struct buf *out, const struct fetch_bond *bond, const struct fetch_answer *answer);
/* ERR_INVALID for anything but a head. */
enum err fetch_parse_bond(struct slice head, struct fetch_bond *ret);
/* Sets only what the head tells. ERR_INVALID unless every line is there once and in order. */
enum err fetch_parse_head(struct slice head, struct fetch_answer *ret);
/* True when the head is of this attempt; an answer that came for another one must not be used. */
bool fetch_head_is_of(struct slice head, const char *attempt);
/*
 * False for an answer with tokens that was asked for with another URL, or consumed something else: whatever row its
 * attempt id may stand in now, it is not for that.
 */
bool fetch_answer_is_for(const struct fetch_answer *answer, const char *url, const char *consumes);
/* FETCHED to answer; views into the message. ERR_INVALID when malformed. */
enum err fetch_answer_from_message(const struct ipc_message *m, struct fetch_answer *ret);
/* Takes `answer->head` verbatim; an empty one is written from the answer, with no attempt. */
void fetch_answer_to_message(const struct fetch_answer *answer, struct arena *a, struct ipc_message *ret);
