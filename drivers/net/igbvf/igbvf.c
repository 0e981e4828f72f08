/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 82576's virtual functions (8086:10ca) among Intel's gigabit NICs: two queues each way and
 * three MSI-X vectors of their own, all else by their physical function, through the mailbox.
 * Sections are those of the 82576 data sheet.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <pollux/log.h>

#include "igbvf.h"
#include "net/igb/igb_regs.h"

PLX_LOG_USE(intel);

#define QUEUES	     2
#define VECTOR_OTHER QUEUES
#define TAG_LEN	     4

static const struct plx_pci_match ids[] = {
	{.vendor = 0x8086, .device = 0x10ca},
	{0},
};

/* --- Interrupts (7.3, chapter 9) ------------------------------------------------------------ */

static void irqs_start(struct intel_port *p)
{
	uint32_t all = 1u << VECTOR_OTHER, queues = 0;
	unsigned int i;

	for (i = 0; i < p->base.info.rx_queues; i++) {
		queues |= (IGBVF_IVAR_VALID | i) << IGBVF_IVAR_RX_SHIFT(i);
		all |= 1u << i;
	}
	intel_set(p, IGBVF_VTIVAR, queues);
	intel_set(p, IGBVF_VTIVAR_MISC, IGBVF_IVAR_VALID | VECTOR_OTHER);
	/* Firing clears a vector's cause and masks it: arming is one write to EIMS. */
	intel_set(p, IGBVF_EIAC, all);
	intel_set(p, IGBVF_EIAM, all);
	intel_set(p, IGBVF_EIMS, 1u << VECTOR_OTHER);
}

static void irq_arm(struct intel_port *p, unsigned int queue)
{
	intel_set(p, IGBVF_EIMS, 1u << queue);
}

static void irq_disarm(struct intel_port *p, unsigned int queue)
{
	intel_set(p, IGBVF_EIMC, 1u << queue);
}

static void irq_ack(struct intel_port *p)
{
	intel_set(p, IGBVF_EIMS, 1u << VECTOR_OTHER);
}

/* --- Queues --------------------------------------------------------------------------------- */

static uint32_t buf_size(uint32_t room)
{
	uint32_t size = room / IGB_BSIZE_UNIT * IGB_BSIZE_UNIT;

	return size < IGB_BSIZE_MAX ? size : IGB_BSIZE_MAX;
}

static void modes(struct intel_port *p)
{
	unsigned int i;

	intel_set(p, IGBVF_EIMC, UINT32_MAX);
	for (i = 0; i < QUEUES; i++) {
		intel_set(p, INTEL_RXDCTL(i), 0);
		intel_set(p, INTEL_TXDCTL(i), 0);
	}
}

/* A queue that is full must never stop the other functions. */
static int rxq_start(struct intel_port *p, struct intel_rxq *q)
{
	unsigned int id = q->base.id;

	intel_set(p, IGBVF_SRRCTL(id),
		  IGB_SRRCTL_BSIZE(q->buf_size) | IGB_SRRCTL_ADVANCED | IGB_SRRCTL_DROP_EN);
	return intel_queue_enable(p, INTEL_RXDCTL(id), INTEL_RX_THRESHOLDS, "rx", id);
}

static int txq_start(struct intel_port *p, struct intel_txq *q)
{
	unsigned int id = q->base.id;

	return intel_queue_enable(p, INTEL_TXDCTL(id), INTEL_TX_THRESHOLDS, "tx", id);
}

static int rxq_off(struct intel_port *p, unsigned int id)
{
	return intel_queue_disable(p, INTEL_RXDCTL(id));
}

static int txq_off(struct intel_port *p, unsigned int id)
{
	return intel_queue_disable(p, INTEL_TXDCTL(id));
}

/* There is headroom: the buffer is fresh. */
static void put_tag_back(struct plx_pktbuf *p)
{
	const uint16_t tag[2] = {htobe16(INTEL_VET_8021Q), htobe16(p->vlan)};
	char *data = p->len < 2 * PLX_ETH_ALEN ? NULL : plx_pktbuf_prepend(p, TAG_LEN);

	if (!data)
		return;
	memmove(data, data + TAG_LEN, 2 * (size_t)PLX_ETH_ALEN);
	memcpy(data + 2 * PLX_ETH_ALEN, tag, TAG_LEN);
}

