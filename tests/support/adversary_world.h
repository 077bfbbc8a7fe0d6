/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that one adversary knows, without its sockets. */
#pragma once

#include <stdint.h>

#include "support/adversary_config.h"
#include "support/adversary_grants.h"
#include "support/adversary_record.h"
#include "support/adversary_script.h"
#include "support/adversary_signer.h"

struct adversary_world {
	struct adversary_config config;
	struct adversary_config first_config; /* what a reset goes back to */
	struct adversary_grants *grants;
	struct adversary_signer *signer;
	struct adversary_script *script;
	struct adversary_record *record;
	int64_t skew_ms; /* the adversary's clock minus the machine's */
	uint64_t random; /* state of the seeded generator */
	char url[64];	 /* "http://127.0.0.1:1234" */
};

void adversary_world_init(struct adversary_world *world, const struct adversary_config *config);
void adversary_world_done(struct adversary_world *world);

/* Epoch milliseconds by the adversary's clock. */
int64_t adversary_world_now(const struct adversary_world *world);
/* The next of the seeded sequence, from 0 to below 1. `arg` is the world. */
double adversary_world_random(void *arg);
/* A number of the range, both ends included. */
int64_t adversary_world_pick(struct adversary_world *world, struct adversary_range range);

/* The configured issuer, else the URL. */
struct slice adversary_world_issuer(const struct adversary_world *world);

/* Back to the beginning: "grants", "script", "record", "clock" or "config". False for another word. */
bool adversary_world_reset(struct adversary_world *world, const char *what);
