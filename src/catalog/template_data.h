/* SPDX-License-Identifier: Apache-2.0 */
/* The files of providers/ as the build put them into the program (tools/embed writes the .c). */
#pragma once

#include <stddef.h>

struct template_file {
	const char *name; /* "google.json" */
	const char *text;
	size_t bytes;
};

extern const struct template_file template_files[];
extern const size_t template_file_count;
