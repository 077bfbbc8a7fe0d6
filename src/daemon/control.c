/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's end of the control socket. Must never answer another user than the service's own (or
 * root), whatever the permissions of the file have become.
 */
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "daemon/control_path.h"

enum { CLIENTS_MAX = 16, BACKLOG = 16 };

struct client {
	struct list node;
	uv_poll_t poll;
	struct control *control;
	int fd;
	uint64_t id;
	bool asked;
};

struct control {
	uv_loop_t *loop;
	uv_poll_t poll;
	int fd, dir_fd;
	control_request_fn *fn;
	void *arg;
	struct list clients;
	size_t client_count;
	uint64_t last_id;
};

static void on_client_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct client, poll));
}

static void client_close(struct client *cl)
{
	list_remove(&cl->node);
	cl->control->client_count--;
	uv_close((uv_handle_t *)&cl->poll, on_client_closed);
	close(cl->fd);
}

static void on_client(uv_poll_t *poll, int status, int events)
{
	struct client *cl = CONTAINER_OF(poll, struct client, poll);
	struct control *c = cl->control;
	char text[256];
	ssize_t n = recv(cl->fd, text, sizeof text, MSG_DONTWAIT | MSG_TRUNC);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && status == 0)
		return;
	/* The end, a second request, or one that is longer than any of ours. */
	if (n <= 0 || cl->asked || (size_t)n > sizeof text) {
		client_close(cl);
		return;
	}
	cl->asked = true;
	c->fn(c->arg, cl->id, slice_make(text, (size_t)n));
}

static bool is_ours(int fd)
{
	struct ucred peer;
	socklen_t n = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 && (peer.uid == geteuid() || peer.uid == 0);
}

static void on_listening(uv_poll_t *poll, int status, int events)
{
	struct control *c = CONTAINER_OF(poll, struct control, poll);
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *cl;

	(void)status;
	(void)events;
	if (fd < 0)
		return;
	if (c->client_count >= CLIENTS_MAX || !is_ours(fd)) {
		close(fd);
		return;
	}
	cl = MEM_NEW(struct client);
	cl->control = c;
	cl->fd = fd;
	cl->id = ++c->last_id;
	list_append(&c->clients, &cl->node);
	c->client_count++;
	uv_poll_init(c->loop, &cl->poll, fd);
	uv_poll_start(&cl->poll, UV_READABLE, on_client);
}

/* Under a name of its own first: the socket never stands there with other permissions, nor unlistened. */
static enum err make_socket(int fd, int dir_fd)
{
	static const char tmp[] = CONTROL_SOCKET_NAME ".new";
	struct sockaddr_un address;

	unlinkat(dir_fd, tmp, 0);
	control_path(dir_fd, tmp, &address);
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && fchmodat(dir_fd, tmp, 0600, 0) == 0 &&
	    listen(fd, BACKLOG) == 0 && renameat(dir_fd, tmp, dir_fd, CONTROL_SOCKET_NAME) == 0)
		return ERR_OK;
	return ERR_CONFIG;
}

enum err control_open(uv_loop_t *loop, int dir_fd, control_request_fn *fn, void *arg, struct control **ret_control,
		      struct errinfo *ei)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct control *c;

	if (fd < 0 || make_socket(fd, dir_fd)) {
		enum err e = err_set(ei, ERR_CONFIG, "cannot make the control socket in the data directory: %s", strerror(errno));

		if (fd >= 0)
			close(fd);
		return e;
	}
	c = MEM_NEW(struct control);
	*c = (struct control){.loop = loop, .fd = fd, .dir_fd = dir_fd, .fn = fn, .arg = arg};
	list_init(&c->clients);
	uv_poll_init(loop, &c->poll, fd);
	uv_poll_start(&c->poll, UV_READABLE, on_listening);
	*ret_control = c;
	return ERR_OK;
}

static void on_control_closed(uv_handle_t *handle)
{
	free(CONTAINER_OF(handle, struct control, poll));
}

void control_close(struct control **cp)
{
	struct control *c = cp ? *cp : NULL;

	if (!c)
		return;
	*cp = NULL;
	while (!list_empty(&c->clients))
		client_close(CONTAINER_OF(c->clients.next, struct client, node));
	unlinkat(c->dir_fd, CONTROL_SOCKET_NAME, 0);
	uv_close((uv_handle_t *)&c->poll, on_control_closed);
	close(c->fd);
}

void control_answer(struct control *c, uint64_t client, enum err e, const char *text)
{
	struct buf out;

	for (struct list *node = c->clients.next; node != &c->clients; node = node->next) {
		struct client *cl = CONTAINER_OF(node, struct client, node);

		if (cl->id != client)
			continue;
		buf_init(&out, CONTROL_TEXT_MAX);
		buf_printf(&out, "%s\n%.3000s", err_kind(e)->name, text);
		send(cl->fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
		buf_done(&out);
		client_close(cl);
		return;
	}
}
