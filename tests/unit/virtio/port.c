/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of a virtio port: open, start, stop, reset, queues, link, events; and configuration that
 * lies (ABUSE.md C6, Config/PCI). */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <pollux/clock.h>

#include "fake.h"

static struct plx_port_config plain(void)
{
	return (struct plx_port_config){.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS};
}

/* Opening fails; nothing stays behind. */
static void open_fails(int err)
{
	struct plx_port_config config = plain();

	UNIT_EQ(fake_open(&config, 0), err);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	UNIT_EQ(fake.dma, false);
	UNIT_EQ(fake.vectors, 0);
}

static void config16(unsigned int offset, uint16_t value)
{
	fake.config[offset] = (uint8_t)value;
	fake.config[offset + 1] = (uint8_t)(value >> 8);
}

static void open_and_start(const struct plx_port_config *config)
{
	UNIT_EQ(fake_open(config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
}

static void life(void)
{
	const struct plx_port_info *info;
	unsigned int round;

	fake_up();
	info = plx_port_info(fake_port);
	UNIT_EQ(info->mac[0], 0x52);
	UNIT_EQ(info->mac[5], 3);
	UNIT_EQ(info->descs_max, FAKE_DESCS);
	UNIT_EQ(fake.status, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
				     VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	UNIT_EQ(fake.dma, true);
	UNIT_EQ(fake.accepted & VIRTIO_F_ACCESS_PLATFORM, VIRTIO_F_ACCESS_PLATFORM);
	UNIT_EQ(fake.accepted & VIRTIO_NET_F_MRG_RXBUF, 0);
	for (round = 0; round < 50; round++) {
		UNIT_EQ(plx_port_stop(fake_port), 0);
		UNIT_EQ(fake.status, 0);
		UNIT_EQ(fake.dma, false);
		UNIT_EQ(fake_pool_free(), FAKE_POOL);
		UNIT_EQ(plx_port_start(fake_port), 0);
		UNIT_EQ(fake.dma, true);
	}
	fake_down();
}

static void vectors_are_mapped(void)
{
	fake_up();
	UNIT_EQ(fake.vectors, 2);
	UNIT_EQ(fake.queues[0].setup.vector, 0);
	UNIT_EQ(fake.queues[1].setup.vector, VIRTIO_NO_VECTOR);
	UNIT_EQ(fake.queues[2].setup.vector, VIRTIO_NO_VECTOR);
	UNIT_EQ(fake.config_vector, 1);
	UNIT_EQ(plx_rxq_irq_fd(fake_rxq()), fake.vector_fds[0]);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(fake.vectors, 2);
	UNIT_EQ(plx_rxq_irq_fd(fake_rxq()), fake.vector_fds[0]);
	fake_down();
}

static void too_few_vectors(void)
{
	struct plx_port_config config = plain();

	fake_init();
	fake.base.vectors_max = 1;
	config.rx_irq = true;
	UNIT_EQ(fake_open(&config, 0), ENOTSUP);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	fake_init();
	fake.base.vectors_max = 0;
	config.rx_irq = false;
	open_and_start(&config);
	UNIT_EQ(fake.config_vector, VIRTIO_NO_VECTOR);
	UNIT_EQ(plx_port_info(fake_port)->features & PLX_PORT_HAS(RX_IRQ), 0);
	fake_down();
}

static void link_events(void)
{
	struct plx_port_link link;

	fake_up();
	UNIT_EQ(plx_port_link(fake_port, &link), 0);
	UNIT_EQ(link.up, true);
	UNIT_EQ(plx_port_events(fake_port), PLX_PORT_EVENT_LINK);
	UNIT_EQ(plx_port_events(fake_port), 0);
	fake.config[VIRTIO_NET_CFG_STATUS] = 0;
	eventfd_write(fake.vector_fds[1], 1);
	UNIT_EQ(plx_port_events(fake_port), PLX_PORT_EVENT_LINK);
	UNIT_EQ(plx_port_link(fake_port, &link), 0);
	UNIT_EQ(link.up, false);
	UNIT_EQ(link.speed_mbps, 0);
	fake_down();
}

static void speed_and_duplex(void)
{
	struct plx_port_config config = plain();
	struct plx_port_link link;
	uint32_t speed = 25000;

	fake_init();
	fake.offered |= VIRTIO_NET_F_SPEED_DUPLEX;
	memcpy(&fake.config[VIRTIO_NET_CFG_SPEED], &speed, 4);
	fake.config[VIRTIO_NET_CFG_DUPLEX] = VIRTIO_NET_DUPLEX_FULL;
	open_and_start(&config);
	UNIT_EQ(plx_port_link(fake_port, &link), 0);
	UNIT_EQ(link.speed_mbps, 25000);
	UNIT_EQ(link.full_duplex, true);
	memset(&fake.config[VIRTIO_NET_CFG_SPEED], 0xff, 5);
	UNIT_EQ(plx_port_link(fake_port, &link), 0);
	UNIT_EQ(link.speed_mbps, 0);
	UNIT_EQ(link.full_duplex, false);
	fake_down();
}

static void needs_reset(void)
{
	fake_up();
	plx_port_events(fake_port);
	fake.status |= VIRTIO_STATUS_NEEDS_RESET;
	plx_port_events(fake_port);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	CU_ASSERT(plx_port_events(fake_port) & PLX_PORT_EVENT_BROKEN);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	fake_rx(60, 1);
	fake_down();
}

static void device_goes(void)
{
	struct plx_pktbuf *p;

	fake_up();
	plx_port_events(fake_port);
	fake.gone = true;
	plx_port_events(fake_port);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_GONE);
	CU_ASSERT(plx_port_events(fake_port) & PLX_PORT_EVENT_REMOVE);
	UNIT_EQ(plx_rx_burst(fake_rxq(), &p, 1), 0);
	UNIT_EQ(plx_port_reset(fake_port), -ENODEV);
	fake_down();
}

static void queue_pairs(void)
{
	struct plx_port_config config = plain();
	uint16_t three = 3;

	config.rx_queues = 3;
	config.tx_queues = 3;
	fake_init();
	fake.offered |= VIRTIO_NET_F_MQ;
	config16(VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS, 3);
	open_and_start(&config);
	UNIT_EQ(plx_port_info(fake_port)->rx_queues_max, 3);
	UNIT_EQ(fake.queues[4].on, true);
	UNIT_EQ(fake.queues[5].on, true);
	UNIT_EQ(fake.queues[6].on, true);
	UNIT_EQ(fake.ctrl.seen[0][0], VIRTIO_NET_CTRL_MQ);
	UNIT_EQ(memcmp(&fake.ctrl.seen[0][2], &three, 2), 0);
	fake_down();
	/* One of three: MQ is not accepted, and the control queue is the third. */
	config.rx_queues = 1;
	config.tx_queues = 1;
	fake.ctrl.commands = 0;
	open_and_start(&config);
	UNIT_EQ(fake.accepted & VIRTIO_NET_F_MQ, 0);
	UNIT_EQ(fake.queues[2].on, true);
	UNIT_EQ(fake.queues[3].on, false);
	UNIT_EQ(fake.ctrl.seen[0][0], VIRTIO_NET_CTRL_RX);
	fake_down();
}

static void too_many_queues(void)
{
	struct plx_port_config config = plain();

	fake_init();
	config.rx_queues = 2;
	config.tx_queues = 2;
	UNIT_EQ(fake_open(&config, 0), EINVAL);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	config.tx_queues = 1;
	UNIT_EQ(fake_open(&config, 0), EINVAL);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
}

static void pool_too_small(void)
{
	struct plx_port_config config = plain();
	struct plx_pktbuf *hold[FAKE_POOL + 1];
	unsigned int n = 0;

	fake_init();
	UNIT_EQ(fake_open(&config, 0), 0);
	while ((hold[n] = plx_pktbuf_alloc(fake_pool)))
		n++;
	while (n > FAKE_POOL - FAKE_DESCS + 1)
		plx_pktbuf_free(hold[--n]);
	UNIT_EQ(plx_port_start(fake_port), -ENOMEM);
	UNIT_EQ(fake.status, 0);
	while (n)
		plx_pktbuf_free(hold[--n]);
	UNIT_EQ(plx_port_start(fake_port), 0);
	fake_down();
}

static void mtu_decides_on_mergeable_buffers(void)
{
	struct plx_port_config config = plain();

	fake_init();
	open_and_start(&config);
	UNIT_EQ(fake.accepted & VIRTIO_NET_F_MRG_RXBUF, 0);
	UNIT_EQ(plx_port_set_mtu(fake_port, 9000), -EBUSY);
	plx_port_stop(fake_port);
	UNIT_EQ(plx_port_set_mtu(fake_port, 9000), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	UNIT_EQ(fake.accepted & VIRTIO_NET_F_MRG_RXBUF, VIRTIO_NET_F_MRG_RXBUF);
	fake_down();
	/* Where they are not offered, lib/net refuses an MTU that does not fit. */
	fake.offered &= ~VIRTIO_NET_F_MRG_RXBUF;
	config.mtu = 9000;
	UNIT_EQ(fake_open(&config, 0), EINVAL);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	UNIT_EQ(fake_open(&config, 10000), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	fake_down();
}

/* --- Lies ----------------------------------------------------------------------------------- */

static void lie_features(void)
{
	fake_init();
	fake.offered &= ~VIRTIO_F_VERSION_1;
	open_fails(ENOTSUP);
	fake_init();
	fake.offered &= ~VIRTIO_F_ACCESS_PLATFORM;
	open_fails(ENOTSUP);
	fake_init();
	fake.refuses = true;
	open_fails(EPROTO);
	fake_init();
	fake.other_features = true;
	open_fails(EPROTO);
	fake_init();
	fake.gone = true;
	open_fails(ENODEV);
}

static void lie_features_between_open_and_start(void)
{
	struct plx_port_config config = plain();

	fake_init();
	UNIT_EQ(fake_open(&config, 0), 0);
	fake.offered |= 1;
	UNIT_EQ(plx_port_start(fake_port), -EPROTO);
	UNIT_EQ(plx_port_reset(fake_port), -EPROTO);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	fake.offered &= ~UINT64_C(1);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	fake_down();
}

static void lie_not_live(void)
{
	struct plx_port_config config = plain();

	fake_init();
	fake.dead = true;
	UNIT_EQ(fake_open(&config, 0), 0);
	UNIT_EQ(plx_port_start(fake_port), -EPROTO);
	UNIT_EQ(fake.dma, false);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	fake.dead = false;
	fake.enable_error = -EPROTO;
	UNIT_EQ(plx_port_start(fake_port), -EPROTO);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	fake_down();
}

static void lie_generation(void)
{
	fake_init();
	fake.moving = true;
	open_fails(EPROTO);
}

static void lie_status_stuck(void)
{
	uint64_t start = plx_clock_ns();

	fake_init();
	fake.stuck_status = true;
	open_fails(ETIMEDOUT);
	UNIT_EQ(fake.force_resets, 2);
	CU_ASSERT(plx_clock_ns() - start < UINT64_C(10000000000));
	/* A reset by force helps. */
	fake_init();
	fake.stuck_status = true;
	fake.reset_works = true;
	{
		struct plx_port_config config = plain();

		open_and_start(&config);
	}
	fake_down();
}

static void lie_mtu(void)
{
	static const uint16_t bad[] = {0, 67};
	struct plx_port_config config = plain();
	unsigned int i;

	for (i = 0; i < 2; i++) {
		struct plx_port_xstat xstat;

		fake_init();
		fake.offered |= VIRTIO_NET_F_MTU;
		config16(VIRTIO_NET_CFG_MTU, bad[i]);
		open_and_start(&config);
		UNIT_EQ(fake.accepted & VIRTIO_NET_F_MTU, 0);
		UNIT_EQ(plx_port_info(fake_port)->mtu_max, VIRTIO_MTU_MAX);
		plx_port_xstats(fake_port, &xstat, 1);
		UNIT_STR(xstat.name, "config_lies");
		UNIT_EQ(xstat.value, 1);
		fake_down();
	}
	fake_init();
	fake.offered |= VIRTIO_NET_F_MTU;
	config16(VIRTIO_NET_CFG_MTU, 65535);
	open_and_start(&config);
	UNIT_EQ(plx_port_info(fake_port)->mtu_max, VIRTIO_MTU_MAX);
	fake_down();
	config16(VIRTIO_NET_CFG_MTU, 1400);
	UNIT_EQ(fake_open(&config, 0), EINVAL);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
}

static void lie_pairs(void)
{
	static const uint16_t bad[] = {0, 0x8001, 65535};
	struct plx_port_config config = plain();
	unsigned int i;

	for (i = 0; i < 3; i++) {
		fake_init();
		fake.offered |= VIRTIO_NET_F_MQ;
		config16(VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS, bad[i]);
		open_and_start(&config);
		UNIT_EQ(plx_port_info(fake_port)->rx_queues_max, 1);
		UNIT_EQ(fake.accepted & VIRTIO_NET_F_MQ, 0);
		fake_down();
	}
}

static void lie_mac(void)
{
	struct plx_port_config config = plain();

	fake_init();
	fake.config[0] = 1;
	open_fails(EPROTO);
	fake_init();
	memset(fake.config, 0, 6);
	open_fails(EPROTO);
	fake_init();
	memset(fake.config, 0xff, 6);
	open_fails(EPROTO);
	/* No address at all is none of these: we make one up, and keep it. */
	fake_init();
	fake.offered &= ~VIRTIO_NET_F_MAC;
	open_and_start(&config);
	UNIT_EQ(plx_port_info(fake_port)->mac[0] & 3, 2);
	UNIT_EQ(memcmp(&fake.ctrl.seen[2][2], plx_port_info(fake_port)->mac, 6), 0);
	fake_down();
}

static void lie_queue_size(void)
{
	static const uint32_t bad[] = {0, 1, 63, 65535, 65536};
	unsigned int i;

	for (i = 0; i < 5; i++) {
		fake_init();
		fake.queue_size = bad[i];
		open_fails(EPROTO);
	}
	/* A packed ring may have any size: ours is the power of two below. */
	fake_init();
	fake.queue_size = 200;
	if (fake.offered & VIRTIO_F_RING_PACKED) {
		struct plx_port_config config = plain();

		open_and_start(&config);
		UNIT_EQ(plx_port_info(fake_port)->descs_max, 128);
		fake_down();
	} else {
		open_fails(EPROTO);
	}
}

CU_TestInfo port_tests[] = {
	{"life", life},
	{"vectors are mapped", vectors_are_mapped},
	{"too few vectors", too_few_vectors},
	{"link events", link_events},
	{"speed and duplex", speed_and_duplex},
	{"needs reset", needs_reset},
	{"the device goes", device_goes},
	{"queue pairs", queue_pairs},
	{"too many queues", too_many_queues},
	{"pool too small", pool_too_small},
	{"the MTU decides on mergeable buffers", mtu_decides_on_mergeable_buffers},
	{"lie: features", lie_features},
	{"lie: features between open and start", lie_features_between_open_and_start},
	{"lie: never live", lie_not_live},
	{"lie: generation", lie_generation},
	{"lie: MTU", lie_mtu},
	{"lie: queue pairs", lie_pairs},
	{"lie: address", lie_mac},
	{"lie: queue size", lie_queue_size},
	CU_TEST_INFO_NULL,
};

CU_TestInfo port_timeout_tests[] = {
	{"lie: status stuck", lie_status_stuck},
	CU_TEST_INFO_NULL,
};
