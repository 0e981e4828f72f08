/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every CUnit program of tests/unit shares. A program is a main.c that lists its suites:
 *
 *	static CU_TestInfo heap_tests[] = {{"alloc aligned", alloc_aligned}, CU_TEST_INFO_NULL};
 *	static CU_SuiteInfo suites[] = {{"heap", NULL, NULL, NULL, NULL, heap_tests},
 *					CU_SUITE_INFO_NULL};
 *	int main(void) { return unit_run(suites); }
 */
#ifndef POLLUX_TESTS_RUNNER_H
#define POLLUX_TESTS_RUNNER_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>
#include <stdbool.h>

/** Run all suites, print each test and the summary; the exit status of main(). */
int unit_run(CU_SuiteInfo *suites);

/** Assert that an integer has a value, and print both if it has not. */
#define UNIT_EQ(actual, expected)                                                                  \
	unit_eq((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
void unit_eq(long long actual, long long expected, const char *what, const char *file, int line);

/** Assert that a string has a value, and print both if it has not. */
#define UNIT_STR(actual, expected) unit_str((actual), (expected), #actual, __FILE__, __LINE__)
void unit_str(const char *actual, const char *expected, const char *what, const char *file,
	      int line);

/** Skip (exit status 77, which meson shows as SKIP) the whole program, with the reason. */
void unit_skip_all(const char *reason) __attribute__((noreturn));

#endif /* POLLUX_TESTS_RUNNER_H */
