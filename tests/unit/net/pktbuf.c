/* SPDX-License-Identifier: BSD-3-Clause */
/* Packet buffers: geometry, data operations, references, chains, external memory. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/pktbuf.h>

#include "runner.h"
#include "suites.h"

#define COUNT 128

static struct plx_pktbuf_pool *pool;

static struct plx_pktbuf_pool *open_pool(uint16_t data_size, uint16_t priv_size)
{
	struct plx_pktbuf_pool_config config = {
		.name = "test", .count = COUNT, .data_size = data_size, .priv_size = priv_size};

	return plx_pktbuf_pool_open(&config);
}

static void setup(void)
{
	pool = open_pool(0, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
}

/* Every buffer is back, none twice, and plain. */
static void teardown(void)
{
	UNIT_EQ(plx_mempool_available(&pool->objs), COUNT);
	UNIT_EQ(plx_mempool_audit(&pool->objs), 0);
	UNIT_EQ(plx_pktbuf_pool_close(pool), 0);
}

static void geometry(void)
{
	struct plx_pktbuf_pool *with_priv = open_pool(4096, 128);
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);

	UNIT_EQ(plx_pktbuf_headroom(p), PLX_PKTBUF_HEADROOM);
	UNIT_EQ(plx_pktbuf_tailroom(p), PLX_PKTBUF_DATA);
	UNIT_EQ(plx_pktbuf_iova(p), plx_iova(plx_pktbuf_data(p)));
	UNIT_EQ(plx_pktbuf_iova(p), (uintptr_t)p + pool->data_iova_delta);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	plx_pktbuf_free(p);

	p = plx_pktbuf_alloc(with_priv);
	UNIT_EQ(plx_pktbuf_tailroom(p), 4096);
	UNIT_EQ((char *)plx_pktbuf_data(p) - (char *)plx_pktbuf_priv(p), 128 + PLX_PKTBUF_HEADROOM);
	UNIT_EQ(plx_pktbuf_iova(p), (uintptr_t)p + with_priv->data_iova_delta);
	plx_pktbuf_free(p);
	UNIT_EQ(plx_pktbuf_pool_close(with_priv), 0);
}

static void bad_configs(void)
{
	CU_ASSERT_PTR_NULL(open_pool(0, 1));
	UNIT_EQ(errno, EINVAL);
	CU_ASSERT_PTR_NULL(open_pool(65535, 0));
	UNIT_EQ(errno, EINVAL);
}

static void data_operations(void)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);
	char *data = plx_pktbuf_append(p, 60), *start;

	CU_ASSERT_PTR_EQUAL(data, plx_pktbuf_data(p));
	start = plx_pktbuf_prepend(p, 14);
	CU_ASSERT_PTR_EQUAL(start, data - 14);
	UNIT_EQ(p->len, 74);
	UNIT_EQ(p->pkt_len, 74);
	CU_ASSERT_PTR_EQUAL(plx_pktbuf_pull(p, 14), data);
	UNIT_EQ(p->pkt_len, 60);
	CU_ASSERT_PTR_NULL(plx_pktbuf_pull(p, 61));
	CU_ASSERT_PTR_NULL(plx_pktbuf_append(p, PLX_PKTBUF_DATA));
	CU_ASSERT_PTR_NULL(plx_pktbuf_prepend(p, PLX_PKTBUF_HEADROOM + 1));
	UNIT_EQ(plx_pktbuf_check(p), 0);
	plx_pktbuf_free(p);
}

static void freed_by_last_reference(void)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);

	plx_pktbuf_ref(p);
	UNIT_EQ(p->refcnt, 2);
	plx_pktbuf_free(p);
	UNIT_EQ(plx_mempool_available(&pool->objs), COUNT - 1);
	UNIT_EQ(p->state, PLX_PKTBUF_PLAIN);
	plx_pktbuf_free(p);
	plx_pktbuf_free(NULL);
}

static struct plx_pktbuf *chain_of(unsigned int n, uint16_t len)
{
	struct plx_pktbuf *head = NULL;

	while (n--) {
		struct plx_pktbuf *p = plx_pktbuf_alloc(pool);

		memset(plx_pktbuf_append(p, len), (int)n, len);
		if (!head)
			head = p;
		else
			UNIT_EQ(plx_pktbuf_chain(head, p), 0);
	}
	return head;
}

static void chains(void)
{
	struct plx_pktbuf *p = chain_of(3, 100), *long_chain, *q;
	char out[300];

	UNIT_EQ(p->nsegs, 3);
	UNIT_EQ(p->pkt_len, 300);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	CU_ASSERT_PTR_NULL(plx_pktbuf_append(p, 1));
	UNIT_EQ(plx_pktbuf_copy_out(p, 99, out, 102), 0);
	UNIT_EQ(out[0], 2);
	UNIT_EQ(out[1], 1);
	UNIT_EQ(out[101], 0);
	UNIT_EQ(plx_pktbuf_copy_out(p, 200, out, 101), -ERANGE);
	UNIT_EQ(plx_pktbuf_copy_out(p, 301, out, 0), -ERANGE);
	p->nsegs = 2;
	UNIT_EQ(plx_pktbuf_check(p), -EINVAL);
	p->nsegs = 3;
	plx_pktbuf_free(p);

	long_chain = chain_of(100, 1);
	q = chain_of(20, 1);
	long_chain->nsegs = 240;
	UNIT_EQ(plx_pktbuf_chain(long_chain, q), -EOVERFLOW);
	long_chain->nsegs = 100;
	plx_pktbuf_free(long_chain);
	plx_pktbuf_free(q);
}

