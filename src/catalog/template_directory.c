/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Templates from a directory. Its files are the operator's, so they are believed, but they may be half-written when they are read:
 * must never put a broken one in place of one that worked, and never stop the service for one.
 */
#include "catalog/template_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "catalog/template_private.h"

enum { NAME_MAX_BYTES = 100 };

/* A file as it was when it was last looked at. */
struct own {
	char name[NAME_MAX_BYTES + 1];
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed, attributes;
	char *text; /* NULL: it never was of use */
	size_t bytes;
	bool is_new; /* at this look */
};

struct template_directory {
	char *path;
	template_directory_broken_fn on_broken;
	void *arg;
	int64_t looked_at;
	bool looked, unreadable;
	size_t count;
	struct own own[TEMPLATE_DIRECTORY_FILES_MAX];
};

struct template_directory *template_directory_new(const char *path, template_directory_broken_fn on_broken, void *arg)
{
	struct template_directory *d;

	if (!path[0])
		return NULL;
	d = MEM_NEW(struct template_directory);
	d->path = mem_printf("%s", path);
	d->on_broken = on_broken;
	d->arg = arg;
	return d;
}

static void free_texts(struct own *own, size_t n)
{
	for (size_t i = 0; i < n; i++)
		mem_free_str(&own[i].text);
}

void template_directory_free(struct template_directory **d)
{
	size_t bad;

	if (!*d)
		return;
	(void)template_load(NULL, 0, &bad, NULL);
	free_texts((*d)->own, (*d)->count);
	mem_free_str(&(*d)->path);
	free(*d);
	*d = NULL;
}

static void tell(const struct template_directory *d, const char *file, const char *what)
{
	CLEANUP(mem_free_str) char *why = mem_printf("%s: %s", file, what);

	d->on_broken(why, d->arg);
}

static bool is_template(const char *name)
{
	struct slice text = slice_from(name);

	return name[0] != '.' && text.n <= NAME_MAX_BYTES && slice_ends(text, ".json") && !slice_is(text, "schema.json");
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct own *)a)->name, ((const struct own *)b)->name);
}

/* The files that are there, by name. False: the directory cannot be read. */
static bool list(const struct template_directory *d, struct own *ret, size_t *ret_n)
{
	DIR *dir = opendir(d->path);
	const struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return false;
	while (n < TEMPLATE_DIRECTORY_FILES_MAX && (entry = readdir(dir))) {
		struct own *own = &ret[n];
		struct stat st;

		if (!is_template(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &st, 0))
			continue;
		*own = (struct own){.dev = st.st_dev, .ino = st.st_ino, .size = st.st_size, .changed = st.st_mtim, .attributes = st.st_ctim};
		snprintf(own->name, sizeof own->name, "%s", entry->d_name);
		n++;
	}
	closedir(dir);
	qsort(ret, n, sizeof *ret, by_name);
	*ret_n = n;
	return true;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_same(const struct own *a, const struct own *b)
{
	return strcmp(a->name, b->name) == 0 && a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       is_same_time(a->changed, b->changed) && is_same_time(a->attributes, b->attributes);
}

/* The text of a plain file; NULL with the reason. */
static char *read_text(const struct template_directory *d, const char *name, size_t *ret_n, const char **ret_why)
{
	CLEANUP(mem_free_str) char *path = mem_printf("%s/%s", d->path, name);
	CLEANUP(mem_free_str) char *text = mem_calloc(TEMPLATE_FILE_MAX + 1, 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	*ret_why = "cannot be read";
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		got = -1;
	while (got > 0 && n <= TEMPLATE_FILE_MAX) {
		got = read(fd, text + n, TEMPLATE_FILE_MAX + 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	close(fd);
	if (got < 0)
		return NULL;
	*ret_why = "is longer than 65536 bytes";
	if (n > TEMPLATE_FILE_MAX)
		return NULL;
	*ret_n = n;
	return TAKE(text);
}

/* Those that have a text, and whose they are. The new ones last: when two want the same name, a new one is to blame. */
static size_t gather(const struct own *own, size_t n, struct template_file *ret, size_t *ret_whose)
{
	size_t count = 0;

	for (int is_new = 0; is_new < 2; is_new++)
		for (size_t i = 0; i < n; i++) {
			if (!own[i].text || own[i].is_new != (is_new != 0))
				continue;
			ret_whose[count] = i;
			ret[count++] = (struct template_file){.name = own[i].name, .text = own[i].text, .bytes = own[i].bytes};
		}
	return count;
}

static struct own *find(struct own *own, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(own[i].name, name) == 0)
			return &own[i];
	return NULL;
}

/* Gives a file back what it held when it last worked; nothing, if that is what does not work. */
static void fall_back(struct own *own, struct own *before)
{
	mem_free_str(&own->text);
	own->is_new = false;
	if (!before)
		return;
	own->text = before->text;
	own->bytes = before->bytes;
	before->text = NULL;
}

/* Loads them; each broken one falls back until all load. */
static void load(struct template_directory *d, struct own *own, size_t n)
{
	struct template_file file[TEMPLATE_DIRECTORY_FILES_MAX];
	size_t whose[TEMPLATE_DIRECTORY_FILES_MAX], bad;

	for (;;) {
		struct errinfo why = {0};
		size_t count = gather(own, n, file, whose);

		if (!template_load(file, count, &bad, &why))
			return;
		d->on_broken(why.detail, d->arg);
		if (bad >= count)
			return;
		fall_back(&own[whose[bad]], find(d->own, d->count, own[whose[bad]].name));
	}
}

static void read_changed(struct template_directory *d, struct own *own, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct own *before = find(d->own, d->count, own[i].name);
		const char *why;

		if (before && is_same(before, &own[i])) {
			fall_back(&own[i], before);
			continue;
		}
		own[i].is_new = true;
		own[i].text = read_text(d, own[i].name, &own[i].bytes, &why);
		if (own[i].text)
			continue;
		tell(d, own[i].name, why);
		fall_back(&own[i], before);
	}
	load(d, own, n);
}

static bool has_changed(const struct template_directory *d, const struct own *own, size_t n)
{
	for (size_t i = 0; n == d->count && i < n; i++)
		if (!is_same(&own[i], &d->own[i]))
			return true;
	return n != d->count;
}

void template_directory_look(struct template_directory *d, int64_t now_ms)
{
	struct own own[TEMPLATE_DIRECTORY_FILES_MAX];
	size_t n = 0;

	if (!d || (d->looked && now_ms >= d->looked_at && now_ms - d->looked_at < TEMPLATE_DIRECTORY_PAUSE_MS))
		return;
	d->looked = true;
	d->looked_at = now_ms;
	if (!list(d, own, &n)) {
		if (!d->unreadable)
			tell(d, d->path, "the directory cannot be read");
		d->unreadable = true;
		return;
	}
	d->unreadable = false;
	if (!has_changed(d, own, n))
		return;
	read_changed(d, own, n);
	free_texts(d->own, d->count);
	memcpy(d->own, own, sizeof own);
	d->count = n;
}
