/* SPDX-License-Identifier: Apache-2.0 */
/* The schema, as steps that are applied in order and never changed once released. */
#pragma once

#include <stddef.h>

extern const char *const schema_migrations[];
extern const size_t schema_migration_count;
