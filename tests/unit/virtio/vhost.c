/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user transport against a back end in a thread of the test: what is said, and back ends
 * that close at each message, answer wrongly, or speak unasked.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/mem.h>

#include "fake.h"
#include "net/virtio/vhost_msg.h"

#define HEADER	 12
#define MESSAGES 64
/* Of a session with one pair of queues, up to its start. */
#define START_MESSAGES 19
#define FEATURES                                                                                   \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_MQ |  \
	 VHOST_F_PROTOCOL_FEATURES | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_NET_F_CTRL_VQ)

static struct {
	pthread_t thread;
	int listen_sock, sock; /* sock: of the present connection; -1: none */
	bool stop;
	/* Script. */
	int close_at;	    /* connection closes instead of serving that message; -1: never */
	int wrong_at;	    /* the answer to that message is of another size; -1: none */
	bool refuse_memory; /* SET_MEM_TABLE is answered with an error */
	bool unasked;	    /* a byte after VRING_ENABLE */
	uint64_t pairs;
	/* What happened. */
	unsigned int messages, connections;
	uint32_t seen[MESSAGES];
	uint64_t accepted;
	struct vhost_msg memory;
} be;

static char path[64], spec[96];

static bool read_all(int sock, void *to, size_t len)
{
	return len == 0 || recv(sock, to, len, MSG_WAITALL) == (ssize_t)len;
}

static void answer(int sock, struct vhost_msg *msg, uint32_t size, bool wrong)
{
	msg->flags = 1 | 4;
	msg->size = wrong ? size + 1 : size;
	send(sock, msg, HEADER + size, MSG_NOSIGNAL);
}

static void serve(int sock, struct vhost_msg *msg, bool wrong)
{
	switch (msg->request) {
	case VHOST_GET_FEATURES:
		msg->u64 = FEATURES;
		answer(sock, msg, 8, wrong);
		break;
	case VHOST_GET_PROTOCOL_FEATURES:
		msg->u64 = UINT64_MAX;
		answer(sock, msg, 8, wrong);
		break;
	case VHOST_GET_QUEUE_NUM:
		msg->u64 = be.pairs;
		answer(sock, msg, 8, wrong);
		break;
	case VHOST_SET_FEATURES:
		be.accepted = msg->u64;
		break;
	case VHOST_SET_MEM_TABLE:
		be.memory = *msg;
		msg->u64 = be.refuse_memory;
		answer(sock, msg, 8, wrong);
		break;
	case VHOST_GET_VRING_BASE:
		answer(sock, msg, 8, wrong);
		break;
	default:
		break;
	}
}

static void converse(int sock)
{
	struct vhost_msg msg;

	while (!__atomic_load_n(&be.stop, __ATOMIC_ACQUIRE) && read_all(sock, &msg, HEADER)) {
		int i = (int)be.messages;

		if (msg.size > sizeof(msg) - HEADER ||
		    !read_all(sock, (char *)&msg + HEADER, msg.size) || i == be.close_at)
			return;
		if (i < MESSAGES)
			be.seen[i] = msg.request;
		__atomic_store_n(&be.messages, (unsigned int)i + 1, __ATOMIC_RELEASE);
		serve(sock, &msg, i == be.wrong_at);
		if (be.unasked && msg.request == VHOST_SET_VRING_ENABLE)
			send(sock, "x", 1, MSG_NOSIGNAL);
	}
}

static bool stopped(void)
{
	return __atomic_load_n(&be.stop, __ATOMIC_ACQUIRE);
}

static void serve_connection(int sock)
{
	be.connections++;
	__atomic_store_n(&be.sock, sock, __ATOMIC_RELEASE);
	converse(sock);
	__atomic_store_n(&be.sock, -1, __ATOMIC_RELEASE);
}

static void *run(void *arg)
{
	int sock;

	while ((sock = accept(be.listen_sock, NULL, NULL)) >= 0) {
		if (!stopped())
			serve_connection(sock);
		close(sock);
	}
	return NULL;
}

static struct sockaddr_un address(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, path, strlen(path) + 1);
	return addr;
}

