/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of ~/.fiberwise. Must never write an API key into a file that others may read, and never
 * let a key leave over plain http to another machine.
 */
#include "cli/instance.h"

#include <dirent.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/url.h"
#include "cli/file.h"
#include "json/jsonr.h"
#include "json/jsonw.h"

enum { FILE_MAX_BYTES = 64 * 1024, NAME_MAX_BYTES = 100, KEY_MAX_BYTES = 512, INSTANCES_MAX = 256 };

enum err instance_home(struct arena *a, const char **ret_home, struct errinfo *ei)
{
	const char *home = getenv("HOME");
	const struct passwd *user;

	if (!home || home[0] != '/') {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home || home[0] != '/')
		return err_hint(ei, err_set(ei, ERR_CONFIG, "your home directory is unknown"),
				"set HOME to an absolute path");
	*ret_home = arena_printf(a, "%s/.fiberwise", home);
	return ERR_OK;
}

char *instance_file_name(struct arena *a, const char *name)
{
	char *safe = arena_strndup(a, slice_sub(slice_from(name), 0, NAME_MAX_BYTES));

	for (char *c = safe; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '-'))
			*c = '_';
	return safe;
}

static const char *path_of(struct arena *a, const char *home, const char *name)
{
	return arena_printf(a, "%s/configs/%s.json", home, instance_file_name(a, name));
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

size_t instance_list(struct arena *a, const char *home, const char *const **ret_names)
{
	const char **names = ARENA_NEW_N(a, INSTANCES_MAX, const char *);
	DIR *dir = opendir(arena_printf(a, "%s/configs", home));
	const struct dirent *entry;
	size_t n = 0;

	while (dir && n < INSTANCES_MAX && (entry = readdir(dir))) {
		struct slice file = slice_from(entry->d_name);

		if (slice_ends(file, ".json") && file.p[0] != '.')
			names[n++] = arena_strndup(a, slice_sub(file, 0, file.n - strlen(".json")));
	}
	if (dir)
		closedir(dir);
	if (n)
		qsort(names, n, sizeof *names, by_name);
	*ret_names = names;
	return n;
}

static enum err unknown(struct arena *a, const char *home, const char *name, struct errinfo *ei)
{
	const char *const *names;
	size_t n = instance_list(a, home, &names);
	const char *known = "";

	for (size_t i = 0; i < n; i++)
		known = arena_printf(a, "%s%s%s", known, i ? ", " : "", names[i]);
	if (name)
		err_set(ei, ERR_NOT_FOUND, "there is no instance \"%s\"", name);
	else
		err_set(ei, ERR_NOT_FOUND, n ? "no instance is the default" : "no instance is configured");
	if (n && name)
		return err_hint(ei, ERR_NOT_FOUND, "known: %s; \"fiber account add-config --name %s\" adds it", known,
				name);
	if (n)
		return err_hint(ei, ERR_NOT_FOUND, "choose one with --to-instance; known: %s", known);
	return err_hint(ei, ERR_NOT_FOUND, "fiber account add-config --name %s --base-url URL --api-key=-",
			name ? name : "local");
}

const char *instance_default(struct arena *a, const char *home)
{
	struct slice name;
	const char *text;
	struct buf file;

	buf_init(&file, NAME_MAX_BYTES * 2);
	if (file_read(arena_printf(a, "%s/default_config.txt", home), &file, NULL)) {
		buf_done(&file);
		return NULL;
	}
	name = slice_sub(buf_slice(&file), 0, slice_index(buf_slice(&file), '\n'));
	if (name.n && name.p[name.n - 1] == '\r')
		name.n--;
	name = slice_trim(name);
	text = name.n ? arena_strndup(a, name) : NULL;
	buf_done(&file);
	return text;
}

static enum err parse(struct arena *a, const char *path, struct slice text, struct instance *ret_instance,
		      struct errinfo *ei)
{
	struct slice name, url, key;
	struct jsonr *doc;
	struct errinfo why = {0};

	if (jsonr_parse(text, FILE_MAX_BYTES, &doc, &why))
		return err_hint(ei, err_set(ei, ERR_CONFIG, "%s: %s", path, why.detail),
				"mend the file, or write it anew with \"fiber account add-config\"");
	jsonr_in_arena(a, doc);
	name = jsonr_get_string(doc, "name");
	url = jsonr_get_string(doc, "base_url");
	key = jsonr_get_string(doc, "api_key");
	if (!url.n || !key.n)
		return err_hint(ei, err_set(ei, ERR_CONFIG, "%s has no \"%s\"", path, url.n ? "api_key" : "base_url"),
				"write it anew with \"fiber account add-config\"");
	ret_instance->name = name.n ? arena_strndup(a, name) : NULL;
	ret_instance->base_url = arena_strndup(a, url);
	ret_instance->api_key = secret_in_arena(a, secret_new(key));
	ret_instance->path = path;
	return ERR_OK;
}

enum err instance_load(struct arena *a, const char *home, const char *name, struct instance *ret_instance,
		       struct errinfo *ei)
{
	const char *wanted = name ? name : instance_default(a, home);
	struct instance loaded = {0};
	const char *path;
	struct buf file;
	enum err e;

	if (!wanted)
		return unknown(a, home, NULL, ei);
	path = path_of(a, home, wanted);
	buf_init(&file, FILE_MAX_BYTES);
	e = file_read(path, &file, ei);
	if (e == ERR_NOT_FOUND)
		e = unknown(a, home, wanted, ei);
	else if (!e)
		e = parse(a, path, buf_slice(&file), &loaded, ei);
	buf_done(&file);
	if (e)
		return e;
	if (!loaded.name)
		loaded.name = wanted;
	*ret_instance = loaded;
	return ERR_OK;
}

/* Two names may share a file name ("a b" and "a_b"): the second must not silently replace the first. */
static enum err check_owner(struct arena *a, const char *home, const char *name, bool *ret_there, struct errinfo *ei)
{
	struct instance there;
	struct errinfo ignored = {0};
	enum err e = instance_load(a, home, name, &there, &ignored);

	*ret_there = e != ERR_NOT_FOUND;
	if (e || strcmp(there.name, name) == 0)
		return ERR_OK;
	return err_hint(
		ei, err_set(ei, ERR_CONFLICT, "the instance \"%s\" already has the file %s", there.name, there.path),
		"choose a name that differs in letters or digits");
}

enum err instance_save(struct arena *a, const char *home, const struct instance *instance, bool *ret_replaced,
		       struct errinfo *ei)
{
	bool there = false;
	struct buf text;
	struct jsonw w;
	enum err e;

	e = check_owner(a, home, instance->name, &there, ei);
	if (!e)
		e = file_make_directory(arena_printf(a, "%s/configs", home), true, ei);
	if (e)
		return e;
	buf_init(&text, FILE_MAX_BYTES);
	jsonw_init(&w, &text);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "name", instance->name);
	jsonw_slice(&w, "api_key", secret_expose(instance->api_key));
	jsonw_string(&w, "base_url", instance->base_url);
	jsonw_object_end(&w);
	buf_putc(&text, '\n');
	e = file_write(path_of(a, home, instance->name), buf_slice(&text), true, ei);
	buf_done(&text);
	if (!e)
		*ret_replaced = there;
	return e;
}