/*
 * A port VLAN is put round us by the host, which does not let us ask for others then: its tag is
 * not ours to see. Priority tags (VLAN 0) are of no VLAN.
 */
static bool is_ours(const struct plx_port *port, uint16_t tag)
{
	const unsigned int vlan = tag % PLX_VLAN_COUNT;

	return vlan == 0 || plx_settings_vlan(&port->settings, vlan);
}

/*
 * The physical function takes tags out without being asked to: those of our VLANs go back into the
 * frame, unless stripping is on.
 */
static void tags(const struct plx_port *port, struct plx_pktbuf **pkts, uint16_t n)
{
	const bool strip = port->settings.offloads & PLX_PORT_HAS(VLAN_STRIP);
	uint16_t i;

	for (i = 0; i < n; i++) {
		struct plx_pktbuf *p = pkts[i];
		bool ours;

		if (plx_likely(!(p->flags & PLX_PKT_RX_VLAN)))
			continue;
		ours = is_ours(port, p->vlan);
		if (strip && ours)
			continue;
		p->flags &= ~PLX_PKT_RX_VLAN;
		if (ours)
			put_tag_back(p);
	}
}

static uint16_t rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t got = intel_rx_burst_advanced_offload(rxq, pkts, n);

	tags(rxq->port, pkts, got);
	return got;
}

/* --- The function --------------------------------------------------------------------------- */

static const struct intel_named_reg stats[] = {
	{"rx_good", IGBVF_VFGPRC},	 {"tx_good", IGBVF_VFGPTC},
	{"rx_good_bytes", IGBVF_VFGORC}, {"tx_good_bytes", IGBVF_VFGOTC},
	{"rx_multicast", IGBVF_VFMPRC},
};
#define STATS (sizeof(stats) / sizeof(stats[0]))
_Static_assert(STATS <= INTEL_STATS_MAX, "room for them");

/* Counters go on from where they are. */
static void stats_begin(struct intel_port *p)
{
	unsigned int i;

	for (i = 0; i < STATS; i++)
		p->stats_seen[i] = intel_get(p, stats[i].offset);
}

/* VTCTRL.RST resets our queues and interrupts; the physical function has the rest, and is told. */
static int reset(struct intel_port *p)
{
	if (intel_get(p, INTEL_STATUS) == UINT32_MAX)
		return -ENODEV;
	modes(p);
	intel_set(p, INTEL_CTRL, INTEL_CTRL_RST);
	/* Posted until something is read. */
	intel_get(p, INTEL_STATUS);
	stats_begin(p);
	return igbvf_connect(igbvf_port(p));
}

/* The one that the physical function has for us, or one of our own making. */
static int address(struct intel_port *p, uint8_t mac[PLX_ETH_ALEN])
{
	memcpy(mac, igbvf_port(p)->mac, PLX_ETH_ALEN);
	if (intel_mac_valid(mac))
		return 0;
	if (getrandom(mac, PLX_ETH_ALEN, 0) != PLX_ETH_ALEN)
		return -EIO;
	/* Locally administered, of one station. */
	mac[0] = (mac[0] & 0xfc) | 2;
	PLX_WARN(intel, "%s: the physical function has no address for it: it gets a random one",
		 p->base.info.name);
	return 0;
}

/* A reset that was not answered is asked again before a start. */
static int apply(struct intel_port *p)
{
	int err = 0;

	if (!igbvf_port(p)->connected && !p->base.started)
		err = reset(p);
	return err ? err : igbvf_apply(p);
}

static void nothing(struct intel_port *p)
{
}

static bool watch(struct intel_port *p)
{
	return igbvf_listen(igbvf_port(p));
}

