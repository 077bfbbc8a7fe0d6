/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing log lines. The only state of base: where the lines of this process go. Must never write a
 * byte of input unescaped.
 */
#include "base/log.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* Counted after escaping: a line of hostile bytes must be cut, never lost. */
enum { FIELD_MAX_BYTES = 1024, SHORT_FIELD_BYTES = 64, LINE_MAX_BYTES = 16384 };

static struct {
	int fd;
	const char *role;
	enum log_level level;
} out = {.fd = STDERR_FILENO, .role = "-", .level = LOG_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_open(int fd, const char *role, bool debug)
{
	out.fd = fd;
	out.role = role;
	out.level = debug ? LOG_DEBUG : LOG_INFO;
}

bool log_wants(enum log_level level)
{
	return level <= out.level;
}

/*
 * JSON string contents in plain ASCII: what is not printable ASCII is shown as \u00XX, byte by byte.
 * At most `max` bytes come out.
 */
static void put_escaped(struct buf *line, struct slice text, size_t max)
{
	size_t end = line->n + max - 6; /* the longest escape */

	for (size_t i = 0; i < text.n && line->n <= end; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c < 0x20 || c > 0x7E)
			buf_printf(line, "\\u%04x", c);
		else
			buf_putc(line, (char)c);
		if (!buf_ok(line))
			return;
	}
}

static void put_text(struct buf *line, const char *name, struct slice text, size_t max)
{
	buf_printf(line, "\"%s\":\"", name);
	put_escaped(line, text, max);
	buf_putc(line, '"');
}

static void put_line(struct buf *line, enum log_level level, const char *event, const struct log_field *fields,
		     size_t n, size_t field_max)
{
	char at[CLOCK_RFC3339_BYTES];

	clock_rfc3339(clock_wall_ms(&clock_system), at);
	buf_printf(line, "{\"time\":\"%s\",\"level\":\"%s\",", at, level_names[level]);
	put_text(line, "role", slice_from(out.role), SHORT_FIELD_BYTES);
	buf_putc(line, ',');
	put_text(line, "event", slice_from(event), SHORT_FIELD_BYTES);
	for (size_t i = 0; i < n; i++) {
		buf_putc(line, ',');
		if (fields[i].kind == LOG_TEXT)
			put_text(line, fields[i].name, fields[i].text, field_max);
		else
			buf_printf(line, "\"%s\":%lld", fields[i].name, (long long)fields[i].number);
	}
	buf_puts(line, "}\n");
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	struct buf line;

	if (!log_wants(level))
		return;
	buf_init(&line, LINE_MAX_BYTES);
	put_line(&line, level, event, fields, n, FIELD_MAX_BYTES);
	if (!buf_ok(&line)) {
		buf_reset(&line);
		put_line(&line, level, event, fields, n, SHORT_FIELD_BYTES);
	}
	if (buf_ok(&line)) {
		ssize_t written = write(out.fd, line.p, line.n);

		(void)written; /* a log that cannot be written must not stop the service */
	}
	buf_done(&line);
}
