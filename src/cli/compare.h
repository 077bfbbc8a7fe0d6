/* SPDX-License-Identifier: Apache-2.0 */
/* Is the configuration that was sent the one that the server has? */
#pragma once

#include "base/arena.h"
#include "json/jsonr.h"

/*
 * The names of the fields that differ, with commas between; NULL when none does. Only what both know
 * is compared: the server never tells a client secret, and an empty value sent means its own choice.
 * Scopes are compared as sets.
 */
const char *compare_configuration(struct arena *a, const struct jsonr *sent, const struct jsonr *there);
