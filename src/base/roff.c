/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping for manual pages. Must never let a text begin a request of its own. */
#include "base/roff.h"

void roff_put(struct buf *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '\\')
			buf_puts(out, "\\e");
		else if (*c == '-')
			buf_puts(out, "\\-");
		else if ((*c == '.' || *c == '\'') && (c == text || c[-1] == '\n'))
			buf_printf(out, "\\&%c", *c);
		else
			buf_putc(out, *c);
	}
}
