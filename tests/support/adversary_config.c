/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of the adversary provider as one table: name, type, bounds. Reading and printing them
 * both walk that table. Must never take half of an object: a merge is all or nothing.
 */
#include "support/adversary_config.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum kind { KIND_WORD, KIND_BOOL, KIND_INT, KIND_RANGE, KIND_TEXT };

struct key {
	const char *name;
	enum kind kind;
	size_t offset;
	int64_t max;
	const char *const *words;
};

static const char *const rotations[] = {"R0", "R1", "R2", "R3", "R4", NULL};
static const char *const auths[] = {"any", "basic", "post", "none", NULL};
static const char *const pkces[] = {"verify", "require", "ignore", NULL};
static const char *const r0_answers[] = {"absent", "same", "new", NULL};
static const char *const id_tokens[] = {"rs256", "none", "off", NULL};

enum { HOUR_MS = 3600 * 1000, CENTURY_S = 100 * 366 * 86400L };

#define AT(member) offsetof(struct adversary_config, member)

static const struct key keys[] = {
	{"rotation", KIND_WORD, AT(rotation), 0, rotations},
	{"client_auth", KIND_WORD, AT(client_auth), 0, auths},
	{"pkce", KIND_WORD, AT(pkce), 0, pkces},
	{"r0_answer", KIND_WORD, AT(r0_answer), 0, r0_answers},
	{"id_token", KIND_WORD, AT(id_token), 0, id_tokens},
	{"window_ms", KIND_INT, AT(window_ms), 24 * HOUR_MS, NULL},
	{"old_access_dies", KIND_BOOL, AT(old_access_dies), 0, NULL},
	{"late_reuse_kills", KIND_BOOL, AT(late_reuse_kills), 0, NULL},
	{"issue_refresh_token", KIND_BOOL, AT(issue_refresh_token), 0, NULL},
	{"id_token_on_refresh", KIND_BOOL, AT(id_token_on_refresh), 0, NULL},
	{"iss_in_callback", KIND_BOOL, AT(iss_in_callback), 0, NULL},
	{"access_ttl_s", KIND_INT, AT(access_ttl_s), CENTURY_S, NULL},
	{"refresh_ttl_s", KIND_INT, AT(refresh_ttl_s), CENTURY_S, NULL},
	{"code_ttl_s", KIND_INT, AT(code_ttl_s), CENTURY_S, NULL},
	{"delay_before_ms", KIND_RANGE, AT(delay_before_ms), HOUR_MS, NULL},
	{"delay_after_ms", KIND_RANGE, AT(delay_after_ms), HOUR_MS, NULL},
	{"client_id", KIND_TEXT, AT(client_id), 0, NULL},
	{"client_secret", KIND_TEXT, AT(client_secret), 0, NULL},
	{"issuer", KIND_TEXT, AT(issuer), 0, NULL},
	{"seed", KIND_INT, AT(seed), INT64_MAX, NULL},
	{"record_requests", KIND_INT, AT(record_requests), 1000000, NULL},
	{"record_bytes", KIND_INT, AT(record_bytes), 1L << 30, NULL},
	{"record_body_bytes", KIND_INT, AT(record_body_bytes), 1L << 20, NULL},
	{"signing_key", KIND_INT, AT(signing_key), 7, NULL},
	{"max_grants", KIND_INT, AT(max_grants), 10000000, NULL},
};

void adversary_config_default(struct adversary_config *ret_config)
{
	*ret_config = (struct adversary_config){
		.rotation = ADVERSARY_R4,
		.r0_answer = ADVERSARY_R0_ABSENT,
		.window_ms = 10000,
		.issue_refresh_token = true,
		.iss_in_callback = true,
		.access_ttl_s = 3600,
		.code_ttl_s = 60,
		.seed = 1,
		.record_requests = 10000,
		.record_bytes = 16L << 20,
		.record_body_bytes = 64L << 10,
		.max_grants = 1000000,
	};
}

static enum err read_word(const struct key *key, const json_t *value, int *ret_word, struct errinfo *ei)
{
	const char *text = json_string_value(value);

	for (int i = 0; text && key->words[i]; i++)
		if (strcmp(text, key->words[i]) == 0) {
			*ret_word = i;
			return ERR_OK;
		}
	return err_set(ei, ERR_INVALID, "%s: not one of its words (the first is \"%s\")", key->name, key->words[0]);
}