enum err instance_set_default(struct arena *a, const char *home, const char *name, struct errinfo *ei)
{
	const char *path = arena_printf(a, "%s/default_config.txt", home);

	return file_write(path, slice_from(arena_printf(a, "%s\n", name)), true, ei);
}

enum err instance_check_url(struct arena *a, const char *base_url, const char **ret_root, struct errinfo *ei)
{
	struct slice root = slice_from(base_url);
	struct url url;
	enum err e;

	e = url_parse(root, &url, ei);
	if (e)
		return err_hint(ei, e, "write it like https://fiber.example.com or http://127.0.0.1:7001");
	if (url.query.p || url.fragment.p)
		return err_set(ei, ERR_INVALID, "the base URL %s must not have a query or fragment", base_url);
	if (!url.is_https && !url_is_loopback(&url))
		return err_hint(ei,
				err_set(ei, ERR_INVALID,
					"%s is plain http to another machine: the API key would be readable on the way",
					base_url),
				"use https, or a tunnel: ssh -L %u:127.0.0.1:%u %.*s, then http://127.0.0.1:%u",
				url.port, url.port, SLICE_ARG(url.host), url.port);
	while (slice_ends(root, "/"))
		root.n--;
	if (slice_ends(root, "/api/v1"))
		root.n -= strlen("/api/v1");
	while (slice_ends(root, "/"))
		root.n--;
	*ret_root = arena_strndup(a, root);
	return ERR_OK;
}

enum err instance_check_key(const struct secret *key, struct errinfo *ei)
{
	struct slice text = secret_expose(key);

	if (text.n == 0)
		return err_set(ei, ERR_INVALID, "the API key is empty");
	if (text.n > KEY_MAX_BYTES)
		return err_set(ei, ERR_INVALID, "the API key is longer than %d characters", KEY_MAX_BYTES);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] <= ' ' || text.p[i] > '~')
			return err_hint(
				ei,
				err_set(ei, ERR_INVALID, "character %zu of the API key can't be part of a key", i + 1),
				"copy the key again, without quotes or blanks");
	return ERR_OK;
}
