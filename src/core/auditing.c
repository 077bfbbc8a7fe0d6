/* SPDX-License-Identifier: Apache-2.0 */
/* Notes, the audit key and signed heads. Must never put a token into a note: only its fingerprint (LG-05). */
#include "core/auditing.h"

#include "core/keys.h"

/* A note is a line: whether it names an actor, then the members of its record. */
enum { NAMES_ACTOR = '+', NAMES_NONE = '-' };

static void begin_note(struct buf *notes, const struct record *r)
{
	buf_putc(notes, r->actor && r->actor[0] ? NAMES_ACTOR : NAMES_NONE);
	record_put_act(notes, r->at, r->event, r->actor);
}

void auditing_put(struct buf *notes, const struct record *r)
{
	begin_note(notes, r);
	record_put_subject(notes, r);
	buf_putc(notes, '\n');
}

void auditing_put_about(struct buf *notes, const struct record *act, struct slice subject)
{
	begin_note(notes, act);
	buf_put(notes, subject);
	buf_putc(notes, '\n');
}

void auditing_note(struct core *core, const struct record *r)
{
	struct record note = *r;

	if (!core->notes)
		return;
	note.at = core_now(core);
	auditing_put(core->notes, &note);
}

enum err auditing_collect(struct journal *j, struct slice notes, const char *request, const char *actor, const char *result)
{
	struct slice note;
	enum err e = ERR_OK;

	while (!e && slice_split(&notes, '\n', &note) && note.n) {
		struct buf *members = journal_begin(j);

		buf_put(members, slice_sub(note, 1, note.n));
		if (note.p[0] == NAMES_NONE)
			record_put_text(members, "actor", actor);
		record_put_text(members, "request", request);
		record_put_text(members, "result", result);
		e = journal_end(j);
	}
	return e;
}

enum err auditing_open(struct core *core, const char *data_dir, const char *name, struct journal **ret_journal,
		       struct errinfo *ei)
{
	struct journal_args args = {.data_dir = data_dir, .name = name, .clock = core->clock};
	const struct data_key *key;
	enum err e = keys_current(core, "", KEYS_PURPOSE_AUDIT, &key, ei);

	if (e)
		return e;
	args.key = key->bytes;
	return journal_open(&args, ret_journal, ei);
}

enum err auditing_sign(struct core *core, const char *run_id, const struct chain *head, struct errinfo *ei)
{
	struct audit_head_row row = {.run_id = run_id, .chain = head->name, .seq = head->seq, .mac = head->mac,
				     .signed_at = core_now(core)};
	char signature[CHAIN_MAC_BYTES];
	int64_t changed = 0;
	enum err e;

	chain_sign_head(head, run_id, signature);
	row.signature = signature;
	e = store_change(core->store, SQL_AUDIT_HEAD_MOVE,
			 STORE_PARAMS(STORE_TEXT(run_id), STORE_INT(row.seq), STORE_TEXT(row.mac), STORE_TEXT(signature),
				      STORE_INT(row.signed_at)), &changed, ei);
	return e || changed ? e : store_insert(core->store, TABLE_AUDIT_HEADS, &row, ei);
}
