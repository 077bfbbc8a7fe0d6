/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which slots are in use, in this instance's directory and in those that dead couriers left. Must never give out a slot
 * whose disk space is not there, nor touch a directory that a living courier holds.
 */
#include "courier/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "courier/spool_dir.h"

struct spool {
	struct spool_args args;
	int fd; /* <data dir>/spool */
	struct spool_dir *own;
	struct list foreign;
	size_t torn;
	bool failed;
};

/* A slot that the disk does not give today may hold a grant's only new token tomorrow: it is asked for again, not cleared. */
static bool is_readable(const struct spool_dir *d)
{
	for (size_t i = 0; i < d->count; i++) {
		CLEANUP(arena_free) struct arena *a = arena_new(2 * SPOOL_SLOT_BYTES);
		struct spool_entry entry;

		if (spool_dir_read(d, i, a, &entry) == ERR_STORE)
			return false;
	}
	return true;
}

/* Torn and too old entries are freed here; the rest is reported. */
static void read_dir(struct spool *s, struct spool_dir *d, spool_found_fn *found, void *arg)
{
	int64_t now = clock_wall_ms(s->args.clock);

	for (size_t i = 0; i < d->count; i++) {
		CLEANUP(arena_free) struct arena *a = arena_new(2 * SPOOL_SLOT_BYTES);
		struct spool_entry entry;
		enum err e = spool_dir_read(d, i, a, &entry);

		if (e == ERR_NOT_FOUND)
			continue;
		if (e == ERR_INVALID || (!e && entry.at < now - SPOOL_KEEP_MS)) {
			s->torn += e != ERR_OK;
			spool_dir_clear(d, i);
			continue;
		}
		d->taken[i] = true;
		d->used++;
		if (!e)
			found(&entry, (struct spool_slot){.dir = d, .index = i}, arg);
	}
}

static enum err cannot(const struct spool_args *args, const char *what, struct errinfo *ei)
{
	err_set(ei, ERR_CONFIG, "the spool in \"%s/spool\" cannot be %s: %s", args->data_dir, what, strerror(errno));
	return err_hint(ei, ERR_CONFIG, "check owner, permissions and free space of FIBERWISE_DATA_DIR");
}

