/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record that tests ask "what did you see?". A ring with two caps, entries and bytes; the oldest
 * goes first. Must never alter what it keeps: header order, doubled fields and odd bytes stay.
 */
#include "support/adversary_record.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"

enum { SLOTS = 1 << 20 }; /* more than record_requests can be; untouched ones cost nothing */

struct entry {
	uint64_t number, connection, on_connection;
	int64_t arrived_at;
	enum adversary_endpoint endpoint;
	const char *outcome; /* static; NULL while nothing was decided */
	int status;
	size_t body_bytes; /* as received, may be more than is kept */
	size_t cost;
	size_t count; /* texts: method, target, then name and value of each header, then the body */
	size_t *lengths;
	char *bytes;
};

struct adversary_record {
	const struct adversary_config *config;
	struct adversary_counters counters;
	struct entry **slots; /* by number modulo SLOTS; NULL: not kept */
	uint64_t first_number, last_number;
	size_t count, cost;
};

struct adversary_record *adversary_record_new(const struct adversary_config *config)
{
	struct adversary_record *record = MEM_NEW(struct adversary_record);

	record->config = config;
	record->slots = MEM_NEW_N(SLOTS, struct entry *);
	record->first_number = 1;
	return record;
}

static struct entry **slot(const struct adversary_record *record, uint64_t number)
{
	return &record->slots[number % SLOTS];
}

static void forget_first(struct adversary_record *record)
{
	struct entry **s = slot(record, record->first_number++);

	if (!*s)
		return;
	record->count--;
	record->cost -= (*s)->cost;
	free(*s);
	*s = NULL;
}

void adversary_record_clear(struct adversary_record *record)
{
	while (record->first_number <= record->last_number)
		forget_first(record);
	record->counters = (struct adversary_counters){0};
}

void adversary_record_free(struct adversary_record **record)
{
	if (!record || !*record)
		return;
	adversary_record_clear(*record);
	free((*record)->slots);
	free(*record);
	*record = NULL;
}

static char *keep(struct entry *e, char *at, struct slice text)
{
	e->lengths[e->count++] = text.n;
	if (text.n)
		memcpy(at, text.p, text.n);
	return at + text.n;
}

/* One allocation: the entry, its lengths, its bytes. */
static struct entry *copy(const struct adversary_request *r, size_t body_max)
{
	struct slice body = slice_sub(r->body, 0, body_max);
	size_t count = 3 + 2 * r->header_count, total = r->method.n + r->target.n + body.n, cost;
	struct entry *e;
	char *at;

	for (size_t h = 0; h < r->header_count; h++)
		total += r->headers[h].name.n + r->headers[h].value.n;
	cost = sizeof *e + count * sizeof *e->lengths + total;
	e = mem_calloc(1, cost);
	e->cost = cost;
	e->lengths = (size_t *)(e + 1);
	e->bytes = at = (char *)(e->lengths + count);
	at = keep(e, at, r->method);
	at = keep(e, at, r->target);
	for (size_t h = 0; h < r->header_count; h++) {
		at = keep(e, at, r->headers[h].name);
		at = keep(e, at, r->headers[h].value);
	}
	keep(e, at, body);
	return e;
}

uint64_t adversary_record_add(struct adversary_record *record, enum adversary_endpoint endpoint,
			      const struct adversary_request *request)
{
	uint64_t number = ++record->last_number;
	struct entry *e;

	record->counters.requests[endpoint]++;
	record->counters.reused += request->on_connection > 0;
	if (number - record->first_number >= SLOTS)
		forget_first(record);
	if (record->config->record_requests == 0)
		return number;
	e = copy(request, (size_t)record->config->record_body_bytes);
	e->number = number;
	e->endpoint = endpoint;
	e->connection = request->connection;
	e->on_connection = request->on_connection;
	e->arrived_at = request->arrived_at;
	e->body_bytes = request->body.n;
	*slot(record, number) = e;
	record->count++;
	record->cost += e->cost;
	while (record->count > (size_t)record->config->record_requests ||
	       record->cost > (size_t)record->config->record_bytes) {
		forget_first(record);
		record->counters.forgotten++;
	}
	return number;
}

