/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The script: an ordered list of rules, each saying on which request of which endpoint the adversary
 * misbehaves and how. The first rule that fits wins; without one the provider is honest.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "support/adversary_answer.h"
#include "support/adversary_config.h"
#include "support/adversary_request.h"

enum { ADVERSARY_RULES_MAX = 4096 };

struct adversary_rule {
	unsigned refs;
	struct arena *arena; /* owns the texts of `delivery` */
	json_t *json;	     /* the rule as it was given */
	enum adversary_endpoint endpoint;
	const char *grant_type, *client_id, *contains; /* NULL: any */
	int64_t first_hit, last_hit;		       /* counted from 1 among the requests that fit otherwise */
	double chance;
	bool commit; /* the provider does its work before it misbehaves */
	bool has_delay_before, has_delay_after;
	struct adversary_range delay_before_ms, delay_after_ms;
	json_t *answer; /* borrowed from `json`; NULL: the honest one */
	struct adversary_delivery delivery;
	int64_t seen; /* requests that fitted but for hit and chance */
	int64_t fired;
};

struct adversary_script;

struct adversary_script *adversary_script_new(void);
void adversary_script_free(struct adversary_script **script);

/*
 * Puts {"rules":[…]} in place of the present ones, or behind them with "append":true. ERR_INVALID
 * names the rule and what is wrong with it; then nothing has changed.
 */
enum err adversary_script_load(struct adversary_script *script, const json_t *object, struct errinfo *ei);
void adversary_script_clear(struct adversary_script *script);

/* The rules with how often each was seen and fired; a new value. */
json_t *adversary_script_dump(const struct adversary_script *script);

/*
 * The rule for this request, counted as fired and with a reference for the caller, or NULL. `random`
 * gives the next number from 0 to below 1. `request` is NULL at accept.
 */
struct adversary_rule *adversary_script_match(struct adversary_script *script, enum adversary_endpoint endpoint,
					      const struct adversary_request *request, double (*random)(void *arg),
					      void *arg);
/* Drops the reference and sets NULL; NULL is allowed. */
void adversary_rule_release(struct adversary_rule **rule);
