/* SPDX-License-Identifier: Apache-2.0 */
/* The way of a secret into and out of a row. Must never hand out a value of another app's key. */
#include "core/vault.h"

#include <string.h>

#include "core/events.h"
#include "core/keys.h"

enum err vault_seal(struct core *core, const char *app_id, const struct seal_place *place, const struct secret *clear,
		    struct arena *a, struct sealed *ret, struct errinfo *ei)
{
	const struct data_key *key;
	enum err e = keys_current(core, app_id, KEYS_PURPOSE_SEAL, &key, ei);

	if (!e)
		*ret = seal_value(key, place, clear, a);
	return e;
}

static enum err open_value(struct core *core, const char *app_id, const struct seal_place *place, struct sealed value,
			   struct secret **ret_clear, struct errinfo *ei)
{
	const struct data_key *key;
	char id[RANDOM_ID_BYTES];
	enum err e = seal_key_id(value, id, ei);

	if (!e)
		e = keys_by_id(core, id, &key, ei);
	if (e)
		return e;
	if (strcmp(key->app_id, app_id) != 0)
		return err_set(ei, ERR_CRYPTO, "the sealed value in %s.%s of row %s belongs to another app", place->table,
			       place->column, place->row);
	return seal_open(key, place, value, ret_clear, ei);
}

enum err vault_open(struct core *core, const char *app_id, const struct seal_place *place, struct sealed value,
		    struct arena *a, struct secret **ret_clear, struct errinfo *ei)
{
	struct secret *clear = NULL;
	enum err e;

	if (value.bytes.n == 0) {
		*ret_clear = NULL;
		return ERR_OK;
	}
	e = open_value(core, app_id, place, value, &clear, ei);
	if (e == ERR_CRYPTO) {
		const struct event_row event = {
			.kind = "sealed_value_refused",
			.app_id = app_id,
			.cause = "sealed_value_refused",
			.detail = arena_printf(a, "%s.%s of row %s", place->table, place->column, place->row),
		};

		err_hint(ei, e, "The stored value was changed or moved. Restore the database, or let the user connect again.");
		(void)events_add(core, &event, NULL); /* the refusal stands also where it can't be noted */
	}
	if (!e)
		*ret_clear = secret_in_arena(a, clear);
	return e;
}
