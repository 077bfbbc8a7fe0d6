/* SPDX-License-Identifier: Apache-2.0 */
/* The table of page routes, and the page that an error becomes. Handlers are in one file per group of pages. */
#pragma once

#include "call/call.h"
#include "http/router.h"

/* Each route's handler points at a struct call_route with `page` set. */
extern const struct route ui_routes[];
extern const size_t ui_route_count;

/* The page of an error: what was wrong, what to do, the request's id. `status` 0: the kind's own. */
void ui_error(struct response *r, const char *request_id, enum err e, int status, const struct errinfo *ei);

#define UI_HANDLERS(X)                                                                   \
	X(start_home) X(start_settings) X(assets_read)                                  \
	X(signin_form) X(signin_submit) X(signin_leave)                                 \
	X(adminlink_form) X(adminlink_submit)                                           \
	X(connections_index) X(connections_disconnect)                                  \
	X(initiate_begin) X(initiate_submit)                                            \
	X(connect_form) X(connect_submit) X(connect_result)                             \
	X(callback_read)                                                                \
	X(docs_description) X(docs_page) X(metrics_read)

#define X(name) enum err ui_##name(struct call *c, struct errinfo *ei);
UI_HANDLERS(X)
#undef X
