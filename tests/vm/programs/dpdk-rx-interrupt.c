/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dpdk-rx-interrupt EAL-OPTION...: forwards between two ports by Debian's unmodified DPDK library,
 * asleep in between: rx interrupts are armed when nothing came for a while. Ends by SIGTERM, and
 * prints for each port how often its interrupt woke it and how many packets it got. (dpdk-testpmd
 * only polls.)
 */
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_mbuf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define PORTS	   2
#define BURST	   32
#define RING	   512
#define MBUFS	   4096
#define IDLE_POLLS 1000
#define TIMEOUT_MS 1000

static volatile sig_atomic_t stop;
static unsigned long wakeups[PORTS], packets[PORTS], timeouts;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void must(int ret, const char *what)
{
	if (ret >= 0)
		return;
	fprintf(stderr, "%s: %s\n", what, rte_strerror(-ret));
	exit(EXIT_FAILURE);
}

static void port_start(uint16_t port, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {.intr_conf = {.rxq = 1}};

	must(rte_eth_dev_configure(port, 1, 1, &conf), "configure");
	must(rte_eth_rx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL, pool), "rx queue");
	must(rte_eth_tx_queue_setup(port, 0, RING, SOCKET_ID_ANY, NULL), "tx queue");
	must(rte_eth_dev_start(port), "start");
	must(rte_eth_promiscuous_enable(port), "promiscuous mode");
	must(rte_eth_dev_rx_intr_ctl_q(port, 0, RTE_EPOLL_PER_THREAD, RTE_INTR_EVENT_ADD,
				       (void *)(uintptr_t)port),
	     "rx interrupt");
}

static bool forward(void)
{
	struct rte_mbuf *bufs[BURST];
	uint16_t n, sent;
	bool any = false;

	for (uint16_t port = 0; port < PORTS; port++) {
		n = rte_eth_rx_burst(port, 0, bufs, BURST);
		sent = n ? rte_eth_tx_burst(port ^ 1, 0, bufs, n) : 0;
		while (sent < n)
			rte_pktmbuf_free(bufs[sent++]);
		packets[port] += n;
		any = any || n;
	}
	return any;
}

/* Armed first, then looked at once more: what came in between raised no interrupt. */
static void sleep_until_interrupt(void)
{
	struct rte_epoll_event events[PORTS];
	int n = 0;

	for (uint16_t port = 0; port < PORTS; port++)
		must(rte_eth_dev_rx_intr_enable(port, 0), "rx interrupt enable");
	if (!forward()) {
		n = rte_epoll_wait(RTE_EPOLL_PER_THREAD, events, PORTS, TIMEOUT_MS);
		timeouts += n == 0;
	}
	for (int i = 0; i < n; i++)
		wakeups[(uintptr_t)events[i].epdata.data]++;
	for (uint16_t port = 0; port < PORTS; port++)
		must(rte_eth_dev_rx_intr_disable(port, 0), "rx interrupt disable");
}

int main(int argc, char **argv)
{
	struct rte_mempool *pool;
	unsigned int idle = 0;

	must(rte_eal_init(argc, argv), "rte_eal_init");
	pool = rte_pktmbuf_pool_create("pool", MBUFS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	must(pool && rte_eth_dev_count_avail() == PORTS ? 0 : -ENODEV, "two ports");
	for (uint16_t port = 0; port < PORTS; port++)
		port_start(port, pool);
	signal(SIGTERM, on_signal);
	printf("forwarding\n");
	fflush(stdout);
	while (!stop) {
		idle = forward() ? 0 : idle + 1;
		if (idle > IDLE_POLLS) {
			sleep_until_interrupt();
			idle = 0;
		}
	}
	for (uint16_t port = 0; port < PORTS; port++) {
		rte_eth_dev_stop(port);
		rte_eth_dev_close(port);
		printf("port %u: %lu wake-ups, %lu packets\n", port, wakeups[port], packets[port]);
	}
	printf("%lu sleeps of %d ms without interrupt\n", timeouts, TIMEOUT_MS);
	rte_eal_cleanup();
	return EXIT_SUCCESS;
}
