/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtio network device, named as in VIRTIO 1.2, chapter 5.1: feature bits, configuration
 * layout, packet header, control queue. All of it is little-endian.
 */
#ifndef POLLUX_VIRTIO_NET_REGS_H
#define POLLUX_VIRTIO_NET_REGS_H

#include <stdint.h>

#define VIRTIO_NET_PCI_DEVICE		   0x1041
#define VIRTIO_NET_PCI_DEVICE_TRANSITIONAL 0x1000

/* Feature bits (5.1.3) */
#define VIRTIO_NET_F_CSUM	    (UINT64_C(1) << 0)
#define VIRTIO_NET_F_GUEST_CSUM	    (UINT64_C(1) << 1)
#define VIRTIO_NET_F_MTU	    (UINT64_C(1) << 3)
#define VIRTIO_NET_F_MAC	    (UINT64_C(1) << 5)
#define VIRTIO_NET_F_GUEST_TSO4	    (UINT64_C(1) << 7)
#define VIRTIO_NET_F_GUEST_TSO6	    (UINT64_C(1) << 8)
#define VIRTIO_NET_F_HOST_TSO4	    (UINT64_C(1) << 11)
#define VIRTIO_NET_F_HOST_TSO6	    (UINT64_C(1) << 12)
#define VIRTIO_NET_F_MRG_RXBUF	    (UINT64_C(1) << 15)
#define VIRTIO_NET_F_STATUS	    (UINT64_C(1) << 16)
#define VIRTIO_NET_F_CTRL_VQ	    (UINT64_C(1) << 17)
#define VIRTIO_NET_F_CTRL_RX	    (UINT64_C(1) << 18)
#define VIRTIO_NET_F_CTRL_VLAN	    (UINT64_C(1) << 19)
#define VIRTIO_NET_F_GUEST_ANNOUNCE (UINT64_C(1) << 21)
#define VIRTIO_NET_F_MQ		    (UINT64_C(1) << 22)
#define VIRTIO_NET_F_CTRL_MAC_ADDR  (UINT64_C(1) << 23)
#define VIRTIO_NET_F_RSS	    (UINT64_C(1) << 60)
#define VIRTIO_NET_F_SPEED_DUPLEX   (UINT64_C(1) << 63)

/* Configuration layout (5.1.4): offsets */
#define VIRTIO_NET_CFG_MAC		   0x00 /* 6 bytes */
#define VIRTIO_NET_CFG_STATUS		   0x06 /* 16 bits */
#define VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS 0x08 /* 16 bits */
#define VIRTIO_NET_CFG_MTU		   0x0a /* 16 bits */
#define VIRTIO_NET_CFG_SPEED		   0x0c /* 32 bits */
#define VIRTIO_NET_CFG_DUPLEX		   0x10 /* 8 bits */
#define VIRTIO_NET_CFG_RSS_KEY_SIZE	   0x11 /* 8 bits */
#define VIRTIO_NET_CFG_RSS_TABLE_LENGTH	   0x12 /* 16 bits */
#define VIRTIO_NET_CFG_HASH_TYPES	   0x14 /* 32 bits */

#define VIRTIO_NET_S_LINK_UP		   1
#define VIRTIO_NET_S_ANNOUNCE		   2
#define VIRTIO_NET_SPEED_MAX		   0x7fffffff /* above: not known */
#define VIRTIO_NET_DUPLEX_FULL		   1
#define VIRTIO_NET_MTU_MIN		   68	  /* 5.1.4.1 */
#define VIRTIO_NET_QUEUE_PAIRS_MAX	   0x8000 /* 5.1.4.1 */

/* Smallest key and largest table of RSS (5.1.4.1) */
#define VIRTIO_NET_RSS_KEY_MIN 40

/* Packet header (5.1.6), in front of each packet in both directions */
struct virtio_net_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;
	uint16_t csum_offset;
	uint16_t num_buffers;
};
_Static_assert(sizeof(struct virtio_net_hdr) == 12, "5.1.6");

#define VIRTIO_NET_HDR_F_NEEDS_CSUM 1
#define VIRTIO_NET_HDR_F_DATA_VALID 2

#define VIRTIO_NET_HDR_GSO_NONE	    0
#define VIRTIO_NET_HDR_GSO_TCPV4    1
#define VIRTIO_NET_HDR_GSO_TCPV6    4
#define VIRTIO_NET_HDR_GSO_ECN	    0x80

/* Control queue (5.1.6.5): class and command, data, and the device's acknowledgement */
struct virtio_net_ctrl_hdr {
	uint8_t class;
	uint8_t command;
};

#define VIRTIO_NET_OK			0
#define VIRTIO_NET_ERR			1

#define VIRTIO_NET_CTRL_RX		0
#define VIRTIO_NET_CTRL_RX_PROMISC	0 /* 8 bits: on */
#define VIRTIO_NET_CTRL_RX_ALLMULTI	1 /* 8 bits: on */

#define VIRTIO_NET_CTRL_MAC		1
#define VIRTIO_NET_CTRL_MAC_TABLE_SET	0 /* unicast, multicast: 32 bits of count, addresses */
#define VIRTIO_NET_CTRL_MAC_ADDR_SET	1 /* 6 bytes */

#define VIRTIO_NET_CTRL_VLAN		2
#define VIRTIO_NET_CTRL_VLAN_ADD	0 /* 16 bits */
#define VIRTIO_NET_CTRL_VLAN_DEL	1 /* 16 bits */

#define VIRTIO_NET_CTRL_ANNOUNCE	3
#define VIRTIO_NET_CTRL_ANNOUNCE_ACK	0

#define VIRTIO_NET_CTRL_MQ		4
#define VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET 0 /* 16 bits */
#define VIRTIO_NET_CTRL_MQ_RSS_CONFIG	1 /* 5.1.6.5.7.1 */

#endif /* POLLUX_VIRTIO_NET_REGS_H */
