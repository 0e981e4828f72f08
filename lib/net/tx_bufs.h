/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Buffers behind the descriptors of a tx ring, as NIC drivers keep them: the packet at its last
 * descriptor, NULL at those before; `gaps` counts the NULLs. Freed here in runs when they are sent.
 */
#ifndef POLLUX_LIB_NET_TX_BUFS_H
#define POLLUX_LIB_NET_TX_BUFS_H

#include <pollux/pktbuf.h>

/** Free first to last (indices of the ring, both included) where packets have several
 * descriptors. */
void plx_tx_bufs_free_gaps(struct plx_pktbuf **bufs, uint32_t mask, uint32_t *gaps, uint32_t first,
			   uint32_t last);

/** Free first to last, both included; mask: ring size - 1. */
static inline void plx_tx_bufs_free(struct plx_pktbuf **bufs, uint32_t mask, uint32_t *gaps,
				    uint32_t first, uint32_t last)
{
	if (plx_unlikely(*gaps)) {
		plx_tx_bufs_free_gaps(bufs, mask, gaps, first, last);
	} else if (plx_likely(first <= last)) {
		plx_pktbuf_free_burst(&bufs[first], (uint16_t)(last - first + 1));
	} else {
		plx_pktbuf_free_burst(&bufs[first], (uint16_t)(mask - first + 1));
		plx_pktbuf_free_burst(bufs, (uint16_t)(last + 1));
	}
}

#endif /* POLLUX_LIB_NET_TX_BUFS_H */
