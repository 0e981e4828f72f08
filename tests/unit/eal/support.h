/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of lib/eal share: the log as a user would read it, an EAL without hugepages, and a
 * look at what the process holds. */
#ifndef POLLUX_TESTS_EAL_SUPPORT_H
#define POLLUX_TESTS_EAL_SUPPORT_H

#include <pollux/eal.h>

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

/** From here on log lines are kept and not printed. */
void log_keep(void);
/** Print them again. */
void log_print(void);
/** Is the text in what was logged since the last log_clear()? Prints the log if not. */
bool logged(const char *text);
void log_clear(void);
/** How many lines have been logged since the last log_clear(). */
unsigned int log_lines(void);

/** Suite fixture: an EAL of small pages, its log kept. */
int eal_up(void);
int eal_down(void);

/** Open files, lines of /proc/self/maps, threads. */
struct held {
	int fds;
	int maps;
	int threads;
	long locked_kib;
};
/** While the EAL is down: once no thread but this one is in /proc; joined ones linger there. */
struct held held_now(void);
/** The same, once threads that have been joined since are out of /proc, too. */
struct held held_after(const struct held *before);

/** A CPU of this process, as a list of lcores: one node, however many the machine has. */
const char *one_lcore(void);

/** Run fn in a forked child. Return: its return value (0 to 127), or 128 plus the signal. */
int in_child(int (*fn)(void *arg), void *arg);

/** From here on a system call of this process fails with an errno (seccomp). Only in a child. */
int refuse_syscall(int number, int error);

#endif /* POLLUX_TESTS_EAL_SUPPORT_H */
