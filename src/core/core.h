/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every function of the product works with: the store, the data keys, the clock, and who we are
 * on the network. One per store thread; core functions are straight-line and may block on the store.
 */
#pragma once

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/url.h"
#include "store/store.h"

struct issuer_keys;
struct keys;
struct profiles;
struct template_directory;

struct core {
	struct store *store;
	struct keys *keys;
	struct profiles *profiles; /* NULL: none are remembered */
	struct issuer_keys *issuer_keys; /* of who exchanges codes; else NULL */
	struct template_directory *templates; /* the operator's; NULL: none */
	const struct clock *clock;
	const char *public_url; /* without a trailing slash */
	struct url public;      /* the same, parsed */
	const char *instance;   /* of this start of the service, for intents */
	struct buf *notes;      /* audit notes of what runs (core/auditing.h); NULL: nobody takes them */
};

/* Sets public_url and public. ERR_CONFIG when it is no usable URL. */
enum err core_set_public_url(struct core *core, const char *url, struct errinfo *ei);
int64_t core_now(const struct core *core);

/* The ids that a statement of the table IDS finds (it bounds their number itself), in the arena: for recovery. */
enum err core_ids(struct core *core, enum sql sql, struct store_params params, struct arena *a, const char ***ret_ids, size_t *ret_n,
		  struct errinfo *ei);

#define CORE_DEFAULT_APP "default"
