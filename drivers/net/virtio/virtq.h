/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtqueue of packet buffers, one descriptor for each: memory, life, and the rules that both
 * ring formats share. The data path of the formats is ring.h; users are rx.c, tx.c and ctrl.c.
 *
 * Slots. Positions run freely through 32 bits; position & mask is a slot. Buffers are given to the
 * device at `tail` and come back at `next`, so the slots from next to tail are in flight, and no
 * others are looked at. ids[slot] is the descriptor that is offered there, bufs[slot] its packet
 * buffer. Devices use buffers in the order in which they were given, nearly always, and then slot
 * and id stay the same for ever. One that comes out of order is swapped with the one that was
 * expected (virtq_reorder()), after which it has been in order.
 *
 * Batches. With VIRTIO_F_IN_ORDER a device may say of many buffers that they are used by writing an
 * entry for the last of them only, where the first one's would be (2.7.10, 2.8.15). The positions
 * that such an entry leaves out are the open batch (virtq_batch()), up to batch_last.
 *
 * Nothing that the device could have written is ever read back: what is in flight, and where, is
 * known from the arrays here, which are not DMA-able.
 */
#ifndef POLLUX_VIRTIO_VIRTQ_H
#define POLLUX_VIRTIO_VIRTQ_H

#include <pollux/mmio.h>
#include <pollux/net.h>

#include "transport.h"

/**
 * A ring format, with what decides how the device is notified: a constant in each burst function.
 */
enum virtq_format {
	VIRTQ_SPLIT,	   /* 2.7; flags say whether the device wants notifications */
	VIRTQ_SPLIT_EVENT, /* 2.7; an event index says when */
	VIRTQ_PACKED,	   /* 2.8; both */
};

struct virtq {
	/* What the data path looks at, in one cache line. */
	union {
		struct {
			struct split_desc *desc;
			struct split_avail *avail;
			struct split_used *used;
		} split;
		struct {
			struct packed_desc *ring;
			struct packed_event *driver, *device;
		} packed;
	};
	struct plx_pktbuf **bufs; /* by slot */
	uint32_t mask;
	uint32_t next; /* oldest position in flight */
	uint32_t tail; /* position to fill */
	uint16_t index;
	bool event_idx; /* VIRTIO_F_EVENT_IDX is on */
	bool is_packed;
	bool in_order;	 /* slot and id have always been the same */
	bool batch_open; /* not all of the last batch has been looked at */
	void *doorbell;	 /* NULL: kick_fd */
	int kick_fd;

	uint16_t *ids;	 /* by slot */
	uint16_t *slots; /* by id: where it is offered */
	void *memory;
	bool batches;	     /* VIRTIO_F_IN_ORDER is on */
	uint32_t batch_last; /* position */
	uint32_t batch_len;  /* what was written of the last buffer of the batch ... */
	uint32_t buffer_len; /* ... and of each before it: all */
	/* Since the port was opened. */
	uint64_t kicks;	   /* notifications sent */
	uint64_t reorders; /* buffers that came back out of order */
};

/** What of the accepted features a queue needs to know, and its size, a power of two. */
struct virtq_config {
	uint64_t features;
	uint16_t index;
	uint16_t size;
	int node;
};

/**
 * Memory for a queue: rings empty, interrupts off, slot and id the same.
 * Return: 0 or -ENOMEM; virtq_free() takes what a failed one left.
 */
int virtq_alloc(struct virtq *vq, const struct virtq_config *config);
/** Free the packet buffers in flight, and the memory. The device must be reset. */
void virtq_free(struct virtq *vq);
/** Hand it to the device; vector is for interrupts when buffers are used, or VIRTIO_NO_VECTOR. */
int virtq_enable(struct virtq *vq, struct virtio_transport *t, int vector);

/**
 * The device used descriptor `id` at position `pos` (in flight), where another one was expected:
 * swap the two. Return: 0; or a kind of lie, negative: -PLX_LIE_INDEX (no such id), -PLX_LIE_STATE
 * (it is not in flight).
 */
int virtq_reorder(struct virtq *vq, uint32_t pos, uint32_t id);

struct ring_used;
/**
 * The same with VIRTIO_F_IN_ORDER: a batch from `pos` to the buffer that *used names, which becomes
 * what was used at `pos`. Return: also -PLX_LIE_STATE when fewer were used than that.
 */
int virtq_batch(struct virtq *vq, uint32_t pos, struct ring_used *used);

/**
 * Packed, with VIRTIO_F_IN_ORDER: is position `pos` one that an entry at or behind `from` leaves
 * out, of which each before it is used? Nothing is taken: who walks there finds the lies.
 */
bool virtq_in_later_batch(const struct virtq *vq, uint32_t from, uint32_t pos);

/**
 * Interrupt when the next buffer is used, or not any more. Any format, owner of the queue only.
 * Return (on): true if a buffer has been used already: there may be no interrupt for that one.
 */
bool virtq_irq_on(struct virtq *vq);
void virtq_irq_off(struct virtq *vq);

/** Notify a device that has an eventfd instead of a doorbell. */
void virtq_kick(const struct virtq *vq);

static inline enum virtq_format virtq_format(const struct virtq *vq)
{
	if (vq->is_packed)
		return VIRTQ_PACKED;
	return vq->event_idx ? VIRTQ_SPLIT_EVENT : VIRTQ_SPLIT;
}

/** Positions in flight. */
static inline uint32_t virtq_in_flight(const struct virtq *vq)
{
	return vq->tail - vq->next;
}

/** Positions that can be filled. */
static inline uint32_t virtq_room(const struct virtq *vq)
{
	return vq->mask + 1 - virtq_in_flight(vq);
}

#endif /* POLLUX_VIRTIO_VIRTQ_H */
