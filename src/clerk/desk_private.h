/* SPDX-License-Identifier: Apache-2.0 */
/* What desk.c (operations, their steps and their end) and desk_courier.c share. For these two only. */
#pragma once

#include "clerk/desk.h"

/* Answers who waits, releases the attempt if it may be, and frees the operation. */
void desk_end(struct operation *op);
/* False when the request does not fit into a message; op->why says why. */
bool desk_can_ask(struct operation *op);
/* Sends FETCH or, when the attempt went out before, JOIN. Nothing when no courier is there: desk_courier_returned() asks. */
void desk_ask(struct operation *op);
/* Of desk->again. */
void desk_on_again(uv_timer_t *timer);
