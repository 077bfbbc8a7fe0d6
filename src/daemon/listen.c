/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the port. Must never share it with another program: SO_REUSEPORT alone would do so silently. */
#include "daemon/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int bound(const struct sockaddr_storage *address, socklen_t length, int shared)
{
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	int saved;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (shared)
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
	if (address->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
	if (bind(fd, (const struct sockaddr *)(const void *)address, length) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static enum err refused(const char *text, struct errinfo *ei)
{
	if (errno == EADDRINUSE)
		err_hint(ei, ERR_CONFIG, "Stop the program that uses it, or set FIBERWISE_LISTEN to another port.");
	else if (errno == EACCES)
		err_hint(ei, ERR_CONFIG, "Ports below 1024 need a privilege; set FIBERWISE_LISTEN to a higher one.");
	else
		err_hint(ei, ERR_CONFIG, "Set FIBERWISE_LISTEN to an address of this machine.");
	return err_set(ei, ERR_CONFIG, "cannot listen on %s: %s", text, strerror(errno));
}

enum err listen_open(const struct sockaddr_storage *address, socklen_t length, const char *text, size_t count,
		     int *ret_fds, struct errinfo *ei)
{
	int probe = bound(address, length, 0);

	if (probe < 0)
		return refused(text, ei);
	close(probe);
	for (size_t i = 0; i < count; i++) {
		ret_fds[i] = bound(address, length, 1);
		if (ret_fds[i] < 0) {
			enum err e = refused(text, ei);

			while (i > 0)
				close(ret_fds[--i]);
			return e;
		}
	}
	return ERR_OK;
}
