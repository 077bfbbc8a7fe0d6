/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of what the clerk does by itself: refreshes, exchanges, revocations. A change that a provider's answer brings is stored
 * at once, since the answer may be the only one of its kind, and recorded next; so the room for its record is taken before the
 * provider is asked. Must never lose a note because a write failed, nor let anything begin while one waits.
 */
#include "clerk/ledger.h"

#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/random.h"

void ledger_init(struct ledger *l)
{
	buf_init(&l->notes, AUDITING_NOTES_MAX);
	random_id(l->run_id);
}

void ledger_drop(struct ledger *l, struct core *core)
{
	core->notes = NULL;
	buf_cut(&l->notes, l->kept);
	l->signed_seq = 0; /* a signature may be among what was not written */
}

static void tell_failure(const struct ledger *l)
{
	if (l->journal && journal_failed(l->journal) && l->on_disk_failed)
		l->on_disk_failed("the audit log");
}

static bool sync_now(struct ledger *l)
{
	int fd = journal_unsynced(l->journal);
	bool synced = fd < 0 || fdatasync(fd) == 0;

	if (fd >= 0)
		close(fd);
	if (!synced) {
		LOG(LOG_ERROR, "audit_not_written",
		    LOG_S("detail", "fdatasync failed: nothing is recorded or begun until the clerk starts again"));
		l->lost = true; /* asked again, the disk would say that all is well */
		journal_fail(l->journal);
	}
	l->synced_ms = clock_mono_ms(&clock_system);
	tell_failure(l);
	return !l->lost;
}

static enum err open_journal(struct ledger *l, struct core *core, struct errinfo *why)
{
	return l->journal ? ERR_OK : auditing_open(core, l->data_dir, "clerk-0", &l->journal, why);
}

static enum err write_notes(struct ledger *l, struct core *core, struct errinfo *why)
{
	enum err e = open_journal(l, core, why);

	if (!e)
		e = auditing_collect(l->journal, buf_slice(&l->notes), NULL, "clerk", NULL);
	if (!e)
		e = journal_write(l->journal, why);
	else if (l->journal)
		journal_forget(l->journal);
	return e;
}

/* What is noted gets written; else it stays. */
static void write_or_keep(struct ledger *l, struct core *core)
{
	struct errinfo why = {.detail = ""};

	if (!l->data_dir || l->notes.n == 0)
		return;
	if (!buf_ok(&l->notes))
		LOG(LOG_ERROR, "audit_notes_lost", LOG_S("detail", "the audit log could not be written for too long"));
	if (write_notes(l, core, &why)) {
		LOG(LOG_ERROR, "audit_not_written", LOG_S("detail", why.detail));
		tell_failure(l);
		return;
	}
	buf_reset(&l->notes);
	if (l->always || clock_mono_ms(&clock_system) - l->synced_ms >= LEDGER_SYNC_MS)
		(void)sync_now(l);
}

void ledger_begin(struct ledger *l, struct core *core)
{
	write_or_keep(l, core);
	l->kept = l->notes.n;
	if (l->data_dir)
		core->notes = &l->notes;
}

void ledger_end(struct ledger *l, struct core *core)
{
	core->notes = NULL;
	write_or_keep(l, core);
}

enum err ledger_promise(struct ledger *l, struct core *core, struct errinfo *why)
{
	struct errinfo cause = {.detail = "what was done before could not be recorded yet"};
	enum err e = l->kept ? ERR_STORE : ERR_OK;

	if (!l->data_dir)
		return ERR_OK;
	if (!e)
		e = open_journal(l, core, &cause);
	if (!e)
		e = journal_reserve(l->journal, l->notes.n * 2 + (atomic_load(&l->promised) + 1) * LEDGER_ROOM_BYTES, &cause);
	if (!e) {
		atomic_fetch_add(&l->promised, 1);
		return ERR_OK;
	}
	LOG(LOG_ERROR, "audit_not_written", LOG_S("detail", cause.detail));
	err_hint(why, ERR_BUSY, "Try again later; the server's administrator finds the reason in the log (audit_not_written).");
	return err_set(why, ERR_BUSY, "the audit log cannot be written, and nothing is begun that could not be recorded");
}

void ledger_kept(struct ledger *l)
{
	if (l->data_dir)
		atomic_fetch_sub(&l->promised, 1);
}

void ledger_sign(struct ledger *l, struct core *core)
{
	struct errinfo why = {.detail = ""};
	struct chain head;
	enum err e;

	if (!l->journal || !sync_now(l))
		return;
	head = journal_head(l->journal);
	e = head.seq == l->signed_seq ? ERR_OK : auditing_sign(core, l->run_id, &head, &why);
	if (e)
		LOG(LOG_ERROR, "audit_head_not_signed", LOG_S("detail", why.detail));
	else
		l->signed_seq = head.seq;
	secret_wipe(&head, sizeof head);
}

void ledger_done(struct ledger *l, struct core *core)
{
	ledger_sign(l, core);
	journal_close(&l->journal);
	buf_done(&l->notes);
}