static void shared_chain_lives_on(void)
{
	struct plx_pktbuf *p = chain_of(3, 10);

	plx_pktbuf_ref(p);
	plx_pktbuf_free(p);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	UNIT_EQ(plx_mempool_available(&pool->objs), COUNT - 3);
	plx_pktbuf_free(p);
}

static void free_burst_of_all_kinds(void)
{
	struct plx_pktbuf_pool *other = open_pool(0, 0);
	struct plx_pktbuf *pkts[32], *shared;
	unsigned int i;

	UNIT_EQ(plx_pktbuf_alloc_burst(pool, pkts, 16), 0);
	UNIT_EQ(plx_pktbuf_alloc_burst(other, &pkts[16], 14), 0);
	pkts[30] = chain_of(2, 8);
	pkts[31] = plx_pktbuf_alloc(pool);
	shared = pkts[3];
	plx_pktbuf_ref(shared);
	/* Mix the pools. */
	for (i = 0; i < 16; i += 2) {
		struct plx_pktbuf *p = pkts[i];

		pkts[i] = pkts[31 - i];
		pkts[31 - i] = p;
	}
	plx_pktbuf_free_burst(pkts, 32);
	UNIT_EQ(plx_mempool_available(&pool->objs), COUNT - 1);
	UNIT_EQ(plx_pktbuf_pool_close(other), 0);
	UNIT_EQ(plx_pktbuf_pool_close(pool), -EBUSY);
	plx_pktbuf_free(shared);
}

static unsigned int ext_freed;

static void ext_free(struct plx_pktbuf_ext *ext)
{
	ext_freed++;
	UNIT_EQ(ext->refcnt, 0);
}

static void external_memory(void)
{
	char *memory = plx_dma_alloc(4096, 4096, PLX_NODE_ANY), local[64];
	struct plx_pktbuf_ext ext = {.free = ext_free, .refcnt = 1};
	struct plx_pktbuf *a = plx_pktbuf_alloc(pool), *b = plx_pktbuf_alloc(pool);
	char *own = a->buf;

	ext_freed = 0;
	UNIT_EQ(plx_pktbuf_attach(a, local, sizeof(local), &ext), -EFAULT);
	UNIT_EQ(plx_pktbuf_attach(a, memory, 2000, &ext), 0);
	UNIT_EQ(plx_pktbuf_attach(a, memory, 2000, &ext), -EBUSY);
	ext.refcnt++;
	UNIT_EQ(plx_pktbuf_attach(b, memory + 2000, 96, &ext), 0);
	UNIT_EQ(a->pkt_len, 2000);
	UNIT_EQ(plx_pktbuf_iova(b), plx_iova(memory) + 2000);
	UNIT_EQ(plx_pktbuf_headroom(a), 0);
	UNIT_EQ(plx_pktbuf_tailroom(a), 0);
	UNIT_EQ(plx_pktbuf_chain(a, b), 0);
	UNIT_EQ(plx_pktbuf_check(a), 0);
	plx_pktbuf_ref(a);
	plx_pktbuf_free(a);
	UNIT_EQ(ext_freed, 0);
	plx_pktbuf_free(a);
	UNIT_EQ(ext_freed, 1);
	UNIT_EQ(a->state, PLX_PKTBUF_PLAIN);
	CU_ASSERT_PTR_EQUAL(a->buf, own);
	UNIT_EQ(a->buf_iova, plx_iova(own));
	UNIT_EQ(a->buf_len, PLX_PKTBUF_HEADROOM + PLX_PKTBUF_DATA);
	plx_dma_free(memory);
}

#define WITH_POOL(test)                                                                            \
	static void test##_with_pool(void)                                                         \
	{                                                                                          \
		setup();                                                                           \
		test();                                                                            \
		teardown();                                                                        \
	}
WITH_POOL(geometry)
WITH_POOL(data_operations)
WITH_POOL(freed_by_last_reference)
WITH_POOL(chains)
WITH_POOL(shared_chain_lives_on)
WITH_POOL(free_burst_of_all_kinds)
WITH_POOL(external_memory)

CU_TestInfo pktbuf_tests[] = {
	{"geometry and IOVA", geometry_with_pool},
	{"bad configurations", bad_configs},
	{"append, prepend, pull", data_operations_with_pool},
	{"freed by the last reference", freed_by_last_reference_with_pool},
	{"chains", chains_with_pool},
	{"a shared chain lives on", shared_chain_lives_on_with_pool},
	{"free_burst takes all kinds", free_burst_of_all_kinds_with_pool},
	{"external memory", external_memory_with_pool},
	CU_TEST_INFO_NULL,
};
