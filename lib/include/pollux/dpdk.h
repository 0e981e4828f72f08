/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux in a DPDK process: the EAL on rte_eal, and packets that go between the two without a copy.
 * In a library of its own, libpollux-dpdk (pkg-config pollux-dpdk); DPDK 22.11 or later.
 *
 * The backend. plx_eal_init() with .backend = "dpdk" (--eal dpdk, POLLUX_EAL=dpdk) puts the EAL on
 * rte_eal, by either of
 *  - joining it, where the application has called rte_eal_init() before: call plx_eal_init() from
 *    the main lcore. The lcores are all of rte_eal's, or those of .lcores; memory options are
 *    rte_eal's own affair;
 *  - starting it: lcores, memory and pages as in struct plx_eal_config, further options of rte_eal
 *    as one string in .backend_args ("-a 0000:03:00.0 --log-level=debug"). Without -a or -b in it
 *    DPDK probes no PCI device, because those that vfio-pci has are ours.
 * From then on lcores are rte_lcores (their ids are DPDK's), the DMA heap is rte_malloc, log lines
 * go to rte_log under the name "pollux" (pollux/log.h says which), and all memory of rte_eal can be
 * reached by every device of ours: what it adds later before its caller sees it, what it frees not
 * any more before it goes. So plx_iova() holds for rte_malloc(), memzones, and mbufs of any
 * rte_mempool in rte_eal's memory.
 * Memory of the application that DPDK was told of (rte_extmem_register()) is registered with
 * plx_mem_register() likewise; heaps of external memory (rte_malloc_heap_memory_add()) follow by
 * themselves. plx_eal_fini() leaves rte_eal up: it comes up once in a process.
 *
 * Devices. DPDK and Pollux drive different devices of one process, each through VFIO containers of
 * its own. An IOMMU group belongs to one of the two: opening a device whose group DPDK holds fails
 * with -EBUSY and says so.
 *
 * Packets. A bridge turns mbufs into pktbufs and back, for ports of the two in one data path:
 *
 *	n = rte_eth_rx_burst(port, 0, mbufs, 32);
 *	done = plx_dpdk_from_mbufs(bridge, mbufs, pkts, n);
 *	rte_pktmbuf_free_bulk(mbufs + done, n - done);
 *	sent = plx_tx_burst(txq, pkts, done);
 *	plx_pktbuf_free_burst(pkts + sent, done - sent);
 *
 * The packet stays where it is: the new head refers to the data of the old one, which is given back
 * to its pool when the last reference is let go, in whichever thread. A packet that goes back
 * unshared is the old one again, at the cost of neither pool. Offload flags, VLAN, hash and header
 * lengths come along.
 */
#ifndef POLLUX_DPDK_H
#define POLLUX_DPDK_H

#include <pollux/pktbuf.h>

PLX_BEGIN_DECLS

struct rte_mbuf;
struct rte_mempool;
struct plx_dpdk_bridge;

struct plx_dpdk_bridge_config {
	const char *name; /**< for messages and pools; NULL: "bridge" */
	/** Packet segments that may be on the other side at a time, of each kind; 0: 4095. */
	uint32_t count;
	/**
	 * mbufs for packets of ours, only their heads are used; NULL: a pool of the bridge's own.
	 */
	struct rte_mempool *mbufs;
};

struct plx_dpdk_bridge_stats {
	uint64_t exhausted;   /**< bursts cut short for lack of heads: raise count */
	uint64_t unreachable; /**< packets refused: their data is not DMA-able */
	uint64_t too_long;    /**< packets refused: more than 255 segments */
};

/**
 * Open a bridge. rte_eal and the EAL must be up, the EAL on any backend: on the native one only
 * packets in memory that was registered with plx_mem_register() can be turned into pktbufs.
 * Return: NULL with errno EINVAL, ENOMEM, ENODEV (EAL or rte_eal not up); logged. Since 0.1.0.
 */
PLX_API struct plx_dpdk_bridge *plx_dpdk_bridge_open(const struct plx_dpdk_bridge_config *config);
/** Return: 0; -EBUSY (packets are still on the other side; logged). NULL is allowed. */
PLX_API int plx_dpdk_bridge_close(struct plx_dpdk_bridge *bridge);

/**
 * Turn up to n packets of DPDK's into ours. Those that were turned belong to their pktbufs; the
 * others stay the caller's. Any thread, several at a time; fast on lcores.
 * Return: how many were turned, from the first on; it ends at a packet that cannot be (see the
 * statistics).
 */
PLX_API uint16_t plx_dpdk_from_mbufs(struct plx_dpdk_bridge *bridge, struct rte_mbuf **mbufs,
				     struct plx_pktbuf **pkts, uint16_t n);
/** The same the other way. */
PLX_API uint16_t plx_dpdk_to_mbufs(struct plx_dpdk_bridge *bridge, struct plx_pktbuf **pkts,
				   struct rte_mbuf **mbufs, uint16_t n);

/** Counters of all threads together. */
PLX_API void plx_dpdk_bridge_stats_get(const struct plx_dpdk_bridge *bridge,
				       struct plx_dpdk_bridge_stats *stats);

PLX_END_DECLS

#endif /* POLLUX_DPDK_H */
