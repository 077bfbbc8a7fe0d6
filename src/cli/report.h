/* SPDX-License-Identifier: Apache-2.0 */
/* Telling a person, or with --json a script, what went wrong. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/jsonr.h"

struct report {
	enum err kind;
	const struct errinfo *ei;
	const struct jsonr *refusal; /* the server's answer, or NULL: for request_id and candidates */
	bool colour;
};

/* "fiber: <what>", one line for each wrong field, what to do next, the request's id. */
void report_text(const struct report *r, struct buf *out);
/* {"error", "detail", "hint", "fields", "request_id"} on one line. */
void report_json(const struct report *r, struct buf *out);
