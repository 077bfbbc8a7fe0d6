/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect: internal to the room. */
#pragma once

#include "http/connection.h"

/* Takes the next client from the listener; closes it at once when there is no room for it. */
void accept_next(struct server *s);
/* There is no descriptor to accept with: makes one free if it can. */
void accept_failed(struct server *s);
