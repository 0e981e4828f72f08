/* SPDX-License-Identifier: BSD-3-Clause */
/* Mempools: all objects come out once, caches fill and flush, threads, double frees are found. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>
#include <pollux/mempool.h>

#include "runner.h"
#include "suites.h"

#define COUNT 1000

int net_eal_up(void)
{
	struct plx_eal_config config = {.no_huge = true, .log_levels = "off"};

	return plx_eal_init(&config);
}

int net_eal_down(void)
{
	return plx_eal_fini();
}

static struct plx_mempool *open_pool(uint32_t count, uint32_t cache, bool no_cache)
{
	struct plx_mempool_config config = {
		.name = "test", .count = count, .size = 100, .cache = cache, .no_cache = no_cache};

	return plx_mempool_open(&config);
}

/* Take all objects in bursts of n, check that each is new and aligned, and give them back. */
static void drain(struct plx_mempool *mp, uint32_t n)
{
	void *objs[COUNT];
	uint32_t got = 0, i;

	while (got + n <= COUNT && plx_mempool_get(mp, &objs[got], n) == 0)
		got += n;
	UNIT_EQ(got, COUNT / n * n);
	for (i = 0; i < got; i++) {
		UNIT_EQ((uintptr_t)objs[i] % PLX_CACHE_LINE, 0);
		/* Whoever got it twice finds the mark. */
		UNIT_EQ(*(uint32_t *)objs[i], 0);
		*(uint32_t *)objs[i] = 1;
	}
	for (i = 0; i < got; i++)
		*(uint32_t *)objs[i] = 0;
	for (i = 0; i < got; i += n)
		plx_mempool_put(mp, &objs[i], n);
	UNIT_EQ(plx_mempool_available(mp), COUNT);
	UNIT_EQ(plx_mempool_audit(mp), 0);
}

static void all_objects_once(void)
{
	static const uint32_t bursts[] = {1, 3, 8, 32, 100, 500};
	unsigned int i, no_cache;

	for (no_cache = 0; no_cache < 2; no_cache++) {
		struct plx_mempool *mp = open_pool(COUNT, 64, no_cache);

		CU_ASSERT_PTR_NOT_NULL_FATAL(mp);
		for (i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
			drain(mp, bursts[i]);
		UNIT_EQ(plx_mempool_close(mp), 0);
	}
}

static void empty_pool_gives_enomem(void)
{
	struct plx_mempool *mp = open_pool(40, 0, false);
	void *objs[41];

	UNIT_EQ(plx_mempool_get(mp, objs, 41), -ENOMEM);
	UNIT_EQ(plx_mempool_available(mp), 40);
	UNIT_EQ(plx_mempool_get(mp, objs, 40), 0);
	UNIT_EQ(plx_mempool_get(mp, &objs[40], 1), -ENOMEM);
	UNIT_EQ(mp->exhausted, 2);
	plx_mempool_put(mp, objs, 40);
	UNIT_EQ(plx_mempool_close(mp), 0);
}

/* The get that cannot be had whole leaves nothing behind. */
static void partial_get_takes_nothing(void)
{
	struct plx_mempool *mp = open_pool(100, 16, false);
	void *objs[101];

	UNIT_EQ(plx_mempool_get(mp, objs, 90), 0);
	UNIT_EQ(plx_mempool_get(mp, &objs[90], 11), -ENOMEM);
	UNIT_EQ(plx_mempool_available(mp), 10);
	UNIT_EQ(plx_mempool_get(mp, &objs[90], 10), 0);
	plx_mempool_put(mp, objs, 100);
	UNIT_EQ(plx_mempool_available(mp), 100);
	UNIT_EQ(plx_mempool_close(mp), 0);
}

static void cache_keeps_bounds(void)
{
	struct plx_mempool *mp = open_pool(COUNT, 64, false);
	struct plx_mempool_cache *cache = mp->caches[plx_lcore_id()];
	void *objs[COUNT];
	uint32_t i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(cache);
	UNIT_EQ(cache->size, 64);
	UNIT_EQ(cache->limit, 96);
	UNIT_EQ(plx_mempool_get(mp, objs, 32), 0);
	UNIT_EQ(cache->len, 64);
	UNIT_EQ(cache->refills, 1);
	for (i = 0; i < 30; i++)
		UNIT_EQ(plx_mempool_get(mp, &objs[32 + 32 * i], 32), 0);
	for (i = 0; i < 31; i++) {
		plx_mempool_put(mp, &objs[32 * i], 32);
		CU_ASSERT(cache->len <= cache->limit);
	}
	CU_ASSERT(cache->flushes > 0);
	UNIT_EQ(plx_mempool_audit(mp), 0);
	UNIT_EQ(plx_mempool_close(mp), 0);
}

static void bad_configs(void)
{
	static const struct plx_mempool_config bad[] = {
		{.count = 0, .size = 64},
		{.count = 64, .size = 0},
		{.count = 64, .size = 64, .align = 48},
		{.count = 4096, .size = 64, .cache = PLX_MEMPOOL_CACHE_MAX + 1},
		{.count = 64, .size = 64, .cache = 64},
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CU_ASSERT_PTR_NULL(plx_mempool_open(&bad[i]));
		UNIT_EQ(errno, EINVAL);
	}
}

static void close_with_objects_out(void)
{
	struct plx_mempool *mp = open_pool(64, 0, true);
	void *obj;

	UNIT_EQ(plx_mempool_get(mp, &obj, 1), 0);
	UNIT_EQ(plx_mempool_close(mp), -EBUSY);
	plx_mempool_put(mp, &obj, 1);
	UNIT_EQ(plx_mempool_close(mp), 0);
	UNIT_EQ(plx_mempool_close(NULL), 0);
}

static void double_free_is_found(void)
{
	struct plx_mempool *mp = open_pool(64, 8, false);
	void *objs[2], *stranger = &objs;

	UNIT_EQ(plx_mempool_get(mp, objs, 2), 0);
	plx_mempool_put(mp, &objs[0], 1);
	plx_mempool_put(mp, &objs[0], 1);
	UNIT_EQ(plx_mempool_audit(mp), 1);
	/* The duplicate is taken out again, then the pool is whole. */
	UNIT_EQ(plx_mempool_get(mp, &objs[0], 1), 0);
	plx_mempool_put(mp, &objs[1], 1);
	UNIT_EQ(plx_mempool_audit(mp), 0);
	plx_mempool_get(mp, objs, 1);
	plx_mempool_put(mp, &stranger, 1);
	UNIT_EQ(plx_mempool_audit(mp), 1);
	plx_mempool_get(mp, &stranger, 1);
	plx_mempool_put(mp, objs, 1);
	UNIT_EQ(plx_mempool_close(mp), 0);
}

/* More frees than there are objects do not run over the store. */
static void flood_of_frees_is_bounded(void)
{
	struct plx_mempool *mp = open_pool(64, 0, true);
	void *obj;
	unsigned int i;

	UNIT_EQ(plx_mempool_get(mp, &obj, 1), 0);
	for (i = 0; i < 1000; i++)
		plx_mempool_put(mp, &obj, 1);
	UNIT_EQ(mp->store_len, 64);
	UNIT_EQ(mp->overflows, 999);
	CU_ASSERT(plx_mempool_audit(mp) >= 999);
	UNIT_EQ(plx_mempool_close(mp), 0);
}

static void *worker(void *arg)
{
	struct plx_mempool *mp = arg;
	void *objs[64];
	unsigned int round, errors = 0;

	for (round = 0; round < 20000; round++) {
		uint32_t n = 1 + round % 64, i;

		if (plx_mempool_get(mp, objs, n))
			continue;
		for (i = 0; i < n; i++)
			errors += __atomic_exchange_n((uint32_t *)objs[i], 1, __ATOMIC_RELAXED);
		for (i = 0; i < n; i++)
			__atomic_store_n((uint32_t *)objs[i], 0, __ATOMIC_RELAXED);
		plx_mempool_put(mp, objs, n);
	}
	return (void *)(uintptr_t)errors;
}

/* Threads that are no lcore share the store; no object is in two hands. */
static void threads_share_the_store(void)
{
	struct plx_mempool *mp = open_pool(200, 16, false);
	pthread_t threads[4];
	unsigned int i;
	void *errors;

	for (i = 0; i < 4; i++)
		UNIT_EQ(pthread_create(&threads[i], NULL, worker, mp), 0);
	CU_ASSERT_PTR_NULL(worker(mp));
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &errors);
		CU_ASSERT_PTR_NULL(errors);
	}
	UNIT_EQ(plx_mempool_available(mp), 200);
	UNIT_EQ(plx_mempool_audit(mp), 0);
	UNIT_EQ(plx_mempool_close(mp), 0);
}

