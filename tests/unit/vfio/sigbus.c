/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/vfio/sigbus.c: an access to a BAR that is gone reads all ones; other SIGBUS are others'. */
#include "vfio/sigbus.h"

#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner.h"
#include "suites.h"

#define PAGE 4096u

/* Two pages of a file that is then cut off: the kernel raises SIGBUS, as for a BAR taken away. */
static volatile uint32_t *gone(void)
{
	int fd = memfd_create("bar", MFD_CLOEXEC);
	void *va;

	CU_ASSERT_FATAL(fd >= 0 && ftruncate(fd, 2 * PAGE) == 0);
	va = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CU_ASSERT_FATAL(va != MAP_FAILED);
	*(volatile uint32_t *)va = 0x12345678;
	CU_ASSERT_FATAL(ftruncate(fd, 0) == 0);
	close(fd);
	return va;
}

static void reads_all_ones(void)
{
	volatile uint32_t *bar = gone();
	unsigned long before = plx_sigbus_caught();

	UNIT_EQ(plx_sigbus_guard((void *)bar, 2 * PAGE), 0);
	UNIT_EQ(bar[0], 0xffffffff);
	bar[1] = 5; /* goes nowhere, but does no harm */
	UNIT_EQ(bar[2], 0xffffffff);
	bar[PAGE / 4] = 7; /* a write first */
	UNIT_EQ(bar[PAGE / 4 + 1], 0xffffffff);
	UNIT_EQ(plx_sigbus_caught() - before, 2);
	plx_sigbus_unguard((void *)bar);
	munmap((void *)bar, 2 * PAGE);
}

static sigjmp_buf back;
static volatile int seen;

static void application_handler(int number)
{
	seen++;
	siglongjmp(back, 1);
}

static void others_go_on(void)
{
	struct sigaction action = {.sa_handler = application_handler}, before, now;
	volatile uint32_t *bar = gone(), *other = gone();

	sigaction(SIGBUS, &action, &before);
	UNIT_EQ(plx_sigbus_guard((void *)bar, 2 * PAGE), 0);
	if (!sigsetjmp(back, 1))
		(void)other[0];
	UNIT_EQ(seen, 1);
	UNIT_EQ(bar[0], 0xffffffff);
	UNIT_EQ(seen, 1);
	plx_sigbus_unguard((void *)bar);
	sigaction(SIGBUS, NULL, &now);
	CU_ASSERT(now.sa_handler == application_handler);
	sigaction(SIGBUS, &before, NULL);
	munmap((void *)bar, 2 * PAGE);
	munmap((void *)other, 2 * PAGE);
}

static void default_still_ends(void)
{
	volatile uint32_t *bar = gone(), *other = gone();
	pid_t pid;
	int status;

	UNIT_EQ(plx_sigbus_guard((void *)bar, 2 * PAGE), 0);
	pid = fork();
	if (pid == 0) {
		(void)other[0];
		_exit(0);
	}
	waitpid(pid, &status, 0);
#ifdef __SANITIZE_ADDRESS__
	CU_ASSERT(!WIFEXITED(status) || WEXITSTATUS(status) != 0); /* ASan has its say */
#else
	UNIT_EQ(WIFSIGNALED(status) ? WTERMSIG(status) : 0, SIGBUS);
#endif
	plx_sigbus_unguard((void *)bar);
	munmap((void *)bar, 2 * PAGE);
	munmap((void *)other, 2 * PAGE);
}

/* One that somebody sends, where the application wants to know nothing of it. */
static void ignored_is_ignored(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
	volatile uint32_t *bar = gone();
	pid_t pid;
	int status;

	sigaction(SIGBUS, &ignore, &before);
	UNIT_EQ(plx_sigbus_guard((void *)bar, 2 * PAGE), 0);
	pid = fork();
	if (pid == 0) {
		raise(SIGBUS);
		_exit(7);
	}
	waitpid(pid, &status, 0);
	UNIT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7);
	plx_sigbus_unguard((void *)bar);
	sigaction(SIGBUS, &before, NULL);
	munmap((void *)bar, 2 * PAGE);
}

static void after_unguard(void)
{
	struct sigaction now, before;
	volatile uint32_t *bar = gone(), *second = gone();

	sigaction(SIGBUS, NULL, &before);
	UNIT_EQ(plx_sigbus_guard((void *)bar, 2 * PAGE), 0);
	UNIT_EQ(plx_sigbus_guard((void *)second, 2 * PAGE), 0);
	plx_sigbus_unguard((void *)bar);
	UNIT_EQ(second[0], 0xffffffff);
	plx_sigbus_unguard((void *)second);
	plx_sigbus_unguard((void *)second);
	sigaction(SIGBUS, NULL, &now);
	CU_ASSERT(now.sa_handler == before.sa_handler);
	munmap((void *)bar, 2 * PAGE);
	munmap((void *)second, 2 * PAGE);
}

CU_TestInfo sigbus_tests[] = {
	{"a BAR that is gone reads all ones", reads_all_ones},
	{"a SIGBUS elsewhere is the application's", others_go_on},
	{"and ends a process that has no handler", default_still_ends},
	{"one that is sent and ignored stays ignored", ignored_is_ignored},
	{"the former handler comes back with the last", after_unguard},
	CU_TEST_INFO_NULL,
};
