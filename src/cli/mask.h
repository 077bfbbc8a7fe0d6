/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and answers as they may be shown with --verbose: without any secret. */
#pragma once

#include "base/buf.h"
#include "secret/secret.h"
#include "json/jsonr.h"

/*
 * Compact JSON in which every value under a name that may hold a secret is "****", also inside nested
 * objects, and the token part of connect links is cut. Harmless to a terminal.
 */
void mask_json(const struct jsonr *v, struct buf *out);
/* A key as one may see it: "fw_<public id>_****" when it is one of ours, else "****". */
void mask_key(const struct secret *key, struct buf *out);
/* True for names whose values are masked. */
bool mask_is_secret_name(struct slice name);
