/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/dpdk/bridge.c: packets to and fro, whose memory it is, and that none is lost. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pollux/mem.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dpdk.h"
#include "runner.h"
#include "support.h"

#define COUNT 1023

static struct rte_mempool *mbufs;
static struct plx_pktbuf_pool *pkts;
static struct plx_dpdk_bridge *bridge;

static void open_all(void)
{
	mbufs = rte_pktmbuf_pool_create("test", COUNT, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					SOCKET_ID_ANY);
	pkts = plx_pktbuf_pool_open(&(struct plx_pktbuf_pool_config){.count = COUNT});
	bridge = plx_dpdk_bridge_open(&(struct plx_dpdk_bridge_config){.count = 512});
	CU_ASSERT_PTR_NOT_NULL_FATAL(mbufs);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pkts);
	CU_ASSERT_PTR_NOT_NULL_FATAL(bridge);
}

/* Nothing is out, on either side. */
static void close_all(void)
{
	UNIT_EQ(rte_mempool_avail_count(mbufs), COUNT);
	UNIT_EQ(plx_dpdk_bridge_close(bridge), 0);
	UNIT_EQ(plx_pktbuf_pool_close(pkts), 0);
	rte_mempool_free(mbufs);
}

static struct rte_mbuf *make_mbuf(unsigned int segments)
{
	struct rte_mbuf *head = NULL, *m;
	unsigned int i, len;

	for (i = 0; i < segments; i++) {
		m = rte_pktmbuf_alloc(mbufs);
		len = 100 + i;
		memset(rte_pktmbuf_append(m, (uint16_t)len), 'a' + (int)i, len);
		if (head)
			rte_pktmbuf_chain(head, m);
		else
			head = m;
	}
	return head;
}

static void from_dpdk(void)
{
	struct plx_pktbuf *p, *seg;
	struct rte_mbuf *m, *kept;
	plx_iova_t iova;
	unsigned int i;

	open_all();
	m = make_mbuf(3);
	kept = m;
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_RSS_HASH |
		      RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD;
	m->vlan_tci = 77;
	m->hash.rss = 0x12345678;
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, &m, &p, 1), 1);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	UNIT_EQ(p->pkt_len, 303);
	UNIT_EQ(p->nsegs, 3);
	UNIT_EQ(p->flags,
		PLX_PKT_RX_VLAN | PLX_PKT_RX_HASH | PLX_PKT_RX_IP_GOOD | PLX_PKT_RX_L4_BAD);
	UNIT_EQ(p->vlan, 77);
	UNIT_EQ(p->hash, 0x12345678);
	for (seg = p, i = 0; seg; seg = seg->next, m = m->next, i++) {
		/* No copy: the same bytes, and the device would find them. */
		CU_ASSERT_PTR_EQUAL(plx_pktbuf_data(seg), rte_pktmbuf_mtod(m, void *));
		UNIT_EQ(seg->len, 100 + i);
		UNIT_EQ(plx_mem_iova(plx_pktbuf_data(seg), seg->len, &iova), 0);
		UNIT_EQ(plx_pktbuf_iova(seg), iova);
	}
	log_keep();
	UNIT_EQ(plx_dpdk_bridge_close(bridge), -EBUSY);
	CU_ASSERT(logged("1 packets are still on the other side"));
	log_print();
	/* Unshared it goes back as it came. */
	CU_ASSERT_PTR_NOT_NULL(plx_pktbuf_pull(p, 10));
	UNIT_EQ(plx_dpdk_to_mbufs(bridge, &p, &m, 1), 1);
	CU_ASSERT_PTR_EQUAL(m, kept);
	UNIT_EQ(m->pkt_len, 293);
	UNIT_EQ(m->data_len, 90);
	UNIT_EQ(m->ol_flags & RTE_MBUF_F_RX_RSS_HASH, RTE_MBUF_F_RX_RSS_HASH);
	UNIT_EQ(rte_mbuf_check(m, 1, &(const char *){NULL}), 0);
	/* Shared it does not. */
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, &m, &p, 1), 1);
	plx_pktbuf_ref(p);
	UNIT_EQ(plx_dpdk_to_mbufs(bridge, &p, &m, 1), 1);
	CU_ASSERT_PTR_NOT_EQUAL(m, kept);
	UNIT_EQ(m->pkt_len, 293);
	rte_pktmbuf_free(m);
	UNIT_EQ(rte_mempool_avail_count(mbufs), COUNT - 3);
	plx_pktbuf_free(p);
	close_all();
}

