/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SIGBUS handler; see sigbus.h. region.c guards what it maps. The table is of fixed size and
 * its entries change atomically, for the handler may run in any thread at any time; it only calls
 * what signal-safety(7) and the kernel allow: mmap() and memset() are system call and plain code.
 */
#include "vfio/sigbus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pollux/log.h>

PLX_LOG_USE(vfio);

#define RANGES 4096

/* len 0: the entry is free. len is stored last and cleared first. */
static struct range {
	uintptr_t va;
	size_t len;
} ranges[RANGES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int count; /* lock */
static size_t high;	   /* entries ever used; the handler looks at no more */
static struct sigaction former;
static unsigned long caught;
static size_t page_size;

/* --- Handler --------------------------------------------------------------------------------- */

static bool is_guarded(uintptr_t va)
{
	size_t n = __atomic_load_n(&high, __ATOMIC_ACQUIRE), i;

	for (i = 0; i < n; i++) {
		size_t len = __atomic_load_n(&ranges[i].len, __ATOMIC_ACQUIRE);

		if (len && va - ranges[i].va < len)
			return true;
	}
	return false;
}

/* The page that was touched becomes memory that reads all ones; writes to it go nowhere. */
static bool replace_page(uintptr_t va)
{
	void *page = (void *)(va & ~(uintptr_t)(page_size - 1));

	if (mmap(page, page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		return false;
	memset(page, 0xff, page_size);
	__atomic_add_fetch(&caught, 1, __ATOMIC_RELAXED);
	return true;
}

/* As if we were not here: the default ends the process at the access that is made again. */
static void pass_on(int number, siginfo_t *info, void *context)
{
	bool sent = info->si_code <= 0;

	if (former.sa_flags & SA_SIGINFO) {
		former.sa_sigaction(number, info, context);
	} else if (former.sa_handler == SIG_IGN && sent) {
		return;
	} else if (former.sa_handler == SIG_DFL || former.sa_handler == SIG_IGN) {
		struct sigaction action = {.sa_handler = SIG_DFL};

		sigaction(SIGBUS, &action, NULL);
		/* One that was sent does not come again by itself. */
		if (sent)
			raise(SIGBUS);
	} else {
		former.sa_handler(number);
	}
}

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	uintptr_t va = (uintptr_t)info->si_addr;

	if (info->si_code <= 0 || !is_guarded(va) || !replace_page(va))
		pass_on(number, info, context);
	errno = saved;
}

/* --- Table ----------------------------------------------------------------------------------- */

static int install(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
	};

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	sigemptyset(&action.sa_mask);
	return sigaction(SIGBUS, &action, &former) ? -errno : 0;
}

static void put_back(void)
{
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_flags & SA_SIGINFO &&
	    now.sa_sigaction == on_sigbus)
		sigaction(SIGBUS, &former, NULL);
}

static int enter(uintptr_t va, size_t len)
{
	size_t i;

	for (i = 0; i < RANGES && ranges[i].len; i++)
		;
	if (i == RANGES)
		return -ENOSPC;
	ranges[i].va = va;
	__atomic_store_n(&ranges[i].len, len, __ATOMIC_RELEASE);
	if (i >= high)
		__atomic_store_n(&high, i + 1, __ATOMIC_RELEASE);
	return 0;
}

int plx_sigbus_guard(void *va, size_t len)
{
	int err = 0;

	pthread_mutex_lock(&lock);
	if (count == 0)
		err = install();
	if (!err)
		err = enter((uintptr_t)va, len);
	if (!err)
		count++;
	else if (count == 0)
		put_back();
	pthread_mutex_unlock(&lock);
	if (err)
		PLX_WARN(vfio,
			 "removal of a device may end the process: its BAR cannot be guarded "
			 "against SIGBUS: %s",
			 strerror(-err));
	return err;
}

void plx_sigbus_unguard(void *va)
{
	size_t i;

	pthread_mutex_lock(&lock);
	for (i = 0; i < high && (ranges[i].va != (uintptr_t)va || !ranges[i].len); i++)
		;
	if (i < high) {
		__atomic_store_n(&ranges[i].len, 0, __ATOMIC_RELEASE);
		if (--count == 0)
			put_back();
	}
	pthread_mutex_unlock(&lock);
}

unsigned long plx_sigbus_caught(void)
{
	return __atomic_load_n(&caught, __ATOMIC_RELAXED);
}
