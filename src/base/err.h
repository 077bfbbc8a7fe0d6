/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error kinds and the sentence that goes with them.
 *
 * A function that can fail returns `enum err` and nothing else says whether it failed. What a person
 * should read goes into a `struct errinfo` that the caller hands down; passing NULL is allowed
 * everywhere and loses only the sentence. There is no global error state.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/slice.h"

/* kind, wire code, HTTP status, exit code of the CLI, log level (0 error … 3 debug) */
#define ERR_KINDS(X)                                                \
	X(OK, "ok", 200, 0, 3)                                      \
	X(INVALID, "invalid_request", 400, 1, 2)                    \
	X(UNPROCESSABLE, "validation_failed", 422, 1, 2)            \
	X(UNAUTHENTICATED, "unauthenticated", 401, 1, 2)            \
	X(FORBIDDEN, "forbidden", 403, 1, 2)                        \
	X(NOT_FOUND, "not_found", 404, 1, 2)                        \
	X(CONFLICT, "conflict", 409, 1, 2)                          \
	X(TOO_LARGE, "too_large", 413, 1, 2)                        \
	X(LIMIT, "too_many_requests", 429, 1, 2)                    \
	X(UPSTREAM_DENIED, "needs_reauth", 409, 1, 2)               \
	X(UPSTREAM_DOWN, "provider_unreachable", 502, 1, 1)         \
	X(TIMEOUT, "timeout", 504, 1, 1)                            \
	X(BUSY, "unavailable", 503, 1, 1)                           \
	X(STORE, "store_unavailable", 503, 1, 0)                    \
	X(CRYPTO, "sealed_value_refused", 500, 1, 0)                \
	X(CONFIG, "configuration", 500, 1, 0)                       \
	X(INTERNAL, "internal", 500, 1, 0)

enum err {
#define X(kind, code, http, exit_code, level) ERR_##kind,
	ERR_KINDS(X)
#undef X
		ERR__COUNT
};

struct err_kind {
	const char *name; /* "NOT_FOUND" */
	const char *code; /* what the API prints in "error" unless errinfo names a finer one */
	int http_status;
	int exit_code;
	int log_level;
};

/* The one table that translates a kind. Never NULL; an unknown value maps to INTERNAL. */
const struct err_kind *err_kind(enum err e);

enum { ERRINFO_DETAIL_MAX = 512, ERRINFO_CODE_MAX = 64, ERRINFO_FIELDS_MAX = 12 };

/* One field of a request that is wrong, and why. */
struct errfield {
	char name[48];
	char why[200];
};

/*
 * What went wrong, for a person. `detail` says what and with which value, `hint` what to do next;
 * both are empty when unset and never hold a secret. `code` refines the kind's wire code.
 */
struct errinfo {
	char detail[ERRINFO_DETAIL_MAX];
	char hint[ERRINFO_DETAIL_MAX];
	char code[ERRINFO_CODE_MAX];
	char cause[ERRINFO_CODE_MAX]; /* of needs_reauth, as rotation_response_lost; else "" */
	unsigned retry_after_s; /* 0: none */
	size_t field_count;
	struct errfield fields[ERRINFO_FIELDS_MAX];
};

/* Empties `ei`; NULL is allowed. */
void err_clear(struct errinfo *ei);

/* Sets detail (printf style, cut at the cap on a UTF-8 boundary) and returns `e`, for `return err_set(...)`. */
enum err err_set(struct errinfo *ei, enum err e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets the hint; returns `e` so that it can be chained after err_set(). */
enum err err_hint(struct errinfo *ei, enum err e, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Refines the wire code, for example "ambiguous"; returns `e`. */
enum err err_code(struct errinfo *ei, enum err e, const char *code);

/* Sets the cause; returns `e`. */
enum err err_cause(struct errinfo *ei, enum err e, const char *cause);

/* Adds a wrong field. Past ERRINFO_FIELDS_MAX further ones are dropped. Returns ERR_UNPROCESSABLE. */
enum err err_field(struct errinfo *ei, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The wire code: `ei->code` if set, else the kind's. */
const char *err_wire_code(enum err e, const struct errinfo *ei);
