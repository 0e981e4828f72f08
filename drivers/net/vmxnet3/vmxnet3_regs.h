/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vmxnet3 device: registers, commands, shared memory and descriptors, by the names and offsets
 * of VMware's public interface definition (revision 1). All of it is little-endian. Structures in
 * shared memory are packed by layout: every field is at its natural alignment unless said.
 */
#ifndef POLLUX_VMXNET3_REGS_H
#define POLLUX_VMXNET3_REGS_H

#include <stddef.h>
#include <stdint.h>

#define VMXNET3_BAR_SIZE 4096

/* BAR 0: what the data path uses; one register of 8 bytes per vector or queue. */
#define VMXNET3_IMR(vector)    (0x000 + 8 * (vector)) /* 1: masked */
#define VMXNET3_TXPROD(queue)  (0x600 + 8 * (queue))
#define VMXNET3_RXPROD(queue)  (0x800 + 8 * (queue))
#define VMXNET3_RXPROD2(queue) (0xa00 + 8 * (queue))

/* BAR 1 */
#define VMXNET3_VRRS			0x00 /* revisions the device has, one bit each; write the one to use */
#define VMXNET3_UVRS			0x08 /* the same of the pass-through (UPT) interface */
#define VMXNET3_DSAL			0x10 /* address of the shared area: low half first */
#define VMXNET3_DSAH			0x18
#define VMXNET3_CMD			0x20 /* write a command, then read its result */
#define VMXNET3_MACL			0x28
#define VMXNET3_MACH			0x30
#define VMXNET3_ICR			0x38
#define VMXNET3_ECR			0x40 /* write: events to clear in the shared area */

#define VMXNET3_CMD_ACTIVATE		0xcafe0000u
#define VMXNET3_CMD_QUIESCE		0xcafe0001u
#define VMXNET3_CMD_RESET		0xcafe0002u
#define VMXNET3_CMD_UPDATE_RX_MODE	0xcafe0003u
#define VMXNET3_CMD_UPDATE_MAC_FILTERS	0xcafe0004u
#define VMXNET3_CMD_UPDATE_VLAN_FILTERS 0xcafe0005u
#define VMXNET3_CMD_UPDATE_RSSIDT	0xcafe0006u
#define VMXNET3_CMD_GET_QUEUE_STATUS	0xf00d0000u
#define VMXNET3_CMD_GET_STATS		0xf00d0001u
#define VMXNET3_CMD_GET_LINK		0xf00d0002u
#define VMXNET3_CMD_GET_PERM_MAC_LO	0xf00d0003u
#define VMXNET3_CMD_GET_PERM_MAC_HI	0xf00d0004u

#define VMXNET3_LINK_UP			0x1u
#define VMXNET3_LINK_SPEED(v)		((v) >> 16)

#define VMXNET3_MAGIC			0xbabefee1u
#define VMXNET3_QUEUES_ALIGN		128
#define VMXNET3_RING_ALIGN		512
#define VMXNET3_VECTORS_MAX		25
#define VMXNET3_VLAN_WORDS		128 /* one bit per VLAN id */

#define VMXNET3_ECR_RQERR		(1u << 0)
#define VMXNET3_ECR_TQERR		(1u << 1)
#define VMXNET3_ECR_LINK		(1u << 2)
#define VMXNET3_ECR_DIC			(1u << 3)
#define VMXNET3_ECR_DEBUG		(1u << 4)
#define VMXNET3_ECR_ALL			0x1fu

/* Features (misc.features) */
#define VMXNET3_F_RXCSUM (1u << 0)
#define VMXNET3_F_RSS	 (1u << 1)
#define VMXNET3_F_RXVLAN (1u << 2)
#define VMXNET3_F_LRO	 (1u << 3)

/* Rx modes (filter.mode) */
#define VMXNET3_RXM_UCAST     0x01u
#define VMXNET3_RXM_MCAST     0x02u
#define VMXNET3_RXM_BCAST     0x04u
#define VMXNET3_RXM_ALL_MULTI 0x08u
#define VMXNET3_RXM_PROMISC   0x10u

/* misc.guest: 64 bits, Linux. Devices deliver packets of several buffers to that kind only. */
#define VMXNET3_GUEST_LINUX64 (2u | 1u << 2)

struct vmxnet3_misc_conf {
	uint32_t driver_version;
	uint32_t guest;
	uint32_t revision, upt_revision; /* bits, as in VRRS and UVRS */
	uint64_t features;
	uint64_t driver_data_iova;
	uint64_t queues_iova;
	uint32_t driver_data_len;
	uint32_t queues_len;
	uint32_t mtu;
	uint16_t rx_bufs_max; /* of one packet */
	uint8_t tx_queues, rx_queues;
	uint32_t reserved[4];
};
_Static_assert(sizeof(struct vmxnet3_misc_conf) == 72, "Vmxnet3_MiscConf");

