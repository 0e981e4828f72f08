/* SPDX-License-Identifier: BSD-3-Clause */
/* The port core over a driver made for the test: states, checks, settings, events, lies. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/driver.h"
#include "runner.h"
#include "suites.h"

struct fake_port {
	struct plx_port base;
	int irq_fd, event_fd;
	bool started, armed;
	struct plx_port_settings applied;
};

/* What the next calls of the driver do. */
static struct {
	int open_err, start_err, reset_err, apply_err;
	uint64_t features;
	unsigned int events;
	bool pending;
} script;

static struct plx_pktbuf_pool *pool;
static struct fake_port *fake;

static int fake_open(struct plx_port *port, const char *arg)
{
	static const uint8_t mac[] = {2, 0, 0, 0, 0, 7};

	UNIT_STR(arg, "argument");
	fake = (struct fake_port *)port;
	fake->irq_fd = -1;
	if (script.open_err)
		return script.open_err;
	fake->irq_fd = eventfd(0, EFD_NONBLOCK);
	fake->event_fd = eventfd(0, EFD_NONBLOCK);
	memcpy(port->info.mac, mac, sizeof(mac));
	port->info.features = script.features;
	port->info.rx_queues_max = 4;
	port->info.tx_queues_max = 2;
	port->info.descs_min = 32;
	port->info.descs_max = 1024;
	port->info.mtu_min = 68;
	port->info.mtu_max = 9000;
	port->info.tx_segs_max = 8;
	return 0;
}

static void fake_close(struct plx_port *port)
{
	close(fake->irq_fd);
	close(fake->event_fd);
}

static uint16_t fake_rx(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	rxq->stats.packets += n;
	rxq->stats.bytes += 60u * n;
	return n;
}

static uint16_t fake_tx(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	return n;
}

static int fake_start(struct plx_port *port)
{
	unsigned int i;

	if (script.start_err)
		return script.start_err;
	for (i = 0; i < port->info.rx_queues; i++)
		port->rxqs[i]->burst = fake_rx;
	for (i = 0; i < port->info.tx_queues; i++)
		port->txqs[i]->burst = fake_tx;
	fake->started = true;
	fake->applied = port->settings;
	return 0;
}

static void fake_stop(struct plx_port *port)
{
	/* By now nobody can be in a burst of ours. */
	UNIT_EQ(port->rxqs[0]->burst == plx_rxq_burst_none, true);
	fake->started = false;
}

static int fake_reset(struct plx_port *port)
{
	UNIT_EQ(fake->started, false);
	return script.reset_err;
}

static int fake_link(struct plx_port *port, struct plx_port_link *link)
{
	link->up = fake->started;
	return 0;
}

static void fake_stats(struct plx_port *port, struct plx_port_stats *stats)
{
	stats->rx_missed += 5;
}

static int fake_apply(struct plx_port *port)
{
	if (!script.apply_err)
		fake->applied = port->settings;
	return script.apply_err;
}

static int fake_irq_arm(struct plx_rxq *rxq)
{
	fake->armed = true;
	return script.pending;
}

static void fake_irq_disarm(struct plx_rxq *rxq)
{
	fake->armed = false;
}

static int fake_irq_fd(const struct plx_rxq *rxq)
{
	return fake->irq_fd;
}

static unsigned int fake_events(struct plx_port *port)
{
	unsigned int events = script.events;

	script.events = 0;
	return events;
}

static int fake_event_fd(const struct plx_port *port)
{
	return fake->event_fd;
}

static const struct plx_net_driver fake_driver = {
	.name = "fake",
	.port_size = sizeof(struct fake_port),
	.rxq_size = sizeof(struct plx_rxq),
	.txq_size = sizeof(struct plx_txq),
	.descs_default = 100,
	.open = fake_open,
	.close = fake_close,
	.start = fake_start,
	.stop = fake_stop,
	.reset = fake_reset,
	.link = fake_link,
	.stats = fake_stats,
	.apply = fake_apply,
	.irq_arm = fake_irq_arm,
	.irq_disarm = fake_irq_disarm,
	.irq_fd = fake_irq_fd,
	.events = fake_events,
	.event_fd = fake_event_fd,
};

static void setup(void)
{
	struct plx_pktbuf_pool_config config = {.count = 64};

	memset(&script, 0, sizeof(script));
	script.features = UINT64_MAX & ~PLX_PORT_HAS(RX_SCATTER);
	pool = plx_pktbuf_pool_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
}

static void teardown(void)
{
	UNIT_EQ(plx_pktbuf_pool_close(pool), 0);
}

static struct plx_port *open_with(struct plx_port_config config)
{
	config.pool = pool;
	errno = 0;
	return plx_port_open_with(&fake_driver, NULL, "fake0", "argument", &config);
}

