/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The provider's answer. Must never end as anything but a redirect to a clean URL or an error page that repeats
 * nothing of the query (OA-09, OA-10).
 */
#include "base/mem.h"
#include "core/flows.h"
#include "ui/routes.h"

static enum err take(struct call *c, struct callback_param *params, struct callback *ret, struct errinfo *ei)
{
	for (size_t i = 0; i < c->query.count; i++)
		params[i] = (struct callback_param){.name = c->query.pair[i].name, .value = c->query.pair[i].value};
	return callback_parse(params, c->query.count, c->arena, ret, ei);
}

static void end(struct call *c, const struct flow_row *flow)
{
	response_redirect(c->response, 303, slice_from(flows_end_url(c->core, flow, c->arena)));
}

/* The second run: the clerk has exchanged the code, or is still at it. */
static enum err finish(struct call *c, struct errinfo *ei)
{
	struct flow_row flow;
	enum err e = flows_get(c->core, c->state, c->arena, &flow, ei);

	if (e)
		return e;
	if (flow.result[0]) {
		end(c, &flow);
		return ERR_OK;
	}
	if (ei)
		ei->retry_after_s = 5;
	err_hint(ei, ERR_BUSY, "Reload this page in a moment: what was begun goes on.");
	return err_set(ei, ERR_BUSY, "the provider takes long to hand out the tokens");
}

enum err ui_callback_read(struct call *c, struct errinfo *ei)
{
	struct callback_param params[REQUEST_PARAMS_MAX];
	struct callback callback;
	struct flow_row flow;
	const struct flow_return_args args = {
		.callback = &callback,
		.param = params,
		.param_count = c->query.count,
		.path = c->request->path,
		.browser = call_browser_cookie(c),
		.session_hash = c->caller.session_hash,
	};
	bool exchange;
	enum err e;

	if (c->reply)
		return finish(c, ei);
	e = take(c, params, &callback, ei);
	if (!e)
		e = flows_return(c->core, &args, c->arena, &flow, &exchange, ei);
	if (e)
		return e;
	if (!exchange) {
		end(c, &flow);
		return ERR_OK;
	}
	c->state = arena_strdup(c->arena, flow.session_id);
	c->ask = (struct call_ask){.kind = CALL_ASK_EXCHANGE, .subject = c->state, .code = callback.code};
	return ERR_OK;
}
