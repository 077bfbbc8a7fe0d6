/* SPDX-License-Identifier: Apache-2.0 */
/* What the kinds of operations share with each other. For errands_*.c only. */
#pragma once

#include "clerk/errands.h"

/* The operation is over with that result; says whether the courier may forget the attempt. */
void errands_finish(struct operation *op, enum err e);
/* Next, the answer to an attempt that an earlier clerk (or an earlier try of this one) began is asked for. */
void errands_join(struct operation *op, const char *attempt);
