/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all virtio devices have in common, named as in "Virtual I/O Device (VIRTIO) Version 1.2":
 * status, feature bits, the PCI capabilities, the common configuration structure, and the two ring
 * formats. All of it is little-endian.
 */
#ifndef POLLUX_VIRTIO_REGS_H
#define POLLUX_VIRTIO_REGS_H

#include <stdint.h>

/* Device status field (2.1) */
#define VIRTIO_STATUS_ACKNOWLEDGE 0x01
#define VIRTIO_STATUS_DRIVER	  0x02
#define VIRTIO_STATUS_DRIVER_OK	  0x04
#define VIRTIO_STATUS_FEATURES_OK 0x08
#define VIRTIO_STATUS_NEEDS_RESET 0x40
#define VIRTIO_STATUS_FAILED	  0x80
/* No device has all bits set: nobody answers. */
#define VIRTIO_STATUS_GONE 0xff

/* Reserved feature bits (6) */
#define VIRTIO_F_INDIRECT_DESC	 (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX	 (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1	 (UINT64_C(1) << 32)
#define VIRTIO_F_ACCESS_PLATFORM (UINT64_C(1) << 33)
#define VIRTIO_F_RING_PACKED	 (UINT64_C(1) << 34)
#define VIRTIO_F_IN_ORDER	 (UINT64_C(1) << 35)
#define VIRTIO_F_ORDER_PLATFORM	 (UINT64_C(1) << 36)
#define VIRTIO_F_RING_RESET	 (UINT64_C(1) << 40)

/* Virtio structure PCI capabilities (4.1.4): vendor-specific, with these fields */
#define VIRTIO_PCI_VENDOR		 0x1af4
#define VIRTIO_PCI_CAP_LEN		 2
#define VIRTIO_PCI_CAP_CFG_TYPE		 3
#define VIRTIO_PCI_CAP_BAR		 4
#define VIRTIO_PCI_CAP_OFFSET		 8
#define VIRTIO_PCI_CAP_LENGTH		 12
#define VIRTIO_PCI_CAP_SIZE		 16
#define VIRTIO_PCI_CAP_NOTIFY_MULTIPLIER 16
#define VIRTIO_PCI_CAP_NOTIFY_SIZE	 20

#define VIRTIO_PCI_CAP_COMMON_CFG	 1
#define VIRTIO_PCI_CAP_NOTIFY_CFG	 2
#define VIRTIO_PCI_CAP_ISR_CFG		 3
#define VIRTIO_PCI_CAP_DEVICE_CFG	 4

/* Common configuration structure (4.1.4.3): offsets */
#define VIRTIO_COMMON_DEVICE_FEATURE_SELECT 0x00
#define VIRTIO_COMMON_DEVICE_FEATURE	    0x04
#define VIRTIO_COMMON_DRIVER_FEATURE_SELECT 0x08
#define VIRTIO_COMMON_DRIVER_FEATURE	    0x0c
#define VIRTIO_COMMON_CONFIG_MSIX_VECTOR    0x10 /* 16 bits */
#define VIRTIO_COMMON_NUM_QUEUES	    0x12 /* 16 bits */
#define VIRTIO_COMMON_DEVICE_STATUS	    0x14 /* 8 bits */
#define VIRTIO_COMMON_CONFIG_GENERATION	    0x15 /* 8 bits */
#define VIRTIO_COMMON_QUEUE_SELECT	    0x16 /* 16 bits, as the next five */
#define VIRTIO_COMMON_QUEUE_SIZE	    0x18
#define VIRTIO_COMMON_QUEUE_MSIX_VECTOR	    0x1a
#define VIRTIO_COMMON_QUEUE_ENABLE	    0x1c
#define VIRTIO_COMMON_QUEUE_NOTIFY_OFF	    0x1e
#define VIRTIO_COMMON_QUEUE_DESC	    0x20 /* 64 bits, as the next two */
#define VIRTIO_COMMON_QUEUE_DRIVER	    0x28
#define VIRTIO_COMMON_QUEUE_DEVICE	    0x30
#define VIRTIO_COMMON_SIZE		    0x38
#define VIRTIO_COMMON_QUEUE_RESET	    0x3a /* 16 bits, with VIRTIO_F_RING_RESET */

#define VIRTIO_MSI_NO_VECTOR		    0xffff

/* Sizes of a queue (2.6, 2.7): powers of two here, which split rings demand */
#define VIRTIO_QUEUE_SIZE_MAX 32768

/* Split ring (2.7.5 to 2.7.8) */
#define VIRTQ_DESC_F_NEXT     1
#define VIRTQ_DESC_F_WRITE    2
#define VIRTQ_DESC_F_INDIRECT 4

struct split_desc {
	uint64_t addr;
	/* len 31:0, flags 47:32, next 63:48, so that it is one store. */
	uint64_t meta;
};
_Static_assert(sizeof(struct split_desc) == 16, "2.7.5");
#define SPLIT_DESC_FLAGS(flags)	   ((uint64_t)(flags) << 32)
#define SPLIT_DESC_NEXT(next)	   ((uint64_t)(next) << 48)

#define VIRTQ_AVAIL_F_NO_INTERRUPT 1
struct split_avail {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[]; /* behind the last: used_event */
};

struct split_used_elem {
	uint32_t id;
	uint32_t len;
};

#define VIRTQ_USED_F_NO_NOTIFY 1
struct split_used {
	uint16_t flags;
	uint16_t idx;
	struct split_used_elem ring[]; /* behind the last: avail_event, 16 bits */
};
_Static_assert(sizeof(struct split_used) == 4, "2.7.8");

/* Packed ring (2.8) */
struct packed_desc {
	uint64_t addr;
	/* len 31:0, id 47:32, flags 63:48, so that it is one load, and one store. */
	uint64_t meta;
};
_Static_assert(sizeof(struct packed_desc) == 16, "2.8.13");
#define PACKED_ID(id)	    ((uint64_t)(id) << 32)
#define PACKED_FLAGS(flags) ((uint64_t)(flags) << 48)
#define PACKED_F_AVAIL	    (1u << 7)
#define PACKED_F_USED	    (1u << 15)

/* Event suppression structure (2.8.14) */
struct packed_event {
	uint16_t off_wrap; /* position in the ring, and in bit 15 the wrap counter */
	uint16_t flags;
};
#define PACKED_EVENT_ENABLE  0
#define PACKED_EVENT_DISABLE 1
#define PACKED_EVENT_DESC    2 /* at off_wrap; needs VIRTIO_F_EVENT_IDX */
#define PACKED_EVENT_MASK    3
#define PACKED_EVENT_WRAP    0x8000u

#endif /* POLLUX_VIRTIO_REGS_H */
