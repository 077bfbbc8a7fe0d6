/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following the chains. Must never say that a chain is well which lacks a record that a signed head vouches for.
 */
#include "audit/verify.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PATH_MAX_BYTES = 4096, CHAINS_MAX = 256 };

/* A segment's bytes, mapped for reading; empty files and missing ones have none. */
struct segment {
	void *map;
	size_t n;
};

static bool segment_open(const char *path, struct segment *ret)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct segment s = {0};
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		s.map = mmap(NULL, s.n = (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (s.map == MAP_FAILED)
		return false;
	*ret = s;
	return true;
}

static void segment_close(struct segment *s)
{
	if (s->map)
		munmap(s->map, s->n);
	*s = (struct segment){0};
}

struct checking {
	const struct verify_args *args;
	struct verify_result result;
	const struct verify_head **head; /* of this chain, by rising seq */
	size_t head_count, head_next;
	const char *file;
};

static void defect(struct checking *k, const char *text, size_t line)
{
	if (!k->result.ok)
		return;
	k->result.ok = false;
	if (line)
		snprintf(k->result.defect, sizeof k->result.defect, "%s line %zu: %s", k->file, line, text);
	else
		snprintf(k->result.defect, sizeof k->result.defect, "%s: %s", k->file, text);
}

static void on_record(const struct chain *c, struct slice line, size_t number, size_t torn, void *arg)
{
	struct checking *k = arg;

	k->result.records++;
	k->result.unsigned_records++;
	k->result.torn += torn > 0;
	k->result.to_at = chain_line_at(line);
	if (!k->result.from_at)
		k->result.from_at = k->result.to_at;
	for (; k->head_next < k->head_count && k->head[k->head_next]->seq <= c->seq; k->head_next++) {
		const struct verify_head *h = k->head[k->head_next];

		if (h->seq == c->seq && strcmp(h->mac, c->mac) == 0) {
			k->result.heads++;
			k->result.unsigned_records = 0;
		} else {
			defect(k, "this is not the record that was signed", number);
		}
	}
}

static int by_seq(const void *a, const void *b)
{
	const struct verify_head *const *x = a, *const *y = b;

	return ((*x)->seq > (*y)->seq) - ((*x)->seq < (*y)->seq);
}

static void collect_heads(struct checking *k)
{
	k->head = MEM_NEW_N(k->args->head_count + 1, const struct verify_head *);
	for (size_t i = 0; i < k->args->head_count; i++) {
		const struct verify_head *h = &k->args->heads[i];
		struct chain c;
		char want[CHAIN_MAC_BYTES];

		if (strcmp(h->chain, k->result.chain) != 0)
			continue;
		chain_init(&c, k->args->key, h->chain);
		c.seq = h->seq;
		snprintf(c.mac, sizeof c.mac, "%s", h->mac);
		chain_sign_head(&c, h->run, want);
		secret_wipe(&c, sizeof c);
		if (strcmp(want, h->signature) != 0 || h->seq < 1)
			defect(k, "a signed head in the database was changed", 0);
		else
			k->head[k->head_count++] = h;
	}
	qsort(k->head, k->head_count, sizeof k->head[0], by_seq);
}

/* The highest number of a segment in the directory; 0: none. Foreign names are a defect. */
static size_t last_segment(struct checking *k, const char *dir_path)
{
	DIR *dir = opendir(dir_path);
	const struct dirent *e;
	size_t last = 0;

	while (dir && (e = readdir(dir))) {
		struct slice name = slice_from(e->d_name);
		uint64_t n;

		if (e->d_name[0] == '.')
			continue;
		if (!slice_ends(name, ".log") || !slice_to_u64(slice_sub(name, 0, name.n - 4), 999999, &n) || n == 0)
			defect(k, "holds a file that is no segment", 0);
		else if (n > last)
			last = n;
	}
	if (dir)
		closedir(dir);
	return last;
}

static void check_segment(struct checking *k, struct chain *c, const char *path, bool last)
{
	struct chain_scan s = {0};
	struct segment segment;
	char text[160];

	if (!segment_open(path, &segment)) {
		defect(k, errno == ENOENT ? "is missing" : "cannot be read", 0);
		return;
	}
	k->result.segments++;
	chain_scan(c, slice_make(segment.map, segment.n), on_record, k, &s);
	segment_close(&segment);
	if (s.rest && last && !s.ours)
		k->result.open_bytes = s.rest;
	else if (s.rest) {
		snprintf(text, sizeof text, "this is not record %lld of the chain", (long long)c->seq + 1);
		defect(k, text, s.line);
	}
}

static void check_chain(const struct verify_args *args, const char *name, struct verify_result *ret)
{
	struct checking k = {.args = args, .result = {.ok = true}};
	char path[PATH_MAX_BYTES], dir[PATH_MAX_BYTES - 32], text[160];
	struct mac *hasher = mac_new(args->key);
	struct chain c;
	size_t last;

	chain_init(&c, args->key, name);
	c.hasher = hasher;
	snprintf(k.result.chain, sizeof k.result.chain, "%s", name);
	snprintf(dir, sizeof dir, "%s/audit/%s", args->data_dir, name);
	k.file = dir;
	collect_heads(&k);
	last = last_segment(&k, dir);
	for (size_t i = 1; i <= last && k.result.ok; i++) {
		snprintf(path, sizeof path, "%s/%03zu.log", dir, i);
		k.file = path;
		check_segment(&k, &c, path, i == last);
	}
	if (k.result.ok && k.head_next < k.head_count) {
		snprintf(text, sizeof text, "the end was cut off: the chain ends with record %lld, but record %lld was signed",
			 (long long)c.seq, (long long)k.head[k.head_count - 1]->seq);
		defect(&k, text, 0);
	}
	free(k.head);
	secret_wipe(&c, sizeof c);
	mac_free(&hasher);
	*ret = k.result;
}

/* Chains that have a directory; `.` names are skipped. */
struct names {
	char name[CHAINS_MAX][CHAIN_NAME_BYTES];
	size_t n;
};

static void add_name(struct names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (strcmp(names->name[i], name) == 0)
			return;
	if (names->n < CHAINS_MAX && strlen(name) < CHAIN_NAME_BYTES)
		snprintf(names->name[names->n++], CHAIN_NAME_BYTES, "%s", name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static enum err find_names(const char *data_dir, struct names *names, struct errinfo *ei)
{
	CLEANUP(mem_free_str) char *path = mem_printf("%s/audit", data_dir);
	DIR *dir = opendir(path);
	const struct dirent *e;

	if (!dir && errno != ENOENT)
		return err_set(ei, ERR_STORE, "cannot read %s: %s", path, strerror(errno));
	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			add_name(names, e->d_name);
	if (dir)
		closedir(dir);
	return ERR_OK;
}

enum err verify_all(const struct verify_args *args, verify_result_fn *fn, void *arg, bool *ret_ok, struct errinfo *ei)
{
	struct names *names = MEM_NEW(struct names);
	enum err e = find_names(args->data_dir, names, ei);
	bool ok = true;

	for (size_t i = 0; i < args->head_count; i++)
		add_name(names, args->heads[i].chain);
	qsort(names->name, names->n, sizeof names->name[0], by_name);
	for (size_t i = 0; !e && i < names->n; i++) {
		struct verify_result r;

		check_chain(args, names->name[i], &r);
		ok = ok && r.ok;
		fn(&r, arg);
	}
	free(names);
	if (!e)
		*ret_ok = ok;
	return e;
}

static void search(struct slice bytes, const char *fingerprint, const char *path, verify_found_fn *fn, void *arg)
{
	CLEANUP(mem_free_str) char *wanted = mem_printf("\"fingerprint\":\"%s\"", fingerprint);
	struct slice line;

	while (bytes.n && bytes.p[0] != '\0') {
		line = slice_sub(bytes, 0, slice_index(bytes, '\n'));
		if (line.n && memmem(line.p, line.n, wanted, strlen(wanted)))
			fn(line, path, arg);
		bytes = slice_sub(bytes, line.n + 1, bytes.n);
	}
}

enum err verify_where(const char *data_dir, const char *fingerprint, verify_found_fn *fn, void *arg, struct errinfo *ei)
{
	struct names *names = MEM_NEW(struct names);
	enum err e = find_names(data_dir, names, ei);

	for (size_t i = 0; !e && i < names->n; i++)
		for (size_t number = 1;; number++) {
			CLEANUP(mem_free_str) char *path = mem_printf("%s/audit/%s/%03zu.log", data_dir, names->name[i], number);
			struct segment segment;

			if (!segment_open(path, &segment))
				break;
			search(slice_make(segment.map, segment.n), fingerprint, path, fn, arg);
			segment_close(&segment);
		}
	free(names);
	return e;
}
