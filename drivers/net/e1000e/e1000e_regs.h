/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers and descriptors of the Intel 82574L, named as in the "Intel 82574 GbE Controller Family
 * Datasheet" (revision 3.4), chapter 10.2 (registers) and 7 (descriptors). Offsets into BAR 0.
 */
#ifndef POLLUX_E1000E_REGS_H
#define POLLUX_E1000E_REGS_H

#include <stdint.h>

#define E1000E_BAR_SIZE 0x20000

/* General (10.2.2) */
#define E1000E_CTRL			0x00000
#define E1000E_CTRL_FD			(1u << 0)
#define E1000E_CTRL_GIO_MASTER_DISABLE	(1u << 2)
#define E1000E_CTRL_SLU			(1u << 6)
#define E1000E_CTRL_FRCSPD		(1u << 11)
#define E1000E_CTRL_FRCDPLX		(1u << 12)
#define E1000E_CTRL_RST			(1u << 26)
#define E1000E_CTRL_RFCE		(1u << 27)
#define E1000E_CTRL_TFCE		(1u << 28)
#define E1000E_CTRL_VME			(1u << 30)

#define E1000E_STATUS			0x00008
#define E1000E_STATUS_FD		(1u << 0)
#define E1000E_STATUS_LU		(1u << 1)
#define E1000E_STATUS_SPEED_SHIFT	6
#define E1000E_STATUS_SPEED_MASK	3u
#define E1000E_STATUS_GIO_MASTER_ENABLE (1u << 19)

#define E1000E_EECD			0x00010
#define E1000E_EECD_AUTO_RD		(1u << 9) /* read of the NVM after reset is done */

#define E1000E_CTRL_EXT			0x00018
#define E1000E_CTRL_EXT_DRV_LOAD	(1u << 28)
#define E1000E_CTRL_EXT_PBA_SUPPORT	(1u << 31)

#define E1000E_MDIC			0x00020
#define E1000E_MDIC_REG_SHIFT		16
#define E1000E_MDIC_PHY			(1u << 21) /* PHY address 1 */
#define E1000E_MDIC_WRITE		(1u << 26)
#define E1000E_MDIC_READ		(2u << 26)
#define E1000E_MDIC_READY		(1u << 28)
#define E1000E_MDIC_ERROR		(1u << 30)

#define E1000E_EXTCNF_CTRL		0x00f00
#define E1000E_EXTCNF_CTRL_MDIO_SW	(1u << 5) /* MDIO software ownership */

/* PHY control register (IEEE 802.3 clause 22) */
#define E1000E_PHY_CONTROL	      0
#define E1000E_PHY_CONTROL_RESTART    (1u << 9)
#define E1000E_PHY_CONTROL_POWER_DOWN (1u << 11)
#define E1000E_PHY_CONTROL_AUTONEG    (1u << 12)

/* Interrupts (10.2.4) */
#define E1000E_ICR		     0x000c0
#define E1000E_ICS		     0x000c8
#define E1000E_IMS		     0x000d0
#define E1000E_IMC		     0x000d8
#define E1000E_EIAC		     0x000dc
#define E1000E_IAM		     0x000e0
#define E1000E_IVAR		     0x000e4
#define E1000E_EITR(vector)	     (0x000e8 + 4 * (vector))
#define E1000E_INT_LSC		     (1u << 2)
#define E1000E_INT_RXQ(queue)	     (1u << (20 + (queue)))
#define E1000E_INT_OTHER	     (1u << 24)
#define E1000E_IVAR_VALID	     8u
#define E1000E_IVAR_RXQ_SHIFT(queue) (4 * (queue))
#define E1000E_IVAR_OTHER_SHIFT	     16

/* Receive (10.2.5) */
#define E1000E_RCTL		0x00100
#define E1000E_RCTL_EN		(1u << 1)
#define E1000E_RCTL_UPE		(1u << 3)
#define E1000E_RCTL_MPE		(1u << 4)
#define E1000E_RCTL_LPE		(1u << 5)
#define E1000E_RCTL_BAM		(1u << 15)
#define E1000E_RCTL_BSIZE_SHIFT 16
#define E1000E_RCTL_BSEX	(1u << 25)
#define E1000E_RCTL_SECRC	(1u << 26)
#define E1000E_RDBAL(queue)	(0x02800 + 0x100 * (queue))
#define E1000E_RDBAH(queue)	(0x02804 + 0x100 * (queue))
#define E1000E_RDLEN(queue)	(0x02808 + 0x100 * (queue))
#define E1000E_RDH(queue)	(0x02810 + 0x100 * (queue))
#define E1000E_RDT(queue)	(0x02818 + 0x100 * (queue))
#define E1000E_RDTR		0x02820
#define E1000E_RXDCTL(queue)	(0x02828 + 0x100 * (queue))
#define E1000E_RADV		0x0282c
#define E1000E_RXCSUM		0x05000
#define E1000E_RXCSUM_PCSD	(1u << 13)
#define E1000E_RFCTL		0x05008
#define E1000E_RFCTL_EXSTEN	(1u << 15)
#define E1000E_MTA(i)		(0x05200 + 4 * (i))
#define E1000E_MTA_COUNT	128
#define E1000E_RAL(i)		(0x05400 + 8 * (i))
#define E1000E_RAH(i)		(0x05404 + 8 * (i))
#define E1000E_RAH_AV		(1u << 31)
#define E1000E_MRQC		0x05818
#define E1000E_MRQC_RSS		1u
#define E1000E_MRQC_FIELDS	(0x37u << 16) /* TCP/IPv4, IPv4, TCP/IPv6, IPv6(ex) */
#define E1000E_RETA(i)		(0x05c00 + 4 * (i))
#define E1000E_RETA_COUNT	32
#define E1000E_RETA_QUEUE1	0x80u /* per byte: bit 7 is the queue */
#define E1000E_RSSRK(i)		(0x05c80 + 4 * (i))
#define E1000E_RSSRK_COUNT	10

