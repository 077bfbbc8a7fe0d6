/* SPDX-License-Identifier: Apache-2.0 */
/* The workers' listening sockets, which the supervisor keeps for life. */
#pragma once

#include <sys/socket.h>

#include "base/err.h"

/*
 * One listening socket per worker on the same address, so that a killed worker's queue waits for its successor.
 * The address is tried without SO_REUSEPORT first: ERR_CONFIG when anybody uses it. `text` is the address for people.
 */
enum err listen_open(const struct sockaddr_storage *address, socklen_t length, const char *text, size_t count,
		     int *ret_fds, struct errinfo *ei);
