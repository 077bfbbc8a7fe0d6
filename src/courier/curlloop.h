/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl's multi handle driven by a libuv loop. Knows nothing of what is fetched. */
#pragma once

#include <curl/curl.h>
#include <uv.h>

#include "base/err.h"

struct curlloop;

/* `private_data` is the easy handle's CURLOPT_PRIVATE. Called from the loop, outside of libcurl. */
typedef void curlloop_done_fn(CURL *easy, CURLcode result, void *private_data);

/* The first call sets up libcurl for the whole process, with allocators that wipe. */
enum err curlloop_new(uv_loop_t *loop, curlloop_done_fn *done, struct curlloop **ret_loop, struct errinfo *ei);
/* Nothing is added any more. The loop must run on until its handles are closed. */
void curlloop_free(struct curlloop **cp);
/* False when libcurl does not take it. */
bool curlloop_add(struct curlloop *c, CURL *easy);
void curlloop_remove(struct curlloop *c, CURL *easy);
