/* SPDX-License-Identifier: Apache-2.0 */
/* Walks over a test's own directory, without a shell between. Must never be part of the program. */
#include "base/testtree.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sodium.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Sorted, so that a digest depends on what there is and not on the order in which it was made. */
static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static FTS *walk(const char *dir)
{
	char *const roots[] = {(char *)(uintptr_t)dir, NULL};

	return fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
}

bool testtree_remove(const char *dir)
{
	FTS *tree = walk(dir);
	bool gone = tree;
	FTSENT *entry;

	while (tree && (entry = fts_read(tree)))
		if (entry->fts_info != FTS_D && remove(entry->fts_accpath) != 0)
			gone = false;
	if (tree)
		fts_close(tree);
	return gone;
}

static bool add_contents(crypto_generichash_state *digest, const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	unsigned char chunk[4096];
	ssize_t n;

	if (fd < 0)
		return false;
	while ((n = read(fd, chunk, sizeof chunk)) > 0)
		crypto_generichash_update(digest, chunk, (unsigned long long)n);
	close(fd);
	return n == 0;
}

/* SQLite's index of its log: memory that happens to have a name. Who only reads the database writes it too. */
static bool is_memory(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, "-shm") == 0;
}

bool testtree_snapshot(const char *dir, unsigned char ret[TESTTREE_SNAPSHOT_BYTES])
{
	crypto_generichash_state digest;
	FTS *tree = walk(dir);
	bool whole = tree;
	FTSENT *entry;

	crypto_generichash_init(&digest, NULL, 0, TESTTREE_SNAPSHOT_BYTES);
	while (tree && (errno = 0, entry = fts_read(tree))) {
		if (entry->fts_info == FTS_DP)
			continue;
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS) {
			whole = false;
			continue;
		}
		/* The NUL between name and mode, the size before the contents: no two trees give the same bytes. */
		crypto_generichash_update(&digest, (const unsigned char *)entry->fts_path, strlen(entry->fts_path) + 1);
		crypto_generichash_update(&digest, (const unsigned char *)&entry->fts_statp->st_mode, sizeof(mode_t));
		if (!S_ISREG(entry->fts_statp->st_mode) || is_memory(entry->fts_name))
			continue;
		crypto_generichash_update(&digest, (const unsigned char *)&entry->fts_statp->st_size, sizeof(off_t));
		whole &= add_contents(&digest, entry->fts_accpath);
	}
	whole &= errno == 0;
	if (tree)
		fts_close(tree);
	crypto_generichash_final(&digest, ret, TESTTREE_SNAPSHOT_BYTES);
	return whole;
}
