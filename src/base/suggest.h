/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean …?": the nearest of some words to what was typed. */
#pragma once

#include "base/slice.h"

struct suggest {
	struct slice typed;
	const char *best; /* borrowed; NULL when nothing is near enough */
	size_t distance;
};

void suggest_init(struct suggest *s, struct slice typed);
/* `word` must outlive `s`. Of equally near words the first offered stays. */
void suggest_offer(struct suggest *s, const char *word);
/* Insertions, deletions, changes and swaps of neighbours between two words; at most 64 bytes of each count. */
size_t suggest_distance(struct slice a, struct slice b);
