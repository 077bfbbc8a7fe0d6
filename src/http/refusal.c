/* SPDX-License-Identifier: Apache-2.0 */
/* The table of refusals. Its sentences are fixed texts: a refused request's bytes are never repeated. */
#include "http/refusal.h"

static const struct refusal_kind kinds[REFUSAL__COUNT] = {
#define X(name, kind, status, text) [REFUSAL_##name] = {ERR_##kind, status, text},
	REFUSALS(X)
#undef X
};

const struct refusal_kind *refusal_kind(enum refusal r)
{
	return &kinds[(unsigned)r < REFUSAL__COUNT ? r : REFUSAL_PARSER];
}
