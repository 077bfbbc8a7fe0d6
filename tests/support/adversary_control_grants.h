/* SPDX-License-Identifier: Apache-2.0 */
/* The control calls about grants and their tokens. */
#pragma once

#include "base/err.h"
#include "support/adversary_call.h"

/* GET ?account=…&grant=…&offset=…&limit=…: the grants with their live refresh tokens. */
enum err adversary_control_grants_list(struct adversary_call *call);
/* {"count":n,"client_id":…,"account":…,"scope":…}: makes grants and gives their tokens. */
enum err adversary_control_grants_make(struct adversary_call *call);
/* {"refresh_tokens":[…]} or {"sha256":[hex …]}: would a refresh with it succeed now? */
enum err adversary_control_grants_alive(struct adversary_call *call);
/* {"grant":id} or {"account":…}: the user takes the grant back. */
enum err adversary_control_grants_end(struct adversary_call *call);
