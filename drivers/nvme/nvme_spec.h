/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the controller reads from and writes to memory: queue entries and Identify structures, named
 * as in the NVM Express Base Specification 2.0c ("Base") and the NVM Command Set Specification 1.0c
 * ("NVM"). All fields are little-endian; convert at the point of use.
 */
#ifndef POLLUX_NVME_SPEC_H
#define POLLUX_NVME_SPEC_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* Submission queue entry, Base 3.3.3.1 */
struct nvme_sqe {
	union {
		struct {
			uint8_t opcode;
			uint8_t flags; /* fused operation 1:0, PRP or SGL 7:6 */
			uint16_t cid;
			uint32_t nsid;
		};
		uint64_t head; /* the four above as one word */
	};
	uint64_t cdw2_3;
	uint64_t mptr;
	uint64_t prp1, prp2;
	union {
		struct {
			uint32_t cdw10, cdw11;
		};
		uint64_t slba; /* NVM 3.2.4, 3.2.6 */
	};
	union {
		struct {
			uint32_t cdw12, cdw13;
		};
		uint64_t cdw12_13;
	};
	union {
		struct {
			uint32_t cdw14, cdw15;
		};
		uint64_t cdw14_15;
	};
};
static_assert(sizeof(struct nvme_sqe) == 64, "Base 3.3.3.1");
static_assert(offsetof(struct nvme_sqe, prp1) == 24, "Base 3.3.3.1");
static_assert(offsetof(struct nvme_sqe, cdw12) == 48, "Base 3.3.3.1");

/* flags: data and metadata pointer are an SGL and a contiguous buffer (PSDT 01b) */
#define NVME_SQE_SGL 0x40

/* SGL descriptors, Base 4.1.2.1: 16 bytes; the type is in the upper half of the last one */
#define NVME_SGL_BYTES	      16
#define NVME_SGL_TYPE_SHIFT   60
#define NVME_SGL_DATA	      0x0
#define NVME_SGL_LAST_SEGMENT 0x3

#define NVME_SQE_CID_SHIFT    16
#define NVME_SQE_NSID_SHIFT   32
/* Read and write, cdw12: number of blocks 15:0 (0's based), flags 31:16 (NVM 3.2.4) */
#define NVME_RW_FLAGS_SHIFT 16
#define NVME_RW_BLOCKS_MAX  65536

/* Completion queue entry, Base 3.3.3.2 */
struct nvme_cqe {
	uint64_t result; /* dwords 0 and 1: command specific */
	uint64_t tail;	 /* dwords 2 and 3, one load: see NVME_CQE_* */
};
static_assert(sizeof(struct nvme_cqe) == 16, "Base 3.3.3.2");

/* struct nvme_cqe.tail: SQ head 15:0, SQ id 31:16, command id 47:32, phase 48, status 63:49 */
#define NVME_CQE_SQID_SHIFT   16
#define NVME_CQE_CID_SHIFT    32
#define NVME_CQE_PHASE	      (UINT64_C(1) << 48)
#define NVME_CQE_STATUS_SHIFT 49

/* Admin opcodes, Base 5 */
enum nvme_admin_opcode {
	NVME_ADMIN_DELETE_SQ = 0x00,
	NVME_ADMIN_CREATE_SQ = 0x01,
	NVME_ADMIN_GET_LOG = 0x02,
	NVME_ADMIN_DELETE_CQ = 0x04,
	NVME_ADMIN_CREATE_CQ = 0x05,
	NVME_ADMIN_IDENTIFY = 0x06,
	NVME_ADMIN_ABORT = 0x08,
	NVME_ADMIN_SET_FEATURES = 0x09,
	NVME_ADMIN_GET_FEATURES = 0x0a,
	NVME_ADMIN_ASYNC_EVENT = 0x0c,
	NVME_ADMIN_NS_MANAGEMENT = 0x0d,
	NVME_ADMIN_FW_COMMIT = 0x10,
	NVME_ADMIN_FW_DOWNLOAD = 0x11,
	NVME_ADMIN_NS_ATTACHMENT = 0x15,
	NVME_ADMIN_KEEP_ALIVE = 0x18,
	NVME_ADMIN_DIRECTIVE_SEND = 0x19,
	NVME_ADMIN_DIRECTIVE_RECEIVE = 0x1a,
	NVME_ADMIN_VIRTUALIZATION = 0x1c,
	NVME_ADMIN_DOORBELL_BUFFER = 0x7c,
	NVME_ADMIN_FORMAT = 0x80,
	NVME_ADMIN_SANITIZE = 0x84,
};

