/* SPDX-License-Identifier: Apache-2.0 */
/* The rules for single values of an authenticator. Each adds what is wrong to the fields of `ei`, or to the warnings of `in`. */
#pragma once

#include "core/authenticator_input.h"

/* A warning that lives as long as `in`; those beyond INPUT_WARNINGS_MAX are left out. */
void authenticator_warn(struct authenticator_input *in, const char *text);
/* At most `max` bytes of one line; `ascii`: printable characters only. */
void authenticator_check_text(struct slice text, const char *field, size_t max, bool ascii, struct errinfo *ei);
/* Every address of a profile: there where needed, https but on loopback, not our own origin. */
void authenticator_check_profile(const struct core *core, const struct profile *p, struct errinfo *ei);
/* "" is fine. One at another origin is a warning: somebody must pass the answer on. */
void authenticator_check_redirect(const struct core *core, struct authenticator_input *in, struct errinfo *ei);
