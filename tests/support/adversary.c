/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adversary as a child of a test: start, ask, stop. The child holds one end of a socket pair and
 * ends when the other is closed, so that a crashed test leaves nothing behind. Must never share
 * memory with the code under test.
 */
#include "support/adversary.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "support/adversary_server.h"

enum { START_MS = 10000, STOP_MS = 5000, ANSWER_MAX = 256 << 20 };

struct adversary {
	pid_t pid;
	int fd; /* our end of the pair */
	int control_port;
	char url[64], control_url[64];
};

/* ── the child ── */

static void tell_parent(void *arg, const char *url, const char *control_url)
{
	int fd = *(const int *)arg;

	dprintf(fd, "%s\n%s\n", url, control_url);
}

static _Noreturn void be_adversary(const struct adversary_config *config, int port, int fd)
{
	struct adversary_server_args args = {
		.config = config, .port = port, .watch_fd = fd, .on_ready = tell_parent, .arg = &fd};
	struct errinfo why = {0};

	signal(SIGPIPE, SIG_IGN);
	if (fd != 3 && dup2(fd, 3) == 3)
		fd = args.watch_fd = 3;
	/* Sockets of the test must not stay open through us. */
	close_range(4, ~0u, 0);
	if (adversary_server_run(&args, &why)) {
		dprintf(fd, "!%s\n\n", why.detail);
		_exit(1);
	}
	_exit(0);
}

/* ── start ── */

static enum err read_settings(const char *text, struct adversary_config *ret_config, struct errinfo *ei)
{
	json_t *settings;
	json_error_t why;
	enum err e;

	adversary_config_default(ret_config);
	if (!text)
		return ERR_OK;
	settings = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	if (!settings)
		return err_set(ei, ERR_CONFIG, "the settings are not JSON: %s", why.text);
	e = adversary_config_merge(ret_config, settings, ei);
	json_decref(settings);
	return e ? ERR_CONFIG : ERR_OK;
}

/* The two lines that the child writes when it listens, or one that begins with '!'. */
static enum err hear_ready(struct adversary *a, struct errinfo *ei)
{
	char text[700];
	size_t n = 0;
	struct pollfd poll_fd = {.fd = a->fd, .events = POLLIN};

	for (;;) {
		ssize_t got = poll(&poll_fd, 1, START_MS) == 1 ? read(a->fd, text + n, sizeof text - 1 - n) : 0;

		if (got <= 0)
			return err_set(ei, ERR_CONFIG, "the adversary did not start");
		n += (size_t)got;
		text[n] = '\0';
		if (strchr(text, '\n') && strchr(strchr(text, '\n') + 1, '\n'))
			break;
	}
	if (text[0] == '!')
		return err_set(ei, ERR_CONFIG, "%.*s", (int)strcspn(text, "\n") - 1, text + 1);
	if (sscanf(text, "%63s %63s", a->url, a->control_url) != 2 ||
	    sscanf(a->control_url, "http://127.0.0.1:%d", &a->control_port) != 1)
		return err_set(ei, ERR_CONFIG, "the adversary said something odd");
	return ERR_OK;
}

enum err adversary_start(const struct adversary_args *args, struct adversary **ret_adversary, struct errinfo *ei)
{
	struct adversary_config config;
	struct adversary *a;
	int pair[2];
	enum err e = read_settings(args->settings, &config, ei);

	if (e)
		return e;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_set(ei, ERR_CONFIG, "socketpair: %s", strerror(errno));
	a = MEM_NEW(struct adversary);
	fflush(NULL);
	a->pid = fork();
	if (a->pid == 0) {
		close(pair[0]);
		be_adversary(&config, args->port, pair[1]);
	}
	close(pair[1]);
	a->fd = pair[0];
	e = a->pid < 0 ? err_set(ei, ERR_CONFIG, "fork: %s", strerror(errno)) : hear_ready(a, ei);
	if (e)
		adversary_stop(&a);
	else
		*ret_adversary = a;
	return e;
}

const char *adversary_url(const struct adversary *adversary)
{
	return adversary->url;
}

const char *adversary_control_url(const struct adversary *adversary)
{
	return adversary->control_url;
}

bool adversary_stop(struct adversary **adversary)
{
	struct adversary *a = adversary ? *adversary : NULL;
	int status = 0;
	pid_t gone = 0;

	if (!a)
		return true;
	close(a->fd);
	for (int waited = 0; a->pid > 0 && gone == 0 && waited < STOP_MS; waited += 5) {
		gone = waitpid(a->pid, &status, WNOHANG);
		if (gone == 0)
			usleep(5000);
	}
	if (a->pid > 0 && gone == 0) {
		kill(a->pid, SIGKILL);
		waitpid(a->pid, &status, 0);
	}
	free(a);
	*adversary = NULL;
	return gone > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* ── ask ── */

static int dial(int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_all(int fd, struct slice bytes)
{
	while (bytes.n) {
		ssize_t n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		bytes = slice_sub(bytes, (size_t)n, bytes.n);
	}
	return true;
}

static bool read_all(int fd, struct buf *text)
{
	for (;;) {
		char *room = buf_reserve(text, 65536);
		ssize_t n = room ? read(fd, room, 65536) : -1;

		if (n <= 0)
			return n == 0;
		buf_commit(text, (size_t)n);
	}
}

/* Splits the answer's text, which ends with the connection. */
static enum err read_answer(struct buf *answer, char **ret_text, struct errinfo *ei)
{
	const char *text = buf_cstr(answer);
	const char *body = strstr(text, "\r\n\r\n");

	if (strncmp(text, "HTTP/1.1 ", 9) != 0 || !body)
		return err_set(ei, ERR_UPSTREAM_DOWN, "the adversary's answer is no HTTP");
	if (strncmp(text + 9, "200 ", 4) != 0)
		return err_set(ei, ERR_INVALID, "%s", body + 4);
	*ret_text = mem_strdup(body + 4);
	return ERR_OK;
}

enum err adversary_ask(const struct adversary *adversary, const char *method, const char *path, const char *body,
		       char **ret_text, struct errinfo *ei)
{
	struct buf text;
	int fd = dial(adversary->control_port);
	enum err e = ERR_UPSTREAM_DOWN;

	if (fd < 0)
		return err_set(ei, e, "the adversary does not listen");
	buf_init(&text, ANSWER_MAX);
	buf_printf(&text, "%s %s HTTP/1.1\r\nHost: adversary\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n",
		   method, path, body ? strlen(body) : 0);
	buf_puts(&text, body ? body : "");
	if (send_all(fd, buf_slice(&text))) {
		buf_reset(&text);
		if (read_all(fd, &text))
			e = read_answer(&text, ret_text, ei);
	}
	if (e == ERR_UPSTREAM_DOWN)
		err_set(ei, e, "the adversary broke off");
	buf_done(&text);
	close(fd);
	return e;
}
