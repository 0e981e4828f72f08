/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vmxnet3 outside of its rings: versions, commands, the memory that driver and device share,
 * address, filters, link. The device reads that memory when a command tells it to. No command that
 * makes it do so is given before it knows where the memory is.
 */
#include <errno.h>
#include <string.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "vmxnet3.h"

PLX_LOG_USE(vmxnet3);

/* Bits of VRRS and UVRS. The second adds what is known of merged segments. */
#define REVISION_1 1u
#define REVISION_2 2u

static uint32_t get(const struct vmxnet3_port *p, uint32_t reg)
{
	return plx_mmio_read32(p->bar1 + reg);
}

static void set(struct vmxnet3_port *p, uint32_t reg, uint32_t value)
{
	plx_mmio_write32(p->bar1 + reg, value);
}

/* --- Commands, reset ------------------------------------------------------------------------ */

uint32_t vmxnet3_hw_command(struct vmxnet3_port *p, uint32_t command)
{
	/* What is in shared memory before the command that makes the device read it. */
	plx_dma_wmb();
	set(p, VMXNET3_CMD, command);
	return get(p, VMXNET3_CMD);
}

/* One of the two version registers: of `wanted`, the highest that is offered is chosen. */
static int choose_revision(struct vmxnet3_port *p, uint32_t reg, const char *what, uint32_t wanted,
			   uint32_t *chosen)
{
	uint32_t offered = get(p, reg);

	if (offered == UINT32_MAX) {
		PLX_ERR(vmxnet3, "%s: the device is gone (its registers read all ones)",
			p->base.info.name);
		return -ENODEV;
	}
	*chosen = offered & wanted & REVISION_2 ? REVISION_2 : REVISION_1;
	if (!(offered & REVISION_1)) {
		PLX_ERR(vmxnet3, "%s: %s 0x%x does not have revision 1, which this driver speaks",
			p->base.info.name, what, offered);
		return -EPROTO;
	}
	set(p, reg, *chosen);
	return 0;
}

static void mask_vectors(struct vmxnet3_port *p)
{
	unsigned int i;

	for (i = 0; i < VMXNET3_VECTORS_MAX; i++)
		plx_mmio_write32(p->bar0 + VMXNET3_IMR(i), 1);
}

int vmxnet3_hw_reset(struct vmxnet3_port *p)
{
	uint32_t upt;
	int err;

	mask_vectors(p);
	vmxnet3_hw_command(p, VMXNET3_CMD_QUIESCE);
	vmxnet3_hw_command(p, VMXNET3_CMD_RESET);
	p->active = false;
	err = choose_revision(p, VMXNET3_VRRS, "VRRS", REVISION_1 | REVISION_2, &p->revision);
	return err ? err : choose_revision(p, VMXNET3_UVRS, "UVRS", REVISION_1, &upt);
}

int vmxnet3_hw_mac(struct vmxnet3_port *p, uint8_t mac[PLX_ETH_ALEN])
{
	static const uint8_t zero[PLX_ETH_ALEN];
	uint32_t low = vmxnet3_hw_command(p, VMXNET3_CMD_GET_PERM_MAC_LO);
	uint32_t high = vmxnet3_hw_command(p, VMXNET3_CMD_GET_PERM_MAC_HI);
	unsigned int i;

	for (i = 0; i < 4; i++)
		mac[i] = (uint8_t)(low >> 8 * i);
	mac[4] = (uint8_t)high;
	mac[5] = (uint8_t)(high >> 8);
	if ((mac[0] & 1) || memcmp(mac, zero, sizeof(zero)) == 0) {
		PLX_ERR(vmxnet3, "%s: the device has no valid address (0x%08x 0x%08x)",
			p->base.info.name, low, high);
		return -EPROTO;
	}
	return 0;
}

/* --- Shared memory -------------------------------------------------------------------------- */

static void fill_misc(struct vmxnet3_port *p)
{
	const struct plx_port *port = &p->base;
	struct vmxnet3_misc_conf *misc = &p->shared->misc;
	uint32_t queues = (uint32_t)port->info.tx_queues + port->info.rx_queues;

	misc->driver_version = htole32(1);
	misc->guest = htole32(VMXNET3_GUEST_LINUX64);
	misc->revision = htole32(p->revision);
	misc->upt_revision = htole32(REVISION_1);
	misc->queues_iova = htole64(plx_iova(p->txq_confs));
	misc->queues_len = htole32(queues * (uint32_t)sizeof(*p->txq_confs));
	/* For the driver's own use, but it must not be empty. */
	misc->driver_data_iova = htole64(plx_iova(p->shared));
	misc->driver_data_len = htole32(sizeof(*p->shared));
	misc->mtu = htole32(port->settings.mtu);
	misc->rx_bufs_max = htole16(VMXNET3_RX_SEGS_MAX);
	misc->tx_queues = (uint8_t)port->info.tx_queues;
	misc->rx_queues = (uint8_t)port->info.rx_queues;
}

