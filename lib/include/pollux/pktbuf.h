/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux packet buffers: what ports receive into and send from.
 *
 *	struct plx_pktbuf_pool *pool = plx_pktbuf_pool_open(&(struct plx_pktbuf_pool_config){
 *		.name = "rx", .count = 8192 });
 *	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);
 *	memcpy(plx_pktbuf_append(p, 60), frame, 60);
 *	plx_pktbuf_free(p);
 *
 * A packet is a chain of one or more buffers (`next`); the first one carries what holds for the
 * whole packet (pkt_len, nsegs, flags, vlan, hash, port). Memory of one object in a pool:
 *
 *	| struct plx_pktbuf (128) | priv_size | headroom (128) | data room |
 *	                                      ^ buf            ^ buf + data_off
 *
 * so the distance from a pktbuf to its own data and to its IOVA is the same for a whole pool.
 *
 * A pktbuf may point at memory of somebody else instead (plx_pktbuf_attach()); that memory comes
 * with a free callback and a reference count, and several pktbufs may share it.
 *
 * In the pool every pktbuf is plain: refcnt 1, nsegs 1, next NULL, its own buffer. Drivers and
 * plx_pktbuf_alloc() rely on it, plx_pktbuf_free() restores it.
 *
 * Thread rules: a pktbuf belongs to one thread at a time; refcnt is what makes sharing safe. Alloc
 * and free from any thread (fast on lcores, see <pollux/mempool.h>).
 */
#ifndef POLLUX_PKTBUF_H
#define POLLUX_PKTBUF_H

#include <endian.h>

#include <pollux/mempool.h>

PLX_BEGIN_DECLS

#define PLX_PKTBUF_HEADROOM 128
#define PLX_PKTBUF_DATA	    2048
/** Segments of one packet. */
#define PLX_PKTBUF_SEGS_MAX 255

/** plx_pktbuf.flags: what the device found out on reception ... */
#define PLX_PKT_RX_VLAN	   (1u << 0) /**< a VLAN tag was taken out: it is in vlan */
#define PLX_PKT_RX_HASH	   (1u << 1) /**< hash is valid */
#define PLX_PKT_RX_IP_GOOD (1u << 2)
#define PLX_PKT_RX_IP_BAD  (1u << 3)
#define PLX_PKT_RX_L4_GOOD (1u << 4)
#define PLX_PKT_RX_L4_BAD  (1u << 5)
/** The L4 checksum is only that of the pseudo-header, but the data is good: whoever sends it on to
 * a wire asks for PLX_PKT_TX_TCP or _UDP. Together with L4_GOOD. */
#define PLX_PKT_RX_L4_PARTIAL (1u << 6)
#define PLX_PKT_RX_LRO	      (1u << 7) /**< several TCP segments of mss bytes or more made one */
/** ... and what it shall do on transmission. */
#define PLX_PKT_TX_VLAN (1u << 16) /**< insert vlan */
#define PLX_PKT_TX_IP	(1u << 17) /**< IPv4 header checksum; needs l2_len, l3_len */
#define PLX_PKT_TX_TCP	(1u << 18) /**< TCP checksum over a pseudo-header sum in place */
#define PLX_PKT_TX_UDP	(1u << 19)
#define PLX_PKT_TX_TSO	(1u << 20) /**< cut into mss; needs all lengths, implies TCP */
#define PLX_PKT_TX_IPV6 (1u << 21) /**< the packet is IPv6 (with TX_TCP, TX_UDP, TX_TSO) */

/** Memory of somebody else that pktbufs are attached to. Lives until free was called. */
struct plx_pktbuf_ext {
	/** Called once, by whichever thread lets go of the last reference. */
	void (*free)(struct plx_pktbuf_ext *ext);
	void *arg;	 /**< the owner's */
	uint32_t refcnt; /**< pktbufs attached, plus what the owner added; starts with the owner's
			  * 1, which the first plx_pktbuf_attach() takes over */
};

struct plx_pktbuf_pool;

