/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtqueues outside of the data path: memory, life, order, interrupts on and off (VIRTIO 1.2, 2.6
 * to 2.8). See virtq.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <pollux/mem.h>

#include "ring.h"

/* Areas that driver and device write are kept off each other's cache lines. */
static size_t line_up(size_t n)
{
	return (n + PLX_CACHE_LINE - 1) & ~(size_t)(PLX_CACHE_LINE - 1);
}

static int split_alloc(struct virtq *vq, uint32_t size, int node)
{
	size_t desc = line_up(size * sizeof(struct split_desc));
	/* Each ring ends with an event index (2.7.6, 2.7.8). */
	size_t avail = line_up(sizeof(struct split_avail) + (size + 1) * sizeof(uint16_t));
	size_t used = line_up(sizeof(struct split_used) + size * sizeof(struct split_used_elem) +
			      sizeof(uint16_t));
	uint32_t i;

	vq->memory = plx_dma_zalloc(desc + avail + used, 4096, node);
	if (!vq->memory)
		return -ENOMEM;
	vq->split.desc = vq->memory;
	vq->split.avail = (void *)((char *)vq->memory + desc);
	vq->split.used = (void *)((char *)vq->memory + desc + avail);
	/* Filled once: the slot of a position offers ids[slot], see virtq_reorder(). */
	for (i = 0; i < size; i++)
		vq->split.avail->ring[i] = htole16((uint16_t)i);
	return 0;
}

static int packed_alloc(struct virtq *vq, uint32_t size, int node)
{
	size_t ring = line_up(size * sizeof(struct packed_desc));

	vq->memory = plx_dma_zalloc(ring + 2 * PLX_CACHE_LINE, 4096, node);
	if (!vq->memory)
		return -ENOMEM;
	vq->packed.ring = vq->memory;
	vq->packed.driver = (void *)((char *)vq->memory + ring);
	vq->packed.device = (void *)((char *)vq->memory + ring + PLX_CACHE_LINE);
	return 0;
}

int virtq_alloc(struct virtq *vq, const struct virtq_config *config)
{
	uint32_t size = config->size, i;
	int err;

	*vq = (struct virtq){
		.kicks = vq->kicks,
		.reorders = vq->reorders,
		.mask = size - 1,
		.index = config->index,
		.event_idx = config->features & VIRTIO_F_EVENT_IDX,
		.in_order = true,
		.is_packed = config->features & VIRTIO_F_RING_PACKED,
		.batches = config->features & VIRTIO_F_IN_ORDER,
	};
	vq->bufs = calloc(size, sizeof(*vq->bufs));
	vq->ids = calloc(size, sizeof(*vq->ids));
	vq->slots = calloc(size, sizeof(*vq->slots));
	if (!vq->bufs || !vq->ids || !vq->slots)
		return -ENOMEM;
	for (i = 0; i < size; i++) {
		vq->ids[i] = (uint16_t)i;
		vq->slots[i] = (uint16_t)i;
	}
	err = vq->is_packed ? packed_alloc(vq, size, config->node)
			    : split_alloc(vq, size, config->node);
	if (!err)
		virtq_irq_off(vq);
	return err;
}

void virtq_free(struct virtq *vq)
{
	for (; vq->bufs && vq->next != vq->tail; vq->next++)
		plx_pktbuf_free(vq->bufs[vq->next & vq->mask]);
	free(vq->bufs);
	free(vq->ids);
	free(vq->slots);
	plx_dma_free(vq->memory);
	vq->bufs = NULL;
	vq->ids = NULL;
	vq->slots = NULL;
	vq->memory = NULL;
}

int virtq_enable(struct virtq *vq, struct virtio_transport *t, int vector)
{
	struct virtio_queue_setup setup = {
		.index = vq->index,
		.size = (uint16_t)(vq->mask + 1),
		.vector = vector,
	};
	int err;

	if (vq->is_packed) {
		setup.desc = vq->packed.ring;
		setup.driver = vq->packed.driver;
		setup.device = vq->packed.device;
	} else {
		setup.desc = vq->split.desc;
		setup.driver = vq->split.avail;
		setup.device = vq->split.used;
	}
	err = t->ops->queue_enable(t, &setup);
	if (!err) {
		vq->doorbell = setup.doorbell;
		vq->kick_fd = setup.kick_fd;
	}
	return err;
}