static struct plx_port *open_default(void)
{
	struct plx_port *port = open_with((struct plx_port_config){.rx_irq = true});

	CU_ASSERT_PTR_NOT_NULL_FATAL(port);
	return port;
}

static void life(void)
{
	struct plx_port *port = open_default();
	struct plx_rxq *rxq = plx_port_rxq(port, 0);
	struct plx_txq *txq = plx_port_txq(port, 0);
	struct plx_pktbuf *pkts[4];

	UNIT_STR(plx_port_info(port)->name, "fake0");
	UNIT_STR(plx_port_info(port)->driver, "fake");
	UNIT_EQ(plx_port_info(port)->rx_queues, 1);
	UNIT_EQ(plx_port_info(port)->rx_descs, 128);
	UNIT_EQ(plx_port_info(port)->mtu, 1500);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STOPPED);
	CU_ASSERT_PTR_NULL(plx_port_rxq(port, 1));
	CU_ASSERT_PTR_NULL(plx_port_txq(port, 1));
	UNIT_EQ(plx_rx_burst(rxq, pkts, 4), 0);
	UNIT_EQ(plx_tx_burst(txq, pkts, 4), 0);
	UNIT_EQ(plx_port_stop(port), 0);
	UNIT_EQ(plx_port_start(port), 0);
	UNIT_EQ(plx_port_start(port), -EALREADY);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STARTED);
	UNIT_EQ(plx_rx_burst(rxq, pkts, 4), 4);
	UNIT_EQ(plx_tx_burst(txq, pkts, 4), 4);
	UNIT_EQ(plx_port_stop(port), 0);
	UNIT_EQ(plx_rx_burst(rxq, pkts, 4), 0);
	UNIT_EQ(plx_port_start(port), 0);
	CU_ASSERT_PTR_EQUAL(plx_port_rxq(port, 0), rxq);
	plx_port_close(port);
	plx_port_close(NULL);
}

static void bad_configs(void)
{
	static const struct {
		struct plx_port_config config;
		int err;
	} bad[] = {
		{{.rx_queues = 5}, EINVAL},
		{{.tx_queues = 3}, EINVAL},
		{{.rx_descs = 1025}, EINVAL},
		{{.tx_descs = 2000}, EINVAL},
		{{.mtu = 67}, EINVAL},
		{{.mtu = 9001}, EINVAL},
		/* Fits the device but not the pool's buffers. */
		{{.mtu = 4000}, EINVAL},
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CU_ASSERT_PTR_NULL(open_with(bad[i].config));
		UNIT_EQ(errno, bad[i].err);
	}
	script.features = 0;
	CU_ASSERT_PTR_NULL(open_with((struct plx_port_config){.promisc = true}));
	UNIT_EQ(errno, ENOTSUP);
	CU_ASSERT_PTR_NULL(open_with((struct plx_port_config){.rx_irq = true}));
	UNIT_EQ(errno, ENOTSUP);
	script.open_err = -EPROTO;
	CU_ASSERT_PTR_NULL(open_with((struct plx_port_config){0}));
	UNIT_EQ(errno, EPROTO);
}

static void bad_specs(void)
{
	static const char *const bad[] = {"",  "eth0",	   "0000:00:1f", "nosuch:argument",
					  ":", "e1000ex:1"};
	struct plx_port_config config = {.pool = pool}, no_pool = {0};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		CU_ASSERT_PTR_NULL(plx_port_open(bad[i], &config));
		UNIT_EQ(errno, EINVAL);
	}
	CU_ASSERT_PTR_NULL(plx_port_open("0000:00:03.0", &no_pool));
	UNIT_EQ(errno, EINVAL);
	CU_ASSERT_PTR_NULL(plx_port_open("ffff:ff:1f.7", &config));
	UNIT_EQ(errno, ENODEV);
	/* A driver that has no ports of this kind says so. */
	CU_ASSERT_PTR_NULL(plx_port_open("e1000e:x", &config));
	UNIT_EQ(errno, EINVAL);
}

static void start_that_fails(void)
{
	struct plx_port *port = open_default();

	script.start_err = -ENOMEM;
	UNIT_EQ(plx_port_start(port), -ENOMEM);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STOPPED);
	script.start_err = 0;
	UNIT_EQ(plx_port_start(port), 0);
	plx_port_close(port);
}