/** The first cache line is all that a driver touches. */
struct plx_pktbuf {
	char *buf;	     /**< start of the buffer */
	plx_iova_t buf_iova; /**< its IOVA */
	union {
		struct {
			uint16_t data_off; /**< the data starts at buf + data_off */
			uint16_t port;	   /**< plx_port_config.tag of the port it came from */
			union {
				struct {
					uint16_t refcnt;
					uint8_t nsegs;	  /**< of the packet, in the first */
					uint8_t attached; /**< 1: ext is valid */
				};
				uint32_t state; /**< PLX_PKTBUF_PLAIN: free needs no look */
			};
		};
		uint64_t rearm; /**< all of it in one store, for drivers */
	};
	uint32_t flags;	  /**< PLX_PKT_* */
	uint32_t pkt_len; /**< of the packet, in the first */
	uint16_t len;	  /**< data in this buffer */
	uint16_t vlan;	  /**< tag control information, host order */
	uint32_t hash;
	struct plx_pktbuf *next;
	struct plx_pktbuf_pool *pool;
	uint8_t l2_len, l4_len; /**< header lengths, for transmit offloads */
	uint16_t l3_len;
	uint16_t mss;
	uint16_t buf_len; /**< bytes from buf to its end */
	/* --- second cache line --- */
	struct plx_pktbuf_ext *ext;
	uint64_t user[2]; /**< the application's; not touched by the library */
} PLX_CACHE_ALIGNED;

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define PLX_PKTBUF_PLAIN 0x00010001u
#else
#define PLX_PKTBUF_PLAIN 0x00010100u
#endif

struct plx_pktbuf_pool {
	struct plx_mempool objs;
	uint32_t buf_offset; /**< from a pktbuf to its own buffer */
	uint16_t buf_len;    /**< headroom and data room */
	uint16_t priv_size;
	/** From the address of a plain pktbuf to the IOVA of its data behind the headroom. */
	uint64_t data_iova_delta;
};

struct plx_pktbuf_pool_config {
	const char *name; /**< for messages; NULL: "pktbufs" */
	uint32_t count; /**< for each port its descriptors, for each lcore 1.5 caches, and bursts */
	uint16_t data_size; /**< behind the headroom; 0: PLX_PKTBUF_DATA; at most 65,000 */
	uint16_t priv_size; /**< the application's area behind each struct; a multiple of 64 */
	uint32_t cache;	    /**< as plx_mempool_config.cache */
	int node_plus_one;  /**< as plx_mempool_config.node_plus_one */
};

/** Return: NULL with errno as plx_mempool_open(). */
PLX_API struct plx_pktbuf_pool *plx_pktbuf_pool_open(const struct plx_pktbuf_pool_config *config);
/** Return: 0; -EBUSY (packets are still out, e.g. in a port that is not closed; logged). */
PLX_API int plx_pktbuf_pool_close(struct plx_pktbuf_pool *pool);

/** Start of the data. */
static inline void *plx_pktbuf_data(const struct plx_pktbuf *p)
{
	return p->buf + p->data_off;
}

/** IOVA of the data. */
static inline plx_iova_t plx_pktbuf_iova(const struct plx_pktbuf *p)
{
	return p->buf_iova + p->data_off;
}

static inline uint16_t plx_pktbuf_headroom(const struct plx_pktbuf *p)
{
	return p->data_off;
}

static inline uint16_t plx_pktbuf_tailroom(const struct plx_pktbuf *p)
{
	return (uint16_t)(p->buf_len - p->data_off - p->len);
}

/** The application's area of priv_size bytes. */
static inline void *plx_pktbuf_priv(struct plx_pktbuf *p)
{
	return p + 1;
}

/** Empty packet: what alloc gives. */
static inline void plx_pktbuf_reset(struct plx_pktbuf *p)
{
	p->data_off = PLX_PKTBUF_HEADROOM;
	p->port = UINT16_MAX;
	p->flags = 0;
	p->pkt_len = 0;
	p->len = 0;
}

/** One empty packet, or NULL when the pool is empty. */
static inline struct plx_pktbuf *plx_pktbuf_alloc(struct plx_pktbuf_pool *pool)
{
	void *obj;

	if (plx_unlikely(plx_mempool_get(&pool->objs, &obj, 1)))
		return NULL;
	plx_pktbuf_reset((struct plx_pktbuf *)obj);
	return (struct plx_pktbuf *)obj;
}

/** n empty packets, all or none. Return: 0 or -ENOMEM. */
static inline int plx_pktbuf_alloc_burst(struct plx_pktbuf_pool *pool, struct plx_pktbuf **pkts,
					 uint16_t n)
{
	uint16_t i;
	int err = plx_mempool_get(&pool->objs, (void **)pkts, n);

	if (plx_unlikely(err))
		return err;
	for (i = 0; i < n; i++)
		plx_pktbuf_reset(pkts[i]);
	return 0;
}

