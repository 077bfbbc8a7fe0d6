/* SPDX-License-Identifier: Apache-2.0 */
/* Errors on standard error. Must never let a text that came from outside steer the terminal. */
#include "cli/report.h"

#include "cli/table.h"
#include "cli/text.h"
#include "json/jsonw.h"

static void put_line(struct buf *out, const char *label, struct slice text)
{
	buf_printf(out, "  %s", label);
	text_put_clean(out, text);
	buf_putc(out, '\n');
}

/* The candidates of an ambiguous reference: whatever of id, name, type and account they have. */
static void put_candidates(const struct jsonr *list, struct buf *out)
{
	static const char *const shown[] = {"name", "authenticator_type", "provider_type", "account"};

	for (size_t i = 0; i < jsonr_count(list); i++) {
		const struct jsonr *one = jsonr_at(list, i);
		struct slice id = jsonr_get_string(one, "id");

		buf_puts(out, "    ");
		text_put_clean(out, id.p ? id : jsonr_string(one));
		for (size_t k = 0; k < sizeof shown / sizeof *shown; k++) {
			struct slice text = jsonr_get_string(one, shown[k]);

			if (!text.n)
				continue;
			buf_puts(out, "  ");
			text_put_clean(out, text);
		}
		buf_putc(out, '\n');
	}
}

/* A single wrong field often is the whole sentence: "name: is missing". */
static bool says_all(const struct errinfo *ei)
{
	struct slice detail = slice_from(ei->detail), name = slice_from(ei->fields[0].name);

	return ei->field_count == 1 && slice_starts(detail, ei->fields[0].name) &&
	       slice_ends(slice_sub(detail, name.n, detail.n), ei->fields[0].why);
}

void report_text(const struct report *r, struct buf *out)
{
	const struct errinfo *ei = r->ei;
	struct slice id = jsonr_get_string(r->refusal, "request_id");
	struct slice detail = ei->detail[0] ? slice_from(ei->detail) : SLICE_LIT("it failed, and nothing says why");

	table_put_toned(out, TONE_BAD, "fiber: ", r->colour);
	text_put_clean(out, detail);
	buf_putc(out, '\n');
	for (size_t i = 0; i < ei->field_count && !says_all(ei); i++) {
		buf_puts(out, "  ");
		text_put_clean(out, slice_from(ei->fields[i].name));
		put_line(out, "", slice_from(ei->fields[i].why));
	}
	put_candidates(jsonr_get(r->refusal, "candidates"), out);
	if (ei->hint[0])
		put_line(out, "next: ", slice_from(ei->hint));
	if (id.n)
		put_line(out, "request ", id);
}

void report_json(const struct report *r, struct buf *out)
{
	const struct errinfo *ei = r->ei;
	struct slice id = jsonr_get_string(r->refusal, "request_id");
	const struct jsonr *candidates = jsonr_get(r->refusal, "candidates");
	struct buf text;
	struct jsonw w;

	buf_init(&text, out->max);
	jsonw_init(&w, &text);
	jsonw_object(&w, NULL);
	jsonw_string(&w, "error", err_wire_code(r->kind, ei));
	jsonw_string(&w, "detail", ei->detail);
	if (ei->hint[0])
		jsonw_string(&w, "hint", ei->hint);
	if (ei->field_count) {
		jsonw_object(&w, "fields");
		for (size_t i = 0; i < ei->field_count; i++)
			jsonw_string(&w, ei->fields[i].name, ei->fields[i].why);
		jsonw_object_end(&w);
	}
	if (jsonr_count(candidates)) {
		struct buf dumped;

		buf_init(&dumped, out->max);
		jsonr_dump(candidates, &dumped);
		jsonw_raw(&w, "candidates", buf_slice(&dumped));
		buf_done(&dumped);
	}
	if (id.n)
		jsonw_slice(&w, "request_id", id);
	jsonw_object_end(&w);
	text_put_json(out, buf_slice(&text));
	buf_putc(out, '\n');
	buf_done(&text);
}
