/* SPDX-License-Identifier: Apache-2.0 */
/* A request target taken apart into path segments and query. */
#pragma once

#include "http/refusal.h"
#include "http/request.h"

/*
 * Sets path, segments and query of `r`, views into `target` (which lies in the request's arena) and the arena.
 * `target` passed head_check(). REFUSAL_PATH_ESCAPE, REFUSAL_PATH_DOTS, REFUSAL_PATH_DEEP.
 */
enum refusal path_parse(struct request *r, struct slice target);
