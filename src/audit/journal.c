/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of one chain. Must never overwrite a record, and never move the chain on for bytes that the file did not take.
 */
#include "audit/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { STEP_BYTES = 1 << 20, NUMBER_MAX = 999999, FILE_NAME_BYTES = 32 };

struct journal {
	struct journal_args args;
	char name[CHAIN_NAME_BYTES];
	struct chain written;  /* after the last record that the file has */
	struct chain chain;    /* the same after those collected in `batch` */
	struct buf batch;
	struct mac *hasher;
	size_t begun;          /* where the record begins that journal_begin() opened, and its members */
	size_t members;
	int dir, fd;
	int64_t number;        /* of the segment */
	size_t end, allocated; /* of the segment */
	bool unsynced, failed;
};

static enum err cannot(const struct journal_args *args, const char *what, struct errinfo *ei)
{
	enum err e = err_set(ei, ERR_STORE, "the audit chain %s/audit/%s cannot be %s: %s", args->data_dir, args->name, what,
			     strerror(errno));

	return err_hint(ei, e, "No audit, no secret: check owner, permissions and free space of FIBERWISE_DATA_DIR/audit.");
}

static void file_name(int64_t number, char ret[FILE_NAME_BYTES])
{
	snprintf(ret, FILE_NAME_BYTES, "%03lld.log", (long long)number);
}

/* <data dir>/audit/<name>, made when missing, and the chain's lock. */
static enum err open_dir(struct journal *j, struct errinfo *ei)
{
	CLEANUP(mem_free_str) char *audit = mem_printf("%s/audit", j->args.data_dir);
	CLEANUP(mem_free_str) char *own = mem_printf("%s/%s", audit, j->name);

	if ((mkdir(audit, 0700) != 0 && errno != EEXIST) || (mkdir(own, 0700) != 0 && errno != EEXIST))
		return cannot(&j->args, "made", ei);
	j->dir = open(own, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (j->dir < 0)
		return cannot(&j->args, "opened", ei);
	if (flock(j->dir, LOCK_EX | LOCK_NB) != 0)
		return err_set(ei, errno == EWOULDBLOCK ? ERR_BUSY : ERR_STORE, "the audit chain %s is being written already", j->name);
	return ERR_OK;
}

static enum err open_segment(struct journal *j, struct errinfo *ei)
{
	char name[FILE_NAME_BYTES];
	struct stat st;

