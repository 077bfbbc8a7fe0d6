/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking chains against themselves and against their signed heads, and searching them. Reads files only; works beside a
 * running service and without one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "audit/chain.h"
#include "base/err.h"

/* A head as it was stored: after record `seq` the chain's MAC was `mac`. */
struct verify_head {
	const char *chain, *run, *mac, *signature;
	int64_t seq;
};

struct verify_args {
	const char *data_dir;
	const unsigned char *key; /* HASH_KEY_BYTES */
	const struct verify_head *heads;
	size_t head_count;
};

enum { VERIFY_TEXT_MAX = 400 };

/* One chain's outcome. */
struct verify_result {
	char chain[CHAIN_NAME_BYTES];
	int64_t records, from_at, to_at;
	size_t segments, heads; /* heads that were found true */
	int64_t unsigned_records; /* behind the last true head: were they cut off, nobody could tell */
	size_t torn;            /* crashes whose unfinished write was closed */
	size_t open_bytes;      /* an unfinished write at the end: the service is running, or was killed and not yet started again */
	bool ok;
	char defect[VERIFY_TEXT_MAX]; /* the first, with file and line */
};

typedef void verify_result_fn(const struct verify_result *r, void *arg);
/* Each line whose fingerprint is the one looked for. */
typedef void verify_found_fn(struct slice line, const char *file, void *arg);

/*
 * Calls `fn` for each chain that has a directory or a head. ERR_STORE: the audit directory cannot be read. `*ret_ok` is false when
 * any chain has a defect.
 */
enum err verify_all(const struct verify_args *args, verify_result_fn *fn, void *arg, bool *ret_ok, struct errinfo *ei);
/* Searches all segments of all chains; checks nothing. */
enum err verify_where(const char *data_dir, const char *fingerprint, verify_found_fn *fn, void *arg, struct errinfo *ei);
