/* SPDX-License-Identifier: Apache-2.0 */
/* Files that fiber reads and writes. Must never make a file with a secret readable by others, even for a moment. */
#include "cli/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/random.h"
#include "secret/secret.h"

enum { PIECE_BYTES = 16384 };

static enum err failed(const char *what, const char *path, struct errinfo *ei)
{
	return err_set(ei, ERR_CONFIG, "can't %s %s: %s", what, path, strerror(errno));
}

static enum err read_all(int fd, const char *path, struct buf *out, struct errinfo *ei)
{
	char piece[PIECE_BYTES];
	enum err e = ERR_OK;
	ssize_t n;

	while (!e && (n = read(fd, piece, sizeof piece)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			e = failed("read", path, ei);
		else
			buf_put(out, slice_make(piece, (size_t)n));
		if (!buf_ok(out))
			e = err_set(ei, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, out->max);
	}
	secret_wipe(piece, sizeof piece);
	return e;
}

enum err file_read(const char *path, struct buf *out, struct errinfo *ei)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	enum err e;

	if (fd < 0 && errno == ENOENT)
		return err_set(ei, ERR_NOT_FOUND, "there is no file %s", path);
	if (fd < 0)
		return failed("open", path, ei);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		e = err_set(ei, ERR_CONFIG, "%s is a directory, not a file", path);
	else
		e = read_all(fd, path, out, ei);
	close(fd);
	return e;
}

static bool write_all(int fd, struct slice text)
{
	while (text.n) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		text = slice_sub(text, (size_t)n, text.n);
	}
	return fsync(fd) == 0;
}

enum err file_write(const char *path, struct slice text, bool secret, struct errinfo *ei)
{
	char id[RANDOM_ID_BYTES];
	CLEANUP(mem_free_str) char *beside = NULL;
	bool written;
	int fd;

	random_id(id);
	beside = mem_printf("%s.%.8s.new", path, id);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, secret ? 0600 : 0644);
	if (fd < 0)
		return failed("write", path, ei);
	written = write_all(fd, text);
	if (close(fd) != 0 || !written || rename(beside, path) != 0) {
		enum err e = failed("write", path, ei);

		unlink(beside);
		return e;
	}
	return ERR_OK;
}

enum err file_make_directory(const char *path, bool secret, struct errinfo *ei)
{
	CLEANUP(mem_free_str) char *part = mem_strdup(path);

	for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(part, secret ? 0700 : 0755) != 0 && errno != EEXIST)
			return failed("make the directory", part, ei);
		if (!slash)
			return ERR_OK;
		*slash = '/';
	}
}

bool file_is_open_to_others(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0;
}
