/* SPDX-License-Identifier: Apache-2.0 */
/* The "answer" part of a script rule: how the honest answer is changed or replaced. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "support/adversary_answer.h"

/* ERR_INVALID says which member is unknown or wrong. To be called before any twist is applied. */
enum err adversary_twist_check(json_t *twist, struct errinfo *ei);

/* True when the twist puts an answer of its own in place of the honest one, so that no commit is due. */
bool adversary_twist_replaces(json_t *twist);

/* Applies a checked twist. `now` is for dates. */
void adversary_twist_apply(json_t *twist, int64_t now, struct adversary_answer *a);

/* The "id_token" member for adversary_signer_make(), or NULL. */
json_t *adversary_twist_id_token(json_t *twist);
