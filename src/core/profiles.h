/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The profiles of authenticators that were read lately, so that a refresh need not take a JSON text apart twice. Found by the
 * whole text of the configuration, so nothing has to be told when an authenticator changes: another text is another profile.
 */
#pragma once

#include "base/arena.h"
#include "catalog/profile.h"

struct profiles;

struct profiles *profiles_new(void);
void profiles_free(struct profiles **p);
/* The profile that a row's or a flow's `configuration` holds, its texts in the arena. `p` may be NULL: nothing is remembered. */
enum err profiles_read(struct profiles *p, const char *configuration, struct arena *a, struct profile *ret, struct errinfo *ei);
