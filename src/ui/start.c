/* SPDX-License-Identifier: Apache-2.0 */
/* Where people land who type only the address. */
#include "ui/paths.h"
#include "ui/routes.h"

enum err ui_start_home(struct call *c, struct errinfo *ei)
{
	(void)ei;
	response_redirect(c->response, 303,
			  c->caller.kind == CALLER_SESSION ? SLICE_LIT(PATH_CONNECTIONS) : SLICE_LIT(PATH_LOGIN));
	return ERR_OK;
}

/* Settings has one page; what a flow that returned here had to say goes on to it. */
enum err ui_start_settings(struct call *c, struct errinfo *ei)
{
	struct slice query = c->request->query;

	if (c->caller.kind != CALLER_SESSION || query.n == 0)
		return ui_start_home(c, ei);
	response_redirect(c->response, 303, slice_from(arena_printf(c->arena, PATH_CONNECTIONS "?%.*s", SLICE_ARG(query))));
	return ERR_OK;
}
