/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may not be meant in an authenticator that could be registered as it is: the mistakes that people make with a
 * provider, each with its remedy.
 */
#pragma once

#include "core/authenticator_input.h"

/*
 * Appends warnings to `in`: scopes that the template does not know although it knows one nearby, scopes that give far more than most apps
 * need, an id and a secret that seem to be swapped, a missing wish for refresh tokens, a variable left at its default, a redirect URI that this
 * provider does not take. Sentences lie in the arena and never hold the secret. Of a change only what `body` has is looked at.
 */
void advice_give(const struct core *core, const struct jsonr *body, bool is_new, struct arena *a, struct authenticator_input *in);
