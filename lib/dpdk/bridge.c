/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bridges (<pollux/dpdk.h>). A packet that crosses gets heads of the other kind, one for each
 * segment, and one link, which holds the packet itself: it stays whole and untouched, also where it
 * is shared. The link is the "external memory" that the heads are attached to, so its reference
 * count is the number of heads; the last one to go lets go of the packet.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <pollux/dpdk.h>
#include <pollux/eal.h>
#include <pollux/log.h>

#include "dpdk.h"

PLX_LOG_USE(dpdk);

#define COUNT_DEFAULT 4095
#define CACHE	      256
/* Heads need no room; a pool does not do with none. */
#define HEAD_ROOM 64

struct link {
	union {
		struct plx_pktbuf_ext ext;		/* of pktbufs */
		struct rte_mbuf_ext_shared_info shared; /* of mbufs */
	};
	union {
		struct rte_mbuf *mbuf; /* what it holds */
		struct plx_pktbuf *pkt;
	};
	struct plx_dpdk_bridge *bridge;
	uint32_t heads;
};

struct plx_dpdk_bridge {
	struct plx_pktbuf_pool *pkts;
	struct rte_mempool *mbufs;
	struct rte_mempool *own_mbufs; /* that pool if it is ours */
	struct plx_mempool *links;
	struct plx_dpdk_bridge_stats stats; /* atomic */
};

