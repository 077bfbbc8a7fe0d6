/* SPDX-License-Identifier: Apache-2.0 */
/* The style sheet and the icon, out of the program itself: no file is opened, so no path can lead anywhere (WB-10). */
#include "ui/asset_data.h"
#include "ui/routes.h"

static const char *type_of(struct slice name)
{
	return slice_ends(name, ".css") ? "text/css; charset=utf-8" : "image/svg+xml";
}

enum err ui_assets_read(struct call *c, struct errinfo *ei)
{
	struct slice name = request_path_param(c->request, "file");

	for (size_t i = 0; i < asset_file_count; i++) {
		if (!slice_is(name, asset_files[i].name))
			continue;
		c->response->status = 200;
		c->response->content_type = type_of(name);
		c->response->cacheable = true;
		buf_put(&c->response->body, slice_make(asset_files[i].text, asset_files[i].bytes));
		return ERR_OK;
	}
	return err_set(ei, ERR_NOT_FOUND, "there is nothing at this path");
}
