/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing log lines. The only state of base: where the lines of this process go. Must never write a
 * byte of input unescaped.
 */
#include "base/log.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

enum { FIELD_MAX_BYTES = 1024, LINE_MAX_BYTES = 16384 };

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

/* JSON string contents in plain ASCII: what is not printable ASCII is shown as \u00XX, byte by byte. */
static void put_escaped(struct buf *line, struct slice text)
{
	size_t n = text.n > FIELD_MAX_BYTES ? FIELD_MAX_BYTES : text.n;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '"' || c == '\\')
			buf_printf(line, "\\%c", c);
		else if (c < 0x20 || c > 0x7E)
			buf_printf(line, "\\u%04x", c);
		else
			buf_putc(line, (char)c);
	}
}

static void put_text(struct buf *line, const char *name, struct slice text)
{
	buf_printf(line, "\"%s\":\"", name);
	put_escaped(line, text);
	buf_putc(line, '"');
}

void log_write(enum log_level level, const char *event, const struct log_field *fields, size_t n)
{
	char at[CLOCK_RFC3339_BYTES];
	struct buf line;

	if (!log_wants(level))
		return;
	clock_rfc3339(clock_wall_ms(&clock_system), at);
	buf_init(&line, LINE_MAX_BYTES);
	buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",", at, level_names[level]);
	put_text(&line, "role", slice_from(out.role));
	buf_putc(&line, ',');
	put_text(&line, "event", slice_from(event));
	for (size_t i = 0; i < n; i++) {
		buf_putc(&line, ',');
		if (fields[i].kind == LOG_TEXT)
			put_text(&line, fields[i].name, fields[i].text);
		else
			buf_printf(&line, "\"%s\":%lld", fields[i].name, (long long)fields[i].number);
	}
	buf_puts(&line, "}\n");
	if (buf_ok(&line)) {
		ssize_t written = write(out.fd, line.p, line.n);

		(void)written; /* a log that cannot be written must not stop the service */
	}
	buf_done(&line);
}
