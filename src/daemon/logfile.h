/* SPDX-License-Identifier: Apache-2.0 */
/* The log file, opened by the supervisor and handed to every role. */
#pragma once

#include "base/err.h"

/* For appending, 0600; the file's directory is made (0700) when missing. ERR_CONFIG with what to do. */
enum err logfile_open(const char *path, int *ret_fd, struct errinfo *ei);
