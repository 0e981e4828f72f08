/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers and descriptors of Intel's gigabit NICs, by the names of the 82574 data sheet ("Intel
 * 82574 GbE Controller Family Datasheet", revision 3.4), chapter 10.2 (registers) and 7
 * (descriptors). The 82540EM and the 82576 have those of these that their drivers use, at the same
 * offsets into BAR 0; what only the 82576 has is in igb/igb_regs.h.
 */
#ifndef POLLUX_INTEL_REGS_H
#define POLLUX_INTEL_REGS_H

#include <stdint.h>

#define INTEL_BAR_SIZE 0x20000

/* General (10.2.2) */
#define INTEL_CTRL		       0x00000
#define INTEL_CTRL_FD		       (1u << 0)
#define INTEL_CTRL_GIO_MASTER_DISABLE  (1u << 2)
#define INTEL_CTRL_SLU		       (1u << 6)
#define INTEL_CTRL_FRCSPD	       (1u << 11)
#define INTEL_CTRL_FRCDPLX	       (1u << 12)
#define INTEL_CTRL_RST		       (1u << 26)
#define INTEL_CTRL_RFCE		       (1u << 27)
#define INTEL_CTRL_TFCE		       (1u << 28)
#define INTEL_CTRL_VME		       (1u << 30)

#define INTEL_STATUS		       0x00008
#define INTEL_STATUS_FD		       (1u << 0)
#define INTEL_STATUS_LU		       (1u << 1)
#define INTEL_STATUS_SPEED_SHIFT       6
#define INTEL_STATUS_SPEED_MASK	       3u
#define INTEL_STATUS_GIO_MASTER_ENABLE (1u << 19)

#define INTEL_VET		       0x00038
#define INTEL_VET_8021Q		       0x8100u
#define INTEL_EECD		       0x00010
#define INTEL_EECD_AUTO_RD	       (1u << 9) /* read of the NVM after reset is done */

#define INTEL_CTRL_EXT		       0x00018
#define INTEL_CTRL_EXT_DRV_LOAD	       (1u << 28)
#define INTEL_CTRL_EXT_PBA_SUPPORT     (1u << 31)

#define INTEL_MDIC		       0x00020
#define INTEL_MDIC_REG_SHIFT	       16
#define INTEL_MDIC_PHY		       (1u << 21) /* PHY address 1 */
#define INTEL_MDIC_WRITE	       (1u << 26)
#define INTEL_MDIC_READ		       (2u << 26)
#define INTEL_MDIC_READY	       (1u << 28)
#define INTEL_MDIC_ERROR	       (1u << 30)

#define INTEL_EXTCNF_CTRL	       0x00f00
#define INTEL_EXTCNF_CTRL_MDIO_SW      (1u << 5) /* MDIO software ownership */

/* PHY control register (IEEE 802.3 clause 22) */
#define INTEL_PHY_CONTROL	     0
#define INTEL_PHY_CONTROL_RESTART    (1u << 9)
#define INTEL_PHY_CONTROL_POWER_DOWN (1u << 11)
#define INTEL_PHY_CONTROL_AUTONEG    (1u << 12)

/* Interrupts (10.2.4) */
#define INTEL_ICR		    0x000c0
#define INTEL_ICS		    0x000c8
#define INTEL_IMS		    0x000d0
#define INTEL_IMC		    0x000d8
#define INTEL_EIAC		    0x000dc
#define INTEL_IAM		    0x000e0
#define INTEL_IVAR		    0x000e4
#define INTEL_EITR(vector)	    (0x000e8 + 4 * (vector))
#define INTEL_INT_LSC		    (1u << 2)
#define INTEL_INT_RXQ(queue)	    (1u << (20 + (queue)))
#define INTEL_INT_OTHER		    (1u << 24)
#define INTEL_IVAR_VALID	    8u
#define INTEL_IVAR_RXQ_SHIFT(queue) (4 * (queue))
#define INTEL_IVAR_OTHER_SHIFT	    16

