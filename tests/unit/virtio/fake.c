/* SPDX-License-Identifier: BSD-3-Clause */
/* The device of fake.h. */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/mem.h>

#include "net/virtio/ring.h"

struct fake fake;
struct plx_pktbuf_pool *fake_pool;
struct plx_port *fake_port;
enum fake_format fake_format;
struct virtio_net_hdr fake_hdr;

static struct plx_net_driver fake_driver;

int fake_eal_up(void)
{
	struct plx_eal_config config = {.no_huge = true, .log_levels = "off"};

	return plx_eal_init(&config);
}

int fake_eal_down(void)
{
	return plx_eal_fini();
}

bool fake_is_packed(void)
{
	return fake.accepted & VIRTIO_F_RING_PACKED;
}

void *fake_va(uint64_t iova)
{
	return (void *)(uintptr_t)(iova - plx_iova(NULL));
}

/* --- Queues, device's side ------------------------------------------------------------------ */

static uint16_t queue_mask(const struct fake_queue *q)
{
	return (uint16_t)(q->setup.size - 1);
}

/* The driver's memory, which the device may write. */
static struct split_desc *split_desc(const struct fake_queue *q)
{
	return (struct split_desc *)q->setup.desc;
}

static struct split_avail *split_avail(const struct fake_queue *q)
{
	return (struct split_avail *)q->setup.driver;
}

static struct split_used *split_used(const struct fake_queue *q)
{
	return (struct split_used *)q->setup.device;
}

static struct packed_desc *packed_desc(const struct fake_queue *q)
{
	return (struct packed_desc *)q->setup.desc;
}

static bool wrap_of(const struct fake_queue *q, uint16_t pos)
{
	return !(pos & q->setup.size);
}

static bool pop_split(struct fake_queue *q, struct fake_buf *buf)
{
	uint16_t id;

	if (PLX_READ_ONCE(split_avail(q)->idx) == q->popped)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	id = split_avail(q)->ring[q->popped & queue_mask(q)];
	CU_ASSERT_FATAL(id <= queue_mask(q));
	buf->id = id;
	buf->addr = split_desc(q)[id].addr;
	buf->len = (uint32_t)split_desc(q)[id].meta;
	buf->flags = (uint16_t)(split_desc(q)[id].meta >> 32);
	q->popped++;
	return true;
}

static bool pop_packed(struct fake_queue *q, struct fake_buf *buf)
{
	struct packed_desc *desc = &packed_desc(q)[q->popped & queue_mask(q)];
	uint64_t meta = PLX_READ_ONCE(desc->meta);
	uint16_t flags = (uint16_t)(meta >> 48);
	bool wrap = wrap_of(q, q->popped);

	if (!!(flags & PACKED_F_AVAIL) != wrap || !!(flags & PACKED_F_USED) == wrap)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	buf->id = (uint16_t)(meta >> 32);
	buf->addr = desc->addr;
	buf->len = (uint32_t)meta;
	buf->flags = flags & (VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE | VIRTQ_DESC_F_INDIRECT);
	q->popped++;
	return true;
}

bool fake_pop(unsigned int queue, struct fake_buf *buf)
{
	struct fake_queue *q = &fake.queues[queue];

	return fake_is_packed() ? pop_packed(q, buf) : pop_split(q, buf);
}

static void push_packed(struct fake_queue *q, uint32_t id, uint32_t len)
{
	uint64_t flags = wrap_of(q, q->used) ? PACKED_F_AVAIL | PACKED_F_USED : 0;

	__atomic_thread_fence(__ATOMIC_RELEASE);
	PLX_WRITE_ONCE(packed_desc(q)[q->used & queue_mask(q)].meta,
		       len | PACKED_ID(id & 0xffff) | PACKED_FLAGS(flags));
}

void fake_push(unsigned int queue, uint32_t id, uint32_t len)
{
	struct fake_queue *q = &fake.queues[queue];

	if (fake_is_packed()) {
		push_packed(q, id, len);
		q->used++;
		return;
	}
	split_used(q)->ring[q->used & queue_mask(q)] = (struct split_used_elem){id, len};
	q->used++;
	fake_used_idx(queue, 0);
}

uint64_t *fake_desc(unsigned int queue, unsigned int slot)
{
	return (uint64_t *)(uintptr_t)fake.queues[queue].setup.desc + 2 * (size_t)slot;
}

