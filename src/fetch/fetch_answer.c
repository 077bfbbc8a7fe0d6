/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers as messages from courier to clerk, and the head that tells what an answer is and what it belongs to. It is
 * stored and logged in clear: must never hold a secret, nor let a provider's text write a line of its own.
 */
#include <string.h>

#include "fetch/fetch_private.h"

enum {
	HEAD_MAX_BYTES = 512,
	STATUS_MAX = 999,
	RETRY_AFTER_MAX_S = 3600, /* LIFECYCLE §5.5 */
};

static void keep_text(char *to, size_t cap, struct slice text)
{
	memset(to, 0, cap);
	if (text.n && text.n < cap)
		memcpy(to, text.p, text.n);
}

void fetch_bond_of(const struct fetch_request *r, struct fetch_bond *ret)
{
	keep_text(ret->attempt, sizeof ret->attempt, slice_from(r->attempt));
	keep_text(ret->consumes, sizeof ret->consumes, slice_from(r->consumes));
	hash_text(slice_from(r->url), ret->endpoint);
}

void fetch_put_head(struct buf *out, const struct fetch_bond *bond, const struct fetch_answer *answer)
{
	static const struct fetch_bond none;
	struct slice type = slice_from(answer->content_type);
	int64_t retry = answer->retry_after_s;

	if (retry < 0)
		retry = 0;
	if (retry > RETRY_AFTER_MAX_S)
		retry = RETRY_AFTER_MAX_S;
	if (!bond)
		bond = &none;
	buf_printf(out, "attempt=%s\nconsumes=%s\nendpoint=%s\n", bond->attempt, bond->consumes, bond->endpoint);
	buf_printf(out, "status=%d\nsent=%d\ncomplete=%d\nsealed=%d\n", answer->status, answer->sent, answer->complete,
		   answer->sealed);
	buf_printf(out, "retry_after=%lld\ncontent_type=", (long long)retry);
	if (slice_is_printable(type))
		buf_put(out, type);
	buf_putc(out, '\n');
}

/* Takes the line "name=value\n" off the front. */
static enum err take_line(struct slice *rest, const char *name, struct slice *ret_value)
{
	size_t end = slice_index(*rest, '\n'), name_n = strlen(name);
	struct slice line = slice_sub(*rest, 0, end);

	if (end == rest->n || !slice_starts(line, name) || line.n == name_n || line.p[name_n] != '=')
		return ERR_INVALID;
	*ret_value = slice_sub(line, name_n + 1, line.n);
	*rest = slice_sub(*rest, end + 1, rest->n);
	return ERR_OK;
}

static enum err take_number(struct slice *rest, const char *name, uint64_t max, uint64_t *ret_value)
{
	struct slice value;

	/* One form a number: no leading zeros, so that a head has one text only. */
	if (take_line(rest, name, &value) || !slice_to_u64(value, max, ret_value) || (value.n > 1 && value.p[0] == '0'))
		return ERR_INVALID;
	return ERR_OK;
}

/* The lines that tell what it belongs to: all of them, or none with a text. */
static enum err take_bond(struct slice *rest, struct fetch_bond *ret)
{
	struct slice attempt, consumes, endpoint;

	if (take_line(rest, "attempt", &attempt) || take_line(rest, "consumes", &consumes) ||
	    take_line(rest, "endpoint", &endpoint))
		return ERR_INVALID;
	if (attempt.n == 0 ? consumes.n != 0 || endpoint.n != 0
			   : !fetch_is_attempt(attempt) || !fetch_is_consumable(consumes) || !fetch_is_hex(endpoint, HASH_TEXT_BYTES - 1))
		return ERR_INVALID;
	keep_text(ret->attempt, sizeof ret->attempt, attempt);
	keep_text(ret->consumes, sizeof ret->consumes, consumes);
	keep_text(ret->endpoint, sizeof ret->endpoint, endpoint);
	return ERR_OK;
}

