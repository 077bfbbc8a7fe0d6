/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that processes of the service share. Nobody who has it can take it away under the others. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/* Zeroed memory of that size; `name` tells it from others, for people. The descriptor is the caller's. ERR_CONFIG. */
enum err shared_create(const char *name, size_t bytes, int *ret_fd, struct errinfo *ei);
/* Maps it; the descriptor stays the caller's. ERR_CONFIG for one that is no such memory, or of another size. */
enum err shared_map(const char *name, size_t bytes, int fd, void **ret, struct errinfo *ei);
void shared_unmap(void *p, size_t bytes);
