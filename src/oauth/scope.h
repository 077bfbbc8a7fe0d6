/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of scopes, kept as JSON array text (RFC 6749 §3.3 for what a scope may hold). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "json/jsonr.h"

enum { SCOPE_MAX = 100, SCOPE_TEXT_MAX = 256 };

/*
 * From a JSON array of strings, or a string separated by blanks or commas (what the CLI sends), to array text in given order
 * without repeats. ERR_UNPROCESSABLE, field "scopes", names the bad one.
 */
enum err scope_from_json(const struct jsonr *v, struct arena *a, struct slice *ret_array, struct errinfo *ei);
/* From a provider's answer: a string (blank separated, commas too if `comma`) or an array. Hostile: bad ones are dropped. n 0 when `v` is absent. */
struct slice scope_from_answer(const struct jsonr *v, bool comma, struct arena *a);
/* Array text joined with `separator`. */
void scope_join(struct slice array, char separator, struct buf *out);
bool scope_has(struct slice array, const char *scope);
/* Those of `requested` that `granted` lacks, as array text ("[]" when none). `granted` n 0 means as requested. openid, profile, email, offline_access are not missed when only they lack. */
struct slice scope_missing(struct slice requested, struct slice granted, struct arena *a);
/* True when every scope of `part` is in `whole`. */
bool scope_within(struct slice part, struct slice whole);