static void count_one(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* --- Links ----------------------------------------------------------------------------------- */

static void link_free(struct link *link)
{
	void *obj = link;

	plx_mempool_put(link->bridge->links, &obj, 1);
}

/* The last pktbuf of an mbuf has gone. */
static void mbuf_let_go(struct plx_pktbuf_ext *ext)
{
	struct link *link = ext->arg;

	rte_pktmbuf_free(link->mbuf);
	link_free(link);
}

/* The last mbuf of a pktbuf has gone. */
static void pkt_let_go(void *addr, void *opaque)
{
	struct link *link = opaque;

	plx_pktbuf_free(link->pkt);
	link_free(link);
}

/* --- What comes along ------------------------------------------------------------------------ */

struct flag_pair {
	uint64_t rte;
	uint32_t plx;
};

/* Those that are a bit on both sides. */
static const struct flag_pair bits[] = {
	{RTE_MBUF_F_RX_VLAN_STRIPPED, PLX_PKT_RX_VLAN},
	{RTE_MBUF_F_RX_RSS_HASH, PLX_PKT_RX_HASH},
	{RTE_MBUF_F_RX_LRO, PLX_PKT_RX_LRO},
	{RTE_MBUF_F_TX_VLAN, PLX_PKT_TX_VLAN},
	{RTE_MBUF_F_TX_IP_CKSUM, PLX_PKT_TX_IP},
	{RTE_MBUF_F_TX_TCP_SEG, PLX_PKT_TX_TSO},
	{RTE_MBUF_F_TX_IPV6, PLX_PKT_TX_IPV6},
};

/*
 * Those that are values of a field there. L4_NONE is "good, but the sum in it is not"; it is behind
 * L4_GOOD, which ours has with it, because the last that fits is taken.
 */
static const struct {
	uint64_t mask, rte;
	uint32_t plx;
} values[] = {
	{RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_GOOD, PLX_PKT_RX_IP_GOOD},
	{RTE_MBUF_F_RX_IP_CKSUM_MASK, RTE_MBUF_F_RX_IP_CKSUM_BAD, PLX_PKT_RX_IP_BAD},
	{RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_GOOD, PLX_PKT_RX_L4_GOOD},
	{RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_NONE,
	 PLX_PKT_RX_L4_GOOD | PLX_PKT_RX_L4_PARTIAL},
	{RTE_MBUF_F_RX_L4_CKSUM_MASK, RTE_MBUF_F_RX_L4_CKSUM_BAD, PLX_PKT_RX_L4_BAD},
	{RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_TCP_CKSUM, PLX_PKT_TX_TCP},
	{RTE_MBUF_F_TX_L4_MASK, RTE_MBUF_F_TX_UDP_CKSUM, PLX_PKT_TX_UDP},
};

static uint32_t flags_from_rte(uint64_t rte)
{
	uint32_t plx = 0;
	size_t i;

	for (i = 0; i < RTE_DIM(bits); i++)
		plx |= rte & bits[i].rte ? bits[i].plx : 0;
	for (i = 0; i < RTE_DIM(values); i++)
		plx |= (rte & values[i].mask) == values[i].rte ? values[i].plx : 0;
	return plx;
}

#define NEEDS_FAMILY (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_TCP_SEG)

static uint64_t flags_to_rte(uint32_t plx)
{
	uint64_t rte = 0;
	size_t i;

	for (i = 0; i < RTE_DIM(bits); i++)
		rte |= plx & bits[i].plx ? bits[i].rte : 0;
	for (i = 0; i < RTE_DIM(values); i++)
		if ((plx & values[i].plx) == values[i].plx)
			rte = (rte & ~values[i].mask) | values[i].rte;
	if (plx & PLX_PKT_RX_VLAN)
		rte |= RTE_MBUF_F_RX_VLAN;
	/* There, every offload wants to be told the family. */
	if (rte & NEEDS_FAMILY && !(rte & RTE_MBUF_F_TX_IPV6))
		rte |= RTE_MBUF_F_TX_IPV4;
	return rte;
}

static void describe_pkt(struct plx_pktbuf *p, const struct rte_mbuf *m)
{
	p->flags = m->ol_flags ? flags_from_rte(m->ol_flags & ~RTE_MBUF_F_EXTERNAL) : 0;
	p->pkt_len = m->pkt_len;
	p->vlan = m->vlan_tci;
	p->hash = m->hash.rss;
	p->l2_len = (uint8_t)m->l2_len;
	p->l3_len = (uint16_t)m->l3_len;
	p->l4_len = (uint8_t)m->l4_len;
	p->mss = (uint16_t)m->tso_segsz;
}

static void describe_mbuf(struct rte_mbuf *m, const struct plx_pktbuf *p)
{
	uint64_t kept = m->ol_flags & (RTE_MBUF_F_EXTERNAL | RTE_MBUF_F_INDIRECT);

	m->ol_flags = kept | (p->flags ? flags_to_rte(p->flags) : 0);
	m->pkt_len = p->pkt_len;
	m->vlan_tci = p->vlan;
	m->hash.rss = p->hash;
	m->tx_offload = 0;
	m->l2_len = p->l2_len;
	m->l3_len = p->l3_len & 0x1ff; /* as wide as it is there */
	m->l4_len = p->l4_len;
	m->tso_segsz = p->mss;
}

/* --- Back again ------------------------------------------------------------------------------ */

/*
 * A pktbuf whose heads nobody shares, of an mbuf that nobody shares, is that mbuf: only what its
 * owner may have changed is taken over. Return: the mbuf, or NULL.
 */
static struct rte_mbuf *mbuf_within(struct plx_pktbuf *p)
{
	struct plx_pktbuf *seg = p;
	struct rte_mbuf *head, *m;
	struct link *link;
	uint32_t n = 0;

	if (!p->attached || p->ext->free != mbuf_let_go)
		return NULL;
	link = p->ext->arg;
	head = link->mbuf;
	for (m = head; seg && m; seg = seg->next, m = m->next, n++)
		if (seg->refcnt != 1 || !seg->attached || seg->ext != p->ext ||
		    seg->buf != m->buf_addr || rte_mbuf_refcnt_read(m) != 1)
			return NULL;
	if (seg || m || n != __atomic_load_n(&link->ext.refcnt, __ATOMIC_ACQUIRE))
		return NULL;
	for (seg = p, m = head; m; seg = seg->next, m = m->next) {
		m->data_off = seg->data_off;
		m->data_len = seg->len;
	}
	describe_mbuf(head, p);
	/* The heads go, and the mbuf stays. */
	link->mbuf = NULL;
	plx_pktbuf_free(p);
	return head;
}

/* The same for an mbuf that is a pktbuf of ours. */
static struct plx_pktbuf *pkt_within(struct rte_mbuf *head)
{
	struct rte_mbuf *m = head;
	struct plx_pktbuf *p, *pkt;
	struct link *link;
	uint32_t n = 0;

	if (!RTE_MBUF_HAS_EXTBUF(head) || head->shinfo->free_cb != pkt_let_go)
		return NULL;
	link = head->shinfo->fcb_opaque;
	pkt = link->pkt;
	for (p = pkt; p && m; p = p->next, m = m->next, n++)
		if (rte_mbuf_refcnt_read(m) != 1 || !RTE_MBUF_HAS_EXTBUF(m) ||
		    m->shinfo != head->shinfo || m->buf_addr != p->buf ||
		    __atomic_load_n(&p->refcnt, __ATOMIC_ACQUIRE) != 1)
			return NULL;
	if (p || m || n != rte_mbuf_ext_refcnt_read(&link->shared))
		return NULL;
	for (p = pkt, m = head; m; p = p->next, m = m->next) {
		p->data_off = m->data_off;
		p->len = m->data_len;
	}
	describe_pkt(pkt, head);
	link->pkt = NULL;
	rte_pktmbuf_free(head);
	return pkt;
}

/* --- From DPDK ------------------------------------------------------------------------------- */

/* Point one head at one segment. */
static int refer_to_mbuf(struct plx_pktbuf *p, const struct rte_mbuf *m, struct link *link)
{
	plx_iova_t iova;
	int err = plx_dpdk_iova(m->buf_addr, m->buf_len, &iova);

	if (err)
		return err;
	p->buf = m->buf_addr;
	p->buf_iova = iova;
	p->buf_len = m->buf_len;
	p->data_off = m->data_off;
	p->len = m->data_len;
	p->ext = &link->ext;
	p->attached = 1;
	return 0;
}

/* Undo: the heads are the pool's again, the mbuf stays the caller's. */
static void forget(struct link *link, struct plx_pktbuf *const *heads, uint16_t n)
{
	uint16_t i;

	link->mbuf = NULL;
	link->ext.refcnt = n;
	for (i = 0; i < n; i++) {
		heads[i]->ext = &link->ext;
		heads[i]->attached = 1;
		heads[i]->next = NULL;
		plx_pktbuf_free(heads[i]);
	}
}

static struct plx_pktbuf *wrap_mbuf(struct plx_dpdk_bridge *bridge, struct rte_mbuf *mbuf)
{
	struct plx_pktbuf *heads[PLX_PKTBUF_SEGS_MAX];
	const struct rte_mbuf *m = mbuf;
	uint16_t n = mbuf->nb_segs, i;
	struct link *link;
	void *obj;

	if (n > PLX_PKTBUF_SEGS_MAX) {
		count_one(&bridge->stats.too_long);
		return NULL;
	}
	if (plx_mempool_get(bridge->links, &obj, 1)) {
		count_one(&bridge->stats.exhausted);
		return NULL;
	}
	link = obj;
	link->bridge = bridge;
	if (plx_pktbuf_alloc_burst(bridge->pkts, heads, n)) {
		count_one(&bridge->stats.exhausted);
		link_free(link);
		return NULL;
	}
	link->ext = (struct plx_pktbuf_ext){.free = mbuf_let_go, .arg = link, .refcnt = n};
	link->mbuf = mbuf;
	for (i = 0; i < n; i++, m = m->next) {
		if (plx_unlikely(refer_to_mbuf(heads[i], m, link))) {
			count_one(&bridge->stats.unreachable);
			forget(link, heads, n);
			return NULL;
		}
		heads[i]->next = i + 1 < n ? heads[i + 1] : NULL;
	}
	heads[0]->nsegs = (uint8_t)n;
	describe_pkt(heads[0], mbuf);
	return heads[0];
}

uint16_t plx_dpdk_from_mbufs(struct plx_dpdk_bridge *bridge, struct rte_mbuf **mbufs,
			     struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		pkts[i] = pkt_within(mbufs[i]);
		if (!pkts[i])
			pkts[i] = wrap_mbuf(bridge, mbufs[i]);
		if (!pkts[i])
			break;
	}
	return i;
}

