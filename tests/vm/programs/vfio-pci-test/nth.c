/* SPDX-License-Identifier: BSD-3-Clause */
/* Fault injection by /proc/thread-self/fail-nth; see nth.h. Used by the fail commands of
 * vfio-pci-test and dma-test. */
#include "nth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "raw.h"

static int nth_fd;

void nth_open(void)
{
	nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (nth_fd < 0)
		die("/proc/thread-self/fail-nth");
}

/* Writing the number can itself be what fails. */
void nth_arm(unsigned int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	while (pwrite(nth_fd, text, strlen(text), 0) < 0)
		if (errno != EFAULT && errno != ENOMEM)
			die("/proc/thread-self/fail-nth");
}

bool nth_disarm(void)
{
	char text[16] = "";
	/* It reads zero when it has fired. */
	bool fired = pread(nth_fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) == 0;

	nth_arm(0);
	return fired;
}
