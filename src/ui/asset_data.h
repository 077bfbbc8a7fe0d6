/* SPDX-License-Identifier: Apache-2.0 */
/* The files of web/ as the build put them into the program (tools/embed writes the .c). */
#pragma once

#include <stddef.h>

struct asset_file {
	const char *name; /* "style.css" */
	const char *text;
	size_t bytes;
};

extern const struct asset_file asset_files[];
extern const size_t asset_file_count;
