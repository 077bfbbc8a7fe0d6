/* SPDX-License-Identifier: Apache-2.0 */
/* What a flow's end is called for people. */
#pragma once

#include "base/slice.h"

/* Why a flow's end is no connection: a sentence of ours for its error code; a general one for a code that we don't know. */
const char *outcome_sentence(struct slice code);
