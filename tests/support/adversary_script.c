/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rule a request meets. Rules are read once, checked to the last member, and then only counted;
 * a rule in use by a pending answer outlives its removal by reference. Must never guess what a rule
 * may have meant.
 */
#include "support/adversary_script.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "support/adversary_delivery.h"
#include "support/adversary_twist.h"

enum { RULE_ARENA_BYTES = 32 << 20 };

struct adversary_script {
	struct adversary_rule **rules;
	size_t count;
};

struct adversary_script *adversary_script_new(void)
{
	return MEM_NEW(struct adversary_script);
}

void adversary_rule_release(struct adversary_rule **rule)
{
	struct adversary_rule *r = rule ? *rule : NULL;

	if (!r)
		return;
	*rule = NULL;
	if (--r->refs)
		return;
	json_decref(r->json);
	arena_free(&r->arena);
	free(r);
}

void adversary_script_clear(struct adversary_script *script)
{
	for (size_t i = 0; i < script->count; i++)
		adversary_rule_release(&script->rules[i]);
	free(script->rules);
	script->rules = NULL;
	script->count = 0;
}

void adversary_script_free(struct adversary_script **script)
{
	if (!script || !*script)
		return;
	adversary_script_clear(*script);
	free(*script);
	*script = NULL;
}

/* "hit": n or [first, last]; absent: every one. */
static enum err read_hit(json_t *hit, struct adversary_rule *r, struct errinfo *ei)
{
	json_t *first = json_is_array(hit) ? json_array_get(hit, 0) : hit;
	json_t *last = json_is_array(hit) ? json_array_get(hit, 1) : hit;

	r->first_hit = 1;
	r->last_hit = INT64_MAX;
	if (!hit)
		return ERR_OK;
	r->first_hit = json_integer_value(first);
	r->last_hit = json_integer_value(last);
	if (!json_is_integer(first) || !json_is_integer(last) || r->first_hit < 1 || r->last_hit < r->first_hit)
		return err_set(ei, ERR_INVALID, "hit: wants n or [first, last], counted from 1");
	return ERR_OK;
}

static enum err read_delays(json_t *before, json_t *after, struct adversary_rule *r, struct errinfo *ei)
{
	enum err e = ERR_OK;

	r->has_delay_before = before != NULL;
	r->has_delay_after = after != NULL;
	if (before)
		e = adversary_delivery_range("delay_before_ms", before, &r->delay_before_ms, ei);
	if (!e && after)
		e = adversary_delivery_range("delay_after_ms", after, &r->delay_after_ms, ei);
	return e;
}

static enum err read_answer(json_t *commit, json_t *deliver, struct adversary_rule *r, struct errinfo *ei)
{
	enum err e = r->answer ? adversary_twist_check(r->answer, ei) : ERR_OK;

	if (e)
		return e;
	r->commit = !r->answer || r->endpoint == ADVERSARY_AUTHORIZE || !adversary_twist_replaces(r->answer);
	if (commit)
		r->commit = json_is_true(commit);
	return deliver ? adversary_delivery_parse(deliver, r->arena, &r->delivery, ei) : ERR_OK;
}

static enum err read_rule(json_t *json, struct adversary_rule *r, struct errinfo *ei)
{
	const char *endpoint = "any";
	json_t *hit = NULL, *commit = NULL, *before = NULL, *after = NULL, *deliver = NULL;
	json_error_t why;
	enum err e;

	r->chance = 1;
	if (json_unpack_ex(json, &why, JSON_STRICT, "{s?s s?s s?s s?s s?o s?F s?o s?o s?o s?o s?o}", "endpoint",
			   &endpoint, "grant_type", &r->grant_type, "client_id", &r->client_id, "contains",
			   &r->contains, "hit", &hit, "chance", &r->chance, "commit", &commit, "delay_before_ms",
			   &before, "delay_after_ms", &after, "answer", &r->answer, "deliver", &deliver))
		return err_set(ei, ERR_INVALID, "%s", why.text);
	if (!adversary_request_endpoint_find(endpoint, &r->endpoint))
		return err_set(ei, ERR_INVALID, "endpoint: there is no \"%s\"", endpoint);
	if (r->chance < 0 || r->chance > 1 || (commit && !json_is_boolean(commit)))
		return err_set(ei, ERR_INVALID, "chance: 0 to 1; commit: true or false");
	e = read_hit(hit, r, ei);
	if (!e)
		e = read_delays(before, after, r, ei);
	return e ? e : read_answer(commit, deliver, r, ei);
}

