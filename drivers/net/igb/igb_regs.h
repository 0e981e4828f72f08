/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers that the 82576 has beside the common ones (intel/intel_regs.h), by the names of the
 * "Intel 82576EB Gigabit Ethernet Controller Datasheet", chapter 8.
 */
#ifndef POLLUX_IGB_REGS_H
#define POLLUX_IGB_REGS_H

#include <stdint.h>

/* Queues: their registers begin here, 0x40 bytes each. */
#define IGB_RDBAL(queue)	(0x0c000 + 0x40 * (queue))
#define IGB_TDBAL(queue)	(0x0e000 + 0x40 * (queue))
#define IGB_SRRCTL(queue)	(0x0c00c + 0x40 * (queue))
#define IGB_RXDCTL(queue)	(0x0c028 + 0x40 * (queue))
#define IGB_TXDCTL(queue)	(0x0e028 + 0x40 * (queue))
#define IGB_SRRCTL_BSIZE(bytes) ((uint32_t)(bytes) >> 10)
#define IGB_SRRCTL_ADVANCED	(1u << 25)
#define IGB_SRRCTL_DROP_EN	(1u << 31)
#define IGB_BSIZE_UNIT		1024u
#define IGB_BSIZE_MAX		16384u

/* Longest frame, with its check sequence, while RCTL.LPE is set. */
#define IGB_RLPML 0x05004

/* RSS: MRQC has its own way to say so; one byte per entry of the table. */
#define IGB_MRQC_RSS 2u

/* Interrupts: one bit per vector in the extended registers. */
#define IGB_GPIE	     0x01514
#define IGB_GPIE_NSICR	     (1u << 0)
#define IGB_GPIE_MULTI	     (1u << 4)
#define IGB_GPIE_EIAME	     (1u << 30)
#define IGB_GPIE_PBA	     (1u << 31)
#define IGB_EIMS	     0x01524
#define IGB_EIMC	     0x01528
#define IGB_EIAC	     0x0152c
#define IGB_EIAM	     0x01530
#define IGB_EICR	     0x01580
#define IGB_IVAR(i)	     (0x01700 + 4 * (i))
#define IGB_IVAR_VALID	     0x80u
#define IGB_IVAR_MISC	     0x01740
#define IGB_IVAR_OTHER_SHIFT 8

/* Ownership of the PHY, shared with firmware and the other port. */
#define IGB_SWSM	      0x05b50
#define IGB_SWSM_SWESMBI      (1u << 1)
#define IGB_SW_FW_SYNC	      0x05b5c
#define IGB_SYNC_PHY(port)    (2u << (port)) /* held by software; by firmware: 16 bits up */
#define IGB_STATUS_PORT_SHIFT 2
#define IGB_STATUS_PORT_MASK  1u

#endif /* POLLUX_IGB_REGS_H */
