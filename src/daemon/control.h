/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket `<data dir>/control.sock`: how a command of the same user (`fiberd admin-link`)
 * asks the running service. One packet asks, one packet answers.
 */
#pragma once

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"

struct control;

enum { CONTROL_TEXT_MAX = 4096, CONTROL_WAIT_MS = 10000 };

/* A command came; answer it now or later with control_answer(). `client` is never 0. */
typedef void control_request_fn(void *arg, uint64_t client, struct slice request);

/* Makes the socket (0600) in the directory; one that an earlier run left is replaced. Hold the directory's lock. */
enum err control_open(uv_loop_t *loop, int dir_fd, control_request_fn *fn, void *arg, struct control **ret_control,
		      struct errinfo *ei);
/* Takes the socket file away and closes what is open. */
void control_close(struct control **c);
/* Answers with an error's sentence, or with `text` when ERR_OK. A client that has gone, or 0, is left alone. */
void control_answer(struct control *c, uint64_t client, enum err e, const char *text);

/*
 * The other side: asks the service of this data directory and waits. ERR_NOT_FOUND: none is running;
 * otherwise what the service says. The answer is appended to `out`.
 */
enum err control_ask(const char *dir, const char *request, struct buf *out, struct errinfo *ei);
