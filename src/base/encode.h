/* SPDX-License-Identifier: Apache-2.0 */
/* Texts for bytes: hex, base64url without padding (RFC 4648 §5), percent-encoding (RFC 3986 §2.1). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/slice.h"

enum { ENCODE_B64URL_32 = 43 }; /* characters for 32 bytes */

void encode_hex(struct buf *out, struct slice bytes);
void encode_base64url(struct buf *out, struct slice bytes);
/* With padding (RFC 4648 §4), for Basic authentication. */
void encode_base64(struct buf *out, struct slice bytes);
/* Everything but unreserved characters becomes %XX. */
void encode_percent(struct buf *out, struct slice text);
/* As application/x-www-form-urlencoded: as above, and a blank becomes '+'. */
void encode_form(struct buf *out, struct slice text);
/* `&` `<` `>` `"` `'` as entities. */
void encode_html(struct buf *out, struct slice text);

/* False on a character that does not belong there, wrong length, or non-zero spare bits. */
bool decode_hex(struct slice text, struct buf *out);
bool decode_base64url(struct slice text, struct buf *out);
/* `plus_is_blank` for forms and queries. False on a bad or cut %XX or when a NUL appears. */
bool decode_percent(struct slice text, bool plus_is_blank, struct buf *out);
