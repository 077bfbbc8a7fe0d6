/* SPDX-License-Identifier: Apache-2.0 */
/* The "deliver" part of a script rule. */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "support/adversary_answer.h"
#include "support/adversary_config.h"

/* Reads the object; texts are borrowed from it or put into the arena. ERR_INVALID says what is wrong. */
enum err adversary_delivery_parse(json_t *object, struct arena *arena, struct adversary_delivery *ret_delivery,
				  struct errinfo *ei);

/* n or [low, high] in milliseconds, at most an hour. */
enum err adversary_delivery_range(const char *name, json_t *value, struct adversary_range *ret_range,
				  struct errinfo *ei);

/* Standard base64 into the arena; ERR_INVALID when it is none. */
enum err adversary_delivery_base64(const char *name, const char *text, struct arena *arena, struct slice *ret_bytes,
				   struct errinfo *ei);