enum err fetch_parse_bond(struct slice head, struct fetch_bond *ret)
{
	struct slice rest = head;

	return take_bond(&rest, ret);
}

enum err fetch_parse_head(struct slice head, struct fetch_answer *ret)
{
	struct slice rest = head, type;
	struct fetch_bond bond;
	uint64_t status, sent, complete, sealed, retry;

	if (head.n > HEAD_MAX_BYTES || take_bond(&rest, &bond) || take_number(&rest, "status", STATUS_MAX, &status) ||
	    take_number(&rest, "sent", 1, &sent) || take_number(&rest, "complete", 1, &complete) ||
	    take_number(&rest, "sealed", 1, &sealed) ||
	    take_number(&rest, "retry_after", RETRY_AFTER_MAX_S, &retry) || take_line(&rest, "content_type", &type))
		return ERR_INVALID;
	if (rest.n != 0 || type.n >= sizeof ret->content_type || !slice_is_printable(type))
		return ERR_INVALID;
	if (sealed && bond.attempt[0] == '\0')
		return ERR_INVALID;
	ret->status = (int)status;
	ret->sent = sent;
	ret->complete = complete;
	ret->sealed = sealed;
	ret->retry_after_s = (int64_t)retry;
	keep_text(ret->content_type, sizeof ret->content_type, type);
	ret->head = head;
	return ERR_OK;
}

bool fetch_head_is_of(struct slice head, const char *attempt)
{
	struct fetch_bond bond;

	return fetch_parse_bond(head, &bond) == ERR_OK && strcmp(bond.attempt, attempt) == 0;
}

bool fetch_answer_is_for(const struct fetch_answer *answer, const char *url, const char *consumes)
{
	char endpoint[HASH_TEXT_BYTES];
	struct fetch_bond bond;

	if (!answer->sealed)
		return true;
	hash_text(slice_from(url), endpoint);
	return fetch_parse_bond(answer->head, &bond) == ERR_OK && strcmp(bond.consumes, consumes) == 0 &&
	       strcmp(bond.endpoint, endpoint) == 0;
}

enum err fetch_answer_from_message(const struct ipc_message *m, struct fetch_answer *ret)
{
	struct fetch_answer answer = {0};
	struct slice detail = m->field[IPC_FETCHED_DETAIL].bytes;
	int64_t err = m->field[IPC_FETCHED_ERR].number;

	if (m->kind != IPC_FETCHED || err < 0 || err >= ERR__COUNT || detail.n >= sizeof answer.detail ||
	    !slice_is_printable(detail) || fetch_parse_head(m->field[IPC_FETCHED_HEAD].bytes, &answer))
		return ERR_INVALID;
	if (m->field[IPC_FETCHED_STATUS].number != answer.status)
		return ERR_INVALID;
	answer.err = (enum err)err;
	if (detail.n)
		memcpy(answer.detail, detail.p, detail.n);
	answer.body = m->field[IPC_FETCHED_BODY].bytes;
	*ret = answer;
	return ERR_OK;
}

void fetch_answer_to_message(const struct fetch_answer *answer, struct arena *a, struct ipc_message *ret)
{
	struct ipc_message m = {.kind = IPC_FETCHED};
	struct slice head = answer->head;
	struct buf text;

	if (head.n == 0) {
		buf_init(&text, HEAD_MAX_BYTES);
		fetch_put_head(&text, NULL, answer);
		head = arena_copy(a, buf_slice(&text));
		buf_done(&text);
	}
	for (size_t i = 0; i < IPC_FIELDS_MAX; i++)
		m.field[i].fd = -1;
	m.field[IPC_FETCHED_ERR].number = answer->err;
	m.field[IPC_FETCHED_DETAIL].bytes = slice_from(answer->detail);
	m.field[IPC_FETCHED_HEAD].bytes = head;
	m.field[IPC_FETCHED_BODY].bytes = answer->body;
	m.field[IPC_FETCHED_STATUS].number = answer->status;
	*ret = m;
}