static void to_dpdk(void)
{
	struct plx_pktbuf *p, *tail, *kept;
	struct rte_mbuf *m, *seg;

	open_all();
	p = plx_pktbuf_alloc(pkts);
	tail = plx_pktbuf_alloc(pkts);
	kept = p;
	memset(plx_pktbuf_append(p, 60), 'x', 60);
	memset(plx_pktbuf_append(tail, 40), 'y', 40);
	plx_pktbuf_chain(p, tail);
	p->flags = PLX_PKT_TX_TSO | PLX_PKT_TX_TCP | PLX_PKT_TX_IP | PLX_PKT_TX_VLAN;
	p->l2_len = 14;
	p->l3_len = 20;
	p->l4_len = 20;
	p->mss = 1400;
	p->vlan = 5;
	UNIT_EQ(plx_dpdk_to_mbufs(bridge, &p, &m, 1), 1);
	UNIT_EQ(rte_mbuf_check(m, 1, &(const char *){NULL}), 0);
	UNIT_EQ(m->pkt_len, 100);
	UNIT_EQ(m->nb_segs, 2);
	CU_ASSERT_PTR_EQUAL(rte_pktmbuf_mtod(m, void *), plx_pktbuf_data(p));
	UNIT_EQ(m->ol_flags & ~RTE_MBUF_F_EXTERNAL,
		RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IP_CKSUM |
			RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_VLAN);
	UNIT_EQ(m->l2_len, 14);
	UNIT_EQ(m->l3_len, 20);
	UNIT_EQ(m->l4_len, 20);
	UNIT_EQ(m->tso_segsz, 1400);
	UNIT_EQ(m->vlan_tci, 5);
	for (seg = m; seg; seg = seg->next)
		UNIT_EQ(rte_pktmbuf_iova(seg), (uintptr_t)rte_pktmbuf_mtod(seg, void *));
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, &m, &p, 1), 1);
	CU_ASSERT_PTR_EQUAL(p, kept);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	UNIT_EQ(p->flags, PLX_PKT_TX_TSO | PLX_PKT_TX_TCP | PLX_PKT_TX_IP | PLX_PKT_TX_VLAN);
	UNIT_EQ(plx_dpdk_to_mbufs(bridge, &p, &m, 1), 1);
	rte_pktmbuf_free(m);
	close_all();
}

/* What a new mbuf says of a packet of ours. */
static uint64_t flags_over_there(uint32_t flags)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(pkts);
	struct rte_mbuf *m;
	uint64_t there;

	plx_pktbuf_append(p, 60);
	p->flags = flags;
	UNIT_EQ(plx_dpdk_to_mbufs(bridge, &p, &m, 1), 1);
	there = m->ol_flags & ~RTE_MBUF_F_EXTERNAL;
	rte_pktmbuf_free(m);
	return there;
}

static void checksum_flags(void)
{
	struct plx_pktbuf *p;
	struct rte_mbuf *m;

	open_all();
	/* The sum in the packet is only begun: nobody may take it for a whole one. */
	UNIT_EQ(flags_over_there(PLX_PKT_RX_L4_GOOD | PLX_PKT_RX_L4_PARTIAL),
		RTE_MBUF_F_RX_L4_CKSUM_NONE);
	UNIT_EQ(flags_over_there(PLX_PKT_RX_L4_GOOD), RTE_MBUF_F_RX_L4_CKSUM_GOOD);
	UNIT_EQ(flags_over_there(PLX_PKT_RX_L4_BAD), RTE_MBUF_F_RX_L4_CKSUM_BAD);
	m = make_mbuf(1);
	m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, &m, &p, 1), 1);
	UNIT_EQ(p->flags, PLX_PKT_RX_L4_GOOD | PLX_PKT_RX_L4_PARTIAL);
	plx_pktbuf_free(p);
	/* rte_mbuf_core.h: the family must be told with every offload. */
	UNIT_EQ(flags_over_there(PLX_PKT_TX_UDP), RTE_MBUF_F_TX_UDP_CKSUM | RTE_MBUF_F_TX_IPV4);
	UNIT_EQ(flags_over_there(PLX_PKT_TX_TCP | PLX_PKT_TX_IPV6),
		RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV6);
	UNIT_EQ(flags_over_there(PLX_PKT_TX_VLAN), RTE_MBUF_F_TX_VLAN);
	close_all();
}

static void never(void *addr, void *arg)
{
	abort();
}

