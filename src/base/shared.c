/* SPDX-License-Identifier: Apache-2.0 */
/* Shared memory. Must never hand out any that can be cut short: who reads behind the new end would be ended by a signal. */
#include "base/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

static enum err failed(const char *what, const char *name, struct errinfo *ei)
{
	return err_set(ei, ERR_CONFIG, "cannot %s the shared memory of the %s: %s", what, name, strerror(errno));
}

enum err shared_create(const char *name, size_t bytes, int *ret_fd, struct errinfo *ei)
{
	char label[64];
	int fd;

	snprintf(label, sizeof label, "fiberd %s", name);
	fd = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return failed("make", name, ei);
	if (ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
		enum err e = failed("size", name, ei);

		close(fd);
		return e;
	}
	*ret_fd = fd;
	return ERR_OK;
}

enum err shared_map(const char *name, size_t bytes, int fd, void **ret, struct errinfo *ei)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)bytes)
		return err_set(ei, ERR_CONFIG, "the shared memory of the %s has another size: are all of one version?", name);
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return failed("map", name, ei);
	*ret = p;
	return ERR_OK;
}

void shared_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}