/* Get and Set Features, Base 5.15 and 5.27: cdw10 id 7:0, select 10:8 (get), save 31 (set) */
#define NVME_FEATURE_SELECT_SHIFT 8
#define NVME_FEATURE_SAVE	  0x80000000u

/* Get Log Page, Base 5.16: cdw10 id 7:0, LSP 14:8, RAE 15, NUMDL 31:16; cdw14 CSI 31:24 */
#define NVME_LOG_SPECIFIC_SHIFT 8
#define NVME_LOG_RETAIN		0x8000u
#define NVME_LOG_DWORDS_SHIFT	16
#define NVME_LOG_CSI_SHIFT	24

/* Create I/O queue, Base 5.4 and 5.5: cdw10 size 31:16 (0's based), id 15:0 */
#define NVME_QUEUE_SIZE_SHIFT  16
#define NVME_QUEUE_CONTIGUOUS  0x1u
#define NVME_CQ_IRQ_ENABLE     0x2u
#define NVME_CQ_VECTOR_SHIFT   16
#define NVME_SQ_CQID_SHIFT     16
#define NVME_SQ_PRIORITY_SHIFT 1

/* Set Features, Number of Queues, Base 5.27.1.5: completion 31:16, submission 15:0, 0's based */
#define NVME_FEATURE_QUEUES  0x07
#define NVME_QUEUES_CQ_SHIFT 16

/* Set Features, Asynchronous Event Configuration, Base 5.27.1.8: critical warnings 7:0, notices */
#define NVME_FEATURE_EVENTS 0x0b
#define NVME_EVENTS_HEALTH  0x0000001fu
#define NVME_EVENTS_NOTICES 0xffffff00u
/* Asynchronous event, Base 5.2.1: dword 0 of the completion */
#define NVME_EVENT_TYPE(value) ((uint8_t)((value)&7))
#define NVME_EVENT_INFO(value) ((uint8_t)((value) >> 8))
#define NVME_EVENT_LOG(value)  ((uint8_t)((value) >> 16))

/* Set Features, Arbitration, Interrupt Coalescing, Interrupt Vector Configuration, Base 5.27.1 */
#define NVME_FEATURE_ARBITRATION  0x01
#define NVME_FEATURE_COALESCING	  0x08
#define NVME_FEATURE_VECTOR	  0x09
#define NVME_VECTOR_NO_COALESCING 0x10000u

/* Set Features, Keep Alive Timer, Base 5.27.1.12, in ms; the controller rounds up */
#define NVME_FEATURE_KEEP_ALIVE 0x0f
#define NVME_KAS_UNIT_MS	100

/* Identify, Base 5.17: CNS values */
enum nvme_cns {
	NVME_CNS_NS = 0x00,
	NVME_CNS_CTRL = 0x01,
	NVME_CNS_ACTIVE_NS = 0x02,
	NVME_CNS_NS_IDS = 0x03,
	NVME_CNS_SET_NS = 0x05, /* of an I/O command set: cdw11 31:24 */
	NVME_CNS_SET_CTRL = 0x06,
	NVME_CNS_PRIMARY = 0x14,
	NVME_CNS_SECONDARY = 0x15, /* controller id: cdw10 31:16 */
};
#define NVME_CNS_CONTROLLER_SHIFT 16
#define NVME_IDENTIFY_BYTES	  4096
#define NVME_CSI_SHIFT		  24

