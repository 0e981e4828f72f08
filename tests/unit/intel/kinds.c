/* SPDX-License-Identifier: BSD-3-Clause */
/* The kinds of descriptors other than the 82574's: legacy rx (e1000), advanced rx and tx (igb). */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "net/igb/igb_regs.h"
#include "runner.h"

static void kind_up(const struct intel_family *family)
{
	fixture_up(PLX_PKTBUF_DATA);
	intel_rxq_free(&fx.rxq);
	fx.port.base.driver = &family->driver;
	UNIT_EQ(intel_rxq_alloc(&fx.rxq, DESCS), 0);
	fx.rxq.base.burst = family->rx_burst;
	fx.txq.base.burst = family->tx_burst;
}

static uint16_t receive(uint64_t meta, struct plx_pktbuf **p)
{
	fx.rxq.ring[fx.given++ % DESCS].meta = htole64(meta);
	return plx_rx_burst(&fx.rxq.base, p, 1);
}

/* Length 15:0, status 39:32, errors 47:40 (82540EM manual, 3.2.3). */
static void legacy_rx(void)
{
	const uint64_t done = UINT64_C(3) << 32;
	struct plx_pktbuf *p;
	unsigned int bit;

	kind_up(&intel_e1000);
	UNIT_EQ(intel_rx_pending(&fx.rxq), false);
	UNIT_EQ(receive(done | 1514 | UINT64_C(0xabcd) << 16, &p), 1);
	UNIT_EQ(p->len, 1514);
	plx_pktbuf_free(p);
	/* Two buffers. */
	UNIT_EQ(receive(UINT64_C(1) << 32 | 2048, &p), 0);
	UNIT_EQ(receive(done | 10, &p), 1);
	UNIT_EQ(p->pkt_len, 2058);
	plx_pktbuf_free(p);
	/* CE, SE, SEQ, CXE, RXE; not TCPE and IPE. */
	for (bit = 0; bit < 8; bit++) {
		uint16_t n = receive(done | 60 | UINT64_C(1) << (40 + bit), &p);

		UNIT_EQ(n, bit == 3 || bit == 5 || bit == 6);
		if (n)
			plx_pktbuf_free(p);
	}
	UNIT_EQ(fx.rxq.base.stats.errors, 5);
	UNIT_EQ(receive(done, &p), 0);
	UNIT_EQ(receive(done | 2049, &p), 0);
	UNIT_EQ(fx.rxq.base.stats.lies[PLX_LIE_LENGTH], 2);
	fixture_down();
}

/* Status 19:0, errors 31:20, length 47:32 (82576 data sheet, 7.1.5.2). */
static void advanced_rx(void)
{
	struct plx_pktbuf *p;

	kind_up(&intel_igb);
	UNIT_EQ(fx.rxq.buf_size, 2048);
	UNIT_EQ(receive(3 | UINT64_C(1514) << 32, &p), 1);
	UNIT_EQ(p->len, 1514);
	plx_pktbuf_free(p);
	UNIT_EQ(receive(3 | UINT64_C(60) << 32 | 1u << 31, &p), 0);
	UNIT_EQ(fx.rxq.base.stats.errors, 1);
	/* Header-buffer overflow is no error of the frame. */
	UNIT_EQ(receive(3 | UINT64_C(60) << 32 | 1u << 23, &p), 1);
	plx_pktbuf_free(p);
	UNIT_EQ(receive(3 | UINT64_C(65535) << 32, &p), 0);
	UNIT_EQ(fx.rxq.base.stats.lies[PLX_LIE_LENGTH], 1);
	fixture_down();
}

