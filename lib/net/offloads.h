/* SPDX-License-Identifier: BSD-3-Clause */
/* From the offloads that are on (PLX_PORT_HAS() bits) to the packet flags that they concern; called
 * by drivers when a queue starts. */
#ifndef POLLUX_LIB_NET_OFFLOADS_H
#define POLLUX_LIB_NET_OFFLOADS_H

#include <pollux/net.h>

/** PLX_PKT_RX_VLAN, _HASH, _LRO, and IP_GOOD for checksums of any kind. */
static inline uint32_t plx_rx_offload_flags(uint64_t offloads)
{
	uint32_t flags = 0;

	if (offloads & PLX_PORT_HAS(VLAN_STRIP))
		flags |= PLX_PKT_RX_VLAN;
	if (offloads & PLX_PORT_HAS(RX_CSUM))
		flags |= PLX_PKT_RX_IP_GOOD;
	if (offloads & PLX_PORT_HAS(RSS_HASH))
		flags |= PLX_PKT_RX_HASH;
	if (offloads & PLX_PORT_HAS(LRO))
		flags |= PLX_PKT_RX_LRO;
	return flags;
}

/** Flags of a packet that mean something. */
static inline uint32_t plx_tx_offload_flags(uint64_t offloads)
{
	uint32_t flags = 0;

	if (offloads & PLX_PORT_HAS(VLAN_INSERT))
		flags |= PLX_PKT_TX_VLAN;
	if (offloads & PLX_PORT_HAS(TX_IP_CSUM))
		flags |= PLX_PKT_TX_IP;
	if (offloads & PLX_PORT_HAS(TX_L4_CSUM))
		flags |= PLX_PKT_TX_TCP | PLX_PKT_TX_UDP;
	if (offloads & PLX_PORT_HAS(TSO))
		flags |= PLX_PKT_TX_TSO;
	return flags;
}

#endif /* POLLUX_LIB_NET_OFFLOADS_H */