/* Identify Controller, Base 5.17.2.1 */
struct nvme_id_ctrl {
	uint16_t vid, ssvid;
	char sn[20];
	char mn[40];
	char fr[8];
	uint8_t rab;
	uint8_t ieee[3];
	uint8_t cmic;
	uint8_t mdts; /* 2^n memory pages of CAP.MPSMIN; 0: no limit */
	uint16_t cntlid;
	uint32_t ver;
	uint32_t rtd3r, rtd3e; /* microseconds */
	uint32_t oaes;
	uint32_t ctratt;
	uint8_t reserved100[156];
	uint16_t oacs;
	uint8_t acl;  /* Abort commands at once, 0's based */
	uint8_t aerl; /* Asynchronous Event Requests at once, 0's based */
	uint8_t frmw, lpa, elpe, npss;
	uint8_t reserved264[56];
	uint16_t kas; /* keep alive granularity in 100 ms; 0: it has none */
	uint8_t reserved322[190];
	uint8_t sqes, cqes; /* required 3:0, maximum 7:4, as powers of two */
	uint16_t maxcmd;
	uint32_t nn;
	uint16_t oncs, fuses;
	uint8_t fna, vwc;
	uint16_t awun, awupf;
	uint8_t icsvscc, nwpc;
	uint16_t acwu, cdfs;
	uint32_t sgls;
	uint8_t reserved540[228];
	char subnqn[256];
	uint8_t reserved1024[3072];
};
static_assert(sizeof(struct nvme_id_ctrl) == NVME_IDENTIFY_BYTES, "Base 5.17.2.1");
static_assert(offsetof(struct nvme_id_ctrl, mdts) == 77, "Base 5.17.2.1");
static_assert(offsetof(struct nvme_id_ctrl, oacs) == 256, "Base 5.17.2.1");
static_assert(offsetof(struct nvme_id_ctrl, kas) == 320, "Base 5.17.2.1");
static_assert(offsetof(struct nvme_id_ctrl, sqes) == 512, "Base 5.17.2.1");
static_assert(offsetof(struct nvme_id_ctrl, sgls) == 536, "Base 5.17.2.1");
static_assert(offsetof(struct nvme_id_ctrl, subnqn) == 768, "Base 5.17.2.1");

#define NVME_SQES_REQUIRED	  6
#define NVME_CQES_REQUIRED	  4
#define NVME_OACS_DIRECTIVES	  0x020
#define NVME_OACS_VIRTUALIZATION  0x080
#define NVME_OACS_DOORBELL_BUFFER 0x100
#define NVME_CTRATT_ELBAS	  0x8000 /* extended LBA formats */
#define NVME_VWC_PRESENT	  0x1
#define NVME_SGLS_MASK		  0x3
#define NVME_SGLS_BYTES		  0x1 /* of the two: no alignment is asked for */
#define NVME_SGLS_DWORDS	  0x2 /* multiples of 4 */

/* Primary Controller Capabilities, Base 5.17.2.14: flexible resources of one kind */
struct nvme_virt_resource {
	uint32_t frt, rfa;
	uint16_t rfap, prt, frsm, gran;
	uint8_t reserved16[16];
};
struct nvme_primary_caps {
	uint16_t cntlid, portid;
	uint8_t crt; /* queues 0, interrupts 1 */
	uint8_t reserved5[27];
	struct nvme_virt_resource vq, vi;
};
static_assert(sizeof(struct nvme_primary_caps) == 96, "Base 5.17.2.14");

/* Secondary Controller List, Base 5.17.2.15 */
#define NVME_SECONDARIES 127
struct nvme_secondary {
	uint16_t scid, pcid;
	uint8_t scs; /* online 0 */
	uint8_t reserved5[3];
	uint16_t vfn, nvq, nvi;
	uint8_t reserved14[18];
};
struct nvme_secondary_list {
	uint8_t count;
	uint8_t reserved1[31];
	struct nvme_secondary entries[NVME_SECONDARIES];
};
static_assert(sizeof(struct nvme_secondary_list) == NVME_IDENTIFY_BYTES, "Base 5.17.2.15");

/* LBA format, NVM 4.1.5.1 */
struct nvme_lbaf {
	uint16_t ms;
	uint8_t lbads; /* power of two; 0: not available */
	uint8_t rp;    /* relative performance 1:0 */
};

