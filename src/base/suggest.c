/* SPDX-License-Identifier: Apache-2.0 */
/* Distance between words (optimal string alignment). Must never offer a word that merely has the same length. */
#include "base/suggest.h"

enum { WORD_MAX = 64 };

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(struct slice a, struct slice b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *older = rows[0], *old = rows[1], *now = rows[2];

	a = slice_sub(a, 0, WORD_MAX);
	b = slice_sub(b, 0, WORD_MAX);
	for (size_t j = 0; j <= b.n; j++)
		older[j] = old[j] = now[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t *spare = older;

		now[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t change = old[j - 1] + (a.p[i - 1] != b.p[j - 1]);

			now[j] = min(change, 1 + min(old[j], now[j - 1]));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				now[j] = min(now[j], older[j - 2] + 1);
		}
		older = old;
		old = now;
		now = spare;
	}
	return old[b.n];
}

void suggest_init(struct suggest *s, struct slice typed)
{
	*s = (struct suggest){.typed = typed};
}

void suggest_offer(struct suggest *s, const char *word)
{
	struct slice w = slice_from(word);
	size_t distance = suggest_distance(s->typed, w);
	bool begins = s->typed.n >= 3 && s->typed.n < w.n && slice_eq(slice_sub(w, 0, s->typed.n), s->typed);

	/* A third of the letters may be wrong; the beginning of a word counts as one mistake. */
	if (begins)
		distance = 1;
	if (distance > (s->typed.n < 3 ? 1 : s->typed.n / 3))
		return;
	if (!s->best || distance < s->distance) {
		s->best = word;
		s->distance = distance;
	}
}
