/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dpdk-process OUR-NIC DPDK-NIC NVME: a process that has called rte_eal_init() itself and has
 * Pollux beside it. DPDK drives one NIC, Pollux the other and the NVMe SSD; the NICs' wires are
 * connected. One line per check, as cases print them. The first 64 blocks of namespace 1 are
 * overwritten.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>

#include <pollux/clock.h>
#include <pollux/dpdk.h>
#include <pollux/eal.h>
#include <pollux/log.h>
#include <pollux/mem.h>
#include <pollux/net.h>
#include <pollux/nvme.h>
#include <pollux/vfio.h>

#define MIB	   ((size_t)1 << 20)
#define PACKETS	   2000
#define BURST	   32
#define WAIT_NS	   UINT64_C(20000000000)
#define ETHER_TYPE 0x88b5 /* IEEE 802, "local experimental" */

static unsigned int failures;
static char last_error[1024];

static bool check(bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	failures += !good;
	if (!good && last_error[0])
		printf("    (%s)\n", last_error);
	return good;
}

static void on_log(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	fprintf(stderr, "%s: %s\n", component, line);
	if (level == PLX_LOG_ERR)
		snprintf(last_error, sizeof(last_error), "%s", line);
}

static bool said(const char *text)
{
	return strstr(last_error, text) != NULL;
}

/* --- Memory --------------------------------------------------------------------------------- */

static uint64_t heap_bytes(void)
{
	struct plx_mem_stats stats;

	plx_mem_stats_get(&stats);
	return stats.heap_bytes;
}

static struct plx_as_stats space(struct plx_as *as)
{
	struct plx_as_stats stats;

	plx_as_stats_get(as, &stats);
	return stats;
}

static void memory(void)
{
	struct plx_as *as = plx_as_default_get();
	uint64_t before = heap_bytes(), mapped = space(as).mapped_bytes;
	plx_iova_t iova;
	void *va, *own;
	int rounds;

	check(mapped == before, "an address space maps all of rte_eal's memory");
	va = rte_malloc(NULL, 40 * MIB, 0);
	check(va && plx_mem_iova(va, 40 * MIB, &iova) == 0 && iova == plx_iova(va),
	      "memory that rte_malloc adds is there for our devices");
	check(heap_bytes() >= before + 40 * MIB && space(as).mapped_bytes == heap_bytes(),
	      "and mapped");
	rte_free(va);
	check(heap_bytes() == before && space(as).mapped_bytes == before,
	      "memory that it frees is not any more");
	check(plx_mem_iova(va, 4096, &iova) == -EFAULT, "nor is it said to be");
	for (rounds = 0; rounds < 20; rounds++) {
		va = rte_malloc(NULL, 6 * MIB, 0);
		own = plx_dma_zalloc(6 * MIB, 2 * MIB, PLX_NODE_ANY);
		if (!va || !own || space(as).mapped_bytes != heap_bytes())
			break;
		rte_free(va);
		plx_dma_free(own);
	}
	check(rounds == 20 && heap_bytes() == before && space(as).mapped_bytes == before,
	      "20 times, rte_malloc and our heap in turn");
	check(space(as).short_unmaps == 0, "the kernel unmapped all that it was asked to");
	plx_as_default_put(as);
}

/* A heap of DPDK's in the application's memory: it has no place in rte_eal's addresses. */
static void external_heap(void)
{
	struct plx_as *as = plx_as_default_get();
	uint64_t before = space(as).mapped_bytes;
	size_t len = 4 * MIB;
	plx_iova_t iova;
	void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	void *va;

	if (check(rte_malloc_heap_create("external") == 0 &&
			  rte_malloc_heap_memory_add("external", memory, len, NULL, 0, 4096) == 0,
		  "a heap of external memory")) {
		va = rte_malloc_socket(NULL, 100000, 0, rte_malloc_heap_get_socket("external"));
		check(va && plx_mem_iova(va, 100000, &iova) == 0 &&
			      space(as).mapped_bytes == before + len,
		      "is there for our devices");
		rte_free(va);
		check(rte_malloc_heap_memory_remove("external", memory, len) == 0 &&
			      space(as).mapped_bytes == before,
		      "and goes");
		rte_malloc_heap_destroy("external");
	}
	munmap(memory, len);
	plx_as_default_put(as);
}

/* What a forked child adds is not for the parent's devices; its books are copies, its address space
 * is not. */