void fake_push_batch(unsigned int queue, unsigned int n, uint32_t id, uint32_t len)
{
	struct fake_queue *q = &fake.queues[queue];

	fake_push(queue, id, len);
	q->used = (uint16_t)(q->used + n - 1);
	if (!fake_is_packed())
		fake_used_idx(queue, 0);
}

void fake_used_idx(unsigned int queue, int more)
{
	struct fake_queue *q = &fake.queues[queue];

	__atomic_thread_fence(__ATOMIC_RELEASE);
	PLX_WRITE_ONCE(split_used(q)->idx, (uint16_t)(q->used + more));
}

bool fake_interrupts(unsigned int queue)
{
	struct fake_queue *q = &fake.queues[queue];
	uint16_t from = q->signaled;
	const struct packed_event *event = q->setup.driver;

	q->signaled = q->used;
	if (from == q->used)
		return false;
	if (fake_is_packed())
		return event->flags == PACKED_EVENT_ENABLE;
	if (fake.accepted & VIRTIO_F_EVENT_IDX)
		return split_passed(split_avail(q)->ring[q->setup.size], from, q->used);
	return !(split_avail(q)->flags & VIRTQ_AVAIL_F_NO_INTERRUPT);
}

void fake_want_kicks(unsigned int queue, bool want)
{
	struct fake_queue *q = &fake.queues[queue];
	struct packed_event *event = (struct packed_event *)q->setup.device;
	uint16_t at = (uint16_t)(want ? q->popped : q->popped - 1);

	if (fake_is_packed() && (fake.accepted & VIRTIO_F_EVENT_IDX)) {
		event->off_wrap = (uint16_t)((at & queue_mask(q)) | (wrap_of(q, at) ? 0x8000 : 0));
		event->flags = PACKED_EVENT_DESC;
	} else if (fake_is_packed()) {
		event->flags = want ? PACKED_EVENT_ENABLE : PACKED_EVENT_DISABLE;
	} else if (fake.accepted & VIRTIO_F_EVENT_IDX) {
		*(uint16_t *)&split_used(q)->ring[q->setup.size] = at;
	} else {
		split_used(q)->flags = want ? 0 : VIRTQ_USED_F_NO_NOTIFY;
	}
}

bool fake_kicked(unsigned int queue)
{
	uint16_t *doorbell = &fake.queues[queue].doorbell;
	bool kicked = *doorbell != 0xffff;

	if (kicked)
		UNIT_EQ(*doorbell, queue);
	*doorbell = 0xffff;
	return kicked;
}

void fake_rx(uint32_t len, uint8_t fill)
{
	uint32_t done = 0, total = len + VIRTIO_HDR_LEN;
	struct fake_buf buf;
	char *va;

	CU_ASSERT_FATAL(fake_pop(0, &buf));
	UNIT_EQ(buf.flags, VIRTQ_DESC_F_WRITE);
	va = fake_va(buf.addr);
	memset(va, 0xee, buf.len);
	memcpy(va, &fake_hdr, VIRTIO_HDR_LEN);
	done = total < buf.len ? total : buf.len;
	if (done > VIRTIO_HDR_LEN)
		memset(va + VIRTIO_HDR_LEN, fill, done - VIRTIO_HDR_LEN);
	fake_push(0, buf.id, total);
}

/* --- Control queue -------------------------------------------------------------------------- */

static unsigned int ctrl_queue(void)
{
	return (fake.accepted & (VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS))
		       ? 2u * fake.config[VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS]
		       : 2;
}

static void ctrl_serve(struct fake_queue *q, const struct fake_buf *head)
{
	struct fake_ctrl *c = &fake.ctrl;
	uint64_t answer;

	if (fake_is_packed())
		answer = packed_desc(q)[q->popped++ & queue_mask(q)].addr;
	else
		answer = split_desc(q)[split_desc(q)[head->id].meta >> 48].addr;
	if (c->commands < 16)
		memcpy(c->seen[c->commands], fake_va(head->addr), head->len < 8 ? head->len : 8);
	if (!fake_is_packed() && head->id != (2 * (q->popped - 1) & queue_mask(q)))
		c->out_of_order++;
	c->commands++;
	if (c->silent)
		return;
	*(uint8_t *)fake_va(answer) = c->answer;
	fake_push(ctrl_queue(), head->id + c->id, c->len);
	/* A packed ring's used position goes past the whole chain. */
	if (fake_is_packed())
		q->used++;
}

