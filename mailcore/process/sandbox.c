/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

/* Allowed with any arguments: they reach nothing but descriptors and memory of the process. */
static const int allowed[] = {
    SCMP_SYS(accept4),
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(close),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(getpeername),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getsockopt),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(read),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(setsockopt),
    SCMP_SYS(write),
    SCMP_SYS(writev),
#ifdef SANITIZED
    /* Of the sanitizers' own runtime; a build for users has no such calls. */
    SCMP_SYS(sigaltstack),
#endif
};

/* Allowed when one argument, masked, has one value. */
static const struct {
	int call;
	unsigned int argument;
	scmp_datum_t mask;
	scmp_datum_t value;
} conditional[] = {
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {SCMP_SYS(ioctl), 1, UINT32_MAX, FIONBIO},
    /* With MSG_FASTOPEN they connect. */
    {SCMP_SYS(sendmsg), 2, MSG_FASTOPEN, 0},
    {SCMP_SYS(sendto), 3, MSG_FASTOPEN, 0},
    /* Otherwise a worker could end a listener that the others share with it. */
    {SCMP_SYS(shutdown), 1, UINT32_MAX, SHUT_WR},
};

int
sandbox_enter(void)
{
	const struct scmp_arg_cmp own_process = {
	    .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)getpid()};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = 0;

	if (!filter)
		return -ENOMEM;
	for (size_t i = 0; !error && i < sizeof(allowed) / sizeof(*allowed); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; !error && i < sizeof(conditional) / sizeof(*conditional); i++)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, conditional[i].call, 1,
		    SCMP_CMP(conditional[i].argument, SCMP_CMP_MASKED_EQ, conditional[i].mask,
			conditional[i].value));
	/* abort() signals the process itself; nobody else can be signalled. */
	if (!error)
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, own_process);
	/* The filter's code is a tree over the call's number, not one comparison after the other.
	 */
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}
