/* SPDX-License-Identifier: Apache-2.0 */
/* The control interface under /_adversary/; README.md has one example of each. */
#pragma once

#include "support/adversary_conn.h"

/*
 * Answers a control request into conn->play.answer. False when the answer comes later
 * (adversary_play_answer()), because the request waits for something to happen.
 */
bool adversary_control_answer(struct adversary_conn *conn);

/* Looks whether a pending wait is over; called after each recorded request. */
void adversary_control_notice(struct adversary_server *server);