static void refused(void)
{
	struct plx_dpdk_bridge_stats stats;
	struct plx_pktbuf *p[COUNT];
	struct rte_mbuf *m[COUNT];
	size_t len = 1 << 20;
	uint16_t n, i;
	char *va;
	struct rte_mbuf_ext_shared_info *shared;
	uint16_t room = 4096;

	open_all();
	/* Heads run out; what was not turned stays ours. */
	UNIT_EQ(rte_pktmbuf_alloc_bulk(mbufs, m, COUNT), 0);
	n = plx_dpdk_from_mbufs(bridge, m, p, COUNT);
	UNIT_EQ(n, 512);
	rte_pktmbuf_free_bulk(m + n, (unsigned int)(COUNT - n));
	plx_pktbuf_free_burst(p, n);
	UNIT_EQ(rte_mempool_avail_count(mbufs), COUNT);
	/* Too many segments. */
	m[0] = rte_pktmbuf_alloc(mbufs);
	for (i = 1; i < 256; i++)
		rte_pktmbuf_chain(m[0], rte_pktmbuf_alloc(mbufs));
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, m, p, 1), 0);
	rte_pktmbuf_free(m[0]);
	/* Data that no device can reach, until it is registered. */
	va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	m[0] = make_mbuf(1);
	rte_pktmbuf_chain(m[0], rte_pktmbuf_alloc(mbufs));
	shared = rte_pktmbuf_ext_shinfo_init_helper(va, &room, never, NULL);
	rte_mbuf_ext_refcnt_set(shared, 2);
	rte_pktmbuf_attach_extbuf(m[0]->next, va, (uintptr_t)va, room, shared);
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, m, p, 1), 0);
	UNIT_EQ(plx_mem_register(va, len, -1, 0), 0);
	UNIT_EQ(plx_dpdk_from_mbufs(bridge, m, p, 1), 1);
	UNIT_EQ(plx_pktbuf_iova(p[0]->next) == (uintptr_t)va, false);
	plx_pktbuf_free(p[0]);
	UNIT_EQ(rte_mbuf_ext_refcnt_read(shared), 1);
	UNIT_EQ(plx_mem_unregister(va, len), 0);
	munmap(va, len);
	plx_dpdk_bridge_stats_get(bridge, &stats);
	UNIT_EQ(stats.exhausted, 1);
	UNIT_EQ(stats.too_long, 1);
	UNIT_EQ(stats.unreachable, 1);
	close_all();
}

/* On a CPU of its own: rte_ring waits for whoever is in the middle of it, and the main lcore's is
 * one. */
static pthread_t start_thread(unsigned int cpu, void *(*fn)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	UNIT_EQ(pthread_create(&thread, &attr, fn, arg), 0);
	pthread_attr_destroy(&attr);
	return thread;
}

/* Two threads turn, share, and let go, in all orders; every reference comes home. */
static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg, i;
	struct plx_pktbuf *p, *again;
	struct rte_mbuf *m;
	long turned = 0;

	for (i = 0; i < 20000; i++) {
		m = rte_pktmbuf_alloc(mbufs);
		if (!m)
			continue;
		rte_pktmbuf_append(m, 64);
		if (rand_r(&seed) & 1)
			rte_mbuf_refcnt_update(m, 1);
		if (!plx_dpdk_from_mbufs(bridge, &m, &p, 1)) {
			if (rte_mbuf_refcnt_read(m) == 2)
				rte_pktmbuf_free(m);
			rte_pktmbuf_free(m);
			continue;
		}
		turned++;
		if (rte_mbuf_refcnt_read(m) == 2)
			rte_pktmbuf_free(m);
		if (rand_r(&seed) & 1)
			plx_pktbuf_ref(p);
		again = p->refcnt == 2 ? p : NULL;
		if (rand_r(&seed) & 1 && plx_dpdk_to_mbufs(bridge, &p, &m, 1))
			rte_pktmbuf_free(m);
		else
			plx_pktbuf_free(p);
		plx_pktbuf_free(again);
	}
	return (void *)turned;
}

static void counts(void)
{
	pthread_t threads[2];
	void *turned;
	size_t i;

	open_all();
	for (i = 0; i < 2; i++)
		threads[i] = start_thread((unsigned int)i, churn, (void *)(i + 1));
	for (i = 0; i < 2; i++) {
		pthread_join(threads[i], &turned);
		UNIT_EQ((long)turned, 20000);
	}
	close_all();
}

static void *release_all(void *arg)
{
	struct plx_pktbuf **p = arg;
	int i;

	for (i = 0; i < 512; i++)
		plx_pktbuf_free(p[i]);
	return NULL;
}

/* One mbuf that two pktbufs of two bridges hold, let go by two threads at once. */
static void shared_by_two(void)
{
	static struct plx_pktbuf *p[2][512];
	static struct rte_mbuf *m[512];
	struct plx_dpdk_bridge *second;
	pthread_t threads[2];
	int i, round;

	open_all();
	second = plx_dpdk_bridge_open(&(struct plx_dpdk_bridge_config){.count = 512});
	for (round = 0; round < 20; round++) {
		UNIT_EQ(rte_pktmbuf_alloc_bulk(mbufs, m, 512), 0);
		for (i = 0; i < 512; i++)
			rte_mbuf_refcnt_update(m[i], 1);
		UNIT_EQ(plx_dpdk_from_mbufs(bridge, m, p[0], 512), 512);
		UNIT_EQ(plx_dpdk_from_mbufs(second, m, p[1], 512), 512);
		for (i = 0; i < 2; i++)
			threads[i] = start_thread((unsigned int)i, release_all, p[i]);
		for (i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		UNIT_EQ(rte_mempool_avail_count(mbufs), COUNT);
	}
	UNIT_EQ(plx_dpdk_bridge_close(second), 0);
	close_all();
}

CU_TestInfo bridge_tests[] = {
	{"from DPDK and back", from_dpdk},
	{"to DPDK and back", to_dpdk},
	{"refused", refused},
	{"two threads", counts},
	{"one packet, two holders", shared_by_two},
	{"checksums: whole, begun, and of which family", checksum_flags},
	CU_TEST_INFO_NULL,
};
