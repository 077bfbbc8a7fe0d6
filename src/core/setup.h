/* SPDX-License-Identifier: Apache-2.0 */
/* The first start: what must be there before anybody can call. Runs in the init child, which holds the master key. */
#pragma once

#include "base/clock.h"
#include "base/err.h"
#include "secret/master.h"
#include "store/store.h"

/*
 * Makes what is missing (platform keys, administrator, app `default`, `admin.key` of mode 0600 at the given path)
 * and changes nothing that exists. ERR_CONFIG when the master key does not open the stored data keys: checked before anything is made.
 */
enum err setup_first_start(struct store *store, const struct master *master, const char *admin_key_path,
			   const struct clock *clock, struct errinfo *ei);
