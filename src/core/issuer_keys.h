/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signature keys of issuers, as they were fetched last: by issuer (or by their own address), for an hour, for a day when the issuer cannot be reached.
 * One of the clerk's operations asks for them while others wait. Belongs to the store thread.
 */
#pragma once

#include "catalog/profile.h"
#include "fetch/fetch.h"
#include "oauth/discovery.h"

enum {
	ISSUER_KEYS_FRESH_MS = 3600 * 1000,
	ISSUER_KEYS_KEPT_MS = 24 * 3600 * 1000,
	ISSUER_KEYS_NEWER_MS = 5 * 60 * 1000, /* at most so often because a token names a key that is not there (ID-10) */
	ISSUER_KEYS_PAUSE_MS = 10 * 1000,     /* after a failure */
	ISSUER_KEYS_PATIENCE_MS = 60 * 1000,  /* longer no answer is waited for: who asked is gone */
	ISSUER_KEYS_MAX = 256,                /* issuers; then the one that was fetched longest ago is forgotten */
};

struct issuer_keys;

struct issuer_keys *issuer_keys_new(void);
void issuer_keys_free(struct issuer_keys **k);

enum issuer_keys_next {
	ISSUER_KEYS_READY, /* they are there */
	ISSUER_KEYS_ASK,   /* the request is to be sent, and its answer given to issuer_keys_take() */
	ISSUER_KEYS_WAIT,  /* somebody else has asked: look again when that is over */
	ISSUER_KEYS_DOWN,  /* they could not be had, not long ago */
	ISSUER_KEYS_SAME,  /* newer ones were wanted, and asked for not long ago */
};

/* Where the asking of one operation stands. Zeroed at first. */
struct issuer_keys_walk {
	const char *name; /* the issuer, or where its keys are */
	bool is_address;
	enum { ISSUER_KEYS_METADATA, ISSUER_KEYS_METADATA_8414, ISSUER_KEYS_SET } asked;
	int64_t seen_at; /* when the keys were fetched that were not good enough; 0: none were there */
};

/* What an ID token of this profile may be verified with, or keys NULL. Borrowed until the next call. `walk` notes what was seen. */
struct id_token_keys {
	const struct jwks *keys;
	unsigned algs; /* those of the profile, else all that we know; of them those that the issuer says it uses */
};
struct id_token_keys issuer_keys_find(const struct issuer_keys *k, const struct profile *p, int64_t now, struct issuer_keys_walk *walk);
/* Whether keys of this profile can be had at all: it names an issuer, or where they are. */
bool issuer_keys_possible(const struct profile *p);
/* ERR_UNPROCESSABLE, with the field, for algorithms that are not known here. */
enum err issuer_keys_check(const struct profile *p, struct errinfo *ei);
/*
 * What is to be done to have keys, at `now` (monotonic ms); `newer`: than those that `walk` saw. Never more than one operation at once
 * is told to ask for the same issuer.
 */
enum issuer_keys_next issuer_keys_need(struct issuer_keys *k, const struct profile *p, bool newer, int64_t now,
				       struct issuer_keys_walk *walk, struct arena *a, struct fetch_request *ret);
/* Takes the answer to what was asked. ISSUER_KEYS_ASK: the next request of the same walk; else it is over, and issuer_keys_need() tells how. */
enum issuer_keys_next issuer_keys_take(struct issuer_keys *k, const struct fetch_answer *answer, int64_t now,
				       struct issuer_keys_walk *walk, struct arena *a, struct fetch_request *ret);