/* Identify Namespace, NVM 4.1.5.1 */
struct nvme_id_ns {
	uint64_t nsze, ncap, nuse;
	uint8_t nsfeat;
	uint8_t nlbaf; /* 0's based */
	uint8_t flbas; /* format 3:0 and 6:5, metadata extended 4 */
	uint8_t mc, dpc, dps;
	uint8_t nmic, rescap, fpi, dlfeat;
	uint16_t nawun, nawupf, nacwu, nabsn, nabo, nabspf, noiob;
	uint8_t nvmcap[16];
	uint16_t npwg, npwa, npdg, npda, nows;
	uint16_t mssrl; /* copy: blocks of one source range */
	uint32_t mcl;	/* copy: blocks in all */
	uint8_t msrc;	/* copy: source ranges, 0's based */
	uint8_t reserved81[23];
	uint8_t nguid[16];
	uint8_t eui64[8];
	struct nvme_lbaf lbaf[64];
	uint8_t vendor[3712];
};
static_assert(sizeof(struct nvme_id_ns) == NVME_IDENTIFY_BYTES, "NVM 4.1.5.1");
static_assert(offsetof(struct nvme_id_ns, noiob) == 46, "NVM 4.1.5.1");
static_assert(offsetof(struct nvme_id_ns, mssrl) == 74, "NVM 4.1.5.1");
static_assert(offsetof(struct nvme_id_ns, msrc) == 80, "NVM 4.1.5.1");
static_assert(offsetof(struct nvme_id_ns, nguid) == 104, "NVM 4.1.5.1");
static_assert(offsetof(struct nvme_id_ns, lbaf) == 128, "NVM 4.1.5.1");
static_assert(offsetof(struct nvme_id_ns, vendor) == 384, "NVM 4.1.5.1");

#define NVME_FLBAS_LOW	    0x0f
#define NVME_FLBAS_EXTENDED 0x10
#define NVME_FLBAS_HIGH	    0x60
#define NVME_DPS_TYPE	    0x07
#define NVME_DPS_FIRST	    0x08
#define NVME_LBADS_MIN	    9

/* Identify Namespace of the NVM Command Set, NVM 4.1.5.3 */
struct nvme_id_ns_nvm {
	uint64_t lbstm;
	uint8_t pic;
	uint8_t reserved9[3];
	uint32_t elbaf[64];
	uint8_t reserved268[3828];
};
static_assert(sizeof(struct nvme_id_ns_nvm) == NVME_IDENTIFY_BYTES, "NVM 4.1.5.3");
static_assert(offsetof(struct nvme_id_ns_nvm, elbaf) == 12, "NVM 4.1.5.3");
#define NVME_ELBAF_STS	     0x07f /* storage tag, bits */
#define NVME_ELBAF_PIF_SHIFT 7
#define NVME_ELBAF_PIF	     0x3 /* guards of 16, 32, 64 bits */

/* Set Features, Host Behavior Support, Base 5.27.1.18 */
#define NVME_FEATURE_HOST_BEHAVIOR 0x16
#define NVME_HOST_BEHAVIOR_LBAFEE  2 /* byte: extended LBA formats are understood */

/* Base 3.2.1.2 */
#define NVME_NSID_MAX 0xfffffffdu

/* Active namespace list, Base 5.17.2.2: ids ascending, 0 ends it early */
#define NVME_NS_LIST_ENTRIES 1024

/* Namespace Identification Descriptor, Base 5.17.2.3: type, length, 2 reserved bytes, the id */
#define NVME_NS_ID_HEADER 4
enum nvme_ns_id_type {
	NVME_NS_ID_EUI64 = 1,
	NVME_NS_ID_NGUID = 2,
	NVME_NS_ID_UUID = 3,
	NVME_NS_ID_CSI = 4,
};

/* Identify Namespace of the Zoned Namespace Command Set, ZNS 4.1.5.1 */
struct nvme_zns_lbafe {
	uint64_t zsze;
	uint8_t zdes; /* in NVME_ZNS_EXTENSION_UNIT */
	uint8_t reserved9[7];
};
struct nvme_id_zns {
	uint16_t zoc, ozcs;
	uint32_t mar, mor; /* 0's based; all ones: no limit */
	uint8_t reserved12[2804];
	struct nvme_zns_lbafe lbafe[64];
	uint8_t vendor[256];
};
static_assert(sizeof(struct nvme_id_zns) == NVME_IDENTIFY_BYTES, "ZNS 4.1.5.1");
static_assert(offsetof(struct nvme_id_zns, lbafe) == 2816, "ZNS 4.1.5.1");
#define NVME_ZNS_READ_ACROSS	0x1
#define NVME_ZNS_EXTENSION_UNIT 64u

/* Zone descriptor, ZNS 3.4.2.2.3 */
struct nvme_zone {
	uint8_t zt; /* type 3:0 */
	uint8_t zs; /* state 7:4 */
	uint8_t za, zai;
	uint32_t reserved4;
	uint64_t zcap, zslba, wp;
	uint8_t reserved32[32];
};
static_assert(sizeof(struct nvme_zone) == 64, "ZNS 3.4.2.2.3");

#endif /* POLLUX_NVME_SPEC_H */
