/* SPDX-License-Identifier: Apache-2.0 */
/* Authenticator files: comments, variables, JSON. What is taken must be an object, and refusals must have a sentence. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/authfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Values that would hurt if they became syntax; every second name is unset. */
static const char *environment(const char *name, void *arg)
{
	(void)arg;
	return name[0] & 1 ? "\",\"name\":\"\\\n/*" : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(64u << 20);
	struct errinfo ei = {0};
	struct authfile file;

	if (authfile_parse(a, "f", slice_make(data, size), environment, NULL, &file, &ei) == ERR_OK) {
		if (jsonr_type(file.object) != JSONR_OBJECT || file.count > AUTHFILE_MEMBERS_MAX)
			abort();
		/* Every member the scan saw is one of the object's, unless its name holds an escape. */
		for (size_t i = 0; i < file.count; i++)
			if (!strchr(file.members[i].name, '\\') &&
			    (!jsonr_get(file.object, file.members[i].name) ||
			     authfile_line(&file, file.members[i].name) == 0) &&
			    !strpbrk(file.members[i].name, ".["))
				abort();
	} else if (ei.detail[0] == '\0') {
		abort();
	}
	arena_free(&a);
	return 0;
}
