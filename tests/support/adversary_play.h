/* SPDX-License-Identifier: Apache-2.0 */
/* One request played through: delay, commit, delay, answer, and its delivery as the script wants it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/arena.h"
#include "support/adversary_answer.h"
#include "support/adversary_script.h"
#include "support/adversary_wire.h"

struct adversary_conn;

struct adversary_play {
	struct arena *arena;
	struct adversary_rule *rule; /* NULL: honest */
	enum adversary_endpoint endpoint;
	uint64_t number; /* in the record; 0: not recorded */
	uint32_t grant;	 /* whose refresh token is being used; 0: none */
	struct adversary_answer *answer;
	struct adversary_delivery delivery;
	struct adversary_wire wire;
	uint64_t left; /* bytes still to be sent */
	bool sent_any;
	bool close_after;
	uv_write_t write;
	char *rest; /* what the kernel did not take at once */
};

/* Begins with the connection's complete request; ends in adversary_conn_done(). */
void adversary_play_start(struct adversary_conn *conn);

/* What a rule for "connect" wants at accept. True when the connection is in its hands. */
bool adversary_play_accept(struct adversary_conn *conn);

/* Sends an answer that a control wait was waiting for. */
void adversary_play_answer(struct adversary_conn *conn);

/* Frees what a play holds. Called once when the request is done and again when the connection goes. */
void adversary_play_done(struct adversary_conn *conn);