struct vmxnet3_intr_conf {
	uint8_t auto_mask; /* a vector that fires masks itself */
	uint8_t vectors;
	uint8_t event_vector;
	uint8_t mod_levels[VMXNET3_VECTORS_MAX];
	uint32_t ctrl;
#define VMXNET3_INTR_DISABLE_ALL 0x1u
	uint32_t reserved[2];
};
_Static_assert(sizeof(struct vmxnet3_intr_conf) == 40, "Vmxnet3_IntrConf");

struct vmxnet3_filter_conf {
	uint32_t mode;
	uint16_t mcast_len; /* bytes */
	uint16_t pad;
	uint64_t mcast_iova;
	uint32_t vlans[VMXNET3_VLAN_WORDS];
};
_Static_assert(sizeof(struct vmxnet3_filter_conf) == 528, "Vmxnet3_RxFilterConf");

/* A structure of its own that the shared area points to. */
struct vmxnet3_conf_ref {
	uint32_t version;
	uint32_t len;
	uint64_t iova;
};

struct vmxnet3_shared {
	uint32_t magic;
	uint32_t pad;
	struct vmxnet3_misc_conf misc;
	struct vmxnet3_intr_conf intr;
	struct vmxnet3_filter_conf filter;
	struct vmxnet3_conf_ref rss, pm, plugin;
	uint32_t ecr; /* written by the device */
	uint32_t reserved[5];
};
_Static_assert(sizeof(struct vmxnet3_shared) == 720, "Vmxnet3_DriverShared");
_Static_assert(offsetof(struct vmxnet3_shared, ecr) == 696, "Vmxnet3_DriverShared.ecr");

struct vmxnet3_rss_conf {
	uint16_t hash_types;
#define VMXNET3_RSS_IPV4     0x1u
#define VMXNET3_RSS_IPV4_TCP 0x2u
#define VMXNET3_RSS_IPV6     0x4u
#define VMXNET3_RSS_IPV6_TCP 0x8u
	uint16_t hash_func;
#define VMXNET3_RSS_TOEPLITZ 1u
	uint16_t key_len;
	uint16_t table_len;
#define VMXNET3_RSS_KEY_LEN   40
#define VMXNET3_RSS_TABLE_LEN 128
	uint8_t key[VMXNET3_RSS_KEY_LEN];
	uint8_t table[VMXNET3_RSS_TABLE_LEN];
};
_Static_assert(sizeof(struct vmxnet3_rss_conf) == 176, "UPT1_RSSConf");

/* The queue table: all tx queues, then all rx queues; 256 bytes each. */
struct vmxnet3_queue_status {
	uint8_t stopped;
	uint8_t pad[3];
	uint32_t error;
};

#define VMXNET3_STATS 10

struct vmxnet3_txq_conf {
	uint32_t deferred;  /* the driver's note of packets not announced yet; we announce all */
	uint32_t threshold; /* written by the device */
	uint64_t reserved;
	uint64_t ring_iova, data_ring_iova, comp_ring_iova;
	uint64_t driver_data_iova;
	uint64_t reserved2;
	uint32_t ring_size, data_ring_size, comp_ring_size;
	uint32_t driver_data_len;
	uint8_t vector;
	uint8_t pad[7];
	struct vmxnet3_queue_status status; /* written by the device from here on */
	uint64_t stats[VMXNET3_STATS];
	uint8_t pad2[88];
};
_Static_assert(sizeof(struct vmxnet3_txq_conf) == 256, "Vmxnet3_TxQueueDesc");

struct vmxnet3_rxq_conf {
	uint8_t update_prod; /* written by the device: it wants RXPROD to be written */
	uint8_t pad[7];
	uint64_t reserved;
	uint64_t ring_iova[2], comp_ring_iova;
	uint64_t driver_data_iova;
	uint64_t reserved2;
	uint32_t ring_size[2], comp_ring_size;
	uint32_t driver_data_len;
	uint8_t vector;
	uint8_t pad2[7];
	struct vmxnet3_queue_status status; /* written by the device from here on */
	uint64_t stats[VMXNET3_STATS];
	uint8_t pad3[88];
};
_Static_assert(sizeof(struct vmxnet3_rxq_conf) == 256, "Vmxnet3_RxQueueDesc");

