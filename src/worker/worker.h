/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's process (DESIGN §2): HTTP API and pages; asks the clerk for whatever needs a provider. */
#pragma once

/* Runs the role on its control pair (descriptor 3) until it has stopped; the process's exit code. */
int worker_main(const char *name);
