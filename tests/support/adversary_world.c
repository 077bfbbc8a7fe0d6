/* SPDX-License-Identifier: Apache-2.0 */
/* The adversary's memory as one thing: made, reset and freed together. Must never do input or output. */
#include "support/adversary_world.h"

#include <string.h>

#include "base/clock.h"

void adversary_world_init(struct adversary_world *world, const struct adversary_config *config)
{
	*world = (struct adversary_world){.config = *config, .first_config = *config};
	world->grants = adversary_grants_new(&world->config);
	world->signer = adversary_signer_new();
	world->script = adversary_script_new();
	world->record = adversary_record_new(&world->config);
	world->random = (uint64_t)config->seed;
}

void adversary_world_done(struct adversary_world *world)
{
	adversary_grants_free(&world->grants);
	adversary_signer_free(&world->signer);
	adversary_script_free(&world->script);
	adversary_record_free(&world->record);
}

int64_t adversary_world_now(const struct adversary_world *world)
{
	return clock_wall_ms(&clock_system) + world->skew_ms;
}

/* splitmix64: small, seedable, and good enough to choose who suffers. */
double adversary_world_random(void *arg)
{
	struct adversary_world *world = arg;
	uint64_t z = world->random += 0x9E3779B97F4A7C15u;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	z ^= z >> 31;
	return (double)(z >> 11) * 0x1.0p-53;
}

int64_t adversary_world_pick(struct adversary_world *world, struct adversary_range range)
{
	if (range.lo == range.hi)
		return range.lo;
	return range.lo + (int64_t)(adversary_world_random(world) * (double)(range.hi - range.lo + 1));
}

struct slice adversary_world_issuer(const struct adversary_world *world)
{
	return slice_from(world->config.issuer[0] ? world->config.issuer : world->url);
}

bool adversary_world_reset(struct adversary_world *world, const char *what)
{
	if (strcmp(what, "grants") == 0) {
		adversary_grants_free(&world->grants);
		world->grants = adversary_grants_new(&world->config);
	} else if (strcmp(what, "script") == 0) {
		adversary_script_clear(world->script);
	} else if (strcmp(what, "record") == 0) {
		adversary_record_clear(world->record);
	} else if (strcmp(what, "clock") == 0) {
		world->skew_ms = 0;
	} else if (strcmp(what, "config") == 0) {
		world->config = world->first_config;
		world->random = (uint64_t)world->config.seed;
	} else {
		return false;
	}
	return true;
}