/* Rx descriptor: length 13:0, body 14, gen 31. Ring 0 has heads, ring 1 bodies. */
struct vmxnet3_rx_desc {
	uint64_t addr;
	uint64_t meta;
};
#define VMXNET3_RXD_BODY    UINT64_C(0x4000)
#define VMXNET3_RXD_GEN	    UINT64_C(0x80000000)
#define VMXNET3_RXD_LEN_MAX 0x3fffu

/* Rx completion; what: index 11:0, EOP 14, SOP 15, queue 25:16, RSS type 29:26, no checksum 30,
 * hash 63:32. result: length 13:0, error 14, tag stripped 15, tag 31:16, checksum 47:32, then
 * flags, gen 63. */
struct vmxnet3_rx_comp {
	uint64_t what;
	uint64_t result;
};
#define VMXNET3_RXC_INDEX	UINT64_C(0xfff)
#define VMXNET3_RXC_EOP		UINT64_C(0x4000)
#define VMXNET3_RXC_SOP		UINT64_C(0x8000)
#define VMXNET3_RXC_QUEUE_SHIFT 16
#define VMXNET3_RXC_QUEUE	(UINT64_C(0x3ff) << 16)
#define VMXNET3_RXC_RSS_SHIFT	26
#define VMXNET3_RXC_RSS		(UINT64_C(0xf) << 26)
#define VMXNET3_RXC_NO_CSUM	(UINT64_C(1) << 30)
#define VMXNET3_RXC_HASH_SHIFT	32
#define VMXNET3_RXC_LEN		UINT64_C(0x3fff)
#define VMXNET3_RXC_ERR		UINT64_C(0x4000)
#define VMXNET3_RXC_TAGGED	UINT64_C(0x8000)
#define VMXNET3_RXC_TAG_SHIFT	16
#define VMXNET3_RXC_L4_GOOD	(UINT64_C(1) << 48)
#define VMXNET3_RXC_UDP		(UINT64_C(1) << 49)
#define VMXNET3_RXC_TCP		(UINT64_C(1) << 50)
#define VMXNET3_RXC_IP_GOOD	(UINT64_C(1) << 51)
#define VMXNET3_RXC_IPV6	(UINT64_C(1) << 52)
#define VMXNET3_RXC_IPV4	(UINT64_C(1) << 53)
#define VMXNET3_RXC_FRAGMENT	(UINT64_C(1) << 54)
#define VMXNET3_RXC_GEN		(UINT64_C(1) << 63)
/* Segments merged into one (revision 2): type 62:56; of the first completion of the packet, count
 * of segments 39:32 of the first half, MSS 47:32 of the second. */
#define VMXNET3_RXC_TYPE       (UINT64_C(0x7f) << 56)
#define VMXNET3_RXC_TYPE_LRO   (UINT64_C(4) << 56)
#define VMXNET3_RXC_SEGS_SHIFT 32
#define VMXNET3_RXC_MSS_SHIFT  32

/* Tx descriptor: length 13:0 (0: 16384), gen 14, MSS or checksum offset 31:18, header length 41:32,
 * offload mode 43:42, EOP 44, completion requested 45, insert tag 47, tag 63:48. */
struct vmxnet3_tx_desc {
	uint64_t addr;
	uint64_t meta;
};
#define VMXNET3_TXD_LEN_MAX    0x3fffu
#define VMXNET3_TXD_GEN	       UINT64_C(0x4000)
#define VMXNET3_TXD_MSS_SHIFT  18
#define VMXNET3_TXD_MSS_MAX    0x3fffu
#define VMXNET3_TXD_HLEN_SHIFT 32
#define VMXNET3_TXD_HLEN_MAX   0x3ffu
#define VMXNET3_TXD_CSUM       (UINT64_C(2) << 42)
#define VMXNET3_TXD_TSO	       (UINT64_C(3) << 42)
#define VMXNET3_TXD_EOP	       (UINT64_C(1) << 44)
#define VMXNET3_TXD_CQ	       (UINT64_C(1) << 45)
#define VMXNET3_TXD_TAG	       (UINT64_C(1) << 47)
#define VMXNET3_TXD_TAG_SHIFT  48

/* Data ring: one slot per tx descriptor, for packets that are as short as a header. */
#define VMXNET3_TX_SLOT 128

/* Tx completion: index of the packet's last descriptor 11:0; gen 63 of the second half. */
struct vmxnet3_tx_comp {
	uint64_t what;
	uint64_t result;
};
#define VMXNET3_TXC_INDEX UINT64_C(0xfff)
#define VMXNET3_TXC_GEN	  (UINT64_C(1) << 63)

#endif /* POLLUX_VMXNET3_REGS_H */
