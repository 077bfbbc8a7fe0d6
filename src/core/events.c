/* SPDX-License-Identifier: Apache-2.0 */
/* Writing events. */
#include "core/events.h"

#include "base/random.h"

enum err events_add(struct core *core, const struct event_row *event, struct errinfo *ei)
{
	struct event_row row = *event;
	char id[RANDOM_ID_BYTES];

	random_id(id);
	row.event_id = id;
	row.created_at = core_now(core);
	return store_insert(core->store, TABLE_EVENTS, &row, ei);
}