static void *ctrl_run(void *arg)
{
	struct fake_queue *q = arg;
	struct fake_buf buf;

	while (!__atomic_load_n(&fake.ctrl.stop, __ATOMIC_ACQUIRE)) {
		if (fake_pop(ctrl_queue(), &buf))
			ctrl_serve(q, &buf);
		else
			plx_delay_us(60);
	}
	return NULL;
}

static void ctrl_start(struct fake_queue *q)
{
	fake.ctrl.stop = false;
	fake.ctrl.running = pthread_create(&fake.ctrl.thread, NULL, ctrl_run, q) == 0;
}

static void ctrl_stop(void)
{
	if (!fake.ctrl.running)
		return;
	__atomic_store_n(&fake.ctrl.stop, true, __ATOMIC_RELEASE);
	pthread_join(fake.ctrl.thread, NULL);
	fake.ctrl.running = false;
}

/* --- Transport ------------------------------------------------------------------------------ */

static uint8_t fake_status(struct virtio_transport *t)
{
	if (fake.gone)
		return VIRTIO_STATUS_GONE;
	if (fake.stuck_status)
		return VIRTIO_STATUS_DRIVER_OK;
	return fake.status;
}

static void fake_forget(void)
{
	ctrl_stop();
	memset(fake.queues, 0, sizeof(fake.queues));
	fake.config_vector = VIRTIO_NO_VECTOR;
	fake.status = 0;
}

static void fake_set_status(struct virtio_transport *t, uint8_t status)
{
	if (status == 0)
		fake_forget();
	fake.status = status;
	if (fake.refuses)
		fake.status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
	if (fake.dead)
		fake.status &= (uint8_t)~VIRTIO_STATUS_DRIVER_OK;
	if (fake.needs_reset && (status & VIRTIO_STATUS_DRIVER_OK))
		fake.status |= VIRTIO_STATUS_NEEDS_RESET;
}

static uint64_t fake_features(struct virtio_transport *t)
{
	return fake.offered ^
	       (fake.other_features && (fake.status & VIRTIO_STATUS_FEATURES_OK) ? 1 : 0);
}

static void fake_set_features(struct virtio_transport *t, uint64_t features)
{
	UNIT_EQ(features & ~fake.offered, 0);
	fake.accepted = features;
}

static uint32_t fake_config(struct virtio_transport *t, uint32_t offset, unsigned int width)
{
	uint32_t value = 0;

	CU_ASSERT_FATAL(offset + width <= sizeof(fake.config));
	memcpy(&value, &fake.config[offset], width);
	return value;
}

static uint8_t fake_generation(struct virtio_transport *t)
{
	return fake.moving ? fake.generation++ : fake.generation;
}

static int fake_config_vector(struct virtio_transport *t, int vector)
{
	fake.config_vector = vector;
	return 0;
}

static uint32_t fake_queue_size_max(struct virtio_transport *t, uint16_t index)
{
	return index < FAKE_QUEUES ? fake.queue_size : 0;
}

static int fake_queue_enable(struct virtio_transport *t, struct virtio_queue_setup *setup)
{
	struct fake_queue *q = &fake.queues[setup->index];

	if (fake.enable_error)
		return fake.enable_error;
	CU_ASSERT_FATAL(setup->index < FAKE_QUEUES && !q->on);
	UNIT_EQ((uintptr_t)setup->desc % 16, 0);
	UNIT_EQ((uintptr_t)setup->driver % 4, 0);
	UNIT_EQ((uintptr_t)setup->device % 4, 0);
	setup->doorbell = &q->doorbell;
	*q = (struct fake_queue){.setup = *setup, .on = true, .doorbell = 0xffff};
	if (setup->index == ctrl_queue() && (fake.accepted & VIRTIO_NET_F_CTRL_VQ))
		ctrl_start(q);
	return 0;
}

static int fake_queue_reset(struct virtio_transport *t, uint16_t index)
{
	CU_ASSERT_FATAL(index < FAKE_QUEUES);
	UNIT_EQ(fake.queues[index].on, true);
	if (fake.reset_error)
		return fake.reset_error;
	fake.queues[index].on = false;
	return 0;
}

static int fake_vectors(struct virtio_transport *t, unsigned int n)
{
	while (fake.vectors)
		close(fake.vector_fds[--fake.vectors]);
	while (fake.vectors < n)
		fake.vector_fds[fake.vectors++] = eventfd(0, EFD_NONBLOCK);
	return 0;
}