	file_name(j->number, name);
	j->fd = openat(j->dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (j->fd < 0 || fstat(j->fd, &st) != 0 || fsync(j->dir) != 0)
		return cannot(&j->args, "opened", ei);
	j->end = 0;
	j->allocated = (size_t)st.st_size;
	return ERR_OK;
}

/* The last segment's number, 1 when there is none. */
static void find_last(struct journal *j)
{
	char name[FILE_NAME_BYTES];
	struct stat st;

	for (j->number = 1; j->number < NUMBER_MAX; j->number++) {
		file_name(j->number + 1, name);
		if (fstatat(j->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			return;
	}
}

/* Closes what a crash left at the end. Collected only: the first write writes it. */
static void close_torn(struct journal *j, struct slice bytes, const struct chain_scan *s)
{
	struct slice torn = slice_sub(bytes, s->good, s->rest);

	if (s->rest == 0 && s->good > 0 && bytes.p[s->good - 1] != '\n')
		buf_putc(&j->batch, '\n');
	if (s->rest == 0)
		return;
	buf_putc(&j->batch, '\n');
	chain_append_torn(&j->chain, torn, clock_wall_ms(j->args.clock), &j->batch);
}

static enum err read_segment(struct journal *j, struct errinfo *ei)
{
	struct chain_scan s;
	struct slice bytes;
	void *map;

	if (j->allocated == 0)
		return ERR_OK;
	map = mmap(NULL, j->allocated, PROT_READ, MAP_PRIVATE, j->fd, 0);
	if (map == MAP_FAILED)
		return cannot(&j->args, "read", ei);
	bytes = slice_make(map, j->allocated);
	/* The first line says where the chain stands: whether that is true is the verifier's question. */
	(void)chain_adopt(&j->chain, slice_sub(bytes, 0, slice_index(bytes, '\n')));
	chain_scan(&j->chain, bytes, NULL, NULL, &s);
	j->end = s.good + s.rest;
	j->written = j->chain;
	close_torn(j, bytes, &s);
	munmap(map, j->allocated);
	return ERR_OK;
}

/* An empty last segment (a crash just after it was made) says nothing: the one before it does. */
static enum err open_last(struct journal *j, struct errinfo *ei)
{
	enum err e;

	find_last(j);
	e = open_segment(j, ei);
	if (!e)
		e = read_segment(j, ei);
	while (!e && j->end == 0 && j->number > 1) {
		close(j->fd);
		j->fd = -1;
		j->number--;
		e = open_segment(j, ei);
		if (!e)
			e = read_segment(j, ei);
	}
	return e;
}

enum err journal_open(const struct journal_args *args, struct journal **ret_journal, struct errinfo *ei)
{
	struct journal *j = MEM_NEW(struct journal);
	enum err e;

	j->args = *args;
	j->args.data_dir = mem_strdup(args->data_dir);
	if (!j->args.segment_bytes)
		j->args.segment_bytes = JOURNAL_SEGMENT_BYTES;
	snprintf(j->name, sizeof j->name, "%s", args->name);
	j->args.name = j->name;
	j->dir = j->fd = -1;
	chain_init(&j->chain, args->key, args->name);
	j->chain.hasher = j->hasher = mac_new(args->key);
	j->written = j->chain;
	buf_init(&j->batch, JOURNAL_BATCH_MAX);
	e = open_dir(j, ei);
	if (!e)
		e = open_last(j, ei);
	if (!e)
		e = journal_write(j, ei);
	if (e)
		journal_close(&j);
	else
		*ret_journal = j;
	return e;
}

void journal_close(struct journal **jp)
{
	struct journal *j = jp ? *jp : NULL;

	if (!j)
		return;
	if (j->fd >= 0) {
		if (!j->failed && j->allocated > j->end && ftruncate(j->fd, (off_t)j->end) != 0)
			j->failed = true; /* zeros behind the end do no harm */
		fdatasync(j->fd);
		close(j->fd);
	}
	if (j->dir >= 0)
		close(j->dir);
	buf_done(&j->batch);
	mac_free(&j->hasher);
	secret_wipe(&j->chain, sizeof j->chain);
	secret_wipe(&j->written, sizeof j->written);
	free((void *)(uintptr_t)j->args.data_dir);
	free(j);
	*jp = NULL;
}

struct buf *journal_begin(struct journal *j)
{
	j->begun = j->batch.n;
	chain_begin(&j->chain, &j->batch);
	j->members = j->batch.n;
	return &j->batch;
}

enum err journal_end(struct journal *j)
{
	struct chain next = j->chain;

	if (buf_ok(&j->batch) && j->batch.n - j->members <= RECORD_MAX_BYTES)
		chain_end(&next, &j->batch, j->begun);
	if (next.seq == j->chain.seq || !buf_ok(&j->batch)) {
		buf_cut(&j->batch, j->begun);
		j->batch.overflow = false; /* what did not fit is gone */
		return ERR_TOO_LARGE;
	}
	j->chain = next;
	return ERR_OK;
}

enum err journal_add(struct journal *j, struct slice members)
{
	buf_put(journal_begin(j), members);
	return journal_end(j);
}

/* Real blocks for `n` more bytes, so that a full disk shows before anything is written. */
static bool allocate(struct journal *j, size_t n)
{
	size_t want = (j->end + n + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;

	if (j->end + n <= j->allocated)
		return true;
	if (posix_fallocate(j->fd, (off_t)j->allocated, (off_t)(want - j->allocated)) != 0) {
		want = j->end + n;
		errno = posix_fallocate(j->fd, (off_t)j->allocated, (off_t)(want - j->allocated));
		if (errno)
			return false;
	}
	j->allocated = want;
	return true;
}

/* The next segment, with blocks for `n` bytes; the chain goes on in it. Where it cannot be had, all stays as it was. */
static enum err rotate(struct journal *j, size_t n, struct errinfo *ei)
{
	const int old = j->fd;
	const size_t end = j->end, allocated = j->allocated;
	enum err e;

	if (fdatasync(old) != 0) {
		journal_fail(j); /* asked again it would say that all is well */
		return cannot(&j->args, "synced", ei);
	}
	j->number++;
	e = open_segment(j, ei);
	if (!e && !allocate(j, n))
		e = cannot(&j->args, "written", ei);
	if (e) { /* an empty last segment says nothing, and is taken next time */
		if (j->fd >= 0 && ftruncate(j->fd, 0) != 0)
			journal_fail(j);
		if (j->fd >= 0)
			close(j->fd);
		j->number--;
		j->fd = old;
		j->end = end;
		j->allocated = allocated;
		return e;
	}
	(void)!ftruncate(old, (off_t)end); /* zeros behind the end would do no harm */
	close(old);
	return ERR_OK;
}

/* Without a next segment there may still be what was set aside in this one. */
static enum err rotate_or_stay(struct journal *j, size_t n, struct errinfo *ei)
{
	enum err e = rotate(j, n, ei);

	return e && !j->failed && j->end + n <= j->allocated ? ERR_OK : e;
}

static bool write_all(int fd, struct slice bytes, size_t at)
{
	for (size_t done = 0; done < bytes.n;) {
		ssize_t n = pwrite(fd, bytes.p + done, bytes.n - done, (off_t)(at + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

void journal_forget(struct journal *j)
{
	j->chain = j->written;
	buf_reset(&j->batch);
}

enum err journal_write(struct journal *j, struct errinfo *ei)
{
	size_t n = j->batch.n;
	enum err e = ERR_OK;

	if (n == 0)
		return ERR_OK;
	errno = EIO;
	if (j->failed || !buf_ok(&j->batch))
		e = cannot(&j->args, "written", ei);
	else if (j->end > 0 && j->end + n > j->args.segment_bytes)
		e = rotate_or_stay(j, n, ei);
	if (!e && (!allocate(j, n) || !write_all(j->fd, buf_slice(&j->batch), j->end)))
		e = cannot(&j->args, "written", ei);
	if (!e) {
		j->written = j->chain;
		j->end += n;
		j->unsynced = true;
	}
	journal_forget(j);
	return e;
}

int journal_descriptor(const struct journal *j)
{
	return fcntl(j->fd, F_DUPFD_CLOEXEC, 3);
}

int journal_unsynced(struct journal *j)
{
	int fd = j->unsynced ? journal_descriptor(j) : -1;

	if (fd >= 0)
		j->unsynced = false;
	return fd;
}

enum err journal_reserve(struct journal *j, size_t n, struct errinfo *ei)
{
	errno = EIO;
	return !j->failed && allocate(j, n) ? ERR_OK : cannot(&j->args, "written", ei);
}

bool journal_synced(const struct journal *j)
{
	return !j->unsynced;
}

void journal_fail(struct journal *j)
{
	j->failed = true;
}

bool journal_failed(const struct journal *j)
{
	return j->failed;
}

struct chain journal_head(const struct journal *j)
{
	struct chain head = j->written;

	head.hasher = NULL; /* that stays with the writing thread */
	return head;
}
