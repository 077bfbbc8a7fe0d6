/* SPDX-License-Identifier: Apache-2.0 */
/* API keys in answers, shared by the keys of apps and of users. */
#pragma once

#include "call/call.h"

void keys_answer_list(struct call *c, const struct api_key_row *rows, size_t n);
/* Makes a key of reach `app_id` ("" platform) from the body's name and scopes and answers with its text. */
enum err keys_answer_new(struct call *c, const char *app_id, struct errinfo *ei);
