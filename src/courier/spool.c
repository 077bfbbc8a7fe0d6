/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool's directories, locks and slots. One file a directory, so that one fdatasync makes all
 * answers of a turn durable. Must never hold a clear answer, and never give out a slot whose disk space
 * is not there.
 */
#include "courier/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/list.h"
#include "base/mem.h"

enum { PAGE = 4096, SLOT_BYTES = (SPOOL_FRAME_MAX_BYTES + PAGE - 1) / PAGE * PAGE, NAME_BYTES = 32 };

struct spool_dir {
	struct list node;
	char name[NAME_BYTES + 1];
	int fd;	       /* the directory */
	int slots;     /* its file, locked */
	size_t count;  /* slots with disk space */
	size_t used;
	bool *taken;   /* SPOOL_SLOTS_MAX of them */
};

struct spool {
	struct spool_args args;
	int fd; /* <data dir>/spool */
	struct spool_dir *own;
	struct list foreign;
	size_t torn;
	bool failed;
};

static bool is_instance(const char *name)
{
	size_t n = strspn(name, "0123456789abcdef");

	return n == NAME_BYTES && name[n] == '\0';
}

static void dir_free(struct spool_dir **dp)
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

/* ERR_CONFLICT: somebody holds it. ERR_NOT_FOUND: it went away. ERR_CONFIG: not usable. */
static enum err dir_open(int parent, const char *name, int flags, struct spool_dir **ret_dir)
{
	struct spool_dir *d = MEM_NEW(struct spool_dir);
	enum err e = ERR_OK;

	list_init(&d->node);
	memcpy(d->name, name, NAME_BYTES);
	d->taken = MEM_NEW_N(SPOOL_SLOTS_MAX, bool);
	d->slots = -1;
	d->fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->fd >= 0)
		d->slots = openat(d->fd, "slots", O_RDWR | O_NOFOLLOW | O_CLOEXEC | flags, 0600);
	if (d->fd < 0 || d->slots < 0)
		e = errno == ENOENT ? ERR_NOT_FOUND : ERR_CONFIG;
	else if (flock(d->slots, LOCK_EX | LOCK_NB) != 0)
		e = errno == EWOULDBLOCK ? ERR_CONFLICT : ERR_CONFIG;
	if (e) {
		dir_free(&d);
		return e;
	}
	*ret_dir = d;
	return ERR_OK;
}

static off_t offset_of(size_t index)
{
	return (off_t)index * SLOT_BYTES;
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

/* The entry of a slot, in the arena. ERR_NOT_FOUND: empty. */
static enum err read_slot(const struct spool_dir *d, size_t index, struct arena *a, struct spool_entry *ret_entry)
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

static bool clear_slot(const struct spool_dir *d, size_t index)
{
	static const char nothing[SPOOL_FRAME_HEAD_BYTES];

	return write_at(d->slots, slice_make(nothing, sizeof nothing), offset_of(index));
}

/* Torn and too old entries are freed here; the rest is reported. */
static void read_dir(struct spool *s, struct spool_dir *d, spool_found_fn *found, void *arg)
{
	int64_t now = clock_wall_ms(s->args.clock);
	struct stat st;

	if (fstat(d->slots, &st) != 0)
		return;
	d->count = (size_t)st.st_size / SLOT_BYTES;
	if (d->count > SPOOL_SLOTS_MAX)
		d->count = SPOOL_SLOTS_MAX;
	for (size_t i = 0; i < d->count; i++) {
		CLEANUP(arena_free) struct arena *a = arena_new(2 * SLOT_BYTES);
		struct spool_entry entry;
		enum err e = read_slot(d, i, a, &entry);

		if (e == ERR_NOT_FOUND)
			continue;
		if (e || entry.at < now - SPOOL_KEEP_MS) {
			s->torn += e != ERR_OK;
			clear_slot(d, i);
			continue;
		}
		d->taken[i] = true;
		d->used++;
		found(&entry, (struct spool_slot){.dir = d, .index = i}, arg);
	}
}

static void remove_dir(const struct spool *s, const struct spool_dir *d)
{
	if (unlinkat(d->fd, "slots", 0) == 0)
		unlinkat(s->fd, d->name, AT_REMOVEDIR);
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

	if (!is_instance(s->args.instance))
		return err_set(ei, ERR_INTERNAL, "the instance has no proper id");
	if (mkdirat(s->fd, s->args.instance, 0700) != 0 && errno != EEXIST)
		return cannot(&s->args, "made", ei);
	e = dir_open(s->fd, s->args.instance, O_CREAT, &s->own);
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
	remove_dir(s, d);
	list_remove(&d->node);
	dir_free(&d);
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
		dir_free(&d);
	}
	if (s->own && s->own->used == 0)
		remove_dir(s, s->own);
	dir_free(&s->own);
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

		if (!is_instance(item->d_name) || is_adopted(s, item->d_name))
			continue;
		e = dir_open(s->fd, item->d_name, 0, &d);
		held += e == ERR_CONFLICT;
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
		if (i >= s->args.slots_max || posix_fallocate(d->slots, offset_of(i), SLOT_BYTES) != 0)
			return ERR_BUSY;
		d->count++;
	}
	d->taken[i] = true;
	d->used++;
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
	ok = buf_ok(&frame) && write_at(slot.dir->slots, buf_slice(&frame), offset_of(slot.index));
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
	(void)s;
	return read_slot(slot.dir, slot.index, a, ret_entry) == ERR_OK ? ERR_OK : ERR_STORE;
}

void spool_release(struct spool *s, struct spool_slot slot)
{
	struct spool_dir *d = slot.dir;

	if (!d || !d->taken[slot.index])
		return;
	clear_slot(d, slot.index);
	d->taken[slot.index] = false;
	d->used--;
	if (d != s->own)
		drop_if_empty(s, d);
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
