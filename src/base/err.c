/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of error kinds, and filling in the sentence for a person. Must never allocate and never
 * be handed a secret.
 */
#include "base/err.h"

#include <stdio.h>
#include <string.h>

static const struct err_kind kinds[ERR__COUNT] = {
#define X(kind, code, http, exit_code, level) [ERR_##kind] = {#kind, code, http, exit_code, level},
	ERR_KINDS(X)
#undef X
};

const struct err_kind *err_kind(enum err e)
{
	if ((unsigned)e >= ERR__COUNT)
		e = ERR_INTERNAL;
	return &kinds[e];
}

void err_clear(struct errinfo *ei)
{
	if (ei)
		memset(ei, 0, sizeof *ei);
}

/* Cuts a text that vsnprintf truncated so that it does not end inside a UTF-8 sequence. */
static void cut_utf8(char *text, size_t cap)
{
	size_t n = strlen(text);
	size_t start = n;

	if (n + 1 < cap)
		return;
	while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xC0)
		text[start - 1] = '\0';
}

static void format_into(char *text, size_t cap, const char *format, va_list args)
{
	if (vsnprintf(text, cap, format, args) < 0)
		text[0] = '\0';
	cut_utf8(text, cap);
}

enum err err_set(struct errinfo *ei, enum err e, const char *format, ...)
{
	va_list args;

	if (!ei)
		return e;
	va_start(args, format);
	format_into(ei->detail, sizeof ei->detail, format, args);
	va_end(args);
	return e;
}

enum err err_hint(struct errinfo *ei, enum err e, const char *format, ...)
{
	va_list args;

	if (!ei)
		return e;
	va_start(args, format);
	format_into(ei->hint, sizeof ei->hint, format, args);
	va_end(args);
	return e;
}

enum err err_code(struct errinfo *ei, enum err e, const char *code)
{
	if (ei)
		snprintf(ei->code, sizeof ei->code, "%s", code);
	return e;
}

enum err err_cause(struct errinfo *ei, enum err e, const char *cause)
{
	if (ei)
		snprintf(ei->cause, sizeof ei->cause, "%s", cause);
	return e;
}

enum err err_field(struct errinfo *ei, const char *name, const char *format, ...)
{
	struct errfield *f;
	va_list args;

	if (!ei || ei->field_count >= ERRINFO_FIELDS_MAX)
		return ERR_UNPROCESSABLE;
	f = &ei->fields[ei->field_count++];
	snprintf(f->name, sizeof f->name, "%s", name);
	va_start(args, format);
	format_into(f->why, sizeof f->why, format, args);
	va_end(args);
	if (!ei->detail[0])
		err_set(ei, ERR_UNPROCESSABLE, "%s: %s", f->name, f->why);
	return ERR_UNPROCESSABLE;
}

const char *err_wire_code(enum err e, const struct errinfo *ei)
{
	return ei && ei->code[0] ? ei->code : err_kind(e)->code;
}
