/* SPDX-License-Identifier: Apache-2.0 */
/* Text in a manual page (man(7)). */
#pragma once

#include "base/buf.h"

/* `text` so that troff reads it as text: hyphens stay hyphens, backslashes and a dot at the beginning mean nothing. */
void roff_put(struct buf *out, const char *text);