/* Transmit (10.2.6) */
#define E1000E_TCTL	     0x00400
#define E1000E_TCTL_EN	     (1u << 1)
#define E1000E_TCTL_PSP	     (1u << 3)
#define E1000E_TCTL_CT	     (0x0fu << 4)
#define E1000E_TCTL_COLD_FD  (0x3fu << 12)
#define E1000E_TIPG	     0x00410
#define E1000E_TIPG_COPPER   (8u | 8u << 10 | 6u << 20)
#define E1000E_TDBAL(queue)  (0x03800 + 0x100 * (queue))
#define E1000E_TDBAH(queue)  (0x03804 + 0x100 * (queue))
#define E1000E_TDLEN(queue)  (0x03808 + 0x100 * (queue))
#define E1000E_TDH(queue)    (0x03810 + 0x100 * (queue))
#define E1000E_TDT(queue)    (0x03818 + 0x100 * (queue))
#define E1000E_TIDV	     0x03820
#define E1000E_TXDCTL(queue) (0x03828 + 0x100 * (queue))
#define E1000E_TADV	     0x0382c
#define E1000E_TARC(queue)   (0x03840 + 0x100 * (queue))
#define E1000E_TARC_COUNT    1u
#define E1000E_TARC_ENABLE   (1u << 10)

/* RXDCTL, TXDCTL: thresholds in descriptors (GRAN); TXDCTL bit 22 must be set */
#define E1000E_XDCTL_PTHRESH(n) ((uint32_t)(n))
#define E1000E_XDCTL_HTHRESH(n) ((uint32_t)(n) << 8)
#define E1000E_XDCTL_WTHRESH(n) ((uint32_t)(n) << 16)
#define E1000E_TXDCTL_BIT22	(1u << 22)
#define E1000E_XDCTL_GRAN	(1u << 24)

/* Statistics (10.2.7): 32 bits each, cleared by reading */
#define E1000E_CRCERRS	0x04000
#define E1000E_ALGNERRC 0x04004
#define E1000E_RXERRC	0x0400c
#define E1000E_MPC	0x04010
#define E1000E_ECOL	0x04018
#define E1000E_LATECOL	0x04020
#define E1000E_CEXTERR	0x0403c
#define E1000E_RLEC	0x04040
#define E1000E_XONRXC	0x04048
#define E1000E_XOFFRXC	0x04050
#define E1000E_GPRC	0x04074
#define E1000E_BPRC	0x04078
#define E1000E_MPRC	0x0407c
#define E1000E_GPTC	0x04080
#define E1000E_RNBC	0x040a0
#define E1000E_RUC	0x040a4
#define E1000E_RFC	0x040a8
#define E1000E_ROC	0x040ac
#define E1000E_RJC	0x040b0
#define E1000E_TPR	0x040d0
#define E1000E_TPT	0x040d4
#define E1000E_MPTC	0x040f0
#define E1000E_BPTC	0x040f4

/*
 * Extended receive descriptor (7.1.5). The device reads the buffer's address and writes back what
 * is below `meta`: extended status 19:0 and error 31:20, length 47:32, VLAN tag 63:48.
 */
struct e1000e_rx_desc {
	uint64_t addr; /* little-endian; written back: MRQ, RSS hash or checksum */
	uint64_t meta; /* little-endian; software writes 0 */
};
_Static_assert(sizeof(struct e1000e_rx_desc) == 16, "7.1.5");

#define E1000E_RXD_DD  UINT64_C(0x1)
#define E1000E_RXD_EOP UINT64_C(0x2)
/* CE, SE, SEQ, CXE, RXE: the frame is bad. The checksum errors (TCPE, IPE) are not among them. */
#define E1000E_RXD_ERRORS    (UINT64_C(0x97) << 24)
#define E1000E_RXD_LEN_SHIFT 32

/* Transmit data descriptor (7.2): DTALEN 19:0, DTYP 23:20, DCMD 31:24, STA 35:32. */
struct e1000e_tx_desc {
	uint64_t addr; /* little-endian */
	uint64_t ctl;  /* little-endian */
};
_Static_assert(sizeof(struct e1000e_tx_desc) == 16, "7.2");

#define E1000E_TXD_DTYP_DATA (UINT64_C(1) << 20)
#define E1000E_TXD_EOP	     (UINT64_C(1) << 24)
#define E1000E_TXD_IFCS	     (UINT64_C(1) << 25)
#define E1000E_TXD_RS	     (UINT64_C(1) << 27)
#define E1000E_TXD_DEXT	     (UINT64_C(1) << 29)
#define E1000E_TXD_DD	     (UINT64_C(1) << 32)

#endif /* POLLUX_E1000E_REGS_H */
