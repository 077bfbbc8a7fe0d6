/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes as a person or a provider gives them: array text is always JSON, within its limits, and stable. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "oauth/scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_array(struct slice array, struct arena *a)
{
	struct jsonr *doc = NULL;
	struct slice again;
	struct buf text;

	require(jsonr_parse(array, 1 << 20, &doc, NULL) == ERR_OK && jsonr_type(doc) == JSONR_ARRAY);
	require(jsonr_count(doc) <= SCOPE_MAX);
	for (size_t i = 0; i < jsonr_count(doc); i++) {
		struct slice scope = jsonr_string(jsonr_at(doc, i));

		require(scope.n > 0 && scope.n <= SCOPE_TEXT_MAX && slice_is_printable(scope));
		require(scope_has(array, arena_strndup(a, scope)));
	}
	require(scope_from_json(doc, a, &again, NULL) == ERR_OK && slice_eq(again, array));
	jsonr_free(&doc);
	buf_init(&text, 1 << 20);
	buf_putc(&text, '"');
	scope_join(array, ' ', &text);
	buf_putc(&text, '"');
	require(jsonr_parse(buf_slice(&text), 1 << 20, &doc, NULL) == ERR_OK);
	require(scope_from_json(doc, a, &again, NULL) == ERR_OK && slice_eq(again, array));
	require(slice_eq(scope_from_answer(doc, true, a), array));
	jsonr_free(&doc);
	buf_done(&text);
	require(scope_within(array, array) && slice_is(scope_missing(array, array, a), "[]"));
	require(slice_is(scope_missing(array, (struct slice){0}, a), "[]"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a;
	struct jsonr *doc = NULL;
	struct errinfo ei = {0};
	struct slice array, granted[2];

	if (jsonr_parse(slice_make(data, size), 64 * 1024, &doc, NULL) != ERR_OK)
		return 0;
	a = arena_new(16 << 20);
	if (scope_from_json(doc, a, &array, &ei) == ERR_OK)
		check_array(array, a);
	else
		require(ei.field_count == 1 && strcmp(ei.fields[0].name, "scopes") == 0);
	for (int comma = 0; comma < 2; comma++) {
		granted[comma] = scope_from_answer(doc, comma, a);
		if (granted[comma].n)
			check_array(granted[comma], a);
	}
	require(scope_within(scope_missing(granted[1], granted[0], a), granted[1]));
	arena_free(&a);
	jsonr_free(&doc);
	return 0;
}
