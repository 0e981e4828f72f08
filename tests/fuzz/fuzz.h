/* SPDX-License-Identifier: BSD-3-Clause */
/* What every libFuzzer target has: its two functions, a check that is never compiled out, and an
 * EAL that is quiet. */
#ifndef POLLUX_FUZZ_FUZZ_H
#define POLLUX_FUZZ_FUZZ_H

#include <stdlib.h>

#include <pollux/eal.h>
#include <pollux/pktbuf.h>

#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x))                                                                          \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_eal_up(void)
{
	const struct plx_eal_config config = {.no_huge = true, .log_levels = "off"};

	CHECK(plx_eal_init(&config) == 0);
}

/** Make it larger than the rings, so that a leak shows; not by so much that it cannot run empty. */
static inline struct plx_pktbuf_pool *fuzz_pool(uint32_t count)
{
	const struct plx_pktbuf_pool_config config = {.count = count};
	struct plx_pktbuf_pool *pool = plx_pktbuf_pool_open(&config);

	CHECK(pool);
	return pool;
}

#endif /* POLLUX_FUZZ_FUZZ_H */