static int fake_vector_fd(const struct virtio_transport *t, unsigned int vector)
{
	return vector < fake.vectors ? fake.vector_fds[vector] : -EINVAL;
}

static int fake_dma(struct virtio_transport *t, bool on)
{
	fake.dma = on;
	return 0;
}

static int fake_force_reset(struct virtio_transport *t)
{
	fake.force_resets++;
	fake_forget();
	if (fake.reset_works)
		fake.stuck_status = false;
	return 0;
}

static void fake_close(struct virtio_transport *t)
{
	fake_forget();
	fake_vectors(t, 0);
}

static const struct virtio_transport_ops fake_ops = {
	.status = fake_status,
	.set_status = fake_set_status,
	.features = fake_features,
	.set_features = fake_set_features,
	.config = fake_config,
	.generation = fake_generation,
	.config_vector = fake_config_vector,
	.queue_size_max = fake_queue_size_max,
	.queue_enable = fake_queue_enable,
	.queue_reset = fake_queue_reset,
	.vectors = fake_vectors,
	.vector_fd = fake_vector_fd,
	.dma = fake_dma,
	.force_reset = fake_force_reset,
	.close = fake_close,
};

/* --- Port ----------------------------------------------------------------------------------- */

void fake_init(void)
{
	static const uint8_t mac[] = {0x52, 0x54, 0, 1, 2, 3};

	memset(&fake, 0, sizeof(fake));
	fake.base = (struct virtio_transport){
		.ops = &fake_ops,
		.name = "fake",
		.vectors_max = FAKE_VECTORS,
		.features_needed = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM,
	};
	fake.offered = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_INDIRECT_DESC |
		       VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ |
		       VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_MAC_ADDR | VIRTIO_NET_F_MRG_RXBUF;
	if (fake_format == FAKE_SPLIT_EVENT || fake_format == FAKE_PACKED_EVENT)
		fake.offered |= VIRTIO_F_EVENT_IDX;
	if (fake_format == FAKE_PACKED || fake_format == FAKE_PACKED_EVENT)
		fake.offered |= VIRTIO_F_RING_PACKED;
	memcpy(fake.config, mac, sizeof(mac));
	fake.config[VIRTIO_NET_CFG_STATUS] = VIRTIO_NET_S_LINK_UP;
	fake.config[VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS] = 1;
	fake.queue_size = FAKE_DESCS;
	fake.ctrl.len = 1;
	fake_hdr = (struct virtio_net_hdr){.num_buffers = 1};
}

static int attach(struct plx_port *port, const char *arg)
{
	port->info.node = PLX_NODE_ANY;
	return virtio_port_attach(virtio_port(port), &fake.base);
}

int fake_open(const struct plx_port_config *config, uint16_t data_size)
{
	struct plx_pktbuf_pool_config pool = {.count = FAKE_POOL, .data_size = data_size};
	struct plx_port_config c = *config;

	fake_pool = plx_pktbuf_pool_open(&pool);
	CU_ASSERT_FATAL(fake_pool != NULL);
	c.pool = fake_pool;
	fake_driver = plx_net_virtio;
	fake_driver.open = attach;
	fake_port = plx_port_open_with(&fake_driver, NULL, "fake", NULL, &c);
	return fake_port ? 0 : errno;
}

void fake_up(void)
{
	struct plx_port_config config = {
		.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS, .tag = 5, .rx_irq = true};

	fake_init();
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
	CU_ASSERT_FATAL(plx_port_state(fake_port) == PLX_PORT_STARTED);
}

void fake_down(void)
{
	plx_port_close(fake_port);
	fake_port = NULL;
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	UNIT_EQ(plx_mempool_audit(&fake_pool->objs), 0);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	UNIT_EQ(fake.dma, false);
}

struct plx_rxq *fake_rxq(void)
{
	return plx_port_rxq(fake_port, 0);
}

struct plx_txq *fake_txq(void)
{
	return plx_port_txq(fake_port, 0);
}

struct virtio_rxq *fake_vrxq(void)
{
	return (struct virtio_rxq *)fake_rxq();
}

struct virtio_txq *fake_vtxq(void)
{
	return (struct virtio_txq *)fake_txq();
}

uint32_t fake_pool_free(void)
{
	return plx_mempool_available(&fake_pool->objs);
}
