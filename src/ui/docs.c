/* SPDX-License-Identifier: Apache-2.0 */
/* The API described: for programs at /openapi.json, for people at /docs. Both are the same for everybody and hold nothing of ours. */
#include <stdlib.h>
#include <string.h>

#include "ui/docs_data.h"
#include "ui/page.h"
#include "ui/routes.h"

static struct slice text_of(const char *name)
{
	for (size_t i = 0; i < docs_file_count; i++)
		if (strcmp(docs_files[i].name, name) == 0)
			return slice_make(docs_files[i].text, docs_files[i].bytes);
	abort(); /* the build left it out */
}

enum err ui_docs_description(struct call *c, struct errinfo *ei)
{
	(void)ei;
	c->response->status = 200;
	c->response->content_type = "application/json";
	c->response->cacheable = true;
	buf_put(&c->response->body, text_of("openapi.json"));
	return ERR_OK;
}

enum err ui_docs_page(struct call *c, struct errinfo *ei)
{
	struct buf *b = page_begin_call(c, 200, "HTTP API", false);

	(void)ei;
	buf_put(b, text_of("api-page.html"));
	page_end(b);
	return ERR_OK;
}
