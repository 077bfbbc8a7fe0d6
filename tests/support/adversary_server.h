/* SPDX-License-Identifier: Apache-2.0 */
/* The adversary's loop and sockets: a provider port that may misbehave, a control port that never does. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"
#include "base/list.h"
#include "support/adversary_config.h"
#include "support/adversary_world.h"

enum { ADVERSARY_PIECE_BYTES = 64 << 10 };

struct adversary_server {
	struct adversary_world world;
	uv_loop_t loop;
	struct adversary_port {
		uv_tcp_t tcp;
		struct adversary_server *server;
		bool open;
		bool closing;
		bool is_control;
		int port;
	} provider, control;
	uv_signal_t sigterm, sigint;
	uv_poll_t watched;
	int watch_fd;
	bool stopping;
	struct list connections; /* of struct adversary_conn */
	struct list waiters;	 /* of struct adversary_conn, by `waiting` */
	char scratch[ADVERSARY_PIECE_BYTES];
	char control_url[64];
};

struct adversary_server_args {
	const struct adversary_config *config;
	int port;	  /* of the provider on 127.0.0.1; 0: any */
	int control_port; /* 0: any */
	int watch_fd;	  /* when this reads end of file, the server stops; -1: none */
	void (*on_ready)(void *arg, const char *url, const char *control_url);
	void *arg;
};

/*
 * Listens, calls on_ready, and serves until SIGTERM, SIGINT, end of watch_fd or a stop by control.
 * ERR_CONFIG when a port cannot be had.
 */
enum err adversary_server_run(const struct adversary_server_args *args, struct errinfo *ei);

/* Begins to stop; adversary_server_run() returns when all is closed. */
void adversary_server_stop(struct adversary_server *server);

/* Closes the provider port, so that connecting is refused, or opens the same one again. */
enum err adversary_server_listen(struct adversary_server *server, bool open, struct errinfo *ei);
