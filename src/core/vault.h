/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing and opening of an app's values by place; a refused value leaves an event (CR-01). */
#pragma once

#include "core/core.h"
#include "secret/seal.h"

/* NULL `clear` seals to the absent value. */
enum err vault_seal(struct core *core, const char *app_id, const struct seal_place *place, const struct secret *clear,
		    struct arena *a, struct sealed *ret, struct errinfo *ei);
/*
 * The clear value in the arena, NULL when absent. ERR_CRYPTO: refused; an event "sealed_value_refused" was written. Not to be
 * called inside a transaction that may be rolled back.
 */
enum err vault_open(struct core *core, const char *app_id, const struct seal_place *place, struct sealed value,
		    struct arena *a, struct secret **ret_clear, struct errinfo *ei);
