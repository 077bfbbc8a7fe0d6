/* SPDX-License-Identifier: Apache-2.0 */
/* When connections were last used, as the workers report it in batches: one transaction for each. */
#pragma once

#include "clerk/desk.h"

/* Connections whose tokens were read until `at`: ids, each ended by a newline. */
void used_take(struct desk *d, int64_t at, struct slice ids);
