/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one valid JSON object a line, whatever the input (LG-02). Fields are typed; there is no
 * way to log a `struct secret`. Only api, ui, the roles, daemon and cli log.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_field {
	const char *name;
	enum { LOG_TEXT, LOG_INT } kind;
	struct slice text; /* any bytes: what is not printable ASCII is escaped byte by byte; cut at 1 KiB */
	int64_t number;
};

#define LOG_S(name_, text_) ((struct log_field){.name = (name_), .kind = LOG_TEXT, .text = slice_from(text_)})
#define LOG_SLICE(name_, slice_) ((struct log_field){.name = (name_), .kind = LOG_TEXT, .text = (slice_)})
#define LOG_I(name_, number_) ((struct log_field){.name = (name_), .kind = LOG_INT, .number = (int64_t)(number_)})

/*
 * Writes {"time","level","role","event",…fields} to the log's file descriptor in one write, so that
 * lines of several processes don't mix. `event` is a short name such as "refresh_committed".
 */
void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n);
#define LOG(level, event, ...)                                                                       \
	log_write((level), (event), (const struct log_field[]){__VA_ARGS__},                         \
		  sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* `fd` is borrowed; `role` must outlive the log ("clerk", "worker 0"). Default: stderr, role "-", up to LOG_INFO. */
void log_open(int fd, const char *role, bool debug);
/* The level up to which lines are written. */
bool log_wants(enum log_level level);
