/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How core's functions leave audit notes, and how a process opens its chain and signs its head. A note is the text of
 * one record; who runs the function writes it, before the answer leaves (LG-03).
 */
#pragma once

#include "audit/journal.h"
#include "core/core.h"

enum { AUDITING_NOTES_MAX = 4 << 20 /* an authenticator's end may be that of 10,000 connections */ };

/* Notes what was done, or tried; `at` is filled in. Nothing happens when core->notes is NULL. */
void auditing_note(struct core *core, const struct record *r);
/* The same without a core, for a function on the loop: `at` is the caller's. */
void auditing_put(struct buf *notes, const struct record *r);
/* The same for what happens often to one thing: `act` has its at, event and actor, `subject` is of record_put_subject(). */
void auditing_put_about(struct buf *notes, const struct record *act, struct slice subject);
/*
 * Collects each of the notes as a record, with what belongs to all of them: `request` and `actor` may be NULL, the latter is
 * taken where a note names none; `result` is "ok" or an error's code. ERR_TOO_LARGE: too many.
 */
enum err auditing_collect(struct journal *j, struct slice notes, const char *request, const char *actor, const char *result);
/* Opens the chain `name` of this data directory under the platform's audit key. On the store thread. */
enum err auditing_open(struct core *core, const char *data_dir, const char *name, struct journal **ret_journal,
		       struct errinfo *ei);
/*
 * Signs and stores the head of this process's run; the first time a row is made. On the store thread, and only for records that
 * are on the disk: a head that is ahead of the files would be an alarm after a power cut.
 */
enum err auditing_sign(struct core *core, const char *run_id, const struct chain *head, struct errinfo *ei);
