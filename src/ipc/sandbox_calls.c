/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seccomp: which system calls each role makes once it has started. Any other ends the process, and only it; the kernel
 * does that before the call does anything. Must never let a role but the supervisor start a program, make executable
 * memory, or look into another process; nor anybody but the courier connect to something.
 */
#include "ipc/sandbox.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/mem.h"

/* What must be true of a call's arguments besides. */
enum only {
	ANY,
	NO_CODE,  /* memory that is not executable */
	THREAD,	  /* a thread, no process */
	NO_SPACE, /* a process or thread, in no namespace of its own */
	ITSELF,	  /* a signal to this process: abort() and raise() */
	ASKS,	  /* a limit is asked for, not set */
	NAMES,	  /* the name of a thread, or of memory */
	INTERNET, /* a socket of IPv4 or IPv6: no raw packets, no netlink, no local sockets by name */
	ABSENT,	  /* answered as by a kernel that does not have it, for those who try the new call first */
};

struct call {
	int number;
	enum only only;
};

#define CALL(name) \
	{ \
		SCMP_SYS(name), ANY \
	}
#define CALL_IF(name, only) \
	{ \
		SCMP_SYS(name), only \
	}

/* The loop, memory, the clock, messages between roles, log lines, and an end. */
static const struct call every[] = {
	CALL(read),
	CALL(readv),
	CALL(write),
	CALL(writev),
	CALL(close),
	CALL(fstat),
	CALL(newfstatat),
	CALL(lseek),
	CALL(recvmsg),
	CALL(recvfrom),
	CALL(sendmsg),
	CALL(getsockopt),
	CALL(poll),
	CALL(ppoll),
	CALL(epoll_create1),
	CALL(epoll_ctl),
	CALL(epoll_wait),
	CALL(epoll_pwait),
	CALL(epoll_pwait2),
	CALL(eventfd2),
	CALL(pipe2),
	CALL(ioctl), /* FIONBIO, by libuv */
	CALL(fcntl),
	CALL(dup),
	CALL(dup3), /* SIGHUP's new log file takes the old one's number */
	CALL(memfd_create),
	CALL(ftruncate), /* messages that fill no frame */
	CALL_IF(mmap, NO_CODE),
	CALL_IF(mprotect, NO_CODE),
	CALL(munmap),
	CALL(mremap),
	CALL(madvise),
	CALL(mlock),
	CALL(munlock),
	CALL(brk),
	CALL(futex),
	CALL(sched_yield),
	CALL(sched_getaffinity),
	CALL(getcpu),
	CALL(membarrier),
	CALL(rseq),
	CALL(set_robust_list),
	CALL(clock_gettime),
	CALL(clock_getres),
	CALL(gettimeofday),
	CALL(time),
	CALL(clock_nanosleep),
	CALL(nanosleep),
	CALL(getrandom),
	CALL(rt_sigaction),
	CALL(rt_sigprocmask),
	CALL(rt_sigreturn),
	CALL(sigaltstack),
	CALL(restart_syscall),
	CALL(getpid),
	CALL(gettid),
	CALL(getuid),
	CALL(geteuid),
	CALL(getgid),
	CALL(getegid),
	CALL_IF(tgkill, ITSELF),
	CALL_IF(prlimit64, ASKS),
	CALL_IF(prctl, NAMES),
	CALL(exit),
	CALL(exit_group),
	/* Newer libuv and libc try these, and do without. io_uring would be a way around this very list. */
	CALL_IF(io_uring_setup, ABSENT),
	CALL_IF(clone3, ABSENT),
};

/* The store thread, the pool that syncs files, pass phrases. */
static const struct call threads[] = {CALL_IF(clone, THREAD)};

/* Opening, reading, growing and syncing files: which ones, Landlock says. */
static const struct call files[] = {
	CALL(openat),	 CALL(open),	   CALL(stat),	     CALL(lstat),      CALL(statx),  CALL(access),
	CALL(faccessat), CALL(faccessat2), CALL(readlink),   CALL(readlinkat), CALL(getcwd), CALL(pread64),
	CALL(pwrite64),	 CALL(fsync),	   CALL(fdatasync),  CALL(fallocate),  CALL(flock),  CALL(mkdir),
	CALL(mkdirat),	 CALL(fadvise64),  CALL(getdents64),
};

/* SQLite gives a new log the owner and mode of its database; as root it calls fchown(). A log left behind it unlinks. */
static const struct call database[] = {CALL(fchmod), CALL(fchown),  CALL(unlink), CALL(unlinkat),
				       CALL(msync),  CALL(fstatfs), CALL(statfs)};

/* Its key is read by then: no file any more, and no thread. */
static const struct call keeper[] = {CALL(pread64)};

/* socketpair: libcurl wakes itself by one. sysinfo and uname: libcurl and c-ares, at the first request. */
static const struct call courier[] = {
	CALL_IF(socket, INTERNET),
	CALL(connect),
	CALL(sendto),
	CALL(setsockopt),
	CALL(getsockname),
	CALL(getpeername),
	CALL(shutdown),
	CALL(socketpair),
	CALL(unlink),
	CALL(unlinkat),
	CALL(rmdir),
	CALL(uname),
	CALL(sysinfo),
	CALL(msync),
};

