/* SPDX-License-Identifier: Apache-2.0 */
/* Every page route with who may call it. Nothing else decides that. */
#include "ui/routes.h"

#include "base/mem.h"

/* method, path, handler, who */
#define ROUTES(R)                                                                               \
	R(GET, "/", start_home, ANYBODY)                                                        \
	R(GET, "/settings", start_settings, ANYBODY)                                            \
	R(GET, "/static/{file}", assets_read, ANYBODY)                                          \
	R(GET, "/metrics", metrics_read, KEY)                                                   \
	R(GET, "/openapi.json", docs_description, ANYBODY)                                      \
	R(GET, "/docs", docs_page, ANYBODY)                                                     \
	R(GET, "/login", signin_form, ANYBODY)                                                  \
	R(POST, "/login", signin_submit, ANYBODY)                                               \
	R(POST, "/logout", signin_leave, ANYBODY)                                               \
	R(GET, "/admin-link/{token}", adminlink_form, ANYBODY)                                  \
	R(POST, "/admin-link/{token}", adminlink_submit, ANYBODY)                               \
	R(GET, "/settings/oauth-authenticators", connections_index, SESSION)                    \
	R(GET, "/settings/oauth-authenticators/{app_id}", connections_index, SESSION)           \
	R(POST, "/settings/oauth-authenticators/disconnect", connections_disconnect, SESSION)   \
	R(GET, "/api/v1/credentials/auth/initiate/{ref}", initiate_begin, SESSION)              \
	R(POST, "/api/v1/credentials/auth/initiate/{ref}", initiate_submit, SESSION)            \
	R(GET, "/api/v1/credentials/auth/{ref}", initiate_begin, SESSION)                       \
	R(POST, "/api/v1/credentials/auth/{ref}", initiate_submit, SESSION)                     \
	R(GET, "/connect/result", connect_result, ANYBODY)                                      \
	R(GET, "/connect/{token}", connect_form, ANYBODY)                                       \
	R(POST, "/connect/{token}", connect_submit, ANYBODY)                                    \
	R(GET, "/auth/callback/{x}", callback_read, ANYBODY)                                    \
	R(GET, "/api/v1/credentials/auth/callback/{x}", callback_read, ANYBODY)                 \
	R(GET, "/api/v1/oauth/callback/{x}", callback_read, ANYBODY)                            \
	R(GET, "/api/v1/credentials/oauth/callback/{x}", callback_read, ANYBODY)

#define R(verb, path, name, caller)                                                          \
	{.method = HTTP_M_##verb,                                                            \
	 .pattern = (path),                                                                  \
	 .handler = &(const struct call_route){.handler = ui_##name, .who = CALL_##caller, .page = true}},

const struct route ui_routes[] = {ROUTES(R)};
const size_t ui_route_count = ARRAY_LEN(ui_routes);
