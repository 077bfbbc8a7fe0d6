/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory of the spool: its lock, and its slots in one file, so that one fdatasync makes all answers of a turn
 * durable. Must never hold a clear answer, nor be read without its lock.
 */
#include "courier/spool_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static off_t offset_of(size_t index)
{
	return (off_t)index * SPOOL_SLOT_BYTES;
}

static bool read_at(int fd, char *p, size_t n, off_t at, size_t *ret_n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, p + got, n - got, at + (off_t)got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return false;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	*ret_n = got;
	return true;
}

static bool write_at(int fd, struct slice bytes, off_t at)
{
	size_t done = 0;

	while (done < bytes.n) {
		ssize_t w = pwrite(fd, bytes.p + done, bytes.n - done, at + (off_t)done);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		done += (size_t)w;
	}
	return true;
}

void spool_dir_free(struct spool_dir **dp)
{
	struct spool_dir *d = *dp;

	if (!d)
		return;
	if (d->slots >= 0)
		close(d->slots);
	if (d->fd >= 0)
		close(d->fd);
	free(d->taken);
	free(d);
	*dp = NULL;
}

/* As opposed to what is no directory of ours at all. */
static bool is_passing(int error)
{
	return error == EIO || error == EINTR || error == ENOMEM || error == EMFILE || error == ENFILE;
}

static bool count_slots(struct spool_dir *d)
{
	struct stat st;

	if (fstat(d->slots, &st) != 0)
		return false;
	d->count = (size_t)st.st_size / SPOOL_SLOT_BYTES;
	if (d->count > SPOOL_SLOTS_MAX)
		d->count = SPOOL_SLOTS_MAX;
	return true;
}

enum err spool_dir_open(int parent, const char *name, int flags, struct spool_dir **ret_dir)
{
	struct spool_dir *d = MEM_NEW(struct spool_dir);
	enum err e = ERR_OK;

	list_init(&d->node);
	memcpy(d->name, name, SPOOL_DIR_NAME_BYTES);
	d->taken = MEM_NEW_N(SPOOL_SLOTS_MAX, bool);
	d->slots = -1;
	d->fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd >= 0)
		d->slots = openat(d->fd, "slots", O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (d->fd < 0 || d->slots < 0)
		e = errno == ENOENT ? ERR_NOT_FOUND : is_passing(errno) ? ERR_STORE : ERR_CONFIG;
	else if (flock(d->slots, LOCK_EX | LOCK_NB) != 0)
		e = errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_STORE;
	if (!e && !count_slots(d))
		e = ERR_STORE;
	if (e) {
		spool_dir_free(&d);
		return e;
	}
	*ret_dir = d;
	return ERR_OK;
}

enum err spool_dir_read(const struct spool_dir *d, size_t index, struct arena *a, struct spool_entry *ret_entry)
{
	char magic[4] = "";
	char *bytes;
	size_t n;

	if (!read_at(d->slots, magic, sizeof magic, offset_of(index), &n))
		return ERR_STORE;
	if (spool_frame_parse(slice_make(magic, n), ret_entry) == ERR_NOT_FOUND)
		return ERR_NOT_FOUND;
	bytes = arena_alloc(a, SPOOL_FRAME_MAX_BYTES, 1);
	if (!read_at(d->slots, bytes, SPOOL_FRAME_MAX_BYTES, offset_of(index), &n))
		return ERR_STORE;
	return spool_frame_parse(slice_make(bytes, n), ret_entry);
}

bool spool_dir_clear(const struct spool_dir *d, size_t index)
{
	static const char nothing[SPOOL_FRAME_HEAD_BYTES];

	return write_at(d->slots, slice_make(nothing, sizeof nothing), offset_of(index));
}

bool spool_dir_write(const struct spool_dir *d, size_t index, struct slice frame)
{
	return write_at(d->slots, frame, offset_of(index));
}

bool spool_dir_extend(struct spool_dir *d)
{
	if (posix_fallocate(d->slots, offset_of(d->count), SPOOL_SLOT_BYTES) != 0)
		return false;
	d->count++;
	return true;
}

void spool_dir_remove(int parent, const struct spool_dir *d)
{
	if (unlinkat(d->fd, "slots", 0) == 0)
		unlinkat(parent, d->name, AT_REMOVEDIR);
}

bool spool_dir_is_name(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return n == SPOOL_DIR_NAME_BYTES && name[n] == '\0';
}
