/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on a SOCK_SEQPACKET descriptor: one frame a packet, descriptors beside it, and a body that
 * is too large for a packet in a sealed memfd. Must never hand on a packet that the kernel cut, nor
 * leave a descriptor open that came with a refused one.
 */
#include "ipc/ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { FDS_MAX = IPC_FIELDS_MAX + 1 };
enum { BODY_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

enum err ipc_pair(int ret_fds[2])
{
	int fds[2];
	int bytes = 2 * IPC_FRAME_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
		return ERR_INTERNAL;
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return ERR_OK;
}

/* The connection is as it was and nothing was taken or lost: the same call may succeed later. */
static bool may_pass(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM || error == ETOOMANYREFS;
}

/* One packet with its descriptors. */
static enum err send_packet(int fd, struct slice frame, const int *fds, size_t fd_count)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control = {.bytes = {0}};
	struct iovec part = {.iov_base = (void *)(uintptr_t)frame.p, .iov_len = frame.n};
	struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd_count > 0) {
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(&control.align), fds, sizeof(int) * fd_count);
		h.msg_control = control.bytes;
		h.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
	}
	for (;;) {
		if (sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return ERR_OK;
		if (may_pass(errno))
			return ERR_BUSY;
		if (errno != EINTR)
			return ERR_INTERNAL;
	}
}

static bool write_all(int fd, struct slice bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = slice_sub(bytes, (size_t)n, bytes.n);
	}
	return true;
}

/* The whole frame goes into a memfd; the packet holds only its head, marked. */
static enum err send_memfd(int fd, struct slice frame, const int *fds, size_t fd_count)
{
	int all[FDS_MAX];
	char head[IPC_HEAD_BYTES];
	enum err e = ERR_BUSY;
	int body = memfd_create("fiberd message", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (body < 0)
		return ERR_BUSY;
	if (write_all(body, frame) && fcntl(body, F_ADD_SEALS, BODY_SEALS) == 0) {
		memcpy(head, frame.p, sizeof head);
		memset(head + 2, 0, 6);
		head[4] = IPC_BODY_IN_MEMFD;
		all[0] = body;
		for (size_t i = 0; i < fd_count; i++)
			all[i + 1] = fds[i];
		e = send_packet(fd, slice_make(head, sizeof head), all, fd_count + 1);
	}
	close(body);
	return e;
}

enum err ipc_send_encoded(int fd, struct slice frame, const int *fds, size_t fd_count)
{
	if (fd_count > IPC_FIELDS_MAX || frame.n < IPC_HEAD_BYTES || frame.n > IPC_BODY_MAX)
		return ERR_INTERNAL;
	if (frame.n > IPC_FRAME_MAX)
		return send_memfd(fd, frame, fds, fd_count);
	return send_packet(fd, frame, fds, fd_count);
}

enum err ipc_send(int fd, const struct ipc_message *m)
{
	const char *fields = ipc_fields(m->kind);
	int fds[IPC_FIELDS_MAX];
	size_t fd_count = 0;
	struct buf frame;
	enum err e;

	buf_init(&frame, IPC_BODY_MAX);
	e = ipc_encode(m, &frame);
	for (size_t i = 0; fields[i]; i++)
		if (fields[i] == 'f')
			fds[fd_count++] = m->field[i].fd;
	if (!e)
		e = ipc_send_encoded(fd, buf_slice(&frame), fds, fd_count);
	buf_done(&frame);
	return e;
}

void ipc_close_fds(struct ipc_message *m)
{
	const char *fields = ipc_fields(m->kind);

	for (size_t i = 0; fields[i]; i++) {
		if (fields[i] == 'f' && m->field[i].fd >= 0)
			close(m->field[i].fd);
		m->field[i].fd = -1;
	}
}

/* A packet as the kernel gave it. */
struct packet {
	struct slice bytes;
	int fds[FDS_MAX];
	size_t fd_count;
};

static void packet_close(struct packet *p)
{
	while (p->fd_count > 0)
		close(p->fds[--p->fd_count]);
}

/* The size of the next packet. A closed peer with unread messages reports ECONNRESET once, before its own last messages. */
static enum err next_size(int fd, size_t *ret_bytes)
{
	for (int resets = 0;;) {
		ssize_t n = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

		if (n >= 0) {
			*ret_bytes = (size_t)n;
			return ERR_OK;
		}
		if (may_pass(errno))
			return ERR_BUSY;
		if (errno == ECONNRESET && resets++ == 0)
			continue;
		if (errno != EINTR)
			return ERR_NOT_FOUND;
	}
}

static void take_fds(struct msghdr *h, struct packet *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (p->fd_count < FDS_MAX)
				p->fds[p->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

static enum err receive_packet(int fd, struct arena *a, struct packet *p)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * FDS_MAX)];
		struct cmsghdr align;
	} control;
	struct iovec part;
	struct msghdr h = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
			   .msg_controllen = sizeof control.bytes};
	size_t size;
	ssize_t n;
	enum err e = next_size(fd, &size);

	if (e)
		return e;
	if (size > IPC_FRAME_MAX)
		return ERR_INVALID;
	part = (struct iovec){.iov_base = arena_alloc(a, 1, size ? size : 1), .iov_len = size ? size : 1};
	for (int resets = 0;;) {
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (n >= 0 || !(errno == EINTR || (errno == ECONNRESET && resets++ == 0)))
			break;
	}
	if (n < 0)
		return may_pass(errno) ? ERR_BUSY : ERR_NOT_FOUND;
	take_fds(&h, p);
	if (n == 0 && p->fd_count == 0)
		return ERR_NOT_FOUND;
	if ((h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (size_t)n != size)
		return ERR_INVALID;
	p->bytes = slice_make(part.iov_base, (size_t)n);
	return ERR_OK;
}

