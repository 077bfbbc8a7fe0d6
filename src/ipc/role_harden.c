/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process of ours gives up before it reads its first byte. Must never depend on configuration:
 * there is none yet.
 */
#include "ipc/role.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

void role_harden(int first_fd)
{
	const struct rlimit no_core = {0, 0};

	/* Secrets are in memory: neither a core file nor another process of this user may read it. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    setrlimit(RLIMIT_CORE, &no_core) != 0)
		abort();
	if (close_range((unsigned)first_fd, ~0u, 0) != 0)
		for (int fd = first_fd; fd < (int)sysconf(_SC_OPEN_MAX); fd++)
			close(fd);
	umask(077);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* Ctrl-C and a service manager's TERM reach every process of the group; the order of stopping is the supervisor's. */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
}

void role_limit(unsigned fds, bool alone)
{
	const struct rlimit none = {0, 0};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max < fds ? limit.rlim_max : fds;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
#ifdef __SANITIZE_ADDRESS__
	alone = false; /* the leak checker starts a helper at the end */
#endif
	if (alone)
		setrlimit(RLIMIT_NPROC, &none);
}