/* --- To DPDK --------------------------------------------------------------------------------- */

static rte_iova_t rte_iova_of(const void *va)
{
	return rte_eal_iova_mode() == RTE_IOVA_VA ? (rte_iova_t)(uintptr_t)va
						  : rte_mem_virt2iova(va);
}

static struct rte_mbuf *wrap_pkt(struct plx_dpdk_bridge *bridge, struct plx_pktbuf *pkt)
{
	struct rte_mbuf *heads[PLX_PKTBUF_SEGS_MAX];
	struct plx_pktbuf *p = pkt;
	uint16_t n = pkt->nsegs, i;
	struct link *link;
	void *obj;

	if (plx_mempool_get(bridge->links, &obj, 1)) {
		count_one(&bridge->stats.exhausted);
		return NULL;
	}
	link = obj;
	link->bridge = bridge;
	if (rte_pktmbuf_alloc_bulk(bridge->mbufs, heads, n)) {
		count_one(&bridge->stats.exhausted);
		link_free(link);
		return NULL;
	}
	link->shared.free_cb = pkt_let_go;
	link->shared.fcb_opaque = link;
	rte_mbuf_ext_refcnt_set(&link->shared, n);
	link->pkt = pkt;
	for (i = 0; i < n; i++, p = p->next) {
		rte_pktmbuf_attach_extbuf(heads[i], p->buf, rte_iova_of(p->buf), p->buf_len,
					  &link->shared);
		heads[i]->data_off = p->data_off;
		heads[i]->data_len = p->len;
		heads[i]->next = i + 1 < n ? heads[i + 1] : NULL;
	}
	heads[0]->nb_segs = n;
	describe_mbuf(heads[0], pkt);
	return heads[0];
}