/* Receive (10.2.5) */
#define INTEL_RCTL	       0x00100
#define INTEL_RCTL_EN	       (1u << 1)
#define INTEL_RCTL_UPE	       (1u << 3)
#define INTEL_RCTL_MPE	       (1u << 4)
#define INTEL_RCTL_LPE	       (1u << 5)
#define INTEL_RCTL_VFE	       (1u << 18)
#define INTEL_RCTL_BAM	       (1u << 15)
#define INTEL_RCTL_BSIZE_SHIFT 16
#define INTEL_RCTL_BSEX	       (1u << 25)
#define INTEL_RCTL_SECRC       (1u << 26)
/* Of one queue, from where its registers begin (struct intel_family): rx and tx are alike. */
#define INTEL_Q_BAL	    0x00
#define INTEL_Q_BAH	    0x04
#define INTEL_Q_LEN	    0x08
#define INTEL_Q_HEAD	    0x10
#define INTEL_Q_TAIL	    0x18
#define INTEL_Q_XDCTL	    0x28
#define INTEL_RDBAL(queue)  (0x02800 + 0x100 * (queue))
#define INTEL_RDBAH(queue)  (0x02804 + 0x100 * (queue))
#define INTEL_RDLEN(queue)  (0x02808 + 0x100 * (queue))
#define INTEL_RDH(queue)    (0x02810 + 0x100 * (queue))
#define INTEL_RDT(queue)    (0x02818 + 0x100 * (queue))
#define INTEL_RDTR	    0x02820
#define INTEL_RXDCTL(queue) (0x02828 + 0x100 * (queue))
#define INTEL_RADV	    0x0282c
#define INTEL_RXCSUM	    0x05000
#define INTEL_RXCSUM_IP	    (1u << 8)
#define INTEL_RXCSUM_L4	    (1u << 9)
#define INTEL_RXCSUM_PCSD   (1u << 13)
#define INTEL_RFCTL	    0x05008
#define INTEL_RFCTL_EXSTEN  (1u << 15)
#define INTEL_MTA(i)	    (0x05200 + 4 * (i))
#define INTEL_MTA_COUNT	    128
#define INTEL_RAL(i)	    (0x05400 + 8 * (i))
#define INTEL_RAH(i)	    (0x05404 + 8 * (i))
#define INTEL_RAH_AV	    (1u << 31)
#define INTEL_EXACT_MAX	    15 /* of RAL/RAH; the last may be the firmware's */
#define INTEL_VFTA(i)	    (0x05600 + 4 * (i))
#define INTEL_VFTA_COUNT    128
#define INTEL_MRQC	    0x05818
#define INTEL_MRQC_RSS	    1u
#define INTEL_MRQC_IPV4_TCP (1u << 16)
#define INTEL_MRQC_IPV4	    (1u << 17)
#define INTEL_MRQC_IPV6_TCP (1u << 18 | 1u << 21)
#define INTEL_MRQC_IPV6	    (1u << 19 | 1u << 20)
#define INTEL_MRQC_IPV4_UDP (1u << 22) /* this and the next: 82576 */
#define INTEL_MRQC_IPV6_UDP (1u << 23 | 1u << 24)
#define INTEL_RETA(i)	    (0x05c00 + 4 * (i))
#define INTEL_RETA_COUNT    32
#define INTEL_RETA_SIZE	    128
#define INTEL_RSSRK(i)	    (0x05c80 + 4 * (i))
#define INTEL_RSSRK_COUNT   10

