/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each configuration value comes from: environment, then file, then the table's default. Every
 * value is checked before anything else happens. Must never guess: an unknown key is an error.
 */
#include "daemon/config.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/config_check.h"
#include "daemon/config_file.h"

struct key {
	const char *name, *standard;
	unsigned roles;
	const char *form, *what;
};

static const struct key keys[CONFIG_KEY__COUNT] = {
#define X(key, name, standard, roles, form, what) [CONFIG_##key] = {name, standard, roles, form, what},
	CONFIG_KEYS(X)
#undef X
};

static config_check_fn *const checks[CONFIG_KEY__COUNT] = {
	[CONFIG_LISTEN] = config_check_listen,
	[CONFIG_PUBLIC_URL] = config_check_public_url,
	[CONFIG_DATA_DIR] = config_check_data_dir,
	[CONFIG_DATABASE] = config_check_database,
	[CONFIG_MASTER_KEY_FILE] = config_check_master_key_file,
	[CONFIG_WORKERS] = config_check_workers,
	[CONFIG_CACHE_BYTES] = config_check_cache_bytes,
	[CONFIG_TRUSTED_PROXIES] = config_check_trusted_proxies,
	[CONFIG_CONNECTIONS_PER_ADDRESS] = config_check_connections_per_address,
	[CONFIG_CONNECTS_PER_ADDRESS] = config_check_rate,
	[CONFIG_RATE_READS] = config_check_rate,
	[CONFIG_RATE_KEY] = config_check_rate,
	[CONFIG_RATE_APP] = config_check_rate,
	[CONFIG_RATE_USER] = config_check_rate,
	[CONFIG_RATE_ADDRESS] = config_check_rate,
	[CONFIG_EGRESS_ALLOW] = config_check_egress_allow,
	[CONFIG_EGRESS_CA_FILE] = config_check_egress_ca_file,
	[CONFIG_TEMPLATE_DIR] = config_check_template_dir,
	[CONFIG_AUDIT_SYNC] = config_check_audit_sync,
	[CONFIG_LOG_FILE] = config_check_log_file,
	[CONFIG_SANDBOX] = config_check_sandbox,
	[CONFIG_DEBUG] = config_check_debug,
};

struct config {
	char *value[CONFIG_KEY__COUNT];
	char *source[CONFIG_KEY__COUNT];
};

const char *config_name(enum config_key key)
{
	return keys[key].name;
}

const char *config_get(const struct config *c, enum config_key key)
{
	return c->value[key];
}

const char *config_source(const struct config *c, enum config_key key)
{
	return c->source[key];
}

void config_free(struct config **cp)
{
	if (!cp || !*cp)
		return;
	for (size_t i = 0; i < CONFIG_KEY__COUNT; i++) {
		mem_free_str(&(*cp)->value[i]);
		mem_free_str(&(*cp)->source[i]);
	}
	free(*cp);
	*cp = NULL;
}

static void put(struct config *c, size_t key, char *value, char *source)
{
	mem_free_str(&c->value[key]);
	mem_free_str(&c->source[key]);
	c->value[key] = value;
	c->source[key] = source;
}

/* The index of a key; CONFIG_KEY__COUNT when there is none of that name. */
static size_t find(struct slice name)
{
	size_t i = 0;

	while (i < CONFIG_KEY__COUNT && !slice_is(name, keys[i].name))
		i++;
	return i;
}

enum { NAME_MAX_BYTES = 64 };

