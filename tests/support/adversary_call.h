/* SPDX-License-Identifier: Apache-2.0 */
/* A control call in work. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "support/adversary_conn.h"
#include "support/adversary_request.h"

struct adversary_call {
	struct adversary_server *server;
	struct adversary_conn *conn;
	struct arena *arena;
	struct adversary_params query;
	json_t *body;	/* of a POST, never NULL there */
	json_t *result; /* the handler's, given away */
	bool later;	/* the answer comes when something happens */
	struct errinfo why;
};

/* A number from the query, or the fallback when it is not there. */
enum err adversary_call_number(struct adversary_call *call, const char *name, uint64_t fallback, uint64_t max,
			       uint64_t *ret_value);
