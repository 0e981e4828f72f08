/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers of the 82576's virtual functions, by the names of the "Intel 82576EB Gigabit Ethernet
 * Controller Datasheet", chapter 9 (virtual function device registers), and the messages of their
 * mailbox as in Intel's "82576 SR-IOV Driver Companion Guide". Those of queues and descriptors are
 * the common ones (intel/intel_regs.h); SRRCTL's fields are in igb/igb_regs.h.
 */
#ifndef POLLUX_IGBVF_REGS_H
#define POLLUX_IGBVF_REGS_H

#include <stdint.h>

#define IGBVF_BAR_SIZE	    0x4000

#define IGBVF_SRRCTL(queue) (0x0280c + 0x100 * (queue))

/* Interrupts: rx queue 0 in the first byte of VTIVAR, rx queue 1 in the third. */
#define IGBVF_EIMS		   0x01524
#define IGBVF_EIMC		   0x01528
#define IGBVF_EIAC		   0x0152c
#define IGBVF_EIAM		   0x01530
#define IGBVF_VTIVAR		   0x01700
#define IGBVF_VTIVAR_MISC	   0x01740
#define IGBVF_IVAR_VALID	   0x80u
#define IGBVF_IVAR_RX_SHIFT(queue) (16 * (queue))

/* Statistics: 32 bits each, which go on counting when read. */
#define IGBVF_VFGPRC 0x00f10
#define IGBVF_VFGPTC 0x00f14
#define IGBVF_VFGORC 0x00f18
#define IGBVF_VFGOTC 0x00f34
#define IGBVF_VFMPRC 0x00f3c

/* Mailbox: 16 words of memory, and who may write them. Reading clears PFSTS, PFACK and RSTD. */
#define IGBVF_VMBMEM(word)     (0x00800 + 4 * (word))
#define IGBVF_MESSAGE_WORDS    16
#define IGBVF_V2PMAILBOX       0x00c40
#define IGBVF_MAILBOX_REQ      (1u << 0) /* we have written a message */
#define IGBVF_MAILBOX_ACK      (1u << 1) /* we have read theirs */
#define IGBVF_MAILBOX_VFU      (1u << 2) /* the memory is ours to write */
#define IGBVF_MAILBOX_PFU      (1u << 3) /* the memory is theirs */
#define IGBVF_MAILBOX_PFSTS    (1u << 4) /* they have written a message */
#define IGBVF_MAILBOX_PFACK    (1u << 5) /* they have read ours */
#define IGBVF_MAILBOX_RSTI     (1u << 6) /* the physical function is being reset */
#define IGBVF_MAILBOX_RSTD     (1u << 7) /* it was */
#define IGBVF_MAILBOX_CLEARING (IGBVF_MAILBOX_PFSTS | IGBVF_MAILBOX_PFACK | IGBVF_MAILBOX_RSTD)

/* First word of a message: type 15:0, argument 23:16, and in answers these bits. */
#define IGBVF_MSG_TYPE		0xffffu
#define IGBVF_MSG_ARG_SHIFT	16
#define IGBVF_MSG_CTS		(1u << 29) /* the physical function knows us since our reset */
#define IGBVF_MSG_NACK		(1u << 30)
#define IGBVF_MSG_ACK		(1u << 31)

#define IGBVF_MSG_RESET		0x0001u /* answer: our address in the next two words */
#define IGBVF_MSG_SET_MAC	0x0002u /* argument 0; the next two words */
#define IGBVF_MAC_FILTERS_CLEAR (1u << IGBVF_MSG_ARG_SHIFT)
#define IGBVF_MAC_FILTER_ADD	(2u << IGBVF_MSG_ARG_SHIFT)
#define IGBVF_MSG_MULTICAST	0x0003u /* argument: count; hashes of 16 bits */
#define IGBVF_MULTICAST_MAX	30
#define IGBVF_MSG_VLAN		0x0004u /* argument: 1 add, 0 remove; the VLAN */
#define IGBVF_MSG_LONGEST	0x0005u /* longest frame, with its check sequence */
#define IGBVF_MSG_PROMISC	0x0006u
#define IGBVF_PROMISC_MULTICAST (2u << IGBVF_MSG_ARG_SHIFT)
#define IGBVF_MSG_CONTROL	0x0100u /* from the physical function, unasked */

#endif /* POLLUX_IGBVF_REGS_H */
