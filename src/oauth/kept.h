/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values beside the tokens that an app needs to call the provider's API: Intuit's realmId, Salesforce's instance_url. A JSON
 * object of texts, numbers, true and false by the names in the profile; "" for none. Never secrets: profile_check() sees to the names.
 */
#pragma once

#include "oauth/callback.h"

enum { KEPT_VALUE_MAX = 512, KEPT_MAX_BYTES = 16 * 1024 };

/* What the profile keeps of the callback's parameters. They came through the user's browser: nobody vouches for them. */
const char *kept_from_callback(const struct profile *p, const struct callback_param *params, size_t count, struct arena *a);
/* What it keeps of a token answer. A value that is too long, or neither text, whole number, true nor false, is left out. */
const char *kept_from_answer(const struct profile *p, const struct jsonr *doc, struct arena *a);
/* Both; of a name that is in both the newer value. `before` alone when nothing is newer. In the arena. */
const char *kept_merge(const char *before, const char *newer, struct arena *a);
