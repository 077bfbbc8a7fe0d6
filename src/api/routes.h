/* SPDX-License-Identifier: Apache-2.0 */
/* The table of API routes (API.md §1). Handlers are in one file per resource. */
#pragma once

#include "call/call.h"
#include "http/router.h"

/* Each route's handler points at a struct call_route. */
extern const struct route api_routes[];
extern const size_t api_route_count;

#define API_HANDLERS(X)                                                                                          \
	X(status_health) X(status_ready)                                                                          \
	X(authenticators_create) X(authenticators_index) X(authenticators_read) X(authenticators_change)          \
	X(authenticators_remove) X(authenticators_validate)                                                       \
	X(templates_index) X(templates_read)                                                                      \
	X(links_create_one) X(links_read) X(links_confirm_one)                                                    \
	X(connections_index) X(connections_remove) X(connections_providers) X(tokens_read) X(tokens_rejected)                        \
	X(apps_index) X(apps_create_one) X(apps_read) X(apps_change)                                              \
	X(apps_keys_index) X(apps_keys_create) X(apps_keys_remove)                                                \
	X(account_login) X(account_logout) X(account_profile)                                                     \
	X(account_keys_index) X(account_keys_create) X(account_keys_remove)

#define X(name) enum err api_##name(struct call *c, struct errinfo *ei);
API_HANDLERS(X)
#undef X

/* The app that the request means: path, query, then body; ERR_UNPROCESSABLE as access_app(). */
enum err api_app(struct call *c, struct app_row *ret, struct errinfo *ei);
/* {"success": true, "message": …} */
void api_success(struct call *c, const char *message);
