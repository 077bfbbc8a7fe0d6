/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop, the two listening ports, and when it all ends. Listens on 127.0.0.1 and nowhere else.
 * Must never outlive whoever started it: end of the watched descriptor stops it.
 */
#include "support/adversary_server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "support/adversary_conn.h"

enum { BACKLOG = 4096 };

static void on_connection(uv_stream_t *stream, int status)
{
	struct adversary_port *port = CONTAINER_OF(stream, struct adversary_port, tcp);

	if (status == 0)
		adversary_conn_accept(port);
}

static enum err open_port(struct adversary_server *server, struct adversary_port *port, int wanted, struct errinfo *ei)
{
	struct sockaddr_in address;
	int n = sizeof address;
	int status;

	port->server = server;
	uv_ip4_addr("127.0.0.1", wanted, &address);
	uv_tcp_init(&server->loop, &port->tcp);
	port->open = true;
	status = uv_tcp_bind(&port->tcp, (const struct sockaddr *)&address, 0);
	if (!status)
		status = uv_listen((uv_stream_t *)&port->tcp, BACKLOG, on_connection);
	if (!status)
		status = uv_tcp_getsockname(&port->tcp, (struct sockaddr *)&address, &n);
	if (status)
		return err_set(ei, ERR_CONFIG, "port %d of 127.0.0.1: %s", wanted, uv_strerror(status));
	port->port = ntohs(address.sin_port);
	return ERR_OK;
}

static void on_port_closed(uv_handle_t *handle)
{
	CONTAINER_OF(handle, struct adversary_port, tcp)->closing = false;
}

static void close_port(struct adversary_port *port)
{
	if (!port->open)
		return;
	port->open = false;
	port->closing = true;
	uv_close((uv_handle_t *)&port->tcp, on_port_closed);
}

enum err adversary_server_listen(struct adversary_server *server, bool open, struct errinfo *ei)
{
	enum err e = ERR_OK;

	if (open == server->provider.open)
		return ERR_OK;
	if (!open) {
		close_port(&server->provider);
	} else if (server->provider.closing) {
		/* The old handle leaves the loop only in the next turn. */
		e = err_set(ei, ERR_BUSY, "the port is still being closed; ask again");
	} else {
		e = open_port(server, &server->provider, server->provider.port, ei);
		if (e)
			close_port(&server->provider);
	}
	return e;
}

void adversary_server_stop(struct adversary_server *server)
{
	struct list *node = server->connections.next;

	if (server->stopping)
		return;
	server->stopping = true;
	close_port(&server->provider);
	close_port(&server->control);
	uv_close((uv_handle_t *)&server->sigterm, NULL);
	uv_close((uv_handle_t *)&server->sigint, NULL);
	if (server->watch_fd >= 0)
		uv_close((uv_handle_t *)&server->watched, NULL);
	while (node != &server->connections) {
		struct adversary_conn *conn = CONTAINER_OF(node, struct adversary_conn, node);

		node = node->next;
		adversary_conn_abort(conn);
	}
}

static void on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	adversary_server_stop(handle->data);
}

static void on_watched(uv_poll_t *handle, int status, int events)
{
	struct adversary_server *server = handle->data;
	char drop[256];
	ssize_t n;

	(void)events;
	n = status ? 0 : read(server->watch_fd, drop, sizeof drop);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		adversary_server_stop(server);
}

static void watch(struct adversary_server *server)
{
	uv_signal_init(&server->loop, &server->sigterm);
	uv_signal_init(&server->loop, &server->sigint);
	server->sigterm.data = server->sigint.data = server->watched.data = server;
	uv_signal_start(&server->sigterm, on_signal, SIGTERM);
	uv_signal_start(&server->sigint, on_signal, SIGINT);
	if (server->watch_fd >= 0 && uv_poll_init(&server->loop, &server->watched, server->watch_fd) == 0)
		uv_poll_start(&server->watched, UV_READABLE | UV_DISCONNECT, on_watched);
	else
		server->watch_fd = -1;
}

enum err adversary_server_run(const struct adversary_server_args *args, struct errinfo *ei)
{
	struct adversary_server *server = MEM_NEW(struct adversary_server);
	enum err e;

	adversary_world_init(&server->world, args->config);
	list_init(&server->connections);
	list_init(&server->waiters);
	server->watch_fd = args->watch_fd;
	server->control.is_control = true;
	uv_loop_init(&server->loop);
	watch(server);
	e = open_port(server, &server->provider, args->port, ei);
	if (!e)
		e = open_port(server, &server->control, args->control_port, ei);
	if (e) {
		adversary_server_stop(server);
	} else {
		snprintf(server->world.url, sizeof server->world.url, "http://127.0.0.1:%d", server->provider.port);
		snprintf(server->control_url, sizeof server->control_url, "http://127.0.0.1:%d", server->control.port);
		args->on_ready(args->arg, server->world.url, server->control_url);
	}
	uv_run(&server->loop, UV_RUN_DEFAULT);
	uv_loop_close(&server->loop);
	adversary_world_done(&server->world);
	free(server);
	return e;
}
