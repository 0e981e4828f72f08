/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP segmentation: what devices expect in the header of a packet that they shall cut, whatever the
 * application has put there. Called by drivers' transmit paths.
 */
#ifndef POLLUX_LIB_NET_TSO_H
#define POLLUX_LIB_NET_TSO_H

#include <stdbool.h>
#include <stdint.h>

/** In place of the TCP checksum: the sum of the pseudo-header without length, which differs from
 * part to part. l3_len: of the IP header at ip, with the TCP header behind it. */
void plx_tso_pseudo_sum(uint8_t *ip, uint32_t l3_len, bool ipv6);

#endif /* POLLUX_LIB_NET_TSO_H */