/* The port listens. */
static void *run_client(void *arg)
{
	const struct sockaddr_un addr = address();

	while (!stopped()) {
		int sock = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(sock, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
			serve_connection(sock);
		else
			plx_delay_us(1000);
		close(sock);
	}
	return NULL;
}

static void be_init(const char *options)
{
	memset(&be, 0, sizeof(be));
	be.close_at = -1;
	be.wrong_at = -1;
	be.sock = -1;
	be.listen_sock = -1;
	be.pairs = 2;
	snprintf(path, sizeof(path), "/tmp/pollux-vhost-%d", (int)getpid());
	snprintf(spec, sizeof(spec), "vhost-user=%s%s", path, options);
}

static void be_start(void)
{
	struct sockaddr_un addr;

	be_init("");
	addr = address();
	unlink(path);
	be.listen_sock = socket(AF_UNIX, SOCK_STREAM, 0);
	CU_ASSERT_FATAL(bind(be.listen_sock, (struct sockaddr *)&addr, sizeof(addr)) == 0);
	CU_ASSERT_FATAL(listen(be.listen_sock, 4) == 0);
	CU_ASSERT_FATAL(pthread_create(&be.thread, NULL, run, NULL) == 0);
}

static void be_start_client(void)
{
	be_init(",server");
	CU_ASSERT_FATAL(pthread_create(&be.thread, NULL, run_client, NULL) == 0);
}

/* In the middle of a conversation, too. */
static void be_stop(void)
{
	int sock;

	__atomic_store_n(&be.stop, true, __ATOMIC_RELEASE);
	sock = __atomic_load_n(&be.sock, __ATOMIC_ACQUIRE);
	if (sock >= 0)
		shutdown(sock, SHUT_RDWR);
	if (be.listen_sock < 0) {
		pthread_join(be.thread, NULL);
		return;
	}
	shutdown(be.listen_sock, SHUT_RDWR);
	pthread_join(be.thread, NULL);
	close(be.listen_sock);
	unlink(path);
}

/* Return: 0 or errno. */
static int port_open(uint16_t queues)
{
	struct plx_pktbuf_pool_config pool = {.count = FAKE_POOL};
	struct plx_port_config config = {.rx_queues = queues, .tx_queues = queues};

	fake_pool = plx_pktbuf_pool_open(&pool);
	CU_ASSERT_FATAL(fake_pool != NULL);
	config.pool = fake_pool;
	fake_port = plx_port_open_with(&plx_net_virtio, NULL, "vhost", spec, &config);
	return fake_port ? 0 : errno;
}

static void port_close(void)
{
	plx_port_close(fake_port);
	fake_port = NULL;
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
}

static unsigned int count(uint32_t request)
{
	unsigned int i, n = 0;

	for (i = 0; i < be.messages && i < MESSAGES; i++)
		n += be.seen[i] == request;
	return n;
}

static void session(void)
{
	const struct plx_port_info *info;

	be_start();
	UNIT_EQ(port_open(2), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	info = plx_port_info(fake_port);
	UNIT_EQ(info->rx_queues_max, 2);
	UNIT_EQ(!!(info->features & PLX_PORT_HAS(MULTI_QUEUE)), true);
	UNIT_EQ(plx_port_start(fake_port), 0);
	UNIT_EQ(plx_port_set_promisc(fake_port, true), 0);
	plx_port_close(fake_port);
	/* Nothing that would need the IOMMU's table, or a control queue at the back end. */
	UNIT_EQ(be.accepted & (VIRTIO_F_ACCESS_PLATFORM | VIRTIO_NET_F_CTRL_VQ), 0);
	UNIT_EQ(!!(be.accepted & VIRTIO_F_VERSION_1), true);
	UNIT_EQ(be.memory.memory.n > 0, true);
	UNIT_EQ(count(VHOST_SET_VRING_KICK), 4);
	UNIT_EQ(count(VHOST_SET_VRING_ENABLE), 4);
	UNIT_EQ(count(VHOST_GET_VRING_BASE), 4);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	be_stop();
}

/* The back end is another thread, on a machine that may be busy: wait for what it does. */
#define WAIT_NS UINT64_C(10000000000)

static void wait_until_closed_or(unsigned int messages)
{
	uint64_t end = plx_clock_ns() + WAIT_NS;

	while (plx_port_state(fake_port) == PLX_PORT_STARTED &&
	       __atomic_load_n(&be.messages, __ATOMIC_ACQUIRE) < messages && plx_clock_ns() < end) {
		plx_delay_us(1000);
		plx_port_events(fake_port);
	}
}

/* Whatever message it closes at: an error, or a port that breaks and that a reset brings back. */
static void lie_close_at_each(void)
{
	struct plx_port_link link;
	int at;

	for (at = 0; at < 20; at++) {
		int err;

		be_start();
		be.close_at = at;
		err = port_open(1);
		if (!err)
			err = -plx_port_start(fake_port);
		if (fake_port) {
			/* What it is told, it may miss: then the socket tells. */
			wait_until_closed_or(START_MESSAGES);
			be.close_at = -1;
			UNIT_EQ(plx_port_reset(fake_port), 0);
			if (plx_port_state(fake_port) == PLX_PORT_STOPPED)
				UNIT_EQ(plx_port_start(fake_port), 0);
			UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
			UNIT_EQ(plx_port_link(fake_port, &link), 0);
			UNIT_EQ(link.up, true);
		} else {
			UNIT_EQ(err == ECONNRESET || err == EPROTO, true);
		}
		port_close();
		be_stop();
	}
}

static void expect_link(bool up)
{
	struct plx_port_link link;

	UNIT_EQ(plx_port_link(fake_port, &link), 0);
	UNIT_EQ(link.up, up);
}

/* Until somebody is there. */
static int reset_in_time(void)
{
	uint64_t end = plx_clock_ns() + WAIT_NS;
	int err;

	do {
		err = plx_port_reset(fake_port);
		plx_delay_us(1000);
	} while (err == -EAGAIN && plx_clock_ns() < end);
	return err;
}

/*
 * The back end ends and starts again, as often as it likes: the port breaks, and says that nobody
 * is there without waiting for it; the reset that finds it starts the port.
 */
static void away_and_back(void (*start)(void))
{
	unsigned int round, i;

	start();
	UNIT_EQ(port_open(1), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	for (round = 0; round < 3; round++) {
		be_stop();
		wait_until_closed_or(UINT32_MAX);
		UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
		for (i = 0; i < 20; i++) {
			UNIT_EQ(plx_port_reset(fake_port), -EAGAIN);
			UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
			expect_link(false);
		}
		start();
		UNIT_EQ(reset_in_time(), 0);
		UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
		expect_link(true);
	}
	UNIT_EQ(plx_port_stop(fake_port), 0);
	UNIT_EQ(reset_in_time(), 0);
	/* One that was stopped stays so. */
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STOPPED);
	port_close();
	be_stop();
}

static void server_goes_and_comes(void)
{
	away_and_back(be_start);
}

static void client_goes_and_comes(void)
{
	away_and_back(be_start_client);
}

static void lie_wrong_answers(void)
{
	int at;

	/*
	 * GET_FEATURES, SET_OWNER, GET_ and SET_PROTOCOL_FEATURES, GET_QUEUE_NUM: sets have none.
	 */
	for (at = 0; at < 5; at++) {
		be_start();
		be.wrong_at = at;
		UNIT_EQ(port_open(1), at % 2 ? 0 : EPROTO);
		port_close();
		be_stop();
	}
}

static void lie_memory_refused(void)
{
	be_start();
	be.refuse_memory = true;
	UNIT_EQ(port_open(1), 0);
	UNIT_EQ(plx_port_start(fake_port), -EPROTO);
	port_close();
	be_stop();
}

static void lie_queue_numbers(void)
{
	static const uint64_t pairs[] = {0, 1, 33, UINT64_MAX};
	static const uint16_t expected[] = {1, 1, 32, 32};
	unsigned int i;

	for (i = 0; i < 4; i++) {
		be_start();
		be.pairs = pairs[i];
		UNIT_EQ(port_open(1), 0);
		UNIT_EQ(plx_port_info(fake_port)->rx_queues_max, expected[i]);
		port_close();
		be_stop();
	}
}

static void lie_speaks_unasked(void)
{
	be_start();
	be.unasked = true;
	UNIT_EQ(port_open(1), 0);
	/* It is seen by the start itself, or by the next look. */
	plx_port_start(fake_port);
	wait_until_closed_or(UINT32_MAX);
	UNIT_EQ(virtio_port(fake_port)->transport->lies, 1);
	CU_ASSERT_NOT_EQUAL(plx_port_state(fake_port), PLX_PORT_STARTED);
	be.unasked = false;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	if (plx_port_state(fake_port) == PLX_PORT_STOPPED)
		UNIT_EQ(plx_port_start(fake_port), 0);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	port_close();
	be_stop();
}

/* It maps the memory, takes the rings, and never looks at them or at an eventfd. */
static void lie_never_works(void)
{
	struct plx_pktbuf *p;
	unsigned int sent = 0, i;

	be_start();
	UNIT_EQ(port_open(1), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	for (i = 0; i < 100000; i++) {
		p = plx_pktbuf_alloc(fake_pool);
		CU_ASSERT_FATAL(p != NULL);
		memset(plx_pktbuf_append(p, 60), 1, 60);
		if (plx_tx_burst(plx_port_txq(fake_port, 0), &p, 1))
			sent++;
		else
			plx_pktbuf_free(p);
		UNIT_EQ(plx_rx_burst(plx_port_rxq(fake_port, 0), &p, 1), 0);
	}
	UNIT_EQ(sent, plx_port_info(fake_port)->tx_descs);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	UNIT_EQ(plx_port_stop(fake_port), 0);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	port_close();
	be_stop();
}

static void bad_arguments(void)
{
	static const char *const args[] = {"", "vhost-user", "vhost-user=", "server",
					   "vhost-user=/x,nonsense"};
	unsigned int i;

	for (i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		snprintf(spec, sizeof(spec), "%s", args[i]);
		UNIT_EQ(port_open(1), EINVAL);
		port_close();
	}
	memset(spec, 0, sizeof(spec));
}

static uint64_t heap_bytes(void)
{
	struct plx_mem_stats stats;

	plx_mem_stats_get(&stats);
	return stats.heap_bytes;
}

/*
 * Allocate until memory has come so many times, or no more comes. Return: how many times it came.
 */
static unsigned int grow(unsigned int times)
{
	void *objects[64];
	unsigned int n = 0, grown = 0;
	uint64_t before;

	while (grown < times && n < 64) {
		before = heap_bytes();
		objects[n] = plx_dma_alloc(2 << 20, 2 << 20, PLX_NODE_ANY);
		if (!objects[n])
			break;
		n++;
		grown += heap_bytes() > before;
	}
	while (n)
		plx_dma_free(objects[--n]);
	return grown;
}

/*
 * Below the limit there is no room for the steps that the heap grows by, only for what is needed.
 */
static void memory_that_grows(void)
{
	struct plx_eal_config config = {
		.backend = "native", .no_huge = true, .mem_bytes = 64 << 20, .mem_limit = 94 << 20};
	int single;

	UNIT_EQ(plx_eal_fini(), 0);
	for (single = 0; single < 2; single++) {
		config.single_file_segments = single;
		UNIT_EQ(plx_eal_init(&config), 0);
		be_start();
		UNIT_EQ(port_open(1), 0);
		UNIT_EQ(plx_port_start(fake_port), 0);
		UNIT_EQ(grow(12), single ? 12 : VHOST_REGIONS_MAX - 1);
		UNIT_EQ(be.memory.memory.n, single ? 1 : VHOST_REGIONS_MAX);
		UNIT_EQ(be.memory.memory.regions[0].size > 64 << 20, single);
		port_close();
		be_stop();
		UNIT_EQ(plx_eal_fini(), 0);
	}
	UNIT_EQ(fake_eal_up(), 0);
}

CU_TestInfo vhost_tests[] = {
	{"a session", session},
	{"a back end goes away and comes back", server_goes_and_comes},
	{"the same, and it is the one that connects", client_goes_and_comes},
	{"lie: closes at each message", lie_close_at_each},
	{"lie: answers of a wrong size", lie_wrong_answers},
	{"lie: memory refused", lie_memory_refused},
	{"lie: numbers of queues", lie_queue_numbers},
	{"lie: speaks unasked", lie_speaks_unasked},
	{"lie: never works", lie_never_works},
	{"bad arguments", bad_arguments},
	{"memory that grows", memory_that_grows},
	CU_TEST_INFO_NULL,
};
