/* SPDX-License-Identifier: Apache-2.0 */
/* Writing events. */
#include "core/events.h"

#include "base/random.h"
#include "core/auditing.h"

enum err events_add(struct core *core, const struct event_row *event, struct errinfo *ei)
{
	struct event_row row = *event;
	char id[RANDOM_ID_BYTES];

	random_id(id);
	row.event_id = id;
	row.created_at = core_now(core);
	auditing_note(core, &(const struct record){
		.event = row.kind,
		.actor = row.actor,
		.app_id = row.app_id,
		.connection_id = row.auth_id,
		.authenticator_id = row.authenticator_id,
		.user_id = row.user_id,
		.grant_id = row.grant_id,
		.generation = row.generation,
		.cause = row.cause,
		.detail = row.detail,
	});
	return store_insert(core->store, TABLE_EVENTS, &row, ei);
}