static void fill_interrupts(struct vmxnet3_port *p)
{
	struct vmxnet3_intr_conf *intr = &p->shared->intr;
	unsigned int i;

	intr->auto_mask = 1;
	intr->vectors = p->irqs ? VMXNET3_VECTORS : 1;
	intr->event_vector = p->irqs ? VMXNET3_VECTOR_EVENT : 0;
	intr->ctrl = htole32(p->irqs ? 0 : VMXNET3_INTR_DISABLE_ALL);
	for (i = 0; i < p->base.info.tx_queues; i++)
		p->txq_confs[i].vector = p->irqs ? VMXNET3_VECTOR_TX : 0;
	for (i = 0; i < p->base.info.rx_queues; i++)
		p->rxq_confs[i].vector = (uint8_t)(p->irqs ? i : 0);
}

/* Hash types, key and table. false: RSS is off. */
static bool fill_rss(struct vmxnet3_port *p)
{
	static const uint16_t bits[] = {VMXNET3_RSS_IPV4, VMXNET3_RSS_IPV4_TCP, 0, VMXNET3_RSS_IPV6,
					VMXNET3_RSS_IPV6_TCP};
	const struct plx_port_rss *from = &p->base.settings.rss;
	struct vmxnet3_rss_conf *rss = p->rss;
	uint16_t types = 0;
	unsigned int i;

	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (from->types & 1u << i)
			types |= bits[i];
	rss->hash_types = htole16(types);
	rss->hash_func = htole16(VMXNET3_RSS_TOEPLITZ);
	rss->key_len = htole16(VMXNET3_RSS_KEY_LEN);
	rss->table_len = htole16(VMXNET3_RSS_TABLE_LEN);
	memcpy(rss->key, from->key, VMXNET3_RSS_KEY_LEN);
	for (i = 0; i < VMXNET3_RSS_TABLE_LEN; i++)
		rss->table[i] = (uint8_t)from->reta[i];
	return types &&
	       (p->base.info.rx_queues > 1 || (p->base.settings.offloads & PLX_PORT_HAS(RSS_HASH)));
}

static void fill_features(struct vmxnet3_port *p)
{
	uint64_t offloads = p->base.settings.offloads, features = 0;

	if (offloads & PLX_PORT_HAS(RX_CSUM))
		features |= VMXNET3_F_RXCSUM;
	if (offloads & PLX_PORT_HAS(VLAN_STRIP))
		features |= VMXNET3_F_RXVLAN;
	if (offloads & PLX_PORT_HAS(LRO))
		features |= VMXNET3_F_LRO;
	if (fill_rss(p)) {
		features |= VMXNET3_F_RSS;
		p->shared->rss.version = htole32(1);
		p->shared->rss.len = htole32(sizeof(*p->rss));
		p->shared->rss.iova = htole64(plx_iova(p->rss));
	}
	p->shared->misc.features = htole64(features);
}

int vmxnet3_hw_alloc(struct vmxnet3_port *p)
{
	const struct plx_port_info *info = &p->base.info;
	size_t queues = (size_t)info->tx_queues + info->rx_queues;

	p->shared = plx_dma_zalloc(sizeof(*p->shared), 0, info->node);
	p->rss = plx_dma_zalloc(sizeof(*p->rss), 0, info->node);
	p->mcast = plx_dma_zalloc(PLX_PORT_MACS_MAX * sizeof(*p->mcast), 0, info->node);
	p->txq_confs =
		plx_dma_zalloc(queues * sizeof(*p->txq_confs), VMXNET3_QUEUES_ALIGN, info->node);
	if (!p->shared || !p->rss || !p->mcast || !p->txq_confs) {
		vmxnet3_hw_free(p);
		return -ENOMEM;
	}
	p->rxq_confs = (struct vmxnet3_rxq_conf *)&p->txq_confs[info->tx_queues];
	return 0;
}

void vmxnet3_hw_free(struct vmxnet3_port *p)
{
	plx_dma_free(p->shared);
	plx_dma_free(p->rss);
	plx_dma_free(p->mcast);
	plx_dma_free(p->txq_confs);
	p->mcast = NULL;
	p->shared = NULL;
	p->rss = NULL;
	p->txq_confs = NULL;
	p->rxq_confs = NULL;
}

/* --- Settings ------------------------------------------------------------------------------- */

/* The device has no unicast filter beside its own address. */
static int fill_multicast(struct vmxnet3_port *p)
{
	const struct plx_port_settings *settings = &p->base.settings;
	struct vmxnet3_filter_conf *filter = &p->shared->filter;
	unsigned int i;

	for (i = 0; i < settings->macs; i++) {
		if (!(settings->mac_list[i][0] & 1)) {
			PLX_ERR(vmxnet3, "%s: the device filters no unicast address but its own",
				p->base.info.name);
			return -ENOSPC;
		}
	}
	memcpy(p->mcast, settings->mac_list, settings->macs * sizeof(*p->mcast));
	filter->mcast_iova = htole64(plx_iova(p->mcast));
	filter->mcast_len = htole16((uint16_t)(settings->macs * sizeof(*p->mcast)));
	return 0;
}

