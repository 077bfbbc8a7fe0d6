/* SPDX-License-Identifier: Apache-2.0 */
/* A frame from another role: sender, receiver, then the bytes. What decodes must encode to the same bytes again. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "ipc/ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ipc_message m;
	struct buf again;
	char *frame;

	if (size < 2)
		return 0;
	frame = mem_calloc(size - 2, 1); /* of its own, so that reading past the end shows */
	if (size > 2)
		memcpy(frame, data + 2, size - 2);
	if (ipc_decode(slice_make(frame, size - 2), (enum ipc_role)data[0], (enum ipc_role)data[1], &m) == ERR_OK) {
		const char *fields = ipc_fields(m.kind);

		if (!ipc_allowed(m.kind, (enum ipc_role)data[0], (enum ipc_role)data[1]))
			abort();
		for (size_t i = 0; fields[i]; i++)
			if (fields[i] == 'f')
				m.field[i].fd = 0;
		buf_init(&again, IPC_BODY_MAX);
		if (ipc_encode(&m, &again) != ERR_OK || again.n != size - 2 || memcmp(again.p, frame, again.n) != 0)
			abort();
		buf_done(&again);
	}
	free(frame);
	return 0;
}