static enum err new_rule(json_t *json, struct adversary_rule **ret_rule, struct errinfo *ei)
{
	struct adversary_rule *r = MEM_NEW(struct adversary_rule);
	enum err e;

	r->refs = 1;
	r->arena = arena_new(RULE_ARENA_BYTES);
	r->json = json_deep_copy(json);
	e = read_rule(r->json, r, ei);
	if (e) {
		adversary_rule_release(&r);
		return e;
	}
	*ret_rule = r;
	return ERR_OK;
}

enum err adversary_script_load(struct adversary_script *script, const json_t *object, struct errinfo *ei)
{
	json_t *list = json_object_get(object, "rules");
	json_t *append = json_object_get(object, "append");
	size_t n = json_array_size(list);
	struct adversary_script fresh = {0};
	enum err e = ERR_OK;

	if (!json_is_array(list) || json_object_size(object) > 1 + (size_t)(append != NULL) ||
	    n + script->count > ADVERSARY_RULES_MAX)
		return err_set(ei, ERR_INVALID, "wants {\"rules\":[…],\"append\":false}, at most %d rules",
			       ADVERSARY_RULES_MAX);
	fresh.rules = MEM_NEW_N(n + script->count, struct adversary_rule *);
	while (!e && fresh.count < n) {
		struct errinfo why = {0};

		e = new_rule(json_array_get(list, fresh.count), &fresh.rules[fresh.count], &why);
		if (e)
			err_set(ei, e, "rule %zu: %s", fresh.count + 1, why.detail);
		else
			fresh.count++;
	}
	if (e) {
		adversary_script_clear(&fresh);
		return e;
	}
	if (json_is_true(append)) {
		memmove(fresh.rules + script->count, fresh.rules, n * sizeof *fresh.rules);
		if (script->count)
			memcpy(fresh.rules, script->rules, script->count * sizeof *fresh.rules);
		fresh.count += script->count;
		script->count = 0;
	}
	adversary_script_clear(script);
	*script = fresh;
	return ERR_OK;
}

json_t *adversary_script_dump(const struct adversary_script *script)
{
	json_t *list = json_array();

	for (size_t i = 0; i < script->count; i++)
		json_array_append_new(list,
				      json_pack("{sI sI sO}", "seen", (json_int_t)script->rules[i]->seen, "fired",
						(json_int_t)script->rules[i]->fired, "rule", script->rules[i]->json));
	return json_pack("{so}", "rules", list);
}

static bool holds(struct slice text, const char *part)
{
	return text.n && memmem(text.p, text.n, part, strlen(part));
}

/* The parameter in query or form has that value. */
static bool param_is(const struct adversary_request *request, const char *name, const char *value)
{
	struct arena *arena = arena_new(4 << 20);
	struct adversary_params params;
	bool hit = false;

	if (adversary_params_parse(request->body, arena, &params))
		hit = slice_is(adversary_params_get(&params, name), value);
	if (!hit && adversary_params_parse(request->query, arena, &params))
		hit = slice_is(adversary_params_get(&params, name), value);
	arena_free(&arena);
	return hit;
}

static bool fits(const struct adversary_rule *r, enum adversary_endpoint endpoint,
		 const struct adversary_request *request)
{
	if (r->endpoint != ADVERSARY_ANY && r->endpoint != endpoint)
		return false;
	if (!request)
		return r->endpoint == ADVERSARY_CONNECT;
	if (r->contains && !holds(request->target, r->contains) && !holds(request->body, r->contains))
		return false;
	if (r->grant_type && !param_is(request, "grant_type", r->grant_type))
		return false;
	return !r->client_id || param_is(request, "client_id", r->client_id);
}

struct adversary_rule *adversary_script_match(struct adversary_script *script, enum adversary_endpoint endpoint,
					      const struct adversary_request *request, double (*random)(void *arg),
					      void *arg)
{
	for (size_t i = 0; i < script->count; i++) {
		struct adversary_rule *r = script->rules[i];

		if (!fits(r, endpoint, request))
			continue;
		r->seen++;
		if (r->seen < r->first_hit || r->seen > r->last_hit || (r->chance < 1 && random(arg) >= r->chance))
			continue;
		r->fired++;
		r->refs++;
		return r;
	}
	return NULL;
}
