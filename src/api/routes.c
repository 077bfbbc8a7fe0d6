/* SPDX-License-Identifier: Apache-2.0 */
/* Every API route with who may call it and the scope it takes. Nothing else decides that. */
#include "api/routes.h"

#include "base/mem.h"

/* method, path, handler, who, scope */
#define ROUTES(R)                                                                                                      \
	R(GET, "/health", status_health, ANYBODY, NOTHING)                                                             \
	R(GET, "/ready", status_ready, ANYBODY, NOTHING)                                                               \
	R(GET, "/api/v1/health", status_health, ANYBODY, NOTHING)                                                      \
	R(GET, "/api/v1/ready", status_ready, ANYBODY, NOTHING)                                                        \
	R(POST, "/api/v1/oauth/authenticators", authenticators_create, KNOWN, AUTHENTICATORS_WRITE)                    \
	R(POST, "/api/v1/oauth/authenticators/{app_id}", authenticators_create, KNOWN, AUTHENTICATORS_WRITE)           \
	R(POST, "/api/v1/oauth/authenticators/validate", authenticators_validate, KNOWN, AUTHENTICATORS_READ)          \
	R(GET, "/api/v1/oauth/authenticators", authenticators_index, KNOWN, AUTHENTICATORS_READ)                       \
	R(GET, "/api/v1/oauth/authenticators/{id}", authenticators_read, KNOWN, AUTHENTICATORS_READ)                   \
	R(PATCH, "/api/v1/oauth/authenticators/{id}", authenticators_change, KNOWN, AUTHENTICATORS_WRITE)              \
	R(PUT, "/api/v1/oauth/authenticators/{id}", authenticators_change, KNOWN, AUTHENTICATORS_WRITE)                \
	R(DELETE, "/api/v1/oauth/authenticators/{id}", authenticators_remove, KNOWN, AUTHENTICATORS_WRITE)             \
	R(GET, "/api/v1/oauth/templates", templates_index, KNOWN, AUTHENTICATORS_READ)                                 \
	R(GET, "/api/v1/oauth/templates/{type}", templates_read, KNOWN, AUTHENTICATORS_READ)                           \
	R(POST, "/api/v1/credentials/connect-links", links_create_one, KNOWN, CONNECTIONS_WRITE)                       \
	R(GET, "/api/v1/credentials/connect-links/{id}", links_read, KNOWN, CONNECTIONS_WRITE)                         \
	R(POST, "/api/v1/credentials/connect-links/{id}/confirm", links_confirm_one, KEY, CONNECTIONS_WRITE)           \
	R(GET, "/api/v1/credentials/connections", connections_index, KNOWN, CONNECTIONS_READ)                          \
	R(GET, "/api/v1/credentials/oauth/connections", connections_index, KNOWN, CONNECTIONS_READ)                    \
	R(DELETE, "/api/v1/credentials/connections/{ref}", connections_remove, KNOWN, CONNECTIONS_WRITE)               \
	R(DELETE, "/api/v1/credentials/oauth/connections/{ref}", connections_remove, KNOWN, CONNECTIONS_WRITE)         \
	R(POST, "/api/v1/apps/{app_id}/oauth/revoke/{ref}", connections_remove, KNOWN, CONNECTIONS_WRITE)              \
	R(GET, "/api/v1/credentials/connections/{ref}/token", tokens_read, KEY, TOKENS_READ)                           \
	R(POST, "/api/v1/credentials/connections/{ref}/token/rejected", tokens_rejected, KEY, TOKENS_READ)                 \
	R(GET, "/api/v1/apps/{app_id}/service-providers", connections_providers, KNOWN, CONNECTIONS_READ)              \
	R(GET, "/api/v1/apps", apps_index, KNOWN, NOTHING)                                                             \
	R(POST, "/api/v1/apps", apps_create_one, KNOWN, ADMIN)                                                         \
	R(GET, "/api/v1/apps/{app_id}", apps_read, KNOWN, NOTHING)                                                     \
	R(PATCH, "/api/v1/apps/{app_id}", apps_change, KNOWN, ADMIN)                                                   \
	R(GET, "/api/v1/apps/{app_id}/api-keys", apps_keys_index, KNOWN, ADMIN)                                        \
	R(POST, "/api/v1/apps/{app_id}/api-keys", apps_keys_create, KNOWN, ADMIN)                                      \
	R(DELETE, "/api/v1/apps/{app_id}/api-keys/{key}", apps_keys_remove, KNOWN, ADMIN)                              \
	R(POST, "/api/v1/auth/login", account_login, ANYBODY, NOTHING)                                                 \
	R(POST, "/api/v1/auth/logout", account_logout, SESSION, NOTHING)                                               \
	R(GET, "/api/v1/user/profile", account_profile, KNOWN, NOTHING)                                                \
	R(GET, "/api/v1/user/api-keys", account_keys_index, KNOWN, ADMIN)                                              \
	R(POST, "/api/v1/user/api-keys", account_keys_create, KNOWN, ADMIN)                                            \
	R(DELETE, "/api/v1/user/api-keys/{key}", account_keys_remove, KNOWN, ADMIN)

#define R(verb, path, name, caller, needs)                                                                   \
	{.method = HTTP_M_##verb,                                                                            \
	 .pattern = (path),                                                                                  \
	 .handler = &(const struct call_route){.handler = api_##name, .who = CALL_##caller, .scope = ACCESS_##needs}},

const struct route api_routes[] = {ROUTES(R)};
const size_t api_route_count = ARRAY_LEN(api_routes);

enum { APP_ID_MAX = 200 };

enum err api_app(struct call *c, struct app_row *ret, struct errinfo *ei)
{
	struct slice id = request_path_param(c->request, "app_id"), in_body;
	enum err e = call_text(c, "app_id", APP_ID_MAX, &in_body, ei);

	if (e)
		return e;
	if (!id.n)
		id = params_get(&c->query, "app_id");
	if (id.n && in_body.n && !slice_eq(id, in_body))
		return err_field(ei, "app_id", "is another app than the one in the address");
	if (!id.n)
		id = in_body;
	return access_app(c->core, &c->caller, id, c->arena, ret, ei);
}

void api_success(struct call *c, const char *message)
{
	struct jsonw w = call_json(c, 200);

	jsonw_object(&w, NULL);
	jsonw_bool(&w, "success", true);
	jsonw_string(&w, "message", message);
	jsonw_object_end(&w);
}
