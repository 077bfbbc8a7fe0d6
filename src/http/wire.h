/* SPDX-License-Identifier: Apache-2.0 */
/* The head of an answer as bytes: status line, the security headers of WB-04, framing. */
#pragma once

#include "base/clock.h"
#include "http/response.h"

enum { WIRE_BLOCK_MAX = 1024, WIRE_DATE_BYTES = 32 };

/* Answers by what a browser may do with them. */
enum wire_kind { WIRE_PAGE, WIRE_PAGE_LEADS_AWAY, WIRE_DATA, WIRE__COUNT };

/* What is the same for many answers, written out once. */
struct wire {
	const struct clock *clock;
	struct slice block[WIRE__COUNT][2]; /* security headers; the second of each may be kept by caches */
	char text[WIRE__COUNT][2][WIRE_BLOCK_MAX];
	int64_t date_s; /* the second that `date` shows */
	char date[WIRE_DATE_BYTES];
};

void wire_init(struct wire *w, const struct clock *clock, bool https, bool loopback_forms);
/* Appends the whole head. `keep`: the connection stays open. */
void wire_put_head(struct wire *w, struct buf *out, const struct response *r, const char *id, bool keep);
/* True for answers that have no body and tell no length (RFC 9110 §15.3.5, §15.4.5). */
bool wire_is_bodiless(int status);
