/* SPDX-License-Identifier: Apache-2.0 */
/* What reached the adversary: counters for ever, the requests themselves within a cap. */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "support/adversary_config.h"
#include "support/adversary_request.h"

struct adversary_counters {
	uint64_t requests[ADVERSARY_ENDPOINTS];
	uint64_t connections;	/* accepted */
	uint64_t reused;	/* requests that were not the first of their connection */
	uint64_t token_success; /* token answers that gave tokens, delivered or not */
	uint64_t token_error;
	uint64_t client_gone;  /* connection ended by the peer while its request was worked on */
	uint64_t bad_requests; /* not HTTP, or beyond our limits */
	uint64_t forgotten;    /* requests dropped from the record for its caps */
};

struct adversary_record;

/* `config` is borrowed and may change between calls. */
struct adversary_record *adversary_record_new(const struct adversary_config *config);
void adversary_record_free(struct adversary_record **record);

/* Counts the request and keeps a copy; returns its number, counted from 1. */
uint64_t adversary_record_add(struct adversary_record *record, enum adversary_endpoint endpoint,
			      const struct adversary_request *request);
/* Notes what became of it (static text): "answered", "rst", "client_gone" … */
void adversary_record_outcome(struct adversary_record *record, uint64_t number, const char *outcome, int status);

struct adversary_counters *adversary_record_counters(struct adversary_record *record);
json_t *adversary_record_dump_counters(const struct adversary_record *record);

/* The kept requests of the endpoint (ANY: all) with numbers above `after`, oldest first, at most `limit`. */
json_t *adversary_record_dump(const struct adversary_record *record, enum adversary_endpoint endpoint, uint64_t after,
			      size_t limit);
/* Forgets requests and sets all counters to zero; the numbering goes on. */
void adversary_record_clear(struct adversary_record *record);
