/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the suites of one CUnit program; see runner.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <CUnit/Basic.h>

#include "runner.h"

#define EXIT_SKIPPED 77 /* what meson and automake take as "skipped" */

void unit_eq(long long actual, long long expected, const char *what, const char *file, int line)
{
	if (actual != expected)
		fprintf(stderr, "\n    %s:%d: %s is %lld (0x%llx), expected %lld (0x%llx)", file,
			line, what, actual, (unsigned long long)actual, expected,
			(unsigned long long)expected);
	CU_assertImplementation(actual == expected, (unsigned int)line, what, file, "", CU_FALSE);
}

void unit_str(const char *actual, const char *expected, const char *what, const char *file,
	      int line)
{
	bool same = actual && strcmp(actual, expected) == 0;

	if (!same)
		fprintf(stderr, "\n    %s:%d: %s is \"%s\", expected \"%s\"", file, line, what,
			actual ? actual : "(null)", expected);
	CU_assertImplementation(same, (unsigned int)line, what, file, "", CU_FALSE);
}

void unit_skip_all(const char *reason)
{
	printf("skipped: %s\n", reason);
	exit(EXIT_SKIPPED);
}

int unit_run(CU_SuiteInfo *suites)
{
	unsigned int failed;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (CU_initialize_registry() != CUE_SUCCESS || CU_register_suites(suites) != CUE_SUCCESS) {
		fprintf(stderr, "CUnit: %s\n", CU_get_error_msg());
		return EXIT_FAILURE;
	}
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	if (CU_get_number_of_tests_run() == 0) {
		fprintf(stderr, "no test ran\n");
		failed = 1;
	}
	CU_cleanup_registry();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
