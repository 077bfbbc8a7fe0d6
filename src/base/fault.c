/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which seeded bugs are on: read from the environment once, before any thread is. Must never be part of a build that anybody
 * uses: meson leaves this file out unless told otherwise.
 */
#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"

#define VARIABLE "FIBERD_FAULTS"

static char line[sizeof VARIABLE + 256];
static bool chosen[FAULT__COUNT];

__attribute__((constructor)) static void read_choice(void)
{
	static const char *const names[FAULT__COUNT] = {
#define X(name) #name,
		FAULTS(X)
#undef X
	};
	const char *value = getenv(VARIABLE);
	struct slice rest = slice_from(value ? value : ""), name;

	if (!rest.n)
		return;
	snprintf(line, sizeof line, VARIABLE "=%s", value);
	while (slice_split(&rest, ',', &name)) {
		size_t i = 0;

		while (i < FAULT__COUNT && !slice_is(name, names[i]))
			i++;
		if (i == FAULT__COUNT) {
			fprintf(stderr, "fiberd: there is no fault called %.*s\n", SLICE_ARG(name));
			_Exit(2);
		}
		chosen[i] = true;
	}
}

bool fault_chosen(enum fault fault)
{
	return chosen[fault];
}

char *fault_environment(void)
{
	return line[0] ? line : NULL;
}