/* Puts the memfd's frame in place of the head that announced it. Only a memfd that nobody can change any more is read. */
static enum err open_memfd(struct packet *p, struct arena *a)
{
	struct stat st;
	size_t at = 0;
	char *bytes;
	int seals;

	if (p->bytes.n != IPC_HEAD_BYTES || p->fd_count == 0)
		return ERR_INVALID;
	seals = fcntl(p->fds[0], F_GET_SEALS);
	if (seals < 0 || (seals & BODY_SEALS) != BODY_SEALS || fstat(p->fds[0], &st) != 0 || st.st_size <= IPC_FRAME_MAX ||
	    st.st_size > IPC_BODY_MAX)
		return ERR_INVALID;
	bytes = arena_alloc(a, 1, (size_t)st.st_size);
	while (at < (size_t)st.st_size) {
		ssize_t n = pread(p->fds[0], bytes + at, (size_t)st.st_size - at, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ERR_INVALID;
		at += (size_t)n;
	}
	/* The head in the packet and the one in the body are the same but for count and flags. */
	if (memcmp(bytes, p->bytes.p, 2) != 0 || memcmp(bytes + 8, p->bytes.p + 8, 8) != 0 || p->bytes.p[2] || p->bytes.p[3])
		return ERR_INVALID;
	p->bytes = slice_make(bytes, at);
	close(p->fds[0]);
	p->fd_count--;
	memmove(p->fds, p->fds + 1, p->fd_count * sizeof p->fds[0]);
	return ERR_OK;
}

static bool says_memfd(struct slice frame)
{
	static const char flags[4] = {IPC_BODY_IN_MEMFD, 0, 0, 0};

	return frame.n >= IPC_HEAD_BYTES && memcmp(frame.p + 4, flags, sizeof flags) == 0;
}

/* Gives the message its descriptors, or takes none when their number is not the table's. */
static enum err place_fds(struct packet *p, struct ipc_message *m)
{
	const char *fields = ipc_fields(m->kind);
	size_t want = 0;
	size_t at = 0;

	for (size_t i = 0; fields[i]; i++)
		want += fields[i] == 'f';
	if (want != p->fd_count)
		return ERR_INVALID;
	for (size_t i = 0; fields[i]; i++)
		if (fields[i] == 'f')
			m->field[i].fd = p->fds[at++];
	p->fd_count = 0;
	return ERR_OK;
}

enum err ipc_receive(int fd, enum ipc_role from, enum ipc_role to, struct arena *a, struct ipc_message *ret_message)
{
	struct packet p = {.fd_count = 0};
	struct ipc_message m;
	enum err e = receive_packet(fd, a, &p);

	if (!e && says_memfd(p.bytes))
		e = open_memfd(&p, a);
	if (!e)
		e = ipc_decode(p.bytes, from, to, &m);
	if (!e)
		e = place_fds(&p, &m);
	packet_close(&p);
	if (e)
		return e;
	*ret_message = m;
	return ERR_OK;
}

/* Waits for `events` until the deadline. */
static enum err wait_for(int fd, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = events};
		int64_t left = deadline - clock_mono_ms(&clock_system);
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return ERR_OK;
		if (n == 0)
			return ERR_TIMEOUT;
		if (errno != EINTR)
			return ERR_INTERNAL;
	}
}

enum err ipc_call(int fd, enum ipc_role self, enum ipc_role peer, const struct ipc_message *ask, int timeout_ms,
		  struct arena *a, struct ipc_message *ret_answer)
{
	int64_t deadline = clock_mono_ms(&clock_system) + timeout_ms;
	enum err e;

	while ((e = ipc_send(fd, ask)) == ERR_BUSY) {
		e = wait_for(fd, POLLOUT, deadline);
		if (e)
			return e;
	}
	while (!e) {
		struct ipc_message m;

		e = ipc_receive(fd, peer, self, a, &m);
		if (e == ERR_BUSY) {
			e = wait_for(fd, POLLIN, deadline);
			continue;
		}
		if (e)
			return e == ERR_NOT_FOUND ? ERR_INTERNAL : e;
		if (m.id == ask->id) {
			*ret_answer = m;
			return ERR_OK;
		}
		ipc_close_fds(&m);
		if (m.id == 0 || m.id > ask->id)
			return ERR_INVALID;
	}
	return e;
}
