/* SPDX-License-Identifier: Apache-2.0 */
/* The API's description and the page made of it, as the build put them into the program (tools/embed writes the .c). */
#pragma once

#include <stddef.h>

struct docs_file {
	const char *name; /* "openapi.json", "api-page.html" */
	const char *text;
	size_t bytes;
};

extern const struct docs_file docs_files[];
extern const size_t docs_file_count;