/* Transmit (10.2.6) */
#define INTEL_TCTL	    0x00400
#define INTEL_TCTL_EN	    (1u << 1)
#define INTEL_TCTL_PSP	    (1u << 3)
#define INTEL_TCTL_CT	    (0x0fu << 4)
#define INTEL_TCTL_COLD_FD  (0x3fu << 12)
#define INTEL_TIPG	    0x00410
#define INTEL_TIPG_COPPER   (8u | 8u << 10 | 6u << 20)
#define INTEL_TDBAL(queue)  (0x03800 + 0x100 * (queue))
#define INTEL_TDBAH(queue)  (0x03804 + 0x100 * (queue))
#define INTEL_TDLEN(queue)  (0x03808 + 0x100 * (queue))
#define INTEL_TDH(queue)    (0x03810 + 0x100 * (queue))
#define INTEL_TDT(queue)    (0x03818 + 0x100 * (queue))
#define INTEL_TIDV	    0x03820
#define INTEL_TXDCTL(queue) (0x03828 + 0x100 * (queue))
#define INTEL_TADV	    0x0382c
#define INTEL_TARC(queue)   (0x03840 + 0x100 * (queue))
#define INTEL_TARC_COUNT    1u
#define INTEL_TARC_ENABLE   (1u << 10)

/* RXDCTL, TXDCTL: thresholds in descriptors (GRAN); TXDCTL bit 22 must be set */
#define INTEL_XDCTL_PTHRESH(n) ((uint32_t)(n))
#define INTEL_XDCTL_HTHRESH(n) ((uint32_t)(n) << 8)
#define INTEL_XDCTL_WTHRESH(n) ((uint32_t)(n) << 16)
#define INTEL_TXDCTL_BIT22     (1u << 22)
#define INTEL_XDCTL_GRAN       (1u << 24)
#define INTEL_XDCTL_ENABLE     (1u << 25) /* 82576 */
/* What the drivers set; WTHRESH 0: a descriptor with RS is written back at once, so batches are
 * seen in time */
#define INTEL_RX_THRESHOLDS                                                                        \
	(INTEL_XDCTL_PTHRESH(16) | INTEL_XDCTL_HTHRESH(4) | INTEL_XDCTL_WTHRESH(1))
#define INTEL_TX_THRESHOLDS (INTEL_XDCTL_PTHRESH(31) | INTEL_XDCTL_HTHRESH(1))

/* Statistics (10.2.7): 32 bits each, cleared by reading */
#define INTEL_CRCERRS  0x04000
#define INTEL_ALGNERRC 0x04004
#define INTEL_RXERRC   0x0400c
#define INTEL_MPC      0x04010
#define INTEL_ECOL     0x04018
#define INTEL_LATECOL  0x04020
#define INTEL_CEXTERR  0x0403c
#define INTEL_RLEC     0x04040
#define INTEL_XONRXC   0x04048
#define INTEL_XOFFRXC  0x04050
#define INTEL_GPRC     0x04074
#define INTEL_BPRC     0x04078
#define INTEL_MPRC     0x0407c
#define INTEL_GPTC     0x04080
#define INTEL_RNBC     0x040a0
#define INTEL_RUC      0x040a4
#define INTEL_RFC      0x040a8
#define INTEL_ROC      0x040ac
#define INTEL_RJC      0x040b0
#define INTEL_TPR      0x040d0
#define INTEL_TPT      0x040d4
#define INTEL_MPTC     0x040f0
#define INTEL_BPTC     0x040f4

/*
 * Extended receive descriptor (7.1.5). The device reads the buffer's address and writes back what
 * is below `meta`: extended status 19:0 and error 31:20, length 47:32, VLAN tag 63:48.
 */
struct intel_rx_desc {
	uint64_t addr; /* little-endian; written back: MRQ, RSS hash or checksum */
	uint64_t meta; /* little-endian; software writes 0 */
};
_Static_assert(sizeof(struct intel_rx_desc) == 16, "7.1.5");

#define INTEL_RXD_DD  UINT64_C(0x1)
#define INTEL_RXD_EOP UINT64_C(0x2)
/* CE, SE, SEQ, CXE, RXE: the frame is bad. The checksum errors (TCPE, IPE) are not among them. The
 * advanced descriptor has RXE alone; the legacy one is meant with its halves exchanged. */
