/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a packet asks for on transmission: checksums, TSO, VLAN tag; as a context descriptor and
 * fields of the data descriptors (82540EM manual 3.3.6 and 3.3.7, 82574 data sheet 7.2, 82576 data
 * sheet 7.2.2). Called by tx.c for packets that ask for something that is on.
 */
#include <endian.h>
#include <string.h>

#include "net/tso.h"

#include "intel.h"

#define TCP_CSUM   16
#define UDP_CSUM   6
#define IPV4_LEN   2
#define IPV4_CSUM  10
#define IPV6_LEN   4
#define HEADER_MAX 255
#define TAG_LEN	   4

/* The device puts lengths and the IPv4 checksum into each part, and expects zeroes. */
static void tso_prepare(uint8_t *ip, uint32_t l3_len, bool ipv6)
{
	if (ipv6) {
		memset(ip + IPV6_LEN, 0, 2);
	} else {
		memset(ip + IPV4_LEN, 0, 2);
		memset(ip + IPV4_CSUM, 0, 2);
	}
	plx_tso_pseudo_sum(ip, l3_len, ipv6);
}

/* A tag in the packet itself, where the device is not told to insert and strip tags. */
static bool push_tag(struct plx_pktbuf *p)
{
	uint8_t *data = plx_pktbuf_data(p);
	uint16_t tag[2] = {htobe16(INTEL_VET_8021Q), htobe16(p->vlan)};

	if (p->refcnt != 1 || p->attached || p->len < 2 * PLX_ETH_ALEN ||
	    !plx_pktbuf_prepend(p, TAG_LEN))
		return false;
	memmove(data - TAG_LEN, data, 2 * PLX_ETH_ALEN);
	memcpy(data - TAG_LEN + 2 * PLX_ETH_ALEN, tag, sizeof(tag));
	return true;
}

/* Lengths of headers that the packet gives, against each other and what is there. */
static bool lengths_fit(const struct plx_pktbuf *p, uint32_t l2, uint32_t flags)
{
	uint32_t l4 = flags & PLX_PKT_TX_TSO ? p->l4_len : 0, headers = l2 + p->l3_len + l4;
	uint32_t l3_min = flags & PLX_PKT_TX_IPV6 ? 40 : 20;

	if (l2 < 14 || l2 > 127 || p->l3_len < l3_min || headers > HEADER_MAX ||
	    headers >= p->pkt_len)
		return false;
	if (!(flags & PLX_PKT_TX_TSO))
		return true;
	return l4 >= 20 && p->mss && headers <= p->len && p->refcnt == 1;
}

static void context_plain(struct intel_tx_plan *plan, const struct plx_pktbuf *p, uint32_t l2,
			  uint32_t flags)
{
	uint32_t l4 = l2 + p->l3_len;
	bool tso = flags & PLX_PKT_TX_TSO, tcp = tso || (flags & PLX_PKT_TX_TCP);
	uint64_t csum = l4 + (tcp ? TCP_CSUM : UDP_CSUM);

	plan->context[0] =
		l2 | (l2 + IPV4_CSUM) << 8 | (l4 - 1) << 16 | (uint64_t)l4 << 32 | csum << 40;
	plan->context[1] = INTEL_TXD_DEXT | (tcp ? INTEL_TXC_TCP : 0) |
			   (flags & PLX_PKT_TX_IPV6 ? 0 : INTEL_TXC_IPV4);
	if (!tso)
		return;
	plan->context[1] |= INTEL_TXC_TSE | (p->pkt_len - l4 - p->l4_len) |
			    (uint64_t)(l4 + p->l4_len) << INTEL_TXC_HDRLEN_SHIFT |
			    (uint64_t)p->mss << INTEL_TXC_MSS_SHIFT;
	plan->ctl |= INTEL_TXD_TSE;
}

static void context_advanced(struct intel_tx_plan *plan, const struct plx_pktbuf *p, uint32_t l2,
			     uint32_t flags)
{
	bool tso = flags & PLX_PKT_TX_TSO, tcp = tso || (flags & PLX_PKT_TX_TCP);

	plan->context[0] = p->l3_len | l2 << 9 | (uint64_t)p->vlan << 16;
	plan->context[1] = INTEL_TXD_DEXT | INTEL_TXC_ADV | (tcp ? INTEL_TXC_ADV_TCP : 0) |
			   (flags & PLX_PKT_TX_IPV6 ? 0 : INTEL_TXC_ADV_IPV4);
	if (!tso)
		return;
	plan->context[1] |= (uint64_t)p->l4_len << INTEL_TXC_HDRLEN_SHIFT |
			    (uint64_t)p->mss << INTEL_TXC_MSS_SHIFT;
	plan->ctl |= INTEL_TXD_TSE_ADV;
	plan->paylen = p->pkt_len - l2 - p->l3_len - p->l4_len;
}

bool intel_tx_plan(const struct intel_txq *q, struct plx_pktbuf *p, bool advanced,
		   struct intel_tx_plan *plan)
{
	uint32_t flags = p->flags & q->offloads, l2 = p->l2_len;
	const uint32_t csum = PLX_PKT_TX_IP | PLX_PKT_TX_TCP | PLX_PKT_TX_UDP | PLX_PKT_TX_TSO;

	memset(plan, 0, sizeof(*plan));
	flags |= p->flags & PLX_PKT_TX_IPV6;
	if ((flags & PLX_PKT_TX_VLAN) && q->vlan_in_device) {
		plan->ctl |= INTEL_TXD_VLE;
		if (!advanced)
			plan->ctl |= (uint64_t)p->vlan << INTEL_TXD_VLAN_SHIFT;
		plan->has_context = advanced;
	} else if (flags & PLX_PKT_TX_VLAN) {
		if (!push_tag(p))
			return false;
		l2 += TAG_LEN;
	}
	plan->paylen = p->pkt_len;
	if (flags & csum) {
		if (!lengths_fit(p, l2, flags))
			return false;
		plan->has_context = true;
		if (flags & PLX_PKT_TX_TSO)
			tso_prepare((uint8_t *)plx_pktbuf_data(p) + l2, p->l3_len,
				    flags & PLX_PKT_TX_IPV6);
		if (flags & (PLX_PKT_TX_TCP | PLX_PKT_TX_UDP | PLX_PKT_TX_TSO))
			plan->ctl |= INTEL_TXD_TXSM;
		if ((flags & (PLX_PKT_TX_IP | PLX_PKT_TX_TSO)) && !(flags & PLX_PKT_TX_IPV6))
			plan->ctl |= INTEL_TXD_IXSM;
	}
	if (plan->has_context && advanced)
		context_advanced(plan, p, l2 ? l2 : 14, flags);
	else if (plan->has_context)
		context_plain(plan, p, l2, flags);
	return true;
}
