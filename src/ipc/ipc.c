/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of messages and the bytes of a frame. The receiving side trusts nothing: whatever does
 * not fit the table to the last byte is refused whole. Must never touch a socket.
 */
#include "ipc/ipc.h"

#include <string.h>

enum { KIND_AT = 0, COUNT_AT = 2, FLAGS_AT = 4, ID_AT = 8, FIELD_HEAD_BYTES = 5, NUMBER_BYTES = 8 };
enum often { ONCE, OFTEN };

struct row {
	const char *name;
	unsigned from, to;
	const char *fields;
	enum often often;
};

static const struct row table[IPC_KIND__COUNT] = {
#define X(kind, from, to, fields, often) [IPC_##kind] = {#kind, from, to, fields, often},
	IPC_MESSAGES(X)
#undef X
};

static const char *const role_names[IPC_ROLE__COUNT] = {
#define X(role, name) [IPC_##role] = name,
	IPC_ROLES(X)
#undef X
};

const char *ipc_role_name(enum ipc_role role)
{
	return (unsigned)role < IPC_ROLE__COUNT ? role_names[role] : "?";
}

const char *ipc_fields(enum ipc_kind kind)
{
	return (unsigned)kind < IPC_KIND__COUNT ? table[kind].fields : "";
}

const char *ipc_kind_name(enum ipc_kind kind)
{
	return (unsigned)kind < IPC_KIND__COUNT ? table[kind].name : "?";
}

bool ipc_allowed(enum ipc_kind kind, enum ipc_role from, enum ipc_role to)
{
	return (unsigned)kind < IPC_KIND__COUNT && (unsigned)from < IPC_ROLE__COUNT && (unsigned)to < IPC_ROLE__COUNT &&
	       (table[kind].from & 1u << from) && (table[kind].to & 1u << to);
}

bool ipc_once(enum ipc_kind kind)
{
	return (unsigned)kind < IPC_KIND__COUNT && table[kind].often == ONCE;
}

static void put_number(struct buf *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		buf_putc(out, (char)(unsigned char)(value >> (8 * i)));
}

static uint64_t get_number(const char *p, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return value;
}

/* The bytes that a field of this letter has behind its head. */
static size_t field_bytes(char letter, const struct ipc_field *f)
{
	if (letter == 's')
		return f->bytes.n;
	return letter == 'i' ? NUMBER_BYTES : 0;
}

/* A message that does not fit the table is a bug of the sender's, found here and not by the peer. */
static enum err check_outgoing(const struct ipc_message *m, const char *fields)
{
	size_t total = IPC_HEAD_BYTES;
	size_t count = strlen(fields);

	for (size_t i = 0; i < IPC_FIELDS_MAX; i++) {
		const struct ipc_field *f = &m->field[i];

		if ((i >= count || fields[i] != 's') && f->bytes.n)
			return ERR_INTERNAL;
		if ((i >= count || fields[i] != 'i') && f->number)
			return ERR_INTERNAL;
		if (i >= count)
			continue;
		if ((fields[i] == 's' && f->bytes.n && !f->bytes.p) || (fields[i] == 'f' && f->fd < 0))
			return ERR_INTERNAL;
		if (field_bytes(fields[i], f) > IPC_BODY_MAX)
			return ERR_TOO_LARGE;
		total += FIELD_HEAD_BYTES + field_bytes(fields[i], f);
	}
	return total > IPC_BODY_MAX ? ERR_TOO_LARGE : ERR_OK;
}

enum err ipc_encode(const struct ipc_message *m, struct buf *out)
{
	const char *fields = ipc_fields(m->kind);
	enum err e;

	if ((unsigned)m->kind >= IPC_KIND__COUNT)
		return ERR_INTERNAL;
	e = check_outgoing(m, fields);
	if (e)
		return e;
	put_number(out, m->kind, 2);
	put_number(out, strlen(fields), 2);
	put_number(out, 0, 4);
	put_number(out, m->id, 8);
	for (size_t i = 0; fields[i]; i++) {
		const struct ipc_field *f = &m->field[i];

		buf_putc(out, fields[i]);
		put_number(out, field_bytes(fields[i], f), 4);
		if (fields[i] == 'i')
			put_number(out, (uint64_t)f->number, NUMBER_BYTES);
		else if (fields[i] == 's')
			buf_put(out, f->bytes);
	}
	return buf_ok(out) ? ERR_OK : ERR_TOO_LARGE;
}

/* Takes one field of the expected letter off the front of `rest`. */
static bool take_field(struct slice *rest, char letter, struct ipc_field *ret_field)
{
	struct ipc_field f = {.fd = -1};
	uint64_t n;

	if (rest->n < FIELD_HEAD_BYTES || rest->p[0] != letter)
		return false;
	n = get_number(rest->p + 1, 4);
	*rest = slice_sub(*rest, FIELD_HEAD_BYTES, rest->n);
	if (n > rest->n || (letter == 'i' && n != NUMBER_BYTES) || (letter == 'f' && n != 0))
		return false;
	if (letter == 's')
		f.bytes = slice_sub(*rest, 0, (size_t)n);
	else if (letter == 'i')
		f.number = (int64_t)get_number(rest->p, NUMBER_BYTES);
	*rest = slice_sub(*rest, (size_t)n, rest->n);
	*ret_field = f;
	return true;
}

enum err ipc_decode(struct slice frame, enum ipc_role from, enum ipc_role to, struct ipc_message *ret_message)
{
	struct ipc_message m = {.kind = 0};
	const char *fields;
	uint64_t kind;

	if (frame.n < IPC_HEAD_BYTES || frame.n > IPC_BODY_MAX || get_number(frame.p + FLAGS_AT, 4) != 0)
		return ERR_INVALID;
	kind = get_number(frame.p + KIND_AT, 2);
	if (kind >= IPC_KIND__COUNT || !ipc_allowed((enum ipc_kind)kind, from, to))
		return ERR_INVALID;
	m.kind = (enum ipc_kind)kind;
	m.id = get_number(frame.p + ID_AT, 8);
	fields = ipc_fields(m.kind);
	if (get_number(frame.p + COUNT_AT, 2) != strlen(fields))
		return ERR_INVALID;
	for (size_t i = 0; i < IPC_FIELDS_MAX; i++)
		m.field[i].fd = -1;
	frame = slice_sub(frame, IPC_HEAD_BYTES, frame.n);
	for (size_t i = 0; fields[i]; i++)
		if (!take_field(&frame, fields[i], &m.field[i]))
			return ERR_INVALID;
	if (frame.n != 0)
		return ERR_INVALID;
	*ret_message = m;
	return ERR_OK;
}
