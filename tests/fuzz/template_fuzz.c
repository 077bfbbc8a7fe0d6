/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template, or an authenticator's own configuration. What is accepted must be whole URLs, must come
 * back from its written form, and must stay so under the document's own "given" variables.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "catalog/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void write(const struct profile *p, struct buf *out)
{
	struct jsonw w;

	buf_init(out, 1 << 20);
	jsonw_init(&w, out);
	profile_write(p, &w, NULL);
	require(buf_ok(out));
}

static void check_profile(const struct profile *p, struct arena *a)
{
	const char *const urls[] = {p->authorize_url, p->token_url, p->revoke_url, p->identity_url, p->issuer};
	struct profile again;
	struct jsonr *doc = NULL;
	struct buf first, second;
	struct url url;

	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		require(!urls[i][0] || url_parse(slice_from(urls[i]), &url, NULL) == ERR_OK);
	write(p, &first);
	require(jsonr_parse(buf_slice(&first), 1 << 20, &doc, NULL) == ERR_OK);
	require(profile_parse(doc, a, &again, NULL) == ERR_OK);
	write(&again, &second);
	require(slice_eq(buf_slice(&first), buf_slice(&second)));
	buf_done(&first);
	buf_done(&second);
	jsonr_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct jsonr *doc = NULL;
	struct template t;
	struct profile p;
	struct errinfo ei = {0};

	if (jsonr_parse(slice_make(data, size), 64 * 1024, &doc, NULL) != ERR_OK)
		return 0;
	a = arena_new(16 << 20);
	if (profile_parse(doc, a, &p, &ei) == ERR_OK)
		check_profile(&p, a);
	else
		require(ei.field_count > 0);
	err_clear(&ei);
	if (template_parse(doc, a, &t, &ei) == ERR_OK) {
		require(t.type[0] && t.display_name[0]);
		require(template_profile(&t, NULL, a, &p, NULL) == ERR_OK);
		check_profile(&p, a);
		if (template_profile(&t, jsonr_get(doc, "given"), a, &p, NULL) == ERR_OK)
			check_profile(&p, a);
	} else {
		require(ei.detail[0]);
	}
	arena_free(&a);
	jsonr_free(&doc);
	return 0;
}