void adversary_record_outcome(struct adversary_record *record, uint64_t number, const char *outcome, int status)
{
	struct entry *e = *slot(record, number);

	if (!e || e->number != number)
		return;
	e->outcome = outcome;
	e->status = status;
}

struct adversary_counters *adversary_record_counters(struct adversary_record *record)
{
	return &record->counters;
}

json_t *adversary_record_dump_counters(const struct adversary_record *record)
{
	const struct adversary_counters *c = &record->counters;
	json_t *requests = json_object();

	for (int i = ADVERSARY_AUTHORIZE; i < ADVERSARY_ENDPOINTS; i++)
		json_object_set_new(requests, adversary_request_endpoint_name((enum adversary_endpoint)i),
				    json_integer((json_int_t)c->requests[i]));
	return json_pack("{so sI sI sI sI sI sI sI sI}", "requests", requests, "connections",
			 (json_int_t)c->connections, "reused", (json_int_t)c->reused, "token_success",
			 (json_int_t)c->token_success, "token_error", (json_int_t)c->token_error, "client_gone",
			 (json_int_t)c->client_gone, "bad_requests", (json_int_t)c->bad_requests, "forgotten",
			 (json_int_t)c->forgotten, "kept", (json_int_t)record->count);
}

/* As a string when it is one, else in base64 under `name`_base64. */
static void put_bytes(json_t *object, const char *name, struct slice bytes)
{
	char *base64, *renamed;
	size_t cap = sodium_base64_ENCODED_LEN(bytes.n, sodium_base64_VARIANT_ORIGINAL);

	if (slice_is_utf8(bytes)) {
		json_object_set_new(object, name, json_stringn(bytes.n ? bytes.p : "", bytes.n));
		return;
	}
	base64 = mem_calloc(cap, 1);
	renamed = mem_printf("%s_base64", name);
	sodium_bin2base64(base64, cap, (const unsigned char *)bytes.p, bytes.n, sodium_base64_VARIANT_ORIGINAL);
	json_object_set_new(object, renamed, json_string(base64));
	free(base64);
	free(renamed);
}

static json_t *dump_entry(const struct entry *e)
{
	json_t *object = json_pack("{sI ss sI sI sI sb sI}", "number", (json_int_t)e->number, "endpoint",
				   adversary_request_endpoint_name(e->endpoint), "arrived_at",
				   (json_int_t)e->arrived_at, "connection", (json_int_t)e->connection, "on_connection",
				   (json_int_t)e->on_connection, "reused", e->on_connection > 0, "body_bytes",
				   (json_int_t)e->body_bytes);
	json_t *headers = json_array();
	const char *at = e->bytes;

	for (size_t i = 0; i < e->count; i++) {
		struct slice text = slice_make(at, e->lengths[i]);

		at += text.n;
		if (i == 0) {
			put_bytes(object, "method", text);
		} else if (i == 1) {
			put_bytes(object, "target", text);
		} else if (i + 1 == e->count) {
			put_bytes(object, "body", text);
		} else if (i % 2 == 0) {
			json_t *field = json_object();

			put_bytes(field, "name", text);
			json_array_append_new(headers, field);
		} else {
			put_bytes(json_array_get(headers, json_array_size(headers) - 1), "value", text);
		}
	}
	json_object_set_new(object, "headers", headers);
	json_object_set_new(object, "outcome", e->outcome ? json_string(e->outcome) : json_null());
	json_object_set_new(object, "status", json_integer(e->status));
	return object;
}

json_t *adversary_record_dump(const struct adversary_record *record, enum adversary_endpoint endpoint, uint64_t after,
			      size_t limit)
{
	json_t *list = json_array();
	uint64_t number = record->first_number;

	if (after >= record->first_number)
		number = after + 1;
	for (; number <= record->last_number && json_array_size(list) < limit; number++) {
		const struct entry *e = *slot(record, number);

		if (e && (endpoint == ADVERSARY_ANY || e->endpoint == endpoint))
			json_array_append_new(list, dump_entry(e));
	}
	return json_pack("{so}", "requests", list);
}
