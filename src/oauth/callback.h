/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorization response (RFC 6749 §4.1.2, RFC 9207). What comes in is hostile until state says
 * otherwise: parsing checks only form (OA-07, OA-08, OA-09).
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/slice.h"
#include "catalog/profile.h"
#include "secret/secret.h"

enum { CALLBACK_CODE_MAX = 4096, CALLBACK_STATE_MAX = 128, CALLBACK_ERROR_MAX = 64, CALLBACK_DESCRIPTION_MAX = 256 };

/* Decoded name/value pairs, each name once (http/request.h's params has this shape; oauth knows no http). */
struct callback_param {
	struct slice name, value;
};

struct callback {
	struct slice state;       /* n 0 when missing */
	struct secret *code;      /* NULL when missing; in the arena */
	struct slice iss;         /* p NULL when missing */
	const char *error;        /* "" when none: only [a-z_]; anything else becomes "invalid_error" */
	const char *description;  /* for our event only: printable ASCII, capped */
};

/* ERR_INVALID: access_token or id_token present, code too long, code with error, neither code nor error. */
enum err callback_parse(const struct callback_param *params, size_t count, struct arena *a, struct callback *ret,
			struct errinfo *ei);
/*
 * The issuer check (RFC 9207 §2.4, OA-05): exact comparison. ERR_UPSTREAM_DENIED with code "issuer_mismatch" when it
 * differs from the flow's snapshot, or is missing although the profile says it comes. A provider without a known issuer: accepted.
 */
enum err callback_check_issuer(const struct callback *c, const struct profile *snapshot, struct errinfo *ei);
/* Our own sentence for an error code of RFC 6749 §4.1.2.1 (and OIDC's); never the provider's text. */
const char *callback_sentence(const char *error);
