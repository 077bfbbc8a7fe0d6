/* SPDX-License-Identifier: Apache-2.0 */
/* The form of fiberd.conf. Must never know a key. */
#include "daemon/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

static enum err parse_line(struct slice line, const char *where, config_line_fn *fn, void *arg, struct errinfo *ei)
{
	size_t equals;

	line = slice_trim(line);
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line = slice_trim(slice_sub(line, 0, line.n - 1));
	if (line.n == 0 || line.p[0] == '#')
		return ERR_OK;
	equals = slice_index(line, '=');
	if (equals == 0 || equals == line.n || !slice_is_utf8(line)) {
		err_hint(ei, ERR_CONFIG, "A line is NAME=value, or a comment that begins with #.");
		return err_set(ei, ERR_CONFIG, "%s is neither an assignment nor a comment", where);
	}
	return fn(arg, slice_trim(slice_sub(line, 0, equals)), slice_trim(slice_sub(line, equals + 1, line.n)), where, ei);
}

enum err config_file_parse(struct slice text, const char *path, config_line_fn *fn, void *arg, struct errinfo *ei)
{
	struct slice line;
	enum err e = ERR_OK;

	for (unsigned n = 1; !e && slice_split(&text, '\n', &line); n++) {
		CLEANUP(mem_free_str) char *where = mem_printf("%s line %u", path, n);

		e = parse_line(line, where, fn, arg, ei);
	}
	return e;
}

/* Reads at most one byte more than the cap, so that a larger file shows. */
static enum err slurp(int fd, const char *path, struct buf *text, struct errinfo *ei)
{
	for (;;) {
		char *to = buf_reserve(text, 4096);
		ssize_t n = to ? read(fd, to, 4096) : 0;

		if (!to)
			return err_set(ei, ERR_CONFIG, "the configuration file %s is larger than %d KiB", path,
				       CONFIG_FILE_MAX_BYTES / 1024);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(ei, ERR_CONFIG, "cannot read the configuration file %s: %s", path, strerror(errno));
		if (n == 0)
			return ERR_OK;
		buf_commit(text, (size_t)n);
	}
}

enum err config_file_read(const char *path, config_line_fn *fn, void *arg, struct errinfo *ei)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct buf text;
	enum err e;

	if (fd < 0)
		return err_set(ei, errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : ERR_CONFIG,
			       "cannot open the configuration file %s: %s", path, strerror(errno));
	buf_init(&text, CONFIG_FILE_MAX_BYTES + 4096);
	e = slurp(fd, path, &text, ei);
	close(fd);
	if (!e)
		e = config_file_parse(buf_slice(&text), path, fn, arg, ei);
	buf_done(&text);
	return e;
}