/* Who comes is taken in; nobody is called. setpriority: threads that check pass phrases stand back (hashing.c). */
static const struct call worker[] = {
	CALL(accept4),	CALL(setsockopt), CALL(getsockname), CALL(getpeername),
	CALL(shutdown), CALL(sendto),	  CALL(setpriority),
};

/* Takes back a key and directories that it made, when the rest fails. */
static const struct call init[] = {CALL(rmdir), CALL(rename), CALL(renameat), CALL(renameat2)};

/*
 * Starts the others. They keep its filter besides their own, which they can only put on top: so it also has what all of
 * them call, and what a program calls between execve() and its own filter. What is not in it is refused, not fatal: the
 * end of the supervisor is the end of all.
 */
static const struct call supervisor[] = {
	CALL_IF(clone, NO_SPACE),
	CALL(vfork),
	CALL(execve),
	CALL(wait4),
	CALL(waitid),
	CALL(kill),
	CALL(dup2),
	CALL(pipe),
	CALL(close_range),
	CALL(socketpair),
	CALL(accept4),
	CALL(listen),
	CALL(rename),
	CALL(renameat),
	CALL(rmdir),
	CALL(umask),
	CALL(fchmodat),
	CALL(mmap),
	CALL(mprotect),
	CALL(prctl),
	CALL(prlimit64),
	CALL(setrlimit),
	CALL(getrlimit),
	CALL(tgkill),
	CALL(seccomp),
	CALL(landlock_create_ruleset),
	CALL(landlock_add_rule),
	CALL(landlock_restrict_self),
	CALL(arch_prctl),
	CALL(set_tid_address),
	CALL(getppid),
	CALL(setsid),
	CALL(fchdir),
	CALL(chdir),
};

struct set {
	const struct call *calls;
	size_t n;
	unsigned roles;
};

#define SET(array, roles) \
	{ \
		array, ARRAY_LEN(array), (roles) | IPC_SET(SUPERVISOR) \
	}

static const struct set sets[] = {
	SET(every, IPC_CHILDREN),
	SET(threads, IPC_STORE_ROLES | IPC_SET(COURIER)),
	SET(files, IPC_STORE_ROLES | IPC_SET(COURIER) | IPC_SET(INIT)),
	SET(database, IPC_STORE_ROLES | IPC_SET(INIT)),
	SET(keeper, IPC_SET(KEEPER)),
	SET(courier, IPC_SET(COURIER)),
	SET(worker, IPC_SET(WORKER)),
	SET(init, IPC_SET(INIT)),
	SET(supervisor, 0),
};

bool sandbox_calls_possible(void)
{
	const uint32_t action = SECCOMP_RET_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static int allow_if(scmp_filter_ctx f, int number, struct scmp_arg_cmp condition)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, number, 1, condition);
}

/* The kernel's arguments are 64 bits wide even where the call's are not: what is compared is masked. */
static int add(scmp_filter_ctx f, const struct call *c)
{
	static const uint32_t spaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
				       CLONE_NEWUTS | CLONE_NEWCGROUP;
	const uint32_t self = (uint32_t)getpid();
	int failed;

	switch (c->only) {
	case NO_CODE: return allow_if(f, c->number, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	case THREAD: return allow_if(f, c->number, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | spaces, CLONE_THREAD));
	case NO_SPACE: return allow_if(f, c->number, SCMP_A0(SCMP_CMP_MASKED_EQ, spaces, 0));
	case ITSELF: return allow_if(f, c->number, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, self));
	case ASKS: return allow_if(f, c->number, SCMP_A2(SCMP_CMP_EQ, 0));
	case NAMES:
		failed = allow_if(f, c->number, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
		return failed ? failed : allow_if(f, c->number, SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
	case INTERNET:
		failed = allow_if(f, c->number, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_INET));
		return failed ? failed : allow_if(f, c->number, SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, AF_INET6));
	case ABSENT: return seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), c->number, 0);
	case ANY: break;
	}
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 0);
}

/* For the supervisor the wider of two rules counts: libseccomp lets a rule without condition win. */
static int fill(scmp_filter_ctx f, enum ipc_role role)
{
	int failed = 0;

	for (size_t i = 0; !failed && i < ARRAY_LEN(sets); i++)
		for (size_t k = 0; !failed && (sets[i].roles & 1u << role) && k < sets[i].n; k++)
			failed = add(f, &sets[i].calls[k]);
	return failed;
}

enum err sandbox_calls_enter(enum ipc_role role, struct errinfo *ei)
{
	uint32_t otherwise = role == IPC_SUPERVISOR ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
	scmp_filter_ctx f = seccomp_init(otherwise);
	int failed = f ? 0 : -ENOMEM;

	if (!failed)
		failed = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (!failed)
		failed = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Number -1 is what a tracer makes of a call that it forbids: it does nothing. */
	if (!failed && seccomp_attr_set(f, SCMP_FLTATR_API_TSKIP, 1) == 0)
		failed = seccomp_rule_add(f, SCMP_ACT_ALLOW, -1, 0);
	if (!failed)
		failed = fill(f, role);
	if (!failed)
		failed = seccomp_load(f);
	if (f)
		seccomp_release(f);
	return failed ? err_set(ei, ERR_INTERNAL, "the kernel refuses the %s's list of system calls: %s",
				ipc_role_name(role), strerror(-failed))
		      : ERR_OK;
}