#define INTEL_RXD_ERRORS_EXTENDED (UINT64_C(0x97) << 24)
#define INTEL_RXD_ERRORS_ADVANCED (UINT64_C(0x80) << 24)
#define INTEL_RXD_ERRORS_LEGACY	  (UINT64_C(0x97) << 8)
#define INTEL_RXD_DD_LEGACY	  (UINT64_C(1) << 32)
#define INTEL_RXD_LEN_SHIFT	  32
/* Offloads: the tag is out, checksums were looked at; hash and its kind are in the other half. */
#define INTEL_RXD_VP	      UINT64_C(0x08)
#define INTEL_RXD_UDPCS	      UINT64_C(0x10)
#define INTEL_RXD_L4CS	      UINT64_C(0x20)
#define INTEL_RXD_IPCS	      UINT64_C(0x40)
#define INTEL_RXD_IXSM	      UINT64_C(0x04) /* not the 82576 */
#define INTEL_RXD_L4E	      (UINT64_C(1) << 29)
#define INTEL_RXD_IPE	      (UINT64_C(1) << 30)
#define INTEL_RXD_L4E_LEGACY  (UINT64_C(1) << 13)
#define INTEL_RXD_IPE_LEGACY  (UINT64_C(1) << 14)
#define INTEL_RXD_VLAN_SHIFT  48
#define INTEL_RXD_VLAN_LEGACY 16
#define INTEL_RXD_RSS_TYPE    UINT64_C(0xf) /* first half */
#define INTEL_RXD_RSS_TYPES   9
#define INTEL_RXD_HASH_SHIFT  32

/* Transmit data descriptor (7.2): DTALEN 19:0, DTYP 23:20, DCMD 31:24, STA 35:32. */
struct intel_tx_desc {
	uint64_t addr; /* little-endian */
	uint64_t ctl;  /* little-endian */
};
_Static_assert(sizeof(struct intel_tx_desc) == 16, "7.2");

#define INTEL_TXD_DTYP_DATA	(UINT64_C(1) << 20)
#define INTEL_TXD_DTYP_ADVANCED (UINT64_C(3) << 20)
#define INTEL_TXD_PAYLEN_SHIFT	46
#define INTEL_TXD_EOP		(UINT64_C(1) << 24)
#define INTEL_TXD_IFCS		(UINT64_C(1) << 25)
#define INTEL_TXD_RS		(UINT64_C(1) << 27)
#define INTEL_TXD_DEXT		(UINT64_C(1) << 29)
#define INTEL_TXD_TSE		(UINT64_C(1) << 26)
#define INTEL_TXD_TSE_ADV	(UINT64_C(1) << 31)
#define INTEL_TXD_VLE		(UINT64_C(1) << 30)
#define INTEL_TXD_IXSM		(UINT64_C(1) << 40)
#define INTEL_TXD_TXSM		(UINT64_C(1) << 41)
#define INTEL_TXD_VLAN_SHIFT	48
/* Context descriptor, second half; DTYP is 0, or 2 of the advanced one. */
#define INTEL_TXC_TCP	       (UINT64_C(1) << 24)
#define INTEL_TXC_IPV4	       (UINT64_C(1) << 25)
#define INTEL_TXC_TSE	       (UINT64_C(1) << 26)
#define INTEL_TXC_HDRLEN_SHIFT 40
#define INTEL_TXC_MSS_SHIFT    48
#define INTEL_TXC_ADV	       (UINT64_C(2) << 20)
#define INTEL_TXC_ADV_IPV4     (UINT64_C(1) << 10)
#define INTEL_TXC_ADV_TCP      (UINT64_C(1) << 11)
#define INTEL_TXD_DD	       (UINT64_C(1) << 32)

#endif /* POLLUX_INTEL_REGS_H */
