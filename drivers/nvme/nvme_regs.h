/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Controller properties of the NVM Express Base Specification 2.0c, 3.1.3, at their offsets in
 * BAR 0, and the doorbells of the PCIe Transport Specification 1.0, 3.1.2. Fields are masks;
 * NVME_GET() and NVME_PUT() do the shifting.
 */
#ifndef POLLUX_NVME_REGS_H
#define POLLUX_NVME_REGS_H

#include <stdint.h>

#define NVME_BIT64(n)	       (UINT64_C(1) << (n))
#define NVME_MASK64(high, low) ((NVME_BIT64(high) - NVME_BIT64(low)) | NVME_BIT64(high))
#define NVME_MASK32(high, low) ((uint32_t)NVME_MASK64(high, low))

/** The field under a mask, shifted down. */
#define NVME_GET(value, mask) (((value) & (mask)) >> __builtin_ctzll(mask))
/** A value shifted up under a mask. */
#define NVME_PUT(value, mask) (((__typeof__(mask))(value) << __builtin_ctzll(mask)) & (mask))

/* Controller Capabilities, 3.1.3.1 */
#define NVME_CAP	     0x00
#define NVME_CAP_MQES	     NVME_MASK64(15, 0) /* entries of a queue, 0's based */
#define NVME_CAP_CQR	     NVME_BIT64(16)
#define NVME_CAP_AMS_WRR     NVME_BIT64(17)	 /* weighted round robin with urgent class */
#define NVME_CAP_TO	     NVME_MASK64(31, 24) /* in 500 ms */
#define NVME_CAP_DSTRD	     NVME_MASK64(35, 32) /* doorbell stride: 4 << DSTRD */
#define NVME_CAP_NSSRS	     NVME_BIT64(36)	 /* subsystem reset */
#define NVME_CAP_CSS_NVM     NVME_BIT64(37)
#define NVME_CAP_CSS_SETS    NVME_BIT64(43) /* I/O command sets by Identify */
#define NVME_CAP_CSS_NO_IO   NVME_BIT64(44)
#define NVME_CAP_MPSMIN	     NVME_MASK64(51, 48) /* memory page: 4 KiB << MPSMIN */
#define NVME_CAP_MPSMAX	     NVME_MASK64(55, 52)
#define NVME_CAP_CMBS	     NVME_BIT64(57) /* controller memory buffer */
#define NVME_CAP_TO_UNIT_MS  500
#define NVME_PAGE_SHIFT_BASE 12

/* Version, 3.1.3.2: major 31:16, minor 15:8, tertiary 7:0 */
#define NVME_VS				0x08
#define NVME_VERSION(major, minor, ter) ((uint32_t)(major) << 16 | (minor) << 8 | (ter))

/* Controller Configuration, 3.1.3.5 */
#define NVME_CC		   0x14
#define NVME_CC_EN	   NVME_MASK32(0, 0)
#define NVME_CC_CSS	   NVME_MASK32(6, 4)
#define NVME_CC_CSS_NVM	   0
#define NVME_CC_CSS_SETS   6 /* all I/O command sets that the controller has */
#define NVME_CC_MPS	   NVME_MASK32(10, 7)
#define NVME_CC_AMS	   NVME_MASK32(13, 11) /* 0: round robin */
#define NVME_CC_SHN	   NVME_MASK32(15, 14)
#define NVME_CC_SHN_NORMAL 1
#define NVME_CC_SHN_ABRUPT 2
#define NVME_CC_AMS_WRR	   1
#define NVME_CC_IOSQES	   NVME_MASK32(19, 16)
#define NVME_CC_IOCQES	   NVME_MASK32(23, 20)

/* Controller Status, 3.1.3.6 */
#define NVME_CSTS	    0x1c
#define NVME_CSTS_RDY	    NVME_MASK32(0, 0)
#define NVME_CSTS_CFS	    NVME_MASK32(1, 1) /* controller fatal status */
#define NVME_CSTS_SHST	    NVME_MASK32(3, 2)
#define NVME_CSTS_SHST_DONE 2
/* What any register reads when the device is not there any more (PCIe: master abort). */
#define NVME_GONE UINT32_MAX

/* NVM Subsystem Reset, 3.1.3.7 */
#define NVME_NSSR	0x20
#define NVME_NSSR_RESET 0x4e564d65 /* "NVMe" */

/* Admin queue: attributes, 3.1.3.8; submission queue, 3.1.3.9; completion queue, 3.1.3.10 */
#define NVME_AQA      0x24
#define NVME_AQA_ASQS NVME_MASK32(11, 0) /* 0's based */
#define NVME_AQA_ACQS NVME_MASK32(27, 16)
#define NVME_ASQ      0x28
#define NVME_ACQ      0x30

/* Controller Memory Buffer: location, 3.1.3.11; size, 3.1.3.12; memory space control, 3.1.3.14;
 * status, 3.1.3.15 */
#define NVME_CMBLOC	   0x38
#define NVME_CMBLOC_BIR	   NVME_MASK32(2, 0)
#define NVME_CMBLOC_OFST   NVME_MASK32(31, 12) /* in NVME_CMBSZ_SZU */
#define NVME_CMBSZ	   0x3c
#define NVME_CMBSZ_SQS	   NVME_MASK32(0, 0)  /* for submission queues */
#define NVME_CMBSZ_SZU	   NVME_MASK32(11, 8) /* unit: 4 KiB << 4 * SZU */
#define NVME_CMBSZ_SZU_MAX 6
#define NVME_CMBSZ_SZ	   NVME_MASK32(31, 12)
#define NVME_CMBMSC	   0x50
#define NVME_CMBMSC_CRE	   NVME_BIT64(0) /* the two above say something */
#define NVME_CMBMSC_CMSE   NVME_BIT64(1) /* the controller finds it at CBA */
#define NVME_CMBSTS	   0x58
#define NVME_CMBSTS_CBAI   NVME_MASK32(0, 0) /* it does not like CBA */

/* Doorbells: submission queue tail and completion queue head of queue 0, 1, ... in turn. */
#define NVME_DOORBELLS 0x1000

#endif /* POLLUX_NVME_REGS_H */
