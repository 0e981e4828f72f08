/* SPDX-License-Identifier: BSD-3-Clause */
/* The control queue of virtio: commands, and devices that answer badly or not at all. */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>

#include "fake.h"

static void expect_command(unsigned int i, uint8_t class, uint8_t command, const void *data,
			   size_t len)
{
	UNIT_EQ(fake.ctrl.seen[i][0], class);
	UNIT_EQ(fake.ctrl.seen[i][1], command);
	UNIT_EQ(memcmp(&fake.ctrl.seen[i][2], data, len), 0);
}

static void start_applies_settings(void)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 1, 2, 3}, off = 0, on = 1;

	fake_up();
	UNIT_EQ(fake.ctrl.commands, 3);
	expect_command(0, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &off, 1);
	expect_command(1, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, &off, 1);
	expect_command(2, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6);
	UNIT_EQ(plx_port_set_promisc(fake_port, true), 0);
	UNIT_EQ(fake.ctrl.commands, 6);
	expect_command(3, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &on, 1);
	UNIT_EQ(plx_port_set_allmulti(fake_port, true), 0);
	expect_command(7, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, &on, 1);
	fake_down();
}

static void mac_is_kept_over_reset(void)
{
	static const uint8_t mac[] = {0x02, 9, 8, 7, 6, 5};

	fake_up();
	UNIT_EQ(plx_port_set_mac(fake_port, mac), 0);
	expect_command(5, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6);
	fake.ctrl.commands = 0;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	expect_command(2, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6);
	fake_down();
}

/* Many commands: around the ring. */
static void many_commands(void)
{
	unsigned int i;

	fake_up();
	for (i = 0; i < 300; i++)
		UNIT_EQ(plx_port_set_promisc(fake_port, i & 1), 0);
	UNIT_EQ(fake.ctrl.commands, 3 + 900);
	fake_down();
}

static void refused(uint8_t answer)
{
	fake_up();
	fake.ctrl.answer = answer;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -EIO);
	/* A refusal is an answer: the next command works. */
	fake.ctrl.answer = VIRTIO_NET_OK;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), 0);
	fake_down();
}

static void lie_answers(void)
{
	refused(VIRTIO_NET_ERR);
	refused(0xff);
	refused(0xee);
}

static void no_answer(void)
{
	struct plx_port_xstat xstats[VIRTIO_XSTATS];
	uint64_t start;

	fake_up();
	fake.ctrl.silent = true;
	start = plx_clock_ns();
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -ETIMEDOUT);
	CU_ASSERT(plx_clock_ns() - start < UINT64_C(5000000000));
	/* The command may still be answered: no other one takes its memory. */
	fake.ctrl.silent = false;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -EIO);
	UNIT_EQ(plx_port_xstats(fake_port, xstats, VIRTIO_XSTATS), VIRTIO_XSTATS);
	UNIT_STR(xstats[VIRTIO_XSTAT_CTRL_ERRORS].name, "ctrl_errors");
	UNIT_EQ(xstats[VIRTIO_XSTAT_CTRL_ERRORS].value, 1);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_set_promisc(fake_port, true), 0);
	fake_down();
}

static void lie_used_entry(void)
{
	fake_up();
	fake.ctrl.id = 1;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -EIO);
	fake.ctrl.id = 0;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	fake.ctrl.len = 2;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -EIO);
	fake.ctrl.len = 1;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_set_promisc(fake_port, true), 0);
	fake_down();
}

static void start_fails_without_answer(void)
{
	struct plx_port_config config = {.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS};

	fake_init();
	fake.ctrl.silent = true;
	UNIT_EQ(fake_open(&config, 0), 0);
	UNIT_EQ(plx_port_start(fake_port), -ETIMEDOUT);
	UNIT_EQ(fake.dma, false);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	fake.ctrl.silent = false;
	UNIT_EQ(plx_port_start(fake_port), 0);
	fake_down();
}

static void without_control_queue(void)
{
	struct plx_port_config config = {.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS};
	static const uint8_t mac[] = {0x02, 9, 8, 7, 6, 5};

	fake_init();
	fake.offered &= ~VIRTIO_NET_F_CTRL_VQ;
	UNIT_EQ(fake_open(&config, 0), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	UNIT_EQ(fake.accepted & (VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_MAC_ADDR), 0);
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -ENOTSUP);
	UNIT_EQ(plx_port_set_mac(fake_port, mac), -ENOTSUP);
	fake_down();
}

/* What was not answered before the reset is answered after it, before anything was asked. */
static void late_answer(void)
{
	fake_up();
	fake.ctrl.silent = true;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), -ETIMEDOUT);
	fake.ctrl.silent = false;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	fake.ctrl.silent = true;
	fake_push(2, 2 * fake.queues[2].used & (fake.queues[2].setup.size - 1u), 1);
	UNIT_EQ(plx_port_set_allmulti(fake_port, true), -EIO);
	UNIT_EQ(virtio_port(fake_port)->xstats[VIRTIO_XSTAT_CTRL_ERRORS] >= 2, true);
	fake.ctrl.silent = false;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_set_allmulti(fake_port, true), 0);
	fake_down();
}

CU_TestInfo ctrl_tests[] = {
	{"start applies the settings", start_applies_settings},
	{"the address is kept over a reset", mac_is_kept_over_reset},
	{"many commands", many_commands},
	{"lie: answers", lie_answers},
	{"lie: used entry", lie_used_entry},
	{"without a control queue", without_control_queue},
	CU_TEST_INFO_NULL,
};

CU_TestInfo ctrl_timeout_tests[] = {
	{"no answer", no_answer},
	{"a late answer after a reset", late_answer},
	{"start fails without an answer", start_fails_without_answer},
	CU_TEST_INFO_NULL,
};
