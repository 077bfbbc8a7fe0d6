/* SPDX-License-Identifier: Apache-2.0 */
/* The files that tie a directory to an app. Must never take the app of one instance for that of another. */
#include "cli/appdir.h"

#include <sys/stat.h>

#include "cli/file.h"
#include "cli/instance.h"
#include "json/jsonr.h"
#include "json/jsonw.h"

enum { FILE_MAX_BYTES = 64 * 1024 };

static const char *info_path(struct arena *a, const char *dir)
{
	return arena_printf(a, "%s/.fw-data/fw_app_info.json", dir);
}

static const char *app_path(struct arena *a, const char *dir, const char *instance)
{
	return arena_printf(a, "%s/.fiber/%s/app.json", dir, instance_file_name(a, instance));
}

/* ERR_OK with NULL when the file belongs to another instance; ERR_NOT_FOUND when there is none. */
static enum err read_id(struct arena *a, const char *path, const char *instance, const char **ret_id,
			struct errinfo *ei)
{
	struct slice id, owner;
	struct errinfo why = {0};
	struct jsonr *doc = NULL;
	struct buf text;
	enum err e;

	buf_init(&text, FILE_MAX_BYTES);
	e = file_read(path, &text, ei);
	if (!e && (e = jsonr_parse(buf_slice(&text), FILE_MAX_BYTES, &doc, &why)))
		e = err_set(ei, ERR_CONFIG, "%s: %s", path, why.detail);
	buf_done(&text);
	if (e)
		return e;
	jsonr_in_arena(a, doc);
	owner = jsonr_get_string(doc, "instance");
	id = jsonr_get_string(doc, "app_id");
	if (owner.n && !slice_is(owner, instance)) {
		*ret_id = NULL;
		return ERR_OK;
	}
	if (!id.n)
		return err_hint(ei, err_set(ei, ERR_CONFIG, "%s has no \"app_id\"", path),
				"\"fiber app init\" makes an app and writes this file; delete it first");
	*ret_id = arena_strndup(a, id);
	return ERR_OK;
}

enum err appdir_find(struct arena *a, const char *dir, const char *instance, struct appdir *ret_app, struct errinfo *ei)
{
	const char *paths[] = {info_path(a, dir), app_path(a, dir, instance)};
	struct appdir app = {0};
	struct stat st;

	if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return err_set(ei, ERR_NOT_FOUND, "there is no directory %s", dir);
	for (size_t i = 0; i < 2 && !app.app_id; i++) {
		enum err e = read_id(a, paths[i], instance, &app.app_id, ei);

		if (e && e != ERR_NOT_FOUND)
			return e;
		app.path = paths[i];
	}
	err_clear(ei);
	*ret_app = app;
	return ERR_OK;
}

enum err appdir_save(struct arena *a, const char *dir, const char *instance, const char *app_id, const char *name,
		     const char **ret_path, struct errinfo *ei)
{
	const char *folder = arena_printf(a, "%s/.fw-data", dir), *path = info_path(a, dir), *there = NULL;
	struct buf text;
	struct jsonw w;
	enum err e;

	if (read_id(a, path, instance, &there, NULL) != ERR_NOT_FOUND) {
		folder = arena_printf(a, "%s/.fiber/%s", dir, instance_file_name(a, instance));
		path = app_path(a, dir, instance);
	}
	e = file_make_directory(folder, false, ei);
	if (e)
		return e;
	buf_init(&text, FILE_MAX_BYTES);
	jsonw_init(&w, &text);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "app_id", app_id);
	jsonw_string(&w, "name", name);
	jsonw_string(&w, "instance", instance);
	jsonw_object_end(&w);
	buf_putc(&text, '\n');
	e = file_write(path, buf_slice(&text), false, ei);
	buf_done(&text);
	if (!e)
		*ret_path = path;
	return e;
}