#define GUESTS 16

static pthread_barrier_t guests_in, guests_out;

static void *guest(void *arg)
{
	int id = plx_lcore_register();

	pthread_barrier_wait(&guests_in);
	pthread_barrier_wait(&guests_out);
	plx_lcore_unregister();
	return id < 0 ? arg : NULL;
}

/* Else a get could fail while the objects lie in the caches of threads that do nothing. */
static void caches_of_guests_leave_something(void)
{
	pthread_t threads[GUESTS];
	struct plx_mempool *mp;
	uint32_t held = 0, caches = 0;
	unsigned int i;
	void *failed;

	pthread_barrier_init(&guests_in, NULL, GUESTS + 1);
	pthread_barrier_init(&guests_out, NULL, GUESTS + 1);
	for (i = 0; i < GUESTS; i++)
		pthread_create(&threads[i], NULL, guest, &guests_in);
	pthread_barrier_wait(&guests_in);
	mp = open_pool(COUNT, 0, false);
	CU_ASSERT_PTR_NOT_NULL_FATAL(mp);
	for (i = 0; i < PLX_LCORE_MAX; i++) {
		if (!mp->caches[i])
			continue;
		held += mp->caches[i]->limit;
		caches++;
	}
	UNIT_EQ(caches, plx_lcore_count() + GUESTS);
	CU_ASSERT(held <= COUNT * 3 / 4);
	errno = 0;
	CU_ASSERT_PTR_NULL(open_pool(COUNT, COUNT / GUESTS, false));
	UNIT_EQ(errno, EINVAL);
	UNIT_EQ(plx_mempool_close(mp), 0);
	pthread_barrier_wait(&guests_out);
	for (i = 0; i < GUESTS; i++) {
		pthread_join(threads[i], &failed);
		CU_ASSERT_PTR_NULL(failed);
	}
	pthread_barrier_destroy(&guests_in);
	pthread_barrier_destroy(&guests_out);
}

CU_TestInfo mempool_tests[] = {
	{"all objects come out once", all_objects_once},
	{"an empty pool gives -ENOMEM", empty_pool_gives_enomem},
	{"a get is all or nothing", partial_get_takes_nothing},
	{"the cache keeps its bounds", cache_keeps_bounds},
	{"bad configurations", bad_configs},
	{"close with objects out", close_with_objects_out},
	{"double free and stranger are found", double_free_is_found},
	{"a flood of frees is bounded", flood_of_frees_is_bounded},
	{"threads share the store", threads_share_the_store},
	{"caches of registered threads leave something", caches_of_guests_leave_something},
	CU_TEST_INFO_NULL,
};
