/* SPDX-License-Identifier: Apache-2.0 */
/* Heads that were read before, byte for byte: known by a digest, and not parsed again. Internal to the room. */
#pragma once

#include "http/connection.h"

/* Offers a new exchange with the head's digest to server_args.on_repeat. True when it was taken; else nothing has happened. */
bool repeat_take(struct connection *c, struct slice head);
/* After the head was understood and no body follows: whether the same bytes may be offered next time. */
bool repeat_is_possible(const struct connection *c, struct slice head);