uint16_t plx_dpdk_to_mbufs(struct plx_dpdk_bridge *bridge, struct plx_pktbuf **pkts,
			   struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		mbufs[i] = mbuf_within(pkts[i]);
		if (!mbufs[i])
			mbufs[i] = wrap_pkt(bridge, pkts[i]);
		if (!mbufs[i])
			break;
	}
	return i;
}

/* --- Life ------------------------------------------------------------------------------------ */

static int open_pools(struct plx_dpdk_bridge *bridge, const struct plx_dpdk_bridge_config *config)
{
	uint32_t count = config->count ? config->count : COUNT_DEFAULT;
	const char *name = config->name ? config->name : "bridge";
	char pool_name[RTE_MEMPOOL_NAMESIZE];

	bridge->links = plx_mempool_open(&(struct plx_mempool_config){
		.name = name,
		.count = 2 * count,
		.size = sizeof(struct link),
	});
	if (!bridge->links)
		return -errno;
	bridge->pkts = plx_pktbuf_pool_open(&(struct plx_pktbuf_pool_config){
		.name = name,
		.count = count,
		.data_size = HEAD_ROOM,
	});
	if (!bridge->pkts)
		return -errno;
	bridge->mbufs = config->mbufs;
	if (bridge->mbufs)
		return 0;
	snprintf(pool_name, sizeof(pool_name), "plx-%.8s-%p", name, (void *)bridge);
	bridge->own_mbufs = rte_pktmbuf_pool_create(
		pool_name, count, count / 2 < CACHE ? count / 2 : CACHE, 0, 0, SOCKET_ID_ANY);
	bridge->mbufs = bridge->own_mbufs;
	if (bridge->mbufs)
		return 0;
	PLX_ERR(dpdk, "%s: no mempool of %u mbufs: %s", name, count, rte_strerror(rte_errno));
	return -rte_errno;
}

static void free_pools(struct plx_dpdk_bridge *bridge)
{
	rte_mempool_free(bridge->own_mbufs);
	plx_pktbuf_pool_close(bridge->pkts);
	plx_mempool_close(bridge->links);
}

struct plx_dpdk_bridge *plx_dpdk_bridge_open(const struct plx_dpdk_bridge_config *config)
{
	static const struct plx_dpdk_bridge_config defaults;
	struct plx_dpdk_bridge *bridge;
	int err = 0;

	if (!plx_eal_is_up() || rte_lcore_count() == 0) {
		PLX_ERR(dpdk, "bridge: %s is not up; see <pollux/dpdk.h>",
			plx_eal_is_up() ? "rte_eal" : "the EAL");
		errno = ENODEV;
		return NULL;
	}
	bridge = calloc(1, sizeof(*bridge));
	if (!bridge)
		return NULL;
	err = open_pools(bridge, config ? config : &defaults);
	if (!err)
		return bridge;
	free_pools(bridge);
	free(bridge);
	errno = -err;
	return NULL;
}

int plx_dpdk_bridge_close(struct plx_dpdk_bridge *bridge)
{
	uint32_t out;

	if (!bridge)
		return 0;
	out = bridge->links->count - plx_mempool_available(bridge->links);
	if (out) {
		PLX_ERR(dpdk,
			"%s: %u packets are still on the other side; free them, and close the "
			"ports "
			"that have them, before the bridge",
			bridge->links->name, out);
		return -EBUSY;
	}
	free_pools(bridge);
	free(bridge);
	return 0;
}

void plx_dpdk_bridge_stats_get(const struct plx_dpdk_bridge *bridge,
			       struct plx_dpdk_bridge_stats *stats)
{
	stats->exhausted = __atomic_load_n(&bridge->stats.exhausted, __ATOMIC_RELAXED);
	stats->unreachable = __atomic_load_n(&bridge->stats.unreachable, __ATOMIC_RELAXED);
	stats->too_long = __atomic_load_n(&bridge->stats.too_long, __ATOMIC_RELAXED);
}
