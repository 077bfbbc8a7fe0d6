/* SPDX-License-Identifier: Apache-2.0 */
/* The address of the control socket, however long the data directory's path is. */
#pragma once

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#define CONTROL_SOCKET_NAME "control.sock"

/* A socket's path has 107 bytes at most, a directory's 4095: so the way leads through the open directory. */
static inline void control_path(int dir_fd, const char *name, struct sockaddr_un *ret_address)
{
	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(ret_address->sun_path, sizeof ret_address->sun_path, "/proc/self/fd/%d/%s", dir_fd, name);
}