/* DTYP 3, and the length of the whole packet in each descriptor (7.2.2.3). */
static void advanced_tx(void)
{
	struct plx_pktbuf *p[2];
	uint64_t last = INTEL_TXD_DTYP_ADVANCED | INTEL_TXD_EOP | INTEL_TXD_IFCS | INTEL_TXD_DEXT;

	kind_up(&intel_igb);
	p[0] = plx_pktbuf_alloc(fx.pool);
	p[1] = plx_pktbuf_alloc(fx.pool);
	plx_pktbuf_append(p[0], 60);
	plx_pktbuf_append(p[1], 1000);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, p, 1), 1);
	UNIT_EQ(le64toh(fx.txq.ring[0].ctl), last | INTEL_TXD_RS | 60 | UINT64_C(60) << 46);
	p[0] = plx_pktbuf_alloc(fx.pool);
	plx_pktbuf_append(p[0], 500);
	UNIT_EQ(plx_pktbuf_chain(p[1], p[0]), 0);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p[1], 1), 1);
	UNIT_EQ(le64toh(fx.txq.ring[1].ctl), (last & ~INTEL_TXD_EOP) | 1000 | UINT64_C(1500) << 46);
	UNIT_EQ(le64toh(fx.txq.ring[2].ctl), last | INTEL_TXD_RS | 500 | UINT64_C(1500) << 46);
	fixture_down();
}

/* Buffers of the 82576: multiples of 1 KiB. */
static void igb_buffer_sizes(void)
{
	UNIT_EQ(intel_igb.buf_size(1023), 0);
	UNIT_EQ(intel_igb.buf_size(1024), 1024);
	UNIT_EQ(intel_igb.buf_size(3500), 3072);
	UNIT_EQ(intel_igb.buf_size(65000), 16384);
}

/* Registers that are memory: a queue reads back as enabled; one that reads zero does not. */
static void igb_queue_starts(void)
{
	kind_up(&intel_igb);
	UNIT_EQ(intel_rings_start(&fx.port), 0);
	UNIT_EQ(reg_get(IGB_RDBAL(0)), (uint32_t)plx_iova(fx.rxq.ring));
	UNIT_EQ(reg_get(IGB_SRRCTL(0)), IGB_SRRCTL_ADVANCED | 2);
	UNIT_EQ(reg_get(IGB_RXDCTL(0)) & INTEL_XDCTL_ENABLE, INTEL_XDCTL_ENABLE);
	UNIT_EQ(reg_get(IGB_RXDCTL(1)), 0);
	UNIT_EQ(reg_get(IGB_TDBAL(0)), (uint32_t)plx_iova(fx.txq.ring));
	UNIT_EQ(reg_get(IGB_RDBAL(0) + INTEL_Q_TAIL), fx.rxq.tail);
	fixture_down();
}

/* SW_FW_SYNC is the firmware's for ever: the PHY is left alone, and the port still starts. */
static void igb_semaphore_never_granted(void)
{
	kind_up(&intel_igb);
	reg_set(IGB_SW_FW_SYNC, IGB_SYNC_PHY(0) << 16);
	UNIT_EQ(intel_igb.phy_own(&fx.port), -EBUSY);
	UNIT_EQ(reg_get(IGB_SW_FW_SYNC), IGB_SYNC_PHY(0) << 16);
	reg_set(IGB_SW_FW_SYNC, 0);
	UNIT_EQ(intel_igb.phy_own(&fx.port), 0);
	UNIT_EQ(reg_get(IGB_SW_FW_SYNC), IGB_SYNC_PHY(0));
	intel_igb.phy_disown(&fx.port);
	UNIT_EQ(reg_get(IGB_SW_FW_SYNC), 0);
	fixture_down();
}

CU_TestInfo kind_tests[] = {
	{"legacy rx descriptors, their lies", legacy_rx},
	{"advanced rx descriptors, their lies", advanced_rx},
	{"advanced tx descriptors", advanced_tx},
	{"igb buffer sizes", igb_buffer_sizes},
	{"igb queues start", igb_queue_starts},
	{"lie: semaphore never granted", igb_semaphore_never_granted},
	CU_TEST_INFO_NULL,
};
