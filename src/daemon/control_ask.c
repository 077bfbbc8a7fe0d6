/* SPDX-License-Identifier: Apache-2.0 */
/* The asking end of the control socket. Must never talk to a socket that belongs to somebody else. */
#include "daemon/control.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control_path.h"
#include "secret/secret.h"

static enum err not_running(const char *dir, struct errinfo *ei)
{
	err_hint(ei, ERR_NOT_FOUND, "Start it, or name its data directory with FIBERWISE_DATA_DIR or --config.");
	return err_set(ei, ERR_NOT_FOUND, "no fiberd is running on the data directory %s", dir);
}

static enum err connect_to(const char *dir, int fd, struct errinfo *ei)
{
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sockaddr_un address;
	struct ucred peer;
	socklen_t n = sizeof peer;
	int failed;

	if (dir_fd < 0 && errno == ENOENT)
		return not_running(dir, ei);
	if (dir_fd < 0)
		return err_set(ei, ERR_CONFIG, "cannot open the data directory %s: %s", dir, strerror(errno));
	control_path(dir_fd, CONTROL_SOCKET_NAME, &address);
	failed = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
	close(dir_fd);
	if (failed == ENOENT || failed == ECONNREFUSED)
		return not_running(dir, ei);
	if (failed)
		return err_set(ei, ERR_CONFIG, "cannot reach the service in %s: %s", dir, strerror(failed));
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) != 0 || (peer.uid != geteuid() && geteuid() != 0))
		return err_set(ei, ERR_FORBIDDEN, "the service in %s belongs to another user", dir);
	return ERR_OK;
}

/* "<kind>\n<text>" as control_answer() sends it. */
static enum err take_answer(struct slice answer, struct buf *out, struct errinfo *ei)
{
	struct slice kind;

	if (!slice_split(&answer, '\n', &kind))
		return err_set(ei, ERR_INTERNAL, "the service gave no answer");
	if (slice_is(kind, "OK")) {
		buf_put(out, answer);
		return ERR_OK;
	}
	for (int e = 1; e < ERR__COUNT; e++)
		if (slice_is(kind, err_kind((enum err)e)->name))
			return err_set(ei, (enum err)e, "%.*s", SLICE_ARG(answer));
	return err_set(ei, ERR_INTERNAL, "the service gave an answer that is not understood");
}

enum err control_ask(const char *dir, const char *request, struct buf *out, struct errinfo *ei)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char answer[CONTROL_TEXT_MAX];
	ssize_t n = -1;
	enum err e;

	if (fd < 0)
		return err_set(ei, ERR_INTERNAL, "cannot make a socket: %s", strerror(errno));
	e = connect_to(dir, fd, ei);
	if (!e && (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0 || poll(&p, 1, CONTROL_WAIT_MS) != 1))
		e = err_set(ei, ERR_TIMEOUT, "the service in %s does not answer", dir);
	if (!e) {
		n = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
		e = n <= 0 ? err_set(ei, ERR_INTERNAL, "the service in %s gave no answer", dir)
			   : take_answer(slice_make(answer, (size_t)n), out, ei);
		secret_wipe(answer, sizeof answer);
	}
	close(fd);
	return e;
}
