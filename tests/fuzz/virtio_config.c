/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: what a virtio device says of itself. The input is first its PCI configuration
 * space, of which the structures are sought, and then features, sizes, status and the device's own
 * configuration, with which a port is opened, started and closed. What is believed must be
 * possible.
 */
#include <string.h>

#include "virtio_device.h"
#include "net/virtio/pci_caps.h"

#define SPACE 256
#define BUFS  4096

/* How the device is, behind its configuration space. */
struct input {
	uint64_t offered;
	uint16_t queue_size, mtu;
	uint8_t bad_status, generation_step, unfiltered, queues, offloads;
	uint8_t config[64];
} __attribute__((packed));

static uint8_t space[SPACE];
static struct plx_pktbuf_pool *pool;

/* --- PCI ------------------------------------------------------------------------------------ */

static int space_read(void *ctx, uint32_t offset, uint32_t len, uint32_t *value)
{
	CHECK(offset + len <= SPACE && offset % len == 0);
	*value = 0;
	memcpy(value, &space[offset], len);
	return 0;
}

static void check_area(const struct virtio_pci_area *area, const uint64_t *bar_size)
{
	if (!area->length)
		return;
	CHECK(area->bar < PLX_PCI_BAR_COUNT);
	CHECK((uint64_t)area->offset + area->length <= bar_size[area->bar]);
}

static void walk_capabilities(void)
{
	static const struct plx_pci_config config = {.read = space_read, .size = SPACE};
	static const uint64_t bar_size[PLX_PCI_BAR_COUNT] = {0, 0x1000, 0, 0, 0x4000, UINT32_MAX};
	struct virtio_pci_layout layout;

	if (virtio_pci_layout_read(&config, bar_size, "fuzz", &layout))
		return;
	CHECK(layout.common.length && layout.notify.length);
	check_area(&layout.common, bar_size);
	check_area(&layout.notify, bar_size);
	check_area(&layout.device, bar_size);
}

/* --- Device --------------------------------------------------------------------------------- */

static void check_info(const struct plx_port_info *info)
{
	CHECK(!(info->mac[0] & 1));
	CHECK(info->rx_queues_max && info->rx_queues_max <= PLX_PORT_QUEUES_MAX);
	CHECK(info->mtu_min <= info->mtu_max);
	CHECK(info->descs_max >= info->descs_min && !(info->descs_max & (info->descs_max - 1)));
	CHECK(info->rss_reta_size <= PLX_RSS_RETA_MAX && info->rss_key_len <= PLX_RSS_KEY_MAX);
}

static void open_port(const struct input *in)
{
	static const uint64_t offloads[] = {PLX_PORT_HAS(RX_CSUM),    PLX_PORT_HAS(TX_L4_CSUM),
					    PLX_PORT_HAS(TSO),	      PLX_PORT_HAS(LRO),
					    PLX_PORT_HAS(VLAN_STRIP), PLX_PORT_HAS(VLAN_INSERT)};
	struct plx_port_config config = {.pool = pool, .mtu = in->mtu};
	struct plx_pktbuf *p;
	struct plx_port *port;
	unsigned int i;

	/* Nobody answers on the control queue here, which takes its time to find out. */
	dev.offered = (in->offered | VIRTIO_F_VERSION_1) & ~VIRTIO_NET_F_CTRL_VQ;
	dev.queue_size = in->queue_size;
	dev.bad_status = in->bad_status;
	dev.generation_step = in->generation_step;
	dev.base.unfiltered = in->unfiltered & 1;
	memcpy(dev.config, in->config, sizeof(dev.config));
	config.rx_queues = config.tx_queues = in->queues % 5;
	for (i = 0; i < 6; i++)
		if (in->offloads >> i & 1)
			config.offloads |= offloads[i];
	port = plx_port_open_with(&device_driver, NULL, "fuzz", NULL, &config);
	if (!port)
		return;
	check_info(plx_port_info(port));
	if (plx_port_start(port) == 0) {
		CHECK(plx_rx_burst(plx_port_rxq(port, 0), &p, 1) == 0);
		plx_port_events(port);
		plx_port_reset(port);
	}
	plx_port_close(port);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_eal_up();
	pool = fuzz_pool(BUFS);
	device_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {0};
	size_t n = size < SPACE ? size : SPACE;

	memset(space, 0, sizeof(space));
	memcpy(space, data, n);
	walk_capabilities();
	memcpy(&in, data + n, size - n < sizeof(in) ? size - n : sizeof(in));
	if (size > n)
		open_port(&in);
	CHECK(plx_mempool_available(&pool->objs) == BUFS);
	return 0;
}
