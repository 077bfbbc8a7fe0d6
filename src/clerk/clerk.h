/* SPDX-License-Identifier: Apache-2.0 */
/* The clerk's process (DESIGN §2): the life of grants, and the only one that speaks to the courier. */
#pragma once

/* Runs the role on its control pair (descriptor 3) until it has stopped; the process's exit code. */
int clerk_main(const char *name);
