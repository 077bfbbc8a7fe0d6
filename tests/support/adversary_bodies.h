/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that are too big or too odd to stand in a script:
 *   {"kind":"fill","bytes":n,"byte":"a","prefix":"","suffix":""}   one byte over and over
 *   {"kind":"nesting","depth":n,"open":"[","close":"]"}            arrays in arrays
 *   {"kind":"members","count":n}                                   an object of n equal members
 *   {"kind":"gzip_bomb","bytes":n}                                 zeros, compressed 1000:1, and its header
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "support/adversary_answer.h"

/* True when the kind exists, has no unknown member, and its sizes are within bounds. */
bool adversary_bodies_known(json_t *generate);
/* Makes it the body of the answer. `generate` is a known one. */
void adversary_bodies_make(json_t *generate, struct adversary_answer *a);