static void settings(void)
{
	static const uint8_t mac[] = {2, 1, 1, 1, 1, 1}, group[] = {1, 0, 0x5e, 0, 0, 1}, zero[6];
	struct plx_port *port = open_default();

	UNIT_EQ(plx_port_set_promisc(port, true), 0);
	UNIT_EQ(fake->applied.promisc, false);
	UNIT_EQ(plx_port_set_mtu(port, 1400), 0);
	UNIT_EQ(plx_port_set_mtu(port, 67), -EINVAL);
	UNIT_EQ(plx_port_set_mtu(port, 4000), -EINVAL);
	UNIT_EQ(plx_port_start(port), 0);
	UNIT_EQ(fake->applied.promisc, true);
	UNIT_EQ(fake->applied.mtu, 1400);
	UNIT_EQ(fake->applied.mac[5], 7);
	UNIT_EQ(plx_port_set_mtu(port, 1500), -EBUSY);
	UNIT_EQ(plx_port_set_mac(port, group), -EINVAL);
	UNIT_EQ(plx_port_set_mac(port, zero), -EINVAL);
	UNIT_EQ(plx_port_set_mac(port, mac), 0);
	UNIT_EQ(fake->applied.mac[5], 1);
	UNIT_EQ(plx_port_info(port)->mac[5], 1);
	script.apply_err = -EIO;
	UNIT_EQ(plx_port_set_allmulti(port, true), -EIO);
	UNIT_EQ(port->settings.allmulti, false);
	script.apply_err = 0;
	UNIT_EQ(plx_port_reset(port), 0);
	UNIT_EQ(fake->applied.promisc, true);
	UNIT_EQ(fake->applied.mac[5], 1);
	port->info.features = 0;
	UNIT_EQ(plx_port_set_promisc(port, false), -ENOTSUP);
	plx_port_close(port);
}

static bool readable(int fd)
{
	struct pollfd fds = {.fd = fd, .events = POLLIN};

	return poll(&fds, 1, 0) == 1;
}

static void lies_break_the_port(void)
{
	struct plx_port *port = open_default();
	struct plx_rxq *rxq = plx_port_rxq(port, 0);
	struct plx_port_stats stats;
	struct plx_pktbuf *pkts[1];
	unsigned int i;

	plx_port_start(port);
	for (i = 0; i < PLX_LIES_MAX - 1; i++)
		UNIT_EQ(plx_rxq_lie(rxq, PLX_LIE_LENGTH), false);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STARTED);
	/* Something good in between starts the count again. */
	rxq->lies_in_row = 0;
	for (i = 0; i < PLX_LIES_MAX - 1; i++)
		UNIT_EQ(plx_rxq_lie(rxq, PLX_LIE_INDEX), false);
	UNIT_EQ(readable(plx_port_event_fd(port)), false);
	UNIT_EQ(plx_rxq_lie(rxq, PLX_LIE_INDEX), true);
	UNIT_EQ(plx_port_state(port), PLX_PORT_BROKEN);
	UNIT_EQ(plx_rx_burst(rxq, pkts, 1), 0);
	UNIT_EQ(readable(plx_port_event_fd(port)), true);
	UNIT_EQ(plx_port_events(port), PLX_PORT_EVENT_BROKEN);
	UNIT_EQ(readable(plx_port_event_fd(port)), false);
	UNIT_EQ(plx_port_events(port), 0);
	UNIT_EQ(plx_port_start(port), -EIO);
	UNIT_EQ(plx_port_reset(port), 0);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STARTED);
	UNIT_EQ(plx_rx_burst(rxq, pkts, 1), 1);
	plx_port_stats(port, &stats);
	UNIT_EQ(stats.rx.lies[PLX_LIE_LENGTH], PLX_LIES_MAX - 1);
	UNIT_EQ(stats.rx.lies[PLX_LIE_INDEX], PLX_LIES_MAX);
	UNIT_EQ(stats.rx.packets, 1);
	UNIT_EQ(stats.rx_missed, 5);
	plx_port_close(port);
}

static void reset_that_fails(void)
{
	struct plx_port *port = open_default();

	plx_port_start(port);
	script.reset_err = -ETIMEDOUT;
	UNIT_EQ(plx_port_reset(port), -ETIMEDOUT);
	UNIT_EQ(plx_port_state(port), PLX_PORT_BROKEN);
	UNIT_EQ(plx_port_reset(port), -ETIMEDOUT);
	script.reset_err = 0;
	/* It was running before the first of them. */
	UNIT_EQ(plx_port_reset(port), 0);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STARTED);
	script.start_err = -ENOMEM;
	UNIT_EQ(plx_port_reset(port), -ENOMEM);
	UNIT_EQ(plx_port_state(port), PLX_PORT_BROKEN);
	script.start_err = 0;
	UNIT_EQ(plx_port_reset(port), 0);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STARTED);
	script.reset_err = -ETIMEDOUT;
	UNIT_EQ(plx_port_reset(port), -ETIMEDOUT);
	script.reset_err = 0;
	/* But not if it was stopped in between. */
	UNIT_EQ(plx_port_stop(port), 0);
	UNIT_EQ(plx_port_reset(port), 0);
	UNIT_EQ(plx_port_state(port), PLX_PORT_STOPPED);
	plx_port_close(port);
}