/* How many letters must be put in, taken out or changed to make `a` of `b`. */
static size_t distance(struct slice a, struct slice b)
{
	size_t row[NAME_MAX_BYTES + 1];

	a = slice_sub(a, 0, NAME_MAX_BYTES);
	b = slice_sub(b, 0, NAME_MAX_BYTES);
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

static enum err unknown(struct slice name, const char *where, struct errinfo *ei)
{
	size_t nearest = 0;

	for (size_t i = 1; i < CONFIG_KEY__COUNT; i++)
		if (distance(name, slice_from(keys[i].name)) < distance(name, slice_from(keys[nearest].name)))
			nearest = i;
	err_hint(ei, ERR_CONFIG, "Did you mean %s? docs/configuration.md lists every key.", keys[nearest].name);
	return err_set(ei, ERR_CONFIG, "%s: there is no configuration key %.*s", where, SLICE_ARG(slice_sub(name, 0, 80)));
}

struct file_reading {
	struct config *c;
	bool in_data_dir; /* the file was found there, so it cannot say where that is */
};

static enum err on_line(void *arg, struct slice name, struct slice value, const char *where, struct errinfo *ei)
{
	const struct file_reading *r = arg;
	size_t key = find(name);

	if (key == CONFIG_KEY__COUNT)
		return unknown(name, where, ei);
	if (r->c->source[key])
		return err_set(ei, ERR_CONFIG, "%s: %s stands already in %s", where, keys[key].name, r->c->source[key]);
	if (key == CONFIG_DATA_DIR && r->in_data_dir) {
		err_hint(ei, ERR_CONFIG, "Set it in the environment, or start with --config and a file elsewhere.");
		return err_set(ei, ERR_CONFIG, "%s: a file in the data directory cannot say where that is", where);
	}
	put(r->c, key, mem_strndup(value), mem_strdup(where));
	return ERR_OK;
}

static const char *env_get(char *const *env, const char *name)
{
	size_t n = strlen(name);

	for (; *env; env++)
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			return *env + n + 1;
	return NULL;
}

static enum err read_file(struct config *c, const struct config_args *args, struct errinfo *ei)
{
	struct file_reading r = {.c = c, .in_data_dir = args->file == NULL};
	const char *dir = env_get(args->env, keys[CONFIG_DATA_DIR].name);
	CLEANUP(mem_free_str) char *path = NULL;
	enum err e;

	if (args->file)
		return config_file_read(args->file, on_line, &r, ei);
	path = mem_printf("%s/fiberd.conf", dir && *dir ? dir : keys[CONFIG_DATA_DIR].standard);
	e = config_file_read(path, on_line, &r, ei);
	if (e == ERR_NOT_FOUND)
		err_clear(ei);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err read_env(struct config *c, char *const *env, struct errinfo *ei)
{
	for (; *env; env++) {
		struct slice text = slice_from(*env);
		struct slice name = slice_sub(text, 0, slice_index(text, '='));
		size_t key = find(name);

		if (key < CONFIG_KEY__COUNT)
			put(c, key, mem_strndup(slice_sub(text, name.n + 1, text.n)), mem_strdup("environment"));
		else if (slice_starts(name, "FIBERWISE_"))
			return unknown(name, "environment", ei);
	}
	return ERR_OK;
}

static unsigned cores(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : (unsigned)n;
}

/* The default, with what stands in angle brackets filled in. */
static char *standard_value(const struct config *c, size_t key)
{
	struct slice rest = slice_from(keys[key].standard);
	struct slice before = slice_sub(rest, 0, slice_index(rest, '<'));
	const char *after = strchr(keys[key].standard, '>');
	struct slice mark;

	if (before.n == rest.n || !after)
		return mem_strdup(keys[key].standard);
	mark = slice_make(before.p + before.n, (size_t)(after + 1 - (before.p + before.n)));
	if (slice_is(mark, "<data dir>"))
		return mem_printf("%.*s%s%s", SLICE_ARG(before), c->value[CONFIG_DATA_DIR], after + 1);
	if (slice_is(mark, "<listen>"))
		return mem_printf("%.*s%s%s", SLICE_ARG(before), c->value[CONFIG_LISTEN], after + 1);
	return mem_printf("%u", cores());
}

static bool has_control(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < 0x20 || *value == 0x7F)
			return true;
	return false;
}

static enum err check(const struct config *c, size_t key, struct errinfo *ei)
{
	struct errinfo why = {.detail = ""};
	const char *value = c->value[key];

	if (has_control(value))
		return err_set(ei, ERR_CONFIG, "%s (%s) holds a control character; it must be %s", keys[key].name,
			       c->source[key], keys[key].form);
	if (checks[key](value, &why) == ERR_OK)
		return ERR_OK;
	if (why.hint[0])
		err_hint(ei, ERR_CONFIG, "%s", why.hint);
	/* A database URL may hold a password. */
	if (key == CONFIG_DATABASE)
		value = strstr(value, "://") ? "postgresql://…" : value;
	return err_set(ei, ERR_CONFIG, "%s=%.200s (%s)%s%.200s: it must be %s", keys[key].name, value, c->source[key],
		       why.detail[0] ? ": " : "", why.detail, keys[key].form);
}

enum err config_load(const struct config_args *args, struct config **ret_config, struct errinfo *ei)
{
	/* The two that others' defaults refer to. */
	static const enum config_key first[] = {CONFIG_LISTEN, CONFIG_DATA_DIR};
	struct config *c = MEM_NEW(struct config);
	enum err e = read_file(c, args, ei);

	if (!e)
		e = read_env(c, args->env, ei);
	for (size_t i = 0; !e && i < ARRAY_LEN(first) + CONFIG_KEY__COUNT; i++) {
		size_t key = i < ARRAY_LEN(first) ? first[i] : i - ARRAY_LEN(first);

		if (!c->value[key])
			put(c, key, standard_value(c, key), mem_strdup("default"));
		e = check(c, key, ei);
	}
	if (e)
		config_free(&c);
	else
		*ret_config = c;
	return e;
}

/* The value as a role gets it: the database is a path there. */
static const char *role_value(const struct config *c, size_t key)
{
	return key == CONFIG_DATABASE ? c->value[key] + strlen("sqlite:") : c->value[key]; /* no other kind passes the check */
}

const char *config_path(const struct config *c, const char *name)
{
	size_t key = find(slice_from(name));

	return key < CONFIG_KEY__COUNT ? role_value(c, key) : "";
}

unsigned config_workers(const struct config *c)
{
	uint64_t n = 1;

	slice_to_u64(slice_from(c->value[CONFIG_WORKERS]), CONFIG_WORKERS_MAX, &n);
	return (unsigned)n;
}

socklen_t config_listen(const struct config *c, struct sockaddr_storage *ret_address)
{
	socklen_t n = 0;

	config_check_address(c->value[CONFIG_LISTEN], ret_address, &n);
	return n;
}

void config_put_role(const struct config *c, enum ipc_role role, struct buf *out)
{
	for (size_t i = 0; i < CONFIG_KEY__COUNT; i++)
		if (keys[i].roles & 1u << role)
			buf_printf(out, "%s=%s\n", keys[i].name, role_value(c, i));
}

void config_put_docs(struct buf *out)
{
	buf_puts(out, "# Configuration\n\n"
		      "Every key may stand in the environment or in a file with lines `NAME=value` (and comments behind `#` at a\n"
		      "line's beginning): `fiberd.conf` in the data directory, or the one named by `fiberd --config FILE`. The\n"
		      "environment wins. A key that is not in this list, or a value that is not allowed, stops the start with one\n"
		      "line that says which, where it stands and what it must be. `fiberd --check-config` only checks, and prints\n"
		      "what it found.\n\n"
		      "In defaults, `<data dir>` and `<listen>` stand for the values of those keys, `<cores>` for the number of\n"
		      "processor cores.\n\n"
		      "This page is made from the program's own table: `fiberd --print-config-docs`.\n");
	for (size_t i = 0; i < CONFIG_KEY__COUNT; i++) {
		buf_printf(out, "\n## `%s`\n\n%s\n\n", keys[i].name, keys[i].what);
		buf_printf(out, "- Allowed: %s\n", keys[i].form);
		if (keys[i].standard[0])
			buf_printf(out, "- Default: `%s`\n", keys[i].standard);
		else
			buf_puts(out, "- Default: empty\n");
	}
}
