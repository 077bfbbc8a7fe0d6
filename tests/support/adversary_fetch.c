/* SPDX-License-Identifier: Apache-2.0 */
/* Clients for tests. Must never hide anything: no redirects, no retries, no proxy, no cleverness. */
#include "support/adversary_fetch.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/url.h"

static size_t take_head(char *p, size_t size, size_t n, void *arg)
{
	struct adversary_fetch *fetch = arg;

	buf_put(&fetch->head, slice_make(p, size * n));
	return size * n;
}

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct adversary_fetch *fetch = arg;

	fetch->body_bytes += size * n;
	if (fetch->body.n + size * n <= ADVERSARY_FETCH_MAX)
		buf_put(&fetch->body, slice_make(p, size * n));
	return size * n;
}

void adversary_fetch(struct adversary_fetch *fetch)
{
	CURL *curl = fetch->reuse ? fetch->reuse : curl_easy_init();
	struct curl_slist *headers = NULL;

	buf_init(&fetch->head, ADVERSARY_FETCH_MAX);
	buf_init(&fetch->body, ADVERSARY_FETCH_MAX);
	fetch->body_bytes = 0;
	curl_easy_reset(curl);
	for (size_t i = 0; i < 8 && fetch->headers[i]; i++)
		headers = curl_slist_append(headers, fetch->headers[i]);
	curl_easy_setopt(curl, CURLOPT_URL, fetch->url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, fetch->timeout_ms ? fetch->timeout_ms : 5000L);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_head);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, fetch);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, fetch);
	if (fetch->accept_encoding)
		curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, fetch->accept_encoding);
	if (fetch->user_password) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERPWD, fetch->user_password);
	}
	if (fetch->form)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch->form);
	fetch->curl_code = (int)curl_easy_perform(curl);
	fetch->status = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &fetch->status);
	curl_slist_free_all(headers);
	if (!fetch->reuse)
		curl_easy_cleanup(curl);
}

void adversary_fetch_done(struct adversary_fetch *fetch)
{
	buf_done(&fetch->head);
	buf_done(&fetch->body);
}

json_t *adversary_fetch_json(const struct adversary_fetch *fetch)
{
	return json_loadb(fetch->body.n ? fetch->body.p : "", fetch->body.n, JSON_ALLOW_NUL, NULL);
}

struct slice adversary_fetch_header(const struct adversary_fetch *fetch, const char *name)
{
	struct slice rest = buf_slice(&fetch->head), line;

	while (slice_split(&rest, '\n', &line)) {
		size_t colon = slice_index(line, ':');
		struct slice value = slice_sub(line, colon + 1, line.n);

		if (value.n && value.p[value.n - 1] == '\r')
			value.n--;
		if (colon < line.n && slice_is_nocase(slice_sub(line, 0, colon), name))
			return slice_trim(value);
	}
	return (struct slice){0};
}

static int dial(const char *url)
{
	struct url parsed;
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd;

	if (url_parse(slice_from(url), &parsed, NULL))
		return -1;
	address.sin_port = htons(parsed.port);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static enum adversary_raw_end read_out(int fd, int silence_ms, struct buf *bytes)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	for (;;) {
		char *room = buf_reserve(bytes, 65536);
		ssize_t n;

		if (!room || poll(&poll_fd, 1, silence_ms) != 1)
			return ADVERSARY_RAW_SILENCE;
		n = read(fd, room, 65536);
		if (n <= 0)
			return n == 0 ? ADVERSARY_RAW_EOF : ADVERSARY_RAW_RESET;
		buf_commit(bytes, (size_t)n);
	}
}

enum adversary_raw_end adversary_fetch_raw(const char *url, struct slice request, int silence_ms, struct buf *ret_bytes)
{
	int fd = dial(url);
	enum adversary_raw_end end = ADVERSARY_RAW_RESET;

	buf_init(ret_bytes, ADVERSARY_FETCH_MAX);
	if (fd < 0)
		return ADVERSARY_RAW_REFUSED;
	if (request.n == 0 || send(fd, request.p, request.n, MSG_NOSIGNAL) == (ssize_t)request.n)
		end = read_out(fd, silence_ms, ret_bytes);
	close(fd);
	return end;
}
