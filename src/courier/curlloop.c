/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The glue between libcurl's multi interface and libuv: it tells us which sockets to watch and when to
 * wake it, we tell it what happened. Must never call back into the owner from inside libcurl.
 */
#include "courier/curlloop.h"

#include <stdlib.h>

#include "base/mem.h"
#include "courier/wipemem.h"

struct curlloop {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	curlloop_done_fn *done;
};

struct watch {
	uv_poll_t poll;
	struct curlloop *owner;
	curl_socket_t fd;
};

static void report_done(struct curlloop *c)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(c->multi, &left))) {
		CURL *easy = message->easy_handle;
		CURLcode result = message->data.result;
		char *private_data = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private_data);
		c->done(easy, result, private_data);
	}
}

/*
 * Without memory libcurl leaves a transfer whose socket nobody watches, and only this call's result says so: all are looked at
 * anew. To end the process would lose the answers that others wait for, so that comes last.
 */
static void act(struct curlloop *c, curl_socket_t fd, int flags)
{
	CURLMcode code;
	int running;

	code = curl_multi_socket_action(c->multi, fd, flags, &running);
	if (code != CURLM_OK) {
		CURL_IGNORE_DEPRECATION(code = curl_multi_socket_all(c->multi, &running);)
	}
	if (code != CURLM_OK)
		abort();
	report_done(c);
}

static void on_timer(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timeout_wish(CURLM *multi, long timeout_ms, void *arg)
{
	struct curlloop *c = arg;

	(void)multi;
	if (timeout_ms < 0)
		uv_timer_stop(&c->timer);
	else
		uv_timer_start(&c->timer, on_timer, (uint64_t)timeout_ms, 0);
	return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct watch *w = poll->data;
	int flags = 0;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(w->owner, w->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static int on_socket_wish(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct curlloop *c = arg;
	struct watch *w = socket_arg;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w) {
			curl_multi_assign(c->multi, fd, NULL);
			uv_close((uv_handle_t *)&w->poll, on_watch_closed);
		}
		return 0;
	}
	if (!w) {
		w = MEM_NEW(struct watch);
		w->owner = c;
		w->fd = fd;
		if (uv_poll_init(c->loop, &w->poll, fd) != 0) {
			free(w);
			return -1;
		}
		w->poll.data = w;
		curl_multi_assign(c->multi, fd, w);
	}
	if (what & CURL_POLL_IN)
		events |= UV_READABLE;
	if (what & CURL_POLL_OUT)
		events |= UV_WRITABLE;
	return uv_poll_start(&w->poll, events, on_poll) == 0 ? 0 : -1;
}

static CURLcode setup_once(void)
{
	static bool done;
	CURLcode code;

	if (done)
		return CURLE_OK;
	code = curl_global_init_mem(CURL_GLOBAL_DEFAULT, wipemem_malloc, wipemem_free, wipemem_realloc, wipemem_strdup,
				    wipemem_calloc);
	done = code == CURLE_OK;
	return code;
}

enum err curlloop_new(uv_loop_t *loop, curlloop_done_fn *done, struct curlloop **ret_loop, struct errinfo *ei)
{
	struct curlloop *c;
	CURLM *multi;

	if (setup_once() != CURLE_OK)
		return err_set(ei, ERR_INTERNAL, "libcurl cannot start");
	multi = curl_multi_init();
	if (!multi)
		return err_set(ei, ERR_INTERNAL, "libcurl cannot start");
	c = MEM_NEW(struct curlloop);
	c->loop = loop;
	c->multi = multi;
	c->done = done;
	uv_timer_init(loop, &c->timer);
	c->timer.data = c;
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_wish);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*ret_loop = c;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void curlloop_free(struct curlloop **cp)
{
	struct curlloop *c = cp ? *cp : NULL;

	if (!c)
		return;
	*cp = NULL;
	curl_multi_cleanup(c->multi);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

bool curlloop_add(struct curlloop *c, CURL *easy)
{
	return curl_multi_add_handle(c->multi, easy) == CURLM_OK;
}

void curlloop_remove(struct curlloop *c, CURL *easy)
{
	curl_multi_remove_handle(c->multi, easy);
}
