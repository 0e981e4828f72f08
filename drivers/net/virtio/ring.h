/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Data path of the ring formats (VIRTIO 1.2, 2.7 and 2.8), as inline functions in which the format
 * is a constant of the caller: rx.c and tx.c have a burst function for each. See virtq.h for slots
 * and positions.
 */
#ifndef POLLUX_VIRTIO_RING_H
#define POLLUX_VIRTIO_RING_H

#include <endian.h>

#include "virtq.h"

#define RING_INLINE static inline __attribute__((always_inline))

/* --- Packed: wrap counters ------------------------------------------------------------------ */

/*
 * The counters of 2.8.1 start at 1 and turn over with each round of the ring: for a size that is a
 * power of two that is one bit of the position.
 */
RING_INLINE bool packed_wrap(const struct virtq *vq, uint32_t pos)
{
	return !(pos & (vq->mask + 1));
}

/** Flags of a descriptor that is available at a position: AVAIL is the counter, USED is not. */
RING_INLINE uint64_t packed_available(const struct virtq *vq, uint32_t pos)
{
	return PACKED_FLAGS(packed_wrap(vq, pos) ? PACKED_F_AVAIL : PACKED_F_USED);
}

#define PACKED_USED_MASK PACKED_FLAGS(PACKED_F_AVAIL | PACKED_F_USED)

/** Flags of one that is used: both are the counter. */
RING_INLINE uint64_t packed_used(const struct virtq *vq, uint32_t pos)
{
	return packed_wrap(vq, pos) ? PACKED_USED_MASK : 0;
}

RING_INLINE bool packed_is_used(const struct virtq *vq, uint32_t pos, uint64_t meta)
{
	return (meta & PACKED_USED_MASK) == packed_used(vq, pos);
}

/* --- Used buffers --------------------------------------------------------------------------- */

struct ring_used {
	uint32_t id, len;
};

/**
 * How many positions from vq->next on have been used, or may have been: with a packed ring each
 * descriptor tells. Larger than what is in flight: a lie.
 */
RING_INLINE uint32_t ring_used_count(const struct virtq *vq, enum virtq_format format)
{
	if (format == VIRTQ_PACKED)
		return virtq_in_flight(vq);
	return (uint16_t)(le16toh(PLX_READ_ONCE(vq->split.used->idx)) - (uint16_t)vq->next);
}

/** Is the position one that the entry of a batch left out? */
RING_INLINE bool ring_in_batch(const struct virtq *vq, uint32_t pos)
{
	return plx_unlikely(vq->batch_open) && vq->batch_last - pos <= vq->mask;
}

/**
 * What was used at a position below that count; false: nothing yet (packed only). Positions are
 * asked for one after the other.
 */
RING_INLINE bool ring_used_get(struct virtq *vq, enum virtq_format format, uint32_t pos,
			       struct ring_used *used)
{
	uint32_t slot = pos & vq->mask;

	if (ring_in_batch(vq, pos)) {
		vq->batch_open = pos != vq->batch_last;
		used->id = vq->ids[slot];
		used->len = vq->batch_open ? vq->buffer_len : vq->batch_len;
		return true;
	}
	if (format == VIRTQ_PACKED) {
		uint64_t meta = le64toh(PLX_READ_ONCE(vq->packed.ring[slot].meta));

		used->id = (uint16_t)(meta >> 32);
		used->len = (uint32_t)meta;
		return packed_is_used(vq, pos, meta);
	}
	used->id = le32toh(PLX_READ_ONCE(vq->split.used->ring[slot].id));
	used->len = le32toh(PLX_READ_ONCE(vq->split.used->ring[slot].len));
	return true;
}

/** Has the position been used? It must be in flight. */
RING_INLINE bool ring_is_used(const struct virtq *vq, enum virtq_format format, uint32_t pos)
{
	if (ring_in_batch(vq, pos))
		return true;
	if (format == VIRTQ_PACKED)
		return packed_is_used(vq, pos,
				      le64toh(PLX_READ_ONCE(vq->packed.ring[pos & vq->mask].meta)));
	return pos - vq->next < ring_used_count(vq, format);
}

/**
 * 0: nothing is used; 1: most likely one position is; 2: more. For short cuts: what is used must be
 * looked at in any case. Something must be in flight.
 */
RING_INLINE uint32_t ring_used_few(const struct virtq *vq, enum virtq_format format)
{
	uint32_t count;

	if (format == VIRTQ_PACKED)
		return ring_is_used(vq, format, vq->next)
			       ? 1u + ring_is_used(vq, format, vq->next + 1)
			       : 0;
	count = ring_used_count(vq, format);
	return count < 2 ? count : 2;
}

/* --- Available buffers ---------------------------------------------------------------------- */

/**
 * Fill the descriptor `id` at a position. With a split ring it is the device's after
 * ring_publish(), with a packed ring at once, and so is what was written before it.
 */
RING_INLINE void ring_fill(const struct virtq *vq, enum virtq_format format, uint32_t pos,
			   uint32_t id, plx_iova_t addr, uint32_t len, uint16_t flags)
{
	if (format == VIRTQ_PACKED) {
		struct packed_desc *desc = &vq->packed.ring[pos & vq->mask];

		desc->addr = htole64(addr);
		/* Buffer and address before the flags that give them away. */
		plx_dma_wmb();
		PLX_WRITE_ONCE(desc->meta, htole64(len | PACKED_ID(id) | PACKED_FLAGS(flags) |
						   packed_available(vq, pos)));
		return;
	}
	vq->split.desc[id].addr = htole64(addr);
	vq->split.desc[id].meta = htole64(len | SPLIT_DESC_FLAGS(flags));
}

