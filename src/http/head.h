/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw check of a request's head, before any parser sees it (WB-08). Pure functions over bytes.
 * What they let pass, llhttp must read the same way; a fuzz target holds them to that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "http/refusal.h"
#include "http/request.h"

/* What the raw check found, as views into the head. */
struct head {
	struct slice method, target;
	enum http_method method_kind;
	size_t field_count;
	bool is_1_0;
	bool chunked;
	bool has_length;
	bool expects_continue;
	uint64_t length; /* Content-Length, 0 without */
};

enum head_scan { HEAD_PARTIAL, HEAD_COMPLETE, HEAD_REFUSED };

/*
 * Looks for the end of the head (the empty line) in `bytes`, of which the first `from` were looked at before. On
 * HEAD_COMPLETE `*ret_length` counts the head with its empty line; on HEAD_REFUSED `*ret_why` says why more bytes
 * cannot help: a bare LF, a first byte that begins no method, a limit passed.
 */
enum head_scan head_scan(struct slice bytes, size_t from, size_t *ret_length, enum refusal *ret_why);

/* Checks a complete head. REFUSAL_NONE: `*ret_head` is filled. */
enum refusal head_check(struct slice bytes, struct head *ret_head);
