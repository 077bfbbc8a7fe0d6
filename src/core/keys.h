/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data keys in use by this process: read from data_keys in wrapped form and opened by whoever holds
 * the master key (the keeper for running roles). Kept until the process ends; wiped then.
 */
#pragma once

#include "base/arena.h"
#include "core/core.h"
#include "secret/seal.h"

/* Who wraps and unwraps. `io` has id, app and epoch set; the function fills in the bytes. */
struct key_source {
	enum err (*fresh)(void *arg, struct data_key *io, struct arena *a, struct slice *ret_wrapped, struct errinfo *ei);
	enum err (*unwrap)(void *arg, struct slice wrapped, struct data_key *io, struct errinfo *ei);
	void *arg;
};

#define KEYS_PURPOSE_SEAL "seal"
#define KEYS_PURPOSE_FINGERPRINT "fingerprint"
#define KEYS_PURPOSE_AUDIT "audit"

struct keys *keys_new(const struct key_source *source);
void keys_free(struct keys **k);
/* Makes and stores the app's first key of that purpose ("" for the platform's). */
enum err keys_create(struct core *core, const char *app_id, const char *purpose, struct errinfo *ei);
/* The newest key of an app, borrowed. */
enum err keys_current(struct core *core, const char *app_id, const char *purpose, const struct data_key **ret_key,
		      struct errinfo *ei);
/* The key that a value names, borrowed. ERR_CRYPTO when there is none of that id. */
enum err keys_by_id(struct core *core, const char *key_id, const struct data_key **ret_key, struct errinfo *ei);
/* The keyed fingerprint of a token, under the platform's fingerprint key. */
enum err keys_fingerprint(struct core *core, const struct secret *token, char ret[33], struct errinfo *ei);