static const struct intel_named_reg regs[] = {
	{"VTSTATUS", INTEL_STATUS},   {"EIMS", IGBVF_EIMS},
	{"EIAC", IGBVF_EIAC},	      {"EIAM", IGBVF_EIAM},
	{"VTIVAR", IGBVF_VTIVAR},     {"SRRCTL0", IGBVF_SRRCTL(0)},
	{"SRRCTL1", IGBVF_SRRCTL(1)}, {"VTIVAR_MISC", IGBVF_VTIVAR_MISC},
};

static const struct intel_control virtual = {
	.bar_size = IGBVF_BAR_SIZE,
	.reset = reset,
	.address = address,
	.apply = apply,
	.claim = nothing,
	.receiver_on = nothing,
	.transmitter_on = nothing,
	.watch = watch,
	.stats = stats,
	.stats_count = STATS,
	.stats_go_on = true,
	.regs = regs,
	.regs_count = sizeof(regs) / sizeof(regs[0]),
};

/* --- Driver table --------------------------------------------------------------------------- */

static void igbvf_stats(struct plx_port *port, struct plx_port_stats *stats_of)
{
	/* The device has no counter of lost frames: the physical function has it. */
	intel_stats_update(intel_port(port));
}

static int igbvf_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n)
{
	static const char *const names[IGBVF_COUNTS] = {
		[IGBVF_MESSAGES] = "mailbox_messages",
		[IGBVF_REFUSED] = "mailbox_refused",
		[IGBVF_PINGS] = "mailbox_pings",
		[IGBVF_PF_RESETS] = "pf_resets",
		[IGBVF_NOT_GRANTED] = "mailbox_lies_not_granted",
		[IGBVF_NO_ACK] = "mailbox_lies_no_ack",
		[IGBVF_NO_ANSWER] = "mailbox_lies_no_answer",
		[IGBVF_WRONG_ANSWER] = "mailbox_lies_wrong_answer",
		[IGBVF_UNASKED] = "mailbox_lies_unasked",
		[IGBVF_BAD_MAC] = "mailbox_lies_mac",
		[IGBVF_STUCK_RESET] = "mailbox_lies_reset",
	};
	const struct igbvf_port *vf = igbvf_port(intel_port(port));
	unsigned int first = (unsigned int)intel_xstats(port, xstats, n), i;

	for (i = 0; i < IGBVF_COUNTS && first + i < n; i++) {
		xstats[first + i].name = names[i];
		xstats[first + i].value = vf->counts[i];
	}
	return (int)(first + IGBVF_COUNTS);
}

/* Which tagged frames come is the physical function's list of VLANs: that filter is never off. */
static int igbvf_open(struct plx_port *port, const char *arg)
{
	port->offloads_always = PLX_PORT_HAS(VLAN_FILTER);
	return intel_open(port, arg);
}

const struct intel_family intel_igbvf = {
	.driver =
		{
			.name = "igbvf",
			.features = INTEL_FEATURES_ALL | PLX_PORT_HAS(MULTI_QUEUE) |
				    PLX_PORT_HAS(QUEUE_RESTART),
			.pci = ids,
			.port_size = sizeof(struct igbvf_port),
			.open = igbvf_open,
			.stats = igbvf_stats,
			.xstats = igbvf_xstats,
			INTEL_DRIVER_ALL,
		},
	.control = &virtual,
	.queues_max = QUEUES,
	.tags_taken = true,
	.rx_regs = INTEL_RDBAL(0),
	.tx_regs = INTEL_TDBAL(0),
	.queue_stride = INTEL_RDBAL(1) - INTEL_RDBAL(0),
	.rx_burst = rx_burst,
	.rx_burst_offload = rx_burst,
	.tx_burst = intel_tx_burst_advanced,
	.irq_type = PLX_IRQ_MSIX,
	.vectors = QUEUES + 1,
	.irqs_start = irqs_start,
	.irq_arm = irq_arm,
	.irq_disarm = irq_disarm,
	.irq_ack = irq_ack,
	.buf_size = buf_size,
	.modes = modes,
	.rxq_start = rxq_start,
	.txq_start = txq_start,
	.rxq_off = rxq_off,
	.txq_off = txq_off,
};
