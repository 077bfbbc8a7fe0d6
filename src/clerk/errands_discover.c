/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An issuer's metadata for somebody who registers an authenticator. Nothing is stored. Must never tell more of an address that gave no
 * document than that there is none (SS-08).
 */
#include "clerk/errands_private.h"

#include "oauth/discovery.h"
#include "secret/hash.h"

struct discovering {
	const char *issuer;
	enum discovery_form form;
};

static void discover_end(struct operation *op, enum err e)
{
	errands_finish(op, e);
	op->release = false; /* nothing was consumed */
}

static void discover_answered(struct operation *op);

static void discover_ask(struct operation *op)
{
	struct discovering *s = op->state;
	const char *url = discovery_url(s->issuer, s->form, op->arena);

	if (!url) {
		discover_end(op, err_set(&op->why, ERR_INVALID, "it is no https address without query"));
		return;
	}
	discovery_request(url, "metadata", op->arena, &op->request);
	op->step = discover_answered;
	op->next = OPERATION_FETCH;
}

static void discover_answered(struct operation *op)
{
	struct discovering *s = op->state;
	const struct fetch_answer *answer = &op->answer;
	struct errinfo why = {.detail = ""};
	struct discovery d;

	if (!answer->err && answer->status == 200 && answer->complete) {
		if (discovery_parse(answer->body, s->issuer, op->arena, &d, &why) == ERR_OK) {
			op->document = answer->body;
			discover_end(op, ERR_OK);
			return;
		}
		if (!op->why.detail[0]) /* the first that there was says most */
			op->why = why;
	}
	if (++s->form < DISCOVERY__COUNT)
		discover_ask(op);
	else if (op->why.detail[0])
		discover_end(op, ERR_INVALID);
	else
		discover_end(op, err_set(&op->why, ERR_UPSTREAM_DOWN, "its metadata could not be had"));
}

struct operation *errands_discover(struct desk *d, struct slice issuer)
{
	char hash[HASH_TEXT_BYTES];
	struct discovering *s;
	struct operation *op;

	hash_text(issuer, hash); /* a name of fixed length, whatever the issuer's */
	op = desk_find(d, OPERATION_DISCOVER, slice_from(hash));
	if (op)
		return op;
	op = desk_open(d, OPERATION_DISCOVER, slice_from(hash), discover_ask);
	s = op->state = ARENA_NEW(op->arena, struct discovering);
	s->issuer = arena_strndup(op->arena, issuer);
	desk_run(op);
	return op;
}