void virtq_kick(const struct virtq *vq)
{
	/* It can only fail when the counter is full: then the other end has been told. */
	eventfd_write(vq->kick_fd, 1);
}

int virtq_reorder(struct virtq *vq, uint32_t pos, uint32_t id)
{
	uint32_t slot = pos & vq->mask, other, old_id;
	struct plx_pktbuf *buf;

	if (id > vq->mask)
		return -PLX_LIE_INDEX;
	other = vq->slots[id];
	if (((other - pos) & vq->mask) >= vq->tail - pos)
		return -PLX_LIE_STATE;
	old_id = vq->ids[slot];
	buf = vq->bufs[slot];
	vq->ids[slot] = (uint16_t)id;
	vq->slots[id] = (uint16_t)slot;
	vq->bufs[slot] = vq->bufs[other];
	vq->ids[other] = (uint16_t)old_id;
	vq->slots[old_id] = (uint16_t)other;
	vq->bufs[other] = buf;
	if (!vq->is_packed) {
		/* The device has read both entries: each is of the ring's present round. */
		vq->split.avail->ring[slot] = htole16((uint16_t)id);
		vq->split.avail->ring[other] = htole16((uint16_t)old_id);
	}
	vq->in_order = false;
	vq->reorders++;
	return 0;
}

int virtq_batch(struct virtq *vq, uint32_t pos, struct ring_used *used)
{
	const uint32_t ahead = (used->id - pos) & vq->mask;

	if (used->id > vq->mask)
		return -PLX_LIE_INDEX;
	if (ahead >= vq->tail - pos ||
	    pos + ahead - vq->next >= ring_used_count(vq, virtq_format(vq)))
		return -PLX_LIE_STATE;
	vq->batch_open = true;
	vq->batch_last = pos + ahead;
	vq->batch_len = used->len;
	ring_used_get(vq, virtq_format(vq), pos, used);
	return 0;
}

bool virtq_in_later_batch(const struct virtq *vq, uint32_t from, uint32_t pos)
{
	if (!vq->batches || !vq->is_packed)
		return false;
	while (pos - from <= vq->mask) {
		uint64_t meta = le64toh(PLX_READ_ONCE(vq->packed.ring[from & vq->mask].meta));
		uint32_t id = (uint16_t)(meta >> 32);

		if (ring_in_batch(vq, from)) {
			from = vq->batch_last + 1;
			continue;
		}
		if (!packed_is_used(vq, from, meta) || id > vq->mask)
			return false;
		from += ((id - from) & vq->mask) + 1;
	}
	return true;
}

/* --- Interrupts ----------------------------------------------------------------------------- */

static void split_irq(struct virtq *vq, bool on)
{
	struct split_avail *avail = vq->split.avail;
	/* The event index that is passed last of all: the position before the next. */
	uint16_t event = (uint16_t)(on ? vq->next : vq->next - 1u);

	if (vq->event_idx)
		PLX_WRITE_ONCE(avail->ring[vq->mask + 1u], htole16(event));
	else
		PLX_WRITE_ONCE(avail->flags, htole16(on ? 0 : VIRTQ_AVAIL_F_NO_INTERRUPT));
}

static void packed_irq(struct virtq *vq, bool on)
{
	uint16_t flags = on ? PACKED_EVENT_ENABLE : PACKED_EVENT_DISABLE;

	PLX_WRITE_ONCE(vq->packed.driver->flags, htole16(flags));
}

static void irq_set(struct virtq *vq, bool on)
{
	if (vq->is_packed)
		packed_irq(vq, on);
	else
		split_irq(vq, on);
}

bool virtq_irq_on(struct virtq *vq)
{
	irq_set(vq, true);
	/* A buffer used before the device sees this interrupts nobody: look after saying so. */
	plx_dma_mb();
	return virtq_in_flight(vq) && ring_is_used(vq, virtq_format(vq), vq->next);
}

void virtq_irq_off(struct virtq *vq)
{
	irq_set(vq, false);
}
