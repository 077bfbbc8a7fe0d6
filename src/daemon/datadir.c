/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may use a data directory: its owner, and one supervisor at a time. Must never loosen or change
 * the permissions of a directory that it found.
 */
#include "daemon/datadir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static const char lock_name[] = "lock";

static enum err check_dir(const struct datadir *d, struct errinfo *ei)
{
	struct stat st;

	if (fstat(d->fd, &st) != 0)
		return err_set(ei, ERR_CONFIG, "cannot read the data directory %s: %s", d->path, strerror(errno));
	if (st.st_uid != geteuid()) {
		err_hint(ei, ERR_CONFIG, "Run fiberd as its owner, or set FIBERWISE_DATA_DIR to a directory of your own.");
		return err_set(ei, ERR_CONFIG, "the data directory %s belongs to user %u, not to user %u", d->path, st.st_uid,
			       geteuid());
	}
	if (st.st_mode & 077) {
		err_hint(ei, ERR_CONFIG, "Type: chmod 700 %s", d->path);
		return err_set(ei, ERR_CONFIG, "the data directory %s is open to others (mode %03o)", d->path,
			       st.st_mode & 0777);
	}
	return ERR_OK;
}

static enum err take_lock(struct datadir *d, struct errinfo *ei)
{
	d->lock_fd = openat(d->fd, lock_name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	d->made_lock = d->lock_fd >= 0;
	if (d->lock_fd < 0 && errno == EEXIST)
		d->lock_fd = openat(d->fd, lock_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (d->lock_fd < 0) {
		err_hint(ei, ERR_CONFIG, "Set FIBERWISE_DATA_DIR to a directory that this user may write to.");
		return err_set(ei, ERR_CONFIG, "cannot write to the data directory %s: %s", d->path, strerror(errno));
	}
	if (flock(d->lock_fd, LOCK_EX | LOCK_NB) == 0)
		return ERR_OK;
	if (errno != EWOULDBLOCK)
		return err_set(ei, ERR_CONFIG, "cannot lock the data directory %s: %s", d->path, strerror(errno));
	err_hint(ei, ERR_CONFIG, "Stop it first, or set FIBERWISE_DATA_DIR to another directory.");
	return err_set(ei, ERR_CONFIG, "the data directory %s is in use by another fiberd", d->path);
}

enum err datadir_open(const char *path, struct datadir *ret_dir, struct errinfo *ei)
{
	struct datadir d = {.path = mem_strdup(path), .fd = -1, .lock_fd = -1};
	enum err e;

	d.made = mkdir(path, 0700) == 0;
	d.fd = d.made || errno == EEXIST ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (d.fd < 0) {
		err_hint(ei, ERR_CONFIG, "Set FIBERWISE_DATA_DIR to a directory that this user may write to.");
		e = err_set(ei, ERR_CONFIG, "cannot use the data directory %s: %s", path, strerror(errno));
	} else {
		e = check_dir(&d, ei);
	}
	if (!e)
		e = take_lock(&d, ei);
	if (e)
		datadir_close(&d, true);
	else
		*ret_dir = d;
	return e;
}

void datadir_close(struct datadir *d, bool undo)
{
	if (!d->path)
		return;
	/* A lock file of an earlier run stays: somebody may be waiting on it. */
	if (undo && d->made_lock && d->made)
		unlinkat(d->fd, lock_name, 0);
	if (undo && d->made)
		rmdir(d->path);
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	if (d->fd >= 0)
		close(d->fd);
	mem_free_str(&d->path);
	d->fd = d->lock_fd = -1;
}
