/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the client behind a proxy is (WB-11). The one place where X-Forwarded-For and Forwarded (RFC 7239) are read; it is
 * asked only for connections of a proxy that the operator trusts.
 */
#pragma once

#include "http/proxies.h"
#include "http/request.h"

/*
 * The right-most address of the header that is not itself a trusted proxy's: what stands left of it was written by somebody we
 * do not know. When all of them are trusted, the left-most. False: there is no such header, it cannot be read as far as
 * that address, or both headers are there and name different clients (one of them was passed through from the client).
 */
bool forwarded_client(const struct proxies *trusted, const struct request *r, struct peer *ret);
/* Sets the request's peer to that client, if there is one. */
void forwarded_apply(const struct proxies *trusted, struct request *r);