static enum err read_int(const struct key *key, const json_t *value, int64_t *ret_int, struct errinfo *ei)
{
	int64_t n = json_integer_value(value);

	if (!json_is_integer(value) || n < 0 || n > key->max)
		return err_set(ei, ERR_INVALID, "%s: wants an integer from 0 to %lld", key->name, (long long)key->max);
	*ret_int = n;
	return ERR_OK;
}

static enum err read_range(const struct key *key, const json_t *value, struct adversary_range *ret_range,
			   struct errinfo *ei)
{
	struct adversary_range range;
	enum err e;

	if (json_is_integer(value)) {
		e = read_int(key, value, &range.lo, ei);
		range.hi = range.lo;
	} else {
		e = read_int(key, json_array_get(value, 0), &range.lo, ei);
		if (!e)
			e = read_int(key, json_array_get(value, 1), &range.hi, ei);
	}
	if (e)
		return e;
	if (range.lo > range.hi || json_array_size(value) > 2)
		return err_set(ei, ERR_INVALID, "%s: wants n or [low, high]", key->name);
	*ret_range = range;
	return ERR_OK;
}

static enum err read_text(const struct key *key, const json_t *value, char *ret_text, struct errinfo *ei)
{
	size_t n = json_string_length(value);

	if (!json_is_string(value) || n >= ADVERSARY_TEXT_MAX)
		return err_set(ei, ERR_INVALID, "%s: wants a string of less than %d bytes", key->name,
			       ADVERSARY_TEXT_MAX);
	memcpy(ret_text, json_string_value(value), n + 1);
	return ERR_OK;
}

static enum err read_key(struct adversary_config *config, const struct key *key, const json_t *value,
			 struct errinfo *ei)
{
	char *at = (char *)config + key->offset;

	switch (key->kind) {
	case KIND_WORD: return read_word(key, value, (int *)(void *)at, ei);
	case KIND_INT: return read_int(key, value, (int64_t *)(void *)at, ei);
	case KIND_RANGE: return read_range(key, value, (struct adversary_range *)(void *)at, ei);
	case KIND_TEXT: return read_text(key, value, at, ei);
	case KIND_BOOL: break;
	}
	if (!json_is_boolean(value))
		return err_set(ei, ERR_INVALID, "%s: wants true or false", key->name);
	*(bool *)(void *)at = json_is_true(value);
	return ERR_OK;
}

enum err adversary_config_merge(struct adversary_config *config, const json_t *object, struct errinfo *ei)
{
	struct adversary_config merged = *config;
	json_t *unread = json_copy((json_t *)(uintptr_t)object);
	enum err e = ERR_OK;

	if (!json_is_object(object))
		e = err_set(ei, ERR_INVALID, "the settings are not a JSON object");
	for (size_t i = 0; !e && i < ARRAY_LEN(keys); i++) {
		const json_t *value = json_object_get(object, keys[i].name);

		if (value)
			e = read_key(&merged, &keys[i], value, ei);
		json_object_del(unread, keys[i].name);
	}
	if (!e && json_object_size(unread))
		e = err_set(ei, ERR_INVALID, "%s: no such setting", json_object_iter_key(json_object_iter(unread)));
	json_decref(unread);
	if (!e)
		*config = merged;
	return e;
}

json_t *adversary_config_dump(const struct adversary_config *config)
{
	json_t *object = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct key *key = &keys[i];
		const char *at = (const char *)config + key->offset;
		const struct adversary_range *range;
		json_t *value = NULL;

		switch (key->kind) {
		case KIND_WORD: value = json_string(key->words[*(const int *)(const void *)at]); break;
		case KIND_BOOL: value = json_boolean(*(const bool *)(const void *)at); break;
		case KIND_INT: value = json_integer(*(const int64_t *)(const void *)at); break;
		case KIND_RANGE:
			range = (const struct adversary_range *)(const void *)at;
			value = json_pack("[I,I]", (json_int_t)range->lo, (json_int_t)range->hi);
			break;
		case KIND_TEXT: value = json_string(at); break;
		}
		json_object_set_new(object, key->name, value);
	}
	return object;
}

const char *adversary_config_rotation_name(int rotation)
{
	return rotations[rotation];
}