/** Positions up to tail are the device's. */
RING_INLINE void ring_publish(struct virtq *vq, enum virtq_format format, uint32_t tail)
{
	vq->tail = tail;
	if (format == VIRTQ_PACKED)
		return;
	/* Descriptors before the index that covers them. */
	plx_dma_wmb();
	PLX_WRITE_ONCE(vq->split.avail->idx, htole16((uint16_t)tail));
}

/* --- Views ---------------------------------------------------------------------------------- */

/**
 * A ring from one position on, up to its end, for loops that keep to the order of the ring: what
 * does not change meanwhile, in locals.
 */
struct ring_view {
	union {
		const struct split_used_elem *used;
		struct split_desc *split;
		struct packed_desc *packed;
	};
	uint64_t flags; /* packed: of each descriptor, used or available */
	uint32_t slot;	/* of the first; also its id */
};

/** For ring_view_used(). */
RING_INLINE struct ring_view ring_view_of_used(const struct virtq *vq, enum virtq_format format)
{
	struct ring_view view = {.slot = vq->next & vq->mask};

	if (format == VIRTQ_PACKED) {
		view.packed = &vq->packed.ring[view.slot];
		view.flags = packed_used(vq, vq->next);
	} else {
		view.used = &vq->split.used->ring[view.slot];
	}
	return view;
}

/** Has the i'th position been used by the descriptor that is expected there? Then, its length. */
RING_INLINE bool ring_view_used(const struct ring_view *view, enum virtq_format format, uint32_t i,
				uint32_t *len)
{
	if (format == VIRTQ_PACKED) {
		const uint64_t look = PACKED_USED_MASK | PACKED_ID(0xffff);
		uint64_t meta = le64toh(PLX_READ_ONCE(view->packed[i].meta));

		*len = (uint32_t)meta;
		return (meta & look) == (view->flags | PACKED_ID(view->slot + i));
	}
	*len = le32toh(view->used[i].len);
	return le32toh(PLX_READ_ONCE(view->used[i].id)) == view->slot + i;
}

/** For ring_view_fill(). */
RING_INLINE struct ring_view ring_view_of_room(const struct virtq *vq, enum virtq_format format)
{
	struct ring_view view = {.slot = vq->tail & vq->mask};

	if (format == VIRTQ_PACKED) {
		view.packed = &vq->packed.ring[view.slot];
		view.flags = packed_available(vq, vq->tail);
	} else {
		view.split = &vq->split.desc[view.slot];
	}
	return view;
}

/** As ring_fill(), for the i'th position of the view; its id is its slot. */
RING_INLINE void ring_view_fill(const struct ring_view *view, enum virtq_format format, uint32_t i,
				plx_iova_t addr, uint32_t len, uint16_t flags)
{
	if (format == VIRTQ_PACKED) {
		view->packed[i].addr = htole64(addr);
		plx_dma_wmb();
		PLX_WRITE_ONCE(view->packed[i].meta, htole64(len | PACKED_ID(view->slot + i) |
							     PACKED_FLAGS(flags) | view->flags));
		return;
	}
	view->split[i].addr = htole64(addr);
	view->split[i].meta = htole64(len | SPLIT_DESC_FLAGS(flags));
}

/* --- Notifications -------------------------------------------------------------------------- */

RING_INLINE bool packed_wants_notify(const struct virtq *vq, uint32_t from)
{
	/* off_wrap and flags in one load: they belong together. */
	uint32_t event = le32toh(PLX_READ_ONCE(*(const uint32_t *)vq->packed.device));
	uint32_t flags = event >> 16 & PACKED_EVENT_MASK, size = vq->mask + 1, pos;

	if (plx_likely(flags != PACKED_EVENT_DESC))
		return flags != PACKED_EVENT_DISABLE;
	/* The position of that slot in this round of the wrap counter, at or behind `from`. */
	pos = (event & vq->mask) | (from & ~(2 * size - 1));
	if (!(event & PACKED_EVENT_WRAP))
		pos += size;
	if (pos - from >= 2 * size)
		pos += 2 * size;
	return pos - from < vq->tail - from;
}

/** Is the event index among the positions from `from` to `to`, `to` left out? (2.7.7.1) */
RING_INLINE bool split_passed(uint16_t event, uint32_t from, uint32_t to)
{
	return (uint16_t)(event - from) < to - from;
}

RING_INLINE bool split_wants_notify(const struct virtq *vq, enum virtq_format format, uint32_t from)
{
	const struct split_used *used = vq->split.used;
	const uint16_t *event = (const uint16_t *)&used->ring[vq->mask + 1];

	if (format == VIRTQ_SPLIT_EVENT)
		return split_passed(le16toh(PLX_READ_ONCE(*event)), from, vq->tail);
	return !(le16toh(PLX_READ_ONCE(used->flags)) & VIRTQ_USED_F_NO_NOTIFY);
}

/** Tell the device of the positions from `from` to vq->tail, if it wants to know. */
RING_INLINE void ring_notify(struct virtq *vq, enum virtq_format format, uint32_t from)
{
	/* Descriptors and index before looking whether the device still waits for them. */
	plx_dma_mb();
	if (format == VIRTQ_PACKED ? !packed_wants_notify(vq, from)
				   : !split_wants_notify(vq, format, from))
		return;
	vq->kicks++;
	if (plx_likely(vq->doorbell))
		plx_mmio_write16(vq->doorbell, vq->index);
	else
		virtq_kick(vq);
}

#endif /* POLLUX_VIRTIO_RING_H */
