/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a provider's answer as a JSON object, and the error in it; used inside oauth only. */
#pragma once

#include "catalog/profile.h"
#include "json/jsonr.h"

enum { ANSWER_CODE_MAX = 64, ANSWER_TEXT_MAX = 160 };

/*
 * The object in a body, tied to the arena; NULL when there is none that can be read. `form`: a form-encoded body is
 * read as an object of texts.
 */
const struct jsonr *answer_read(struct slice body, bool form, struct arena *a);

struct answer_error {
	char code[ANSWER_CODE_MAX];  /* the provider's word, only [a-z_.]; "provider_error" when it has another form; "" no error */
	char known[ANSWER_CODE_MAX]; /* the same as RFC 6749 §5.2 calls it, by the profile's error_names */
	char text[ANSWER_TEXT_MAX];  /* error_description cut and cleaned to printable ASCII, long words masked; "" none */
};

/*
 * Looks where the profile's error_path leads, then for a text "error" (null, false, "" and a word that error_names turns into ""
 * are none), and for the profile's error_flag.
 */
void answer_error(const struct profile *p, const struct jsonr *doc, struct answer_error *ret);
/*
 * Appends the texts (or whole numbers) that the blank-separated paths lead to, with `separator` between them. False when one
 * is missing or all are longer than `max`; then what was appended means nothing.
 */
bool answer_text(const struct jsonr *doc, const char *paths, char separator, size_t max, struct buf *out);