/** The part of free that is not the common case. */
PLX_API void plx_pktbuf_free_slow(struct plx_pktbuf *p);

/** Let go of a packet, all its segments. NULL is allowed. */
static inline void plx_pktbuf_free(struct plx_pktbuf *p)
{
	if (!p)
		return;
	if (plx_likely(p->state == PLX_PKTBUF_PLAIN)) {
		void *obj = p;

		plx_mempool_put(&p->pool->objs, &obj, 1);
		return;
	}
	plx_pktbuf_free_slow(p);
}

/** Let go of n packets; runs of plain ones of one pool go back in one copy. */
static inline void plx_pktbuf_free_burst(struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i = 0;

	while (i < n) {
		struct plx_pktbuf_pool *pool = pkts[i]->pool;
		uint16_t first = i;

		while (i < n &&
		       plx_likely(pkts[i]->state == PLX_PKTBUF_PLAIN && pkts[i]->pool == pool))
			i++;
		if (plx_likely(i > first))
			plx_mempool_put(&pool->objs, (void *const *)&pkts[first],
					(uint32_t)(i - first));
		else
			plx_pktbuf_free_slow(pkts[i++]);
	}
}

/** One more reference to each segment of a packet: it then takes one more free. */
static inline void plx_pktbuf_ref(struct plx_pktbuf *p)
{
	for (; p; p = p->next)
		__atomic_add_fetch(&p->refcnt, 1, __ATOMIC_RELAXED);
}

/**
 * Room of n bytes behind the data of a one-segment packet. Return: its start, or NULL (no tailroom,
 * or more than one segment).
 */
static inline void *plx_pktbuf_append(struct plx_pktbuf *p, uint16_t n)
{
	char *tail = p->buf + p->data_off + p->len;

	if (plx_unlikely(n > plx_pktbuf_tailroom(p) || p->next))
		return NULL;
	p->len = (uint16_t)(p->len + n);
	p->pkt_len += n;
	return tail;
}

/** Room of n bytes before the data. Return: the new start, or NULL (no headroom). */
static inline void *plx_pktbuf_prepend(struct plx_pktbuf *p, uint16_t n)
{
	if (plx_unlikely(n > p->data_off))
		return NULL;
	p->data_off = (uint16_t)(p->data_off - n);
	p->len = (uint16_t)(p->len + n);
	p->pkt_len += n;
	return plx_pktbuf_data(p);
}

/** Take n bytes off the front of the first segment. Return: the new start, or NULL (too short). */
static inline void *plx_pktbuf_pull(struct plx_pktbuf *p, uint16_t n)
{
	if (plx_unlikely(n > p->len))
		return NULL;
	p->data_off = (uint16_t)(p->data_off + n);
	p->len = (uint16_t)(p->len - n);
	p->pkt_len -= n;
	return plx_pktbuf_data(p);
}

/**
 * Put the packet `tail` behind `head`; tail is part of head from then on.
 * Return: 0; -EOVERFLOW (more than PLX_PKTBUF_SEGS_MAX segments; nothing changed).
 */
PLX_API int plx_pktbuf_chain(struct plx_pktbuf *head, struct plx_pktbuf *tail);

/**
 * Make a plain, empty pktbuf refer to memory of somebody else, as len bytes of data. The memory
 * must be DMA-able (plx_dma_alloc(), plx_mem_register()).
 * @ext: see there; one of its references belongs to the pktbuf from here on
 * When the pktbuf is freed it gets its own buffer back, and the reference is dropped.
 * Return: 0; -EFAULT (not DMA-able), -EBUSY (the pktbuf is shared, chained or attached already).
 */
PLX_API int plx_pktbuf_attach(struct plx_pktbuf *p, void *va, uint16_t len,
			      struct plx_pktbuf_ext *ext);

/**
 * Copy len bytes from offset on out of the chain. Return: 0; -ERANGE (the packet is shorter;
 * nothing copied).
 */
PLX_API int plx_pktbuf_copy_out(const struct plx_pktbuf *p, uint32_t offset, void *to,
				uint32_t len);

/**
 * Check a packet's fields against each other: lengths inside the buffers, nsegs and pkt_len as the
 * chain says. For tests, and for packets from code one does not trust.
 * Return: 0; -EINVAL.
 */
PLX_API int plx_pktbuf_check(const struct plx_pktbuf *p);

PLX_END_DECLS

#endif /* POLLUX_PKTBUF_H */
