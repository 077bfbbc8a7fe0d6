/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's look at the audit chains. Must never write to the data directory, and never print a key or a token. */
#include "daemon/audit_command.h"

#include <stdio.h>
#include <string.h>

#include "audit/verify.h"
#include "base/mem.h"
#include "core/keys.h"
#include "secret/hash.h"
#include "secret/master.h"
#include "store/store.h"

enum { HEADS_MAX = 100000, TOKEN_MAX = 64 * 1024 };

struct source {
	struct arena *arena;
	struct store *store;
	struct data_key key; /* of the purpose that was asked for */
};

static void source_close(struct source *s)
{
	store_close(&s->store);
	seal_key_wipe(&s->key);
	arena_free(&s->arena);
}

static enum err open_key(struct source *s, const char *master_file, const char *purpose, struct errinfo *ei)
{
	CLEANUP(master_free) struct master *master = NULL;
	struct data_key_row row;
	enum err e = master_load(master_file, &master, ei);

	if (!e)
		e = store_find(s->store, SQL_DATA_KEY_CURRENT, STORE_PARAMS(STORE_TEXT(""), STORE_TEXT(purpose)), s->arena, &row, ei);
	if (e == ERR_NOT_FOUND)
		return err_set(ei, ERR_CONFIG, "the database holds no audit key: the service has not been started with this version yet");
	if (e)
		return e;
	s->key.epoch = row.epoch;
	snprintf(s->key.id, sizeof s->key.id, "%s", row.key_id);
	return master_unwrap(master, row.wrapped.bytes, &s->key, ei);
}

static enum err source_open(const struct config *config, const char *purpose, struct source *ret, struct errinfo *ei)
{
	struct source s = {.arena = arena_new(256 << 20)};
	const struct store_args args = {.path = config_get(config, CONFIG_DATABASE)};
	enum err e = store_open(&args, &s.store, ei);

	if (!e)
		e = open_key(&s, config_get(config, CONFIG_MASTER_KEY_FILE), purpose, ei);
	if (e)
		source_close(&s);
	else
		*ret = s;
	return e;
}

static void print_result(const struct verify_result *r, void *arg)
{
	char from[CLOCK_RFC3339_BYTES], to[CLOCK_RFC3339_BYTES];

	(void)arg;
	clock_rfc3339(r->from_at, from);
	clock_rfc3339(r->to_at, to);
	if (!r->ok) {
		printf("%s: DEFECT after %lld good records: %s\n", r->chain, (long long)r->records, r->defect);
		return;
	}
	printf("%s: ok, %lld records", r->chain, (long long)r->records);
	if (r->records)
		printf(" from %s to %s", from, to);
	printf(", %zu signed heads", r->heads);
	if (r->unsigned_records)
		printf(", %lld records %s", (long long)r->unsigned_records, r->heads ? "since the last of them" : "that no head vouches for");
	if (r->torn)
		printf(", %zu unfinished writes of crashes", r->torn);
	if (r->open_bytes)
		printf(", an unfinished write of %zu bytes at the end", r->open_bytes);
	puts("");
}

static enum err load_heads(struct source *s, struct verify_args *args, struct errinfo *ei)
{
	struct audit_head_row *rows;
	struct verify_head *heads;
	enum err e = store_list(s->store, SQL_AUDIT_HEADS_ALL, STORE_NO_PARAMS, HEADS_MAX, s->arena, &rows, &args->head_count, ei);

	if (e)
		return e;
	heads = ARENA_NEW_N(s->arena, args->head_count + 1, struct verify_head);
	for (size_t i = 0; i < args->head_count; i++)
		heads[i] = (struct verify_head){.chain = rows[i].chain, .run = rows[i].run_id, .mac = rows[i].mac,
						.signature = rows[i].signature, .seq = rows[i].seq};
	args->heads = heads;
	return ERR_OK;
}

enum err audit_command_verify(const struct config *config, bool *ret_ok, struct errinfo *ei)
{
	struct source s;
	struct verify_args args = {.data_dir = config_get(config, CONFIG_DATA_DIR)};
	enum err e = source_open(config, KEYS_PURPOSE_AUDIT, &s, ei);

	if (e)
		return e;
	args.key = s.key.bytes;
	e = load_heads(&s, &args, ei); /* before the files: those of a running service grow meanwhile */
	if (!e)
		e = verify_all(&args, print_result, NULL, ret_ok, ei);
	source_close(&s);
	return e;
}

static void print_line(struct slice line, const char *file, void *arg)
{
	(void)file;
	printf("%.*s\n", SLICE_ARG(line));
	++*(size_t *)arg;
}

enum err audit_command_where(const struct config *config, struct errinfo *ei)
{
	static char token[TOKEN_MAX];
	char fingerprint[HASH_FINGERPRINT_BYTES];
	size_t n = fread(token, 1, sizeof token, stdin), found = 0;
	struct source s;
	enum err e;

	while (n && (token[n - 1] == '\n' || token[n - 1] == '\r'))
		n--;
	if (n == 0)
		return err_set(ei, ERR_INVALID, "no token came on standard input");
	e = source_open(config, KEYS_PURPOSE_FINGERPRINT, &s, ei);
	if (!e)
		hash_fingerprint(s.key.bytes, slice_make(token, n), fingerprint);
	secret_wipe(token, sizeof token);
	if (e)
		return e;
	source_close(&s);
	e = verify_where(config_get(config, CONFIG_DATA_DIR), fingerprint, print_line, &found, ei);
	if (!e && !found)
		return err_set(ei, ERR_NOT_FOUND, "this token was not handed out by this service, as far as its audit chains go back");
	return e;
}
