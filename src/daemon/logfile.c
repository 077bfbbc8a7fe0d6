/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the log file. Must never follow a link in its place, nor give others a look. */
#include "daemon/logfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Makes the last directory of the path. */
static void make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEANUP(mem_free_str) char *parent = NULL;

	if (!slash || slash == path)
		return;
	parent = mem_strndup(slice_make(path, (size_t)(slash - path)));
	mkdir(parent, 0700);
}

enum err logfile_open(const char *path, int *ret_fd, struct errinfo *ei)
{
	struct stat st;
	int fd;

	make_parent(path);
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*ret_fd = fd;
		return ERR_OK;
	}
	err_hint(ei, ERR_CONFIG, "Set FIBERWISE_LOG_FILE to a file that this user may write.");
	if (fd >= 0) {
		close(fd);
		return err_set(ei, ERR_CONFIG, "the log file %s is not a regular file", path);
	}
	return err_set(ei, ERR_CONFIG, "cannot open the log file %s: %s", path, strerror(errno));
}