static void forked_child(void)
{
	struct plx_as *as = plx_as_default_get();
	uint64_t before = space(as).mapped_bytes;
	size_t len = 4 * MIB;
	int status = 0;
	void *memory;
	pid_t child = fork();

	if (child == 0) {
		memory = mmap(NULL, len, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		if (rte_malloc_heap_create("child") ||
		    rte_malloc_heap_memory_add("child", memory, len, NULL, 0, 4096))
			_exit(2);
		_exit(space(as).mapped_bytes != before);
	}
	check(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	      "memory that DPDK adds in a forked child is mapped for no device");
	plx_as_default_put(as);
}

/* --- NVMe ------------------------------------------------------------------------------------ */

static bool done(struct plx_nvme_qpair *qp, struct plx_nvme_req *req)
{
	struct plx_nvme_req *reqs[] = {req};
	uint64_t end = plx_clock_ns() + WAIT_NS;

	if (plx_nvme_qpair_submit(qp, reqs, 1) != 1)
		return false;
	while (plx_nvme_in_flight(req) && plx_clock_ns() < end)
		plx_nvme_qpair_poll(qp, 0);
	return !plx_nvme_in_flight(req) && req->status == 0;
}

static void nvme(const char *bdf, struct rte_mempool *pool)
{
	struct plx_nvme_ctrl *ctrl = plx_nvme_ctrl_open(bdf, NULL);
	struct plx_nvme_ns *ns = ctrl ? plx_nvme_ns_open(ctrl, 1) : NULL;
	struct plx_nvme_qpair *qp = ns ? plx_nvme_qpair_open(ctrl, NULL) : NULL;
	struct plx_nvme_req req = {0};
	unsigned int i, good = 0;

	if (!check(qp, "an NVMe SSD beside DPDK"))
		return;
	for (i = 0; i < 64; i++) {
		struct rte_mbuf *out = rte_pktmbuf_alloc(pool), *in = rte_pktmbuf_alloc(pool);
		char *data = rte_pktmbuf_append(out, 512), *back = rte_pktmbuf_append(in, 512);

		memset(data, 'A' + (int)i, 512);
		memset(back, 0, 512);
		plx_nvme_write(&req, ns, i, 1, plx_iova(data));
		if (!done(qp, &req))
			break;
		plx_nvme_read(&req, ns, i, 1, plx_iova(back));
		good += done(qp, &req) && memcmp(data, back, 512) == 0;
		rte_pktmbuf_free(out);
		rte_pktmbuf_free(in);
	}
	check(good == 64, "64 mbufs are written to it and read back, without a copy");
	plx_nvme_ctrl_close(ctrl);
}

/* --- Packets --------------------------------------------------------------------------------- */

static struct rte_mempool *mbufs;
static struct plx_pktbuf_pool *pkts;
static struct plx_dpdk_bridge *bridge;
static struct plx_port *ours;
static uint16_t theirs;

static bool dpdk_port(void)
{
	struct rte_eth_conf conf = {0};

	return rte_eth_dev_count_avail() == 1 && rte_eth_dev_configure(theirs, 1, 1, &conf) == 0 &&
	       rte_eth_rx_queue_setup(theirs, 0, 256, SOCKET_ID_ANY, NULL, mbufs) == 0 &&
	       rte_eth_tx_queue_setup(theirs, 0, 256, SOCKET_ID_ANY, NULL) == 0 &&
	       rte_eth_dev_start(theirs) == 0 && rte_eth_promiscuous_enable(theirs) == 0;
}

static void fill(uint8_t *frame, uint32_t number)
{
	if (!frame)
		abort(); /* a buffer without room for it */
	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02\0\0\0\0\x01", 6);
	frame[12] = ETHER_TYPE >> 8;
	frame[13] = ETHER_TYPE & 0xff;
	memcpy(frame + 14, &number, sizeof(number));
	memset(frame + 18, (int)(number & 0xff), 82);
}

/* Return: 1 for a good frame of ours, 0 for a stranger's. */
static unsigned int good_frame(const uint8_t *frame)
{
	uint8_t expected[100];
	uint32_t number;

	memcpy(&number, frame + 14, sizeof(number));
	fill(expected, number);
	return memcmp(frame, expected, sizeof(expected)) == 0;
}

/* DPDK's mbufs out of our port, into DPDK's. */
static void send_mbufs(void)
{
	struct rte_mbuf *m[BURST];
	struct plx_pktbuf *p[BURST];
	uint64_t end = plx_clock_ns() + WAIT_NS;
	uint32_t sent = 0, got = 0;
	uint16_t n, i;

	while (got < PACKETS && plx_clock_ns() < end) {
		if (sent - got < 64 && sent < PACKETS + 1000) {
			m[0] = rte_pktmbuf_alloc(mbufs);
			fill((uint8_t *)rte_pktmbuf_append(m[0], 100), sent);
			if (plx_dpdk_from_mbufs(bridge, m, p, 1) != 1)
				break;
			if (plx_tx_burst(plx_port_txq(ours, 0), p, 1))
				sent++;
			else
				plx_pktbuf_free(p[0]);
		}
		n = rte_eth_rx_burst(theirs, 0, m, BURST);
		for (i = 0; i < n; i++)
			got += good_frame(rte_pktmbuf_mtod(m[i], uint8_t *));
		rte_pktmbuf_free_bulk(m, n);
	}
	check(got >= PACKETS, "mbufs leave by our port and arrive at DPDK's");
}

/*
 * What our port receives leaves by DPDK's again, as it is: the other NIC's driver reads our memory.
 */
static void echo(void)
{
	struct rte_mbuf *m[BURST];
	struct plx_pktbuf *p[BURST];
	uint64_t end = plx_clock_ns() + WAIT_NS;
	uint32_t sent = 0, turned = 0, got = 0;
	uint16_t n, i, k;

	while (got < PACKETS && plx_clock_ns() < end) {
		if (sent - turned < 32) {
			p[0] = plx_pktbuf_alloc(pkts);
			fill(plx_pktbuf_append(p[0], 100), sent);
			if (plx_dpdk_to_mbufs(bridge, p, m, 1) != 1)
				break;
			n = rte_eth_tx_burst(theirs, 0, m, 1);
			if (!n)
				rte_pktmbuf_free(m[0]);
			sent += n;
		}
		n = plx_rx_burst(plx_port_rxq(ours, 0), p, BURST);
		turned += n;
		for (i = 0; i < n; i++)
			got += good_frame(plx_pktbuf_data(p[i]));
		k = plx_dpdk_to_mbufs(bridge, p, m, n);
		plx_pktbuf_free_burst(p + k, (uint16_t)(n - k));
		rte_pktmbuf_free_bulk(m, k);
	}
	check(got >= PACKETS, "pktbufs leave by DPDK's port and arrive at ours");
}

static void packets(const char *bdf, const char *their_bdf)
{
	struct plx_port_config config = {.promisc = true};

	pkts = plx_pktbuf_pool_open(&(struct plx_pktbuf_pool_config){.count = 4096});
	bridge = plx_dpdk_bridge_open(NULL);
	config.pool = pkts;
	ours = bridge ? plx_port_open(bdf, &config) : NULL;
	if (!check(ours && plx_port_start(ours) == 0, "a port of ours") ||
	    !check(dpdk_port(), "a port of DPDK's"))
		return;
	check(!plx_port_open(their_bdf, &config) && errno == EBUSY && said("to DPDK or to us"),
	      "DPDK's device is not for us, and we say who has it");
	plx_port_link_wait(ours, 9000);
	plx_delay_us(1000000);
	send_mbufs();
	echo();
	plx_port_close(ours);
	rte_eth_dev_stop(theirs);
	rte_eth_dev_close(theirs);
	check(plx_dpdk_bridge_close(bridge) == 0, "no packet is left on the other side");
	check(plx_pktbuf_pool_close(pkts) == 0, "nor is one of ours lost");
}

int main(int argc, char **argv)
{
	struct plx_eal_config config = {.backend = "dpdk"};
	int used;

	setvbuf(stdout, NULL, _IOLBF, 0);
	used = rte_eal_init(argc, argv);
	if (used < 0 || argc - used != 4)
		return 2;
	argv += used;
	plx_log_set_sink(on_log, NULL);
	if (!check(plx_eal_init(&config) == 0, "Pollux joins a process of DPDK"))
		return EXIT_FAILURE;
	mbufs = rte_pktmbuf_pool_create("mbufs", 4096, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					SOCKET_ID_ANY);
	nvme(argv[3], mbufs);
	packets(argv[1], argv[2]);
	/* An address space of its own, by a device that stays open. */
	ours = plx_port_open(
		argv[1],
		&(struct plx_port_config){.pool = plx_pktbuf_pool_open(&(
						  struct plx_pktbuf_pool_config){.count = 4096})});
	if (check(ours, "a device stays open")) {
		memory();
		external_heap();
		forked_child();
		check(plx_eal_fini() == -EBUSY, "the EAL does not go while it is open");
		plx_port_close(ours);
	}
	rte_mempool_free(mbufs);
	check(plx_eal_fini() == 0, "Pollux leaves");
	check(rte_malloc(NULL, 4 * MIB, 0) != NULL, "and DPDK goes on");
	rte_eal_cleanup();
	return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