/* One bit per VLAN; untagged frames count as VLAN 0. Without the filter all of them pass. */
static void fill_vlans(struct vmxnet3_port *p)
{
	const struct plx_port_settings *settings = &p->base.settings;
	uint32_t *vlans = p->shared->filter.vlans;
	unsigned int i;

	if (!(settings->offloads & PLX_PORT_HAS(VLAN_FILTER))) {
		memset(vlans, 0xff, sizeof(p->shared->filter.vlans));
		return;
	}
	for (i = 0; i < VMXNET3_VLAN_WORDS; i++)
		vlans[i] = htole32((uint32_t)(settings->vlans[i / 2] >> (i % 2 ? 32 : 0)));
	vlans[0] |= htole32(1);
}

static int fill_filters(struct vmxnet3_port *p)
{
	const struct plx_port_settings *settings = &p->base.settings;
	uint32_t mode = VMXNET3_RXM_UCAST | VMXNET3_RXM_BCAST;

	if (settings->macs)
		mode |= VMXNET3_RXM_MCAST;
	if (settings->allmulti)
		mode |= VMXNET3_RXM_ALL_MULTI;
	if (settings->promisc)
		mode |= VMXNET3_RXM_PROMISC | VMXNET3_RXM_ALL_MULTI;
	p->shared->filter.mode = htole32(mode);
	fill_vlans(p);
	return fill_multicast(p);
}

static void set_mac(struct vmxnet3_port *p)
{
	const uint8_t *mac = p->base.settings.mac;

	set(p, VMXNET3_MACL,
	    (uint32_t)mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 |
		    (uint32_t)mac[3] << 24);
	set(p, VMXNET3_MACH, (uint32_t)mac[4] | (uint32_t)mac[5] << 8);
}

int vmxnet3_hw_apply(struct vmxnet3_port *p)
{
	int err = fill_filters(p);

	if (err)
		return err;
	vmxnet3_hw_command(p, VMXNET3_CMD_UPDATE_RX_MODE);
	vmxnet3_hw_command(p, VMXNET3_CMD_UPDATE_MAC_FILTERS);
	vmxnet3_hw_command(p, VMXNET3_CMD_UPDATE_VLAN_FILTERS);
	if (fill_rss(p))
		vmxnet3_hw_command(p, VMXNET3_CMD_UPDATE_RSSIDT);
	set_mac(p);
	return 0;
}

int vmxnet3_hw_activate(struct vmxnet3_port *p)
{
	plx_iova_t iova = plx_iova(p->shared);
	uint32_t status;
	int err;

	p->shared->magic = htole32(VMXNET3_MAGIC);
	fill_misc(p);
	fill_interrupts(p);
	fill_features(p);
	err = fill_filters(p);
	if (err)
		return err;
	set(p, VMXNET3_DSAL, (uint32_t)iova);
	set(p, VMXNET3_DSAH, (uint32_t)(iova >> 32));
	status = vmxnet3_hw_command(p, VMXNET3_CMD_ACTIVATE);
	if (status) {
		PLX_ERR(vmxnet3, "%s: the device does not activate (status 0x%x)",
			p->base.info.name, status);
		return status == UINT32_MAX ? -ENODEV : -EIO;
	}
	p->active = true;
	/* Activation brings the permanent address back. */
	return vmxnet3_hw_apply(p);
}

void vmxnet3_hw_quiesce(struct vmxnet3_port *p)
{
	mask_vectors(p);
	vmxnet3_hw_command(p, VMXNET3_CMD_QUIESCE);
	/* The memory goes: the device must forget it. */
	set(p, VMXNET3_DSAL, 0);
	set(p, VMXNET3_DSAH, 0);
	p->active = false;
}

int vmxnet3_hw_link(struct vmxnet3_port *p, struct plx_port_link *link)
{
	uint32_t value = vmxnet3_hw_command(p, VMXNET3_CMD_GET_LINK);

	if (value == UINT32_MAX) {
		plx_port_gone(&p->base);
		return -ENODEV;
	}
	link->up = value & VMXNET3_LINK_UP;
	link->full_duplex = true;
	link->speed_mbps = VMXNET3_LINK_SPEED(value);
	return 0;
}

int vmxnet3_hw_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n)
{
	static const struct plx_port_reg table[] = {
		{.name = "VRRS", .offset = VMXNET3_VRRS},
		{.name = "UVRS", .offset = VMXNET3_UVRS},
		{.name = "MACL", .offset = VMXNET3_MACL},
		{.name = "MACH", .offset = VMXNET3_MACH},
	};
	const unsigned int count = sizeof(table) / sizeof(table[0]);
	unsigned int i;

	for (i = 0; i < count && i < n; i++) {
		regs[i] = table[i];
		regs[i].bytes = 4;
		regs[i].value = get(vmxnet3_port(port), table[i].offset);
	}
	return (int)count;
}
