/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to connections and authenticators: rows of oauth_events, written in the transaction of the change. */
#pragma once

#include "core/core.h"

/* event_id and created_at are filled in. `kind` and `detail` never hold a secret or a provider's text. */
enum err events_add(struct core *core, const struct event_row *event, struct errinfo *ei);
