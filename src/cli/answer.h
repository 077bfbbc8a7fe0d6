/* SPDX-License-Identifier: Apache-2.0 */
/* The server's error shape, turned into an error of ours. */
#pragma once

#include "base/err.h"
#include "json/jsonr.h"

/*
 * The kind that fits the status and the body's "error", with its detail, hint and fields in `ei`. `doc`
 * may be NULL or have any other shape; `status` is 300 or more.
 */
enum err answer_error(long status, const struct jsonr *doc, struct errinfo *ei);
