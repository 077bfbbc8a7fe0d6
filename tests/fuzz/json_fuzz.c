/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside. What is taken can be dumped, and the dump is taken again and dumps to the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "json/jsonr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1 << 16 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void visit(const char *key, const struct jsonr *value, void *arg)
{
	int64_t number;

	(void)arg;
	require(key && value && slice_is_utf8(slice_from(key)));
	require(slice_is_utf8(jsonr_string(value)));
	(void)jsonr_integer(value, &number);
	jsonr_each(value, visit, NULL);
	for (size_t i = 0; i < jsonr_count(value); i++)
		(void)jsonr_type(jsonr_at(value, i));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jsonr *doc = NULL, *again = NULL;
	struct buf first, second;
	struct errinfo ei;

	err_clear(&ei);
	if (jsonr_parse(slice_make(data, size), MOST, &doc, &ei) != ERR_OK) {
		require(ei.detail[0] != '\0' && !doc);
		return 0;
	}
	require(size <= MOST);
	visit("", doc, NULL);
	buf_init(&first, MOST * 8);
	buf_init(&second, MOST * 8);
	jsonr_dump(doc, &first);
	require(buf_ok(&first) && jsonr_parse(buf_slice(&first), MOST * 8, &again, NULL) == ERR_OK);
	jsonr_dump(again, &second);
	require(slice_eq(buf_slice(&first), buf_slice(&second)));
	jsonr_free(&doc);
	jsonr_free(&again);
	buf_done(&first);
	buf_done(&second);
	return 0;
}
