/* SPDX-License-Identifier: Apache-2.0 */
/* Text from tenants that people will read on our pages: names of apps and authenticators, users' ids, accounts. */
#pragma once

#include "base/slice.h"

/*
 * UTF-8 that is shown as it is written: no control characters (C0, DEL, C1), no line or paragraph separators, nothing
 * that turns the direction of the text around it (LG-02, WB-06).
 */
bool line_is_plain(struct slice text);
