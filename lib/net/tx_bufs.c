/* SPDX-License-Identifier: BSD-3-Clause */
/* The rare way of tx_bufs.h: packets of several descriptors. Called by NIC drivers' clean-up. */
#include "tx_bufs.h"

void plx_tx_bufs_free_gaps(struct plx_pktbuf **bufs, uint32_t mask, uint32_t *gaps, uint32_t first,
			   uint32_t last)
{
	uint32_t i;

	for (i = first;; i = (i + 1) & mask) {
		if (bufs[i])
			plx_pktbuf_free(bufs[i]);
		else
			(*gaps)--;
		if (i == last)
			break;
	}
}
