/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics, for a monitoring system with a key of the platform. Must never show a number to whom one app's key belongs. */
#include "base/metrics.h"

#include "ui/routes.h"

enum err ui_metrics_read(struct call *c, struct errinfo *ei)
{
	enum err e = access_need(&c->caller, ACCESS_ADMIN, ei);

	if (!e && c->caller.reach_app_id[0])
		e = err_set(ei, ERR_FORBIDDEN, "this key is one app's, and these numbers are of all");
	if (e)
		return e;
	c->response->status = 200;
	c->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_put(&c->response->body);
	return ERR_OK;
}