/* 0700, owned by us, no link; made when missing. */
static enum err open_root(const struct spool_args *args, int *ret_fd, struct errinfo *ei)
{
	int data = open(args->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (data < 0)
		return cannot(args, "opened", ei);
	if (mkdirat(data, "spool", 0700) == 0)
		fsync(data);
	fd = openat(data, "spool", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(data);
	if (fd < 0)
		return cannot(args, "opened", ei);
	*ret_fd = fd;
	return ERR_OK;
}

static enum err open_own(struct spool *s, struct errinfo *ei)
{
	enum err e;

	if (!spool_dir_is_name(s->args.instance))
		return err_set(ei, ERR_INTERNAL, "the instance has no proper id");
	if (mkdirat(s->fd, s->args.instance, 0700) != 0 && errno != EEXIST)
		return cannot(&s->args, "made", ei);
	e = spool_dir_open(s->fd, s->args.instance, O_CREAT, &s->own);
	if (e == ERR_CONFLICT)
		return err_set(ei, e, "another courier of this instance is running");
	if (e)
		return cannot(&s->args, "opened", ei);
	/* The file must be found again after a power loss, so its names are made durable too. */
	if (fsync(s->own->fd) != 0 || fsync(s->fd) != 0)
		return cannot(&s->args, "synced", ei);
	return ERR_OK;
}

enum err spool_open(const struct spool_args *args, spool_found_fn *found, void *arg, struct spool **ret_spool,
		    struct errinfo *ei)
{
	struct spool *s = MEM_NEW(struct spool);
	enum err e;

	s->args = *args;
	s->fd = -1;
	if (s->args.slots_max == 0 || s->args.slots_max > SPOOL_SLOTS_MAX)
		s->args.slots_max = SPOOL_SLOTS_MAX;
	list_init(&s->foreign);
	e = open_root(args, &s->fd, ei);
	if (!e)
		e = open_own(s, ei);
	if (!e && !is_readable(s->own)) {
		s->own->used = 1; /* so that it is not taken for an empty one, and removed */
		e = cannot(args, "read", ei);
	}
	if (e) {
		spool_free(&s);
		return e;
	}
	read_dir(s, s->own, found, arg);
	*ret_spool = s;
	return ERR_OK;
}

/* An empty directory of a courier that is gone leaves nothing behind. */
static void drop_if_empty(struct spool *s, struct spool_dir *d)
{
	if (d->used > 0)
		return;
	spool_dir_remove(s->fd, d);
	list_remove(&d->node);
	spool_dir_free(&d);
}

void spool_free(struct spool **sp)
{
	struct spool *s = sp ? *sp : NULL;

	if (!s)
		return;
	*sp = NULL;
	while (!list_empty(&s->foreign)) {
		struct spool_dir *d = CONTAINER_OF(s->foreign.next, struct spool_dir, node);

		list_remove(&d->node);
		spool_dir_free(&d);
	}
	if (s->own && s->own->used == 0)
		spool_dir_remove(s->fd, s->own);
	spool_dir_free(&s->own);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

static bool is_adopted(const struct spool *s, const char *name)
{
	if (strcmp(s->own->name, name) == 0)
		return true;
	for (struct list *node = s->foreign.next; node != &s->foreign; node = node->next)
		if (strcmp(CONTAINER_OF(node, struct spool_dir, node)->name, name) == 0)
			return true;
	return false;
}

size_t spool_adopt(struct spool *s, spool_found_fn *found, void *arg)
{
	int fd = openat(s->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *item;
	size_t held = 0;

	if (!list) {
		if (fd >= 0)
			close(fd);
		return 1; /* unknown: better to look again than to miss an answer */
	}
	while ((item = readdir(list))) {
		struct spool_dir *d = NULL;
		enum err e;

		if (!spool_dir_is_name(item->d_name) || is_adopted(s, item->d_name))
			continue;
		e = spool_dir_open(s->fd, item->d_name, 0, &d);
		if (!e && !is_readable(d)) {
			spool_dir_free(&d);
			e = ERR_STORE;
		}
		held += e == ERR_CONFLICT || e == ERR_STORE;
		if (e == ERR_NOT_FOUND)
			unlinkat(s->fd, item->d_name, AT_REMOVEDIR); /* died between making it and its file */
		if (e)
			continue;
		list_append(&s->foreign, &d->node);
		read_dir(s, d, found, arg);
		drop_if_empty(s, d);
	}
	closedir(list);
	return held;
}

enum err spool_reserve(struct spool *s, struct spool_slot *ret_slot)
{
	struct spool_dir *d = s->own;
	size_t i = 0;

	if (s->failed)
		return ERR_BUSY;
	while (i < d->count && d->taken[i])
		i++;
	if (i == d->count) {
		if (i >= s->args.slots_max || !spool_dir_extend(d))
			return ERR_BUSY;
	}
	d->taken[i] = true;
	d->used++;
	metrics_set(METRIC_SPOOL, spool_used(s));
	*ret_slot = (struct spool_slot){.dir = d, .index = i};
	return ERR_OK;
}

enum err spool_put(struct spool *s, struct spool_slot slot, const struct spool_entry *entry)
{
	struct buf frame;
	bool ok;

	(void)s;
	buf_init(&frame, SPOOL_FRAME_MAX_BYTES);
	spool_frame_put(&frame, entry);
	ok = buf_ok(&frame) && spool_dir_write(slot.dir, slot.index, buf_slice(&frame));
	buf_done(&frame);
	return ok ? ERR_OK : ERR_STORE;
}

enum err spool_sync(struct spool *s)
{
	return fdatasync(s->own->slots) == 0 ? ERR_OK : ERR_STORE;
}

void spool_set_failed(struct spool *s)
{
	s->failed = true;
}

bool spool_failed(const struct spool *s)
{
	return s->failed;
}

enum err spool_get(struct spool *s, struct spool_slot slot, struct arena *a, struct spool_entry *ret_entry)
{
	enum err e = spool_dir_read(slot.dir, slot.index, a, ret_entry);

	(void)s;
	return e == ERR_NOT_FOUND ? ERR_INVALID : e;
}

void spool_release(struct spool *s, struct spool_slot slot)
{
	struct spool_dir *d = slot.dir;

	if (!d || !d->taken[slot.index])
		return;
	spool_dir_clear(d, slot.index);
	d->taken[slot.index] = false;
	d->used--;
	if (d != s->own)
		drop_if_empty(s, d);
	metrics_set(METRIC_SPOOL, spool_used(s));
}

size_t spool_used(const struct spool *s)
{
	size_t used = s->own->used;

	for (struct list *node = s->foreign.next; node != &s->foreign; node = node->next)
		used += CONTAINER_OF(node, struct spool_dir, node)->used;
	return used;
}

size_t spool_torn(const struct spool *s)
{
	return s->torn;
}
