/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a link in the desktop's browser. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"

/*
 * Hands `url` to xdg-open through a page in the user's own runtime directory, because a link that
 * connects an account has no place in a command line that everybody on the machine can read. False
 * when there is no such directory or the program can't be started. ret_page is to be given to
 * browser_forget() when the link is no longer needed.
 */
bool browser_open(struct arena *a, const char *url, const char **ret_page);
/* Removes the page. NULL is allowed. */
void browser_forget(const char *page);
