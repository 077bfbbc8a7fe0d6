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

enum err ui_start_settings(struct call *c, struct errinfo *ei)
{
	return ui_start_home(c, ei);
}