static void gone_is_final(void)
{
	struct plx_port *port = open_default();

	plx_port_start(port);
	plx_port_gone(port);
	UNIT_EQ(plx_port_state(port), PLX_PORT_GONE);
	plx_port_break(port, "test");
	UNIT_EQ(plx_port_state(port), PLX_PORT_GONE);
	UNIT_EQ(plx_port_events(port), PLX_PORT_EVENT_REMOVE);
	UNIT_EQ(plx_port_reset(port), -ENODEV);
	UNIT_EQ(plx_port_set_promisc(port, true), -ENODEV);
	UNIT_EQ(plx_port_stop(port), 0);
	UNIT_EQ(plx_port_start(port), -ENODEV);
	plx_port_close(port);
}

static void events(void)
{
	struct plx_port *port = open_default();

	plx_port_start(port);
	UNIT_EQ(readable(plx_port_event_fd(port)), false);
	eventfd_write(fake->event_fd, 1);
	script.events = PLX_PORT_EVENT_LINK;
	UNIT_EQ(readable(plx_port_event_fd(port)), true);
	UNIT_EQ(plx_port_events(port), PLX_PORT_EVENT_LINK);
	UNIT_EQ(plx_port_link_wait(port, 0), 0);
	plx_port_stop(port);
	UNIT_EQ(plx_port_link_wait(port, 30), -ETIMEDOUT);
	plx_port_close(port);
}

static void interrupts(void)
{
	struct plx_port *port = open_default(), *polled;
	struct plx_rxq *rxq = plx_port_rxq(port, 0);
	eventfd_t count;

	UNIT_EQ(plx_rxq_irq_wait(rxq, 0), -ENODEV);
	plx_port_start(port);
	UNIT_EQ(plx_rxq_irq_wait(rxq, 10), 0);
	UNIT_EQ(fake->armed, false);
	eventfd_write(fake->irq_fd, 1);
	UNIT_EQ(plx_rxq_irq_wait(rxq, -1), 1);
	UNIT_EQ(eventfd_read(fake->irq_fd, &count), -1);
	script.pending = true;
	UNIT_EQ(plx_rxq_irq_wait(rxq, -1), 1);
	UNIT_EQ(plx_rxq_irq_arm(rxq), 1);
	UNIT_EQ(fake->armed, true);
	UNIT_EQ(plx_rxq_irq_disarm(rxq), 0);
	plx_port_close(port);

	polled = open_with((struct plx_port_config){0});
	plx_port_start(polled);
	UNIT_EQ(plx_rxq_irq_wait(plx_port_rxq(polled, 0), 0), -ENOTSUP);
	UNIT_EQ(plx_rxq_irq_fd(plx_port_rxq(polled, 0)), -ENOTSUP);
	plx_port_close(polled);
}

static void names(void)
{
	uint64_t features = 0;
	unsigned int i;

	for (i = 0; i < PLX_PORT_FEATURE_COUNT; i++)
		CU_ASSERT_PTR_NOT_NULL(plx_port_feature_name(i));
	CU_ASSERT_PTR_NULL(plx_port_feature_name(i));
	for (i = 0; i < PLX_LIE_KINDS; i++)
		CU_ASSERT_PTR_NOT_NULL(plx_lie_name(i));
	CU_ASSERT_PTR_NULL(plx_lie_name(i));
	UNIT_STR(plx_net_driver_get(0, &features), "e1000");
	CU_ASSERT(features & PLX_PORT_HAS(RX_IRQ));
	CU_ASSERT_PTR_NULL(plx_net_driver_get(1000, &features));
}

#define WITH_POOL(test)                                                                            \
	static void test##_with_pool(void)                                                         \
	{                                                                                          \
		setup();                                                                           \
		test();                                                                            \
		teardown();                                                                        \
	}
WITH_POOL(life)
WITH_POOL(bad_configs)
WITH_POOL(bad_specs)
WITH_POOL(start_that_fails)
WITH_POOL(settings)
WITH_POOL(lies_break_the_port)
WITH_POOL(reset_that_fails)
WITH_POOL(gone_is_final)
WITH_POOL(events)
WITH_POOL(interrupts)

CU_TestInfo port_tests[] = {
	{"open, start, stop, close", life_with_pool},
	{"bad configurations", bad_configs_with_pool},
	{"bad specs", bad_specs_with_pool},
	{"a start that fails", start_that_fails_with_pool},
	{"settings survive stop and reset", settings_with_pool},
	{"1000 lies in a row break the port", lies_break_the_port_with_pool},
	{"a reset that fails", reset_that_fails_with_pool},
	{"a port that is gone stays gone", gone_is_final_with_pool},
	{"events", events_with_pool},
	{"interrupts", interrupts_with_pool},
	{"names of features, lies, drivers", names},
	CU_TEST_INFO_NULL,
};
