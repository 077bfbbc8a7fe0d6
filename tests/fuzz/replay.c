/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer: over each file of its corpus, and over every cut and a fixed number of mutations of
 * those that a person wrote (what the fuzzer found is named found-…). Every run is the same. Must never pass without having
 * run a file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { FILE_MAX_BYTES = 1 << 20, CUTS = 512, MUTATIONS = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seed;

/* xorshift64: the same numbers everywhere. */
static size_t below(size_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return n ? (size_t)(seed % n) : 0;
}

/* In memory of exactly its size, so that the sanitizer sees a read behind the end. */
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	if (!copy)
		abort();
	if (n)
		memcpy(copy, bytes, n);
	LLVMFuzzerTestOneInput(n ? copy : NULL, n);
	free(copy);
}

static size_t mutate(uint8_t *bytes, size_t n)
{
	static const uint8_t odd[] = {0, 1, 0x7F, 0x80, 0xFF, '"', '\\', '/', '%', ':', '@', '[', '{', '\r', '\n', ' '};
	size_t at = below(n), length = below(n - at < 32 ? n - at : 32);

	switch (below(5)) {
	case 0: /* flip a bit */ bytes[at] = (uint8_t)(bytes[at] ^ (1u << below(8))); return n;
	case 1: /* a byte that means something to somebody */ bytes[at] = odd[below(sizeof odd)]; return n;
	case 2: /* take a piece out */ memmove(bytes + at, bytes + at + length, n - at - length); return n - length;
	case 3: /* double a piece */ memmove(bytes + at + length, bytes + at, n - at); return n + length;
	default: /* a number as large as it gets */ memset(bytes + at, 0xFF, n - at < 4 ? n - at : 4); return n;
	}
}

static void replay(const uint8_t *bytes, size_t n)
{
	uint8_t *work = mem_calloc(n + 256, 1);

	run(bytes, n);
	for (size_t cut = 0; cut < n && cut < CUTS; cut++)
		run(bytes, cut);
	for (int i = 0; n && i < MUTATIONS; i++) {
		size_t now = n, times = 1 + below(4);

		memcpy(work, bytes, n);
		while (times-- && now)
			now = mutate(work, now);
		run(work, now);
	}
	free(work);
}

static int replay_file(const char *folder, const char *name, uint8_t *bytes)
{
	char *path = mem_printf("%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(bytes, 1, FILE_MAX_BYTES, f) : 0;
	int failed = !f || ferror(f);

	if (failed)
		fprintf(stderr, "cannot read %s\n", path);
	if (f)
		fclose(f);
	mem_free_str(&path);
	if (!failed && strncmp(name, "found-", 6) == 0)
		run(bytes, n);
	else if (!failed)
		replay(bytes, n);
	return failed;
}

int main(int argc, char **argv)
{
	uint8_t *bytes = mem_calloc(FILE_MAX_BYTES, 1);
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	int files = 0, failed = 0;

	while (folder) {
		const struct dirent *entry = readdir(folder);

		if (!entry)
			break;
		if (entry->d_name[0] == '.')
			continue;
		seed = 0x9E3779B97F4A7C15;
		failed += replay_file(argv[1], entry->d_name, bytes);
		files++;
	}
	if (folder)
		closedir(folder);
	free(bytes);
	printf("%d files, up to %d cuts and %d mutations of each\n", files, CUTS, MUTATIONS);
	if (files == 0)
		fprintf(stderr, "no corpus at %s\n", argc == 2 ? argv[1] : "(no folder given)");
	return files == 0 || failed;
}
