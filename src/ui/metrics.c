/* SPDX-License-Identifier: Apache-2.0 */
/* GET /metrics, for a monitoring system with a key of the platform. Must never show a number to whom one app's key belongs. */
#include "base/metrics.h"

#include "ui/routes.h"

enum err ui_metrics_read(struct call *c, struct errinfo *ei)
{
	struct count_row queue;
	enum err e = access_need(&c->caller, ACCESS_ADMIN, ei);

	if (!e && c->caller.reach_app_id[0])
		e = err_set(ei, ERR_FORBIDDEN, "this key is one app's, and these numbers are of all");
	if (!e)
		e = store_find(c->core->store, SQL_GRANTS_TO_REVOKE_COUNT, STORE_NO_PARAMS, c->arena, &queue, ei);
	if (e)
		return e;
	c->response->status = 200;
	c->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
	metrics_put(&c->response->body);
	metrics_put_gauge(&c->response->body, "fiberwise_revocations_waiting", "Ended grants of which the provider is still to be told.", queue.count);
	return ERR_OK;
}
