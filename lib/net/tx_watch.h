/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hang watch of a tx queue, for drivers whose devices can get stuck: called from the driver's
 * events(), it compares where the clean-up stands with where it stood before.
 */
#ifndef POLLUX_LIB_NET_TX_WATCH_H
#define POLLUX_LIB_NET_TX_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/** No completion for so long, with the link up: the transmitter hangs. */
#define PLX_TX_HANG_NS UINT64_C(5000000000)

struct plx_tx_watch {
	uint32_t clean;
	uint64_t since_ns; /**< 0: not watching */
};

/**
 * waiting: descriptors are on the wire, and the oldest is not done; clean: its index.
 * Return: true when that has been so for PLX_TX_HANG_NS.
 */
static inline bool plx_tx_watch(struct plx_tx_watch *watch, bool waiting, uint32_t clean,
				uint64_t now_ns)
{
	if (!waiting || clean != watch->clean || watch->since_ns == 0) {
		watch->clean = clean;
		watch->since_ns = now_ns;
		return false;
	}
	return now_ns - watch->since_ns > PLX_TX_HANG_NS;
}

#endif /* POLLUX_LIB_NET_TX_WATCH_H */
