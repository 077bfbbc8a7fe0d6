/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the service lives, and whether it can serve. */
#include "api/routes.h"

enum err api_status_health(struct call *c, struct errinfo *ei)
{
	struct jsonw w = call_json(c, 200);

	(void)ei;
	jsonw_object(&w, NULL);
	jsonw_string(&w, "status", "ok");
	jsonw_string(&w, "version", FW_VERSION);
	jsonw_object_end(&w);
	return ERR_OK;
}

enum err api_status_ready(struct call *c, struct errinfo *ei)
{
	struct app_row app;
	struct jsonw w;
	enum err e = store_find(c->core->store, SQL_APP_BY_ID, STORE_PARAMS(STORE_TEXT(CORE_DEFAULT_APP)), c->arena, &app, ei);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_STORE : e;
	w = call_json(c, 200);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "status", "ready");
	jsonw_object_end(&w);
	return ERR_OK;
}
