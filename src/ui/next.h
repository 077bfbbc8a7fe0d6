/* SPDX-License-Identifier: Apache-2.0 */
/* Where a browser goes after the sign-in. */
#pragma once

#include "base/arena.h"

enum { NEXT_MAX = 4096 };

/*
 * `text` when it is a path of ours: begins with '/', no '/' or '\' behind it, no control characters; what may not
 * stand in a Location header is percent-encoded. "" for anything else.
 */
const char *next_path(struct slice text, struct arena *a);
