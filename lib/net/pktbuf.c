/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet buffers (<pollux/pktbuf.h>): pools, and what is not the common case: freeing packets that
 * are shared, chained or attached, attaching, chaining. The common case is inline in the header.
 */
#include <errno.h>
#include <stdlib.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "mempool.h"

#include <pollux/pktbuf.h>

PLX_LOG_COMPONENT(pktbuf);

#define DATA_SIZE_MAX 65000

_Static_assert(offsetof(struct plx_pktbuf, ext) == PLX_CACHE_LINE, "one hot cache line");
_Static_assert(sizeof(struct plx_pktbuf) == 2 * PLX_CACHE_LINE, "two cache lines");
_Static_assert(offsetof(struct plx_pktbuf, rearm) % 8 == 0, "one store");

/* --- Pools ---------------------------------------------------------------------------------- */

/* Point a pktbuf at its own buffer. */
static void own_buffer(struct plx_pktbuf *p, const struct plx_pktbuf_pool *pool)
{
	p->buf = (char *)p + pool->buf_offset;
	p->buf_iova = plx_iova(p->buf);
	p->buf_len = pool->buf_len;
	p->ext = NULL;
	p->attached = 0;
}

static void init_all(struct plx_pktbuf_pool *pool)
{
	uint32_t i;

	for (i = 0; i < pool->objs.count; i++) {
		struct plx_pktbuf *p = plx_mempool_object(&pool->objs, i);

		own_buffer(p, pool);
		p->pool = pool;
		p->refcnt = 1;
		p->nsegs = 1;
		plx_pktbuf_reset(p);
	}
}

static int config_check(const struct plx_pktbuf_pool_config *config)
{
	if (config->data_size > DATA_SIZE_MAX) {
		PLX_ERR(pktbuf, "%s: data size %u: at most %u",
			config->name ? config->name : "pool", config->data_size, DATA_SIZE_MAX);
		return -EINVAL;
	}
	if (config->priv_size % PLX_CACHE_LINE) {
		PLX_ERR(pktbuf, "%s: private size %u is not a multiple of %u",
			config->name ? config->name : "pool", config->priv_size, PLX_CACHE_LINE);
		return -EINVAL;
	}
	return 0;
}

struct plx_pktbuf_pool *plx_pktbuf_pool_open(const struct plx_pktbuf_pool_config *config)
{
	uint16_t data_size = config->data_size ? config->data_size : PLX_PKTBUF_DATA;
	struct plx_mempool_config objs = {
		.name = config->name ? config->name : "pktbufs",
		.count = config->count,
		.cache = config->cache,
		.node_plus_one = config->node_plus_one,
	};
	struct plx_pktbuf_pool *pool;
	int err = config_check(config);

	pool = err ? NULL : aligned_alloc(PLX_CACHE_LINE, sizeof(*pool));
	if (!pool) {
		errno = err ? -err : ENOMEM;
		return NULL;
	}
	memset(pool, 0, sizeof(*pool));
	pool->priv_size = config->priv_size;
	pool->buf_offset = (uint32_t)sizeof(struct plx_pktbuf) + config->priv_size;
	pool->buf_len = (uint16_t)(PLX_PKTBUF_HEADROOM + data_size);
	pool->data_iova_delta = plx_iova_delta + pool->buf_offset + PLX_PKTBUF_HEADROOM;
	objs.size = pool->buf_offset + pool->buf_len;
	err = plx_mempool_init(&pool->objs, &objs);
	if (err) {
		free(pool);
		errno = -err;
		return NULL;
	}
	init_all(pool);
	return pool;
}

int plx_pktbuf_pool_close(struct plx_pktbuf_pool *pool)
{
	int err = pool ? plx_mempool_fini(&pool->objs) : 0;

	if (!err)
		free(pool);
	return err;
}

/* --- Free ----------------------------------------------------------------------------------- */

static void detach(struct plx_pktbuf *p)
{
	struct plx_pktbuf_ext *ext = p->ext;

	own_buffer(p, p->pool);
	/* The release half: our reads of the memory are over before its owner reuses it. */
	if (__atomic_sub_fetch(&ext->refcnt, 1, __ATOMIC_ACQ_REL) == 0)
		ext->free(ext);
}

/* Drop one reference to one segment. */
static void free_segment(struct plx_pktbuf *p)
{
	void *obj = p;

	if (__atomic_sub_fetch(&p->refcnt, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	if (p->attached)
		detach(p);
	p->refcnt = 1;
	p->nsegs = 1;
	p->next = NULL;
	plx_mempool_put(&p->pool->objs, &obj, 1);
}

void plx_pktbuf_free_slow(struct plx_pktbuf *p)
{
	while (p) {
		struct plx_pktbuf *next = p->next;

		free_segment(p);
		p = next;
	}
}

/* --- Chains and external memory ------------------------------------------------------------- */

int plx_pktbuf_chain(struct plx_pktbuf *head, struct plx_pktbuf *tail)
{
	struct plx_pktbuf *last = head;

	if (head->nsegs + tail->nsegs > PLX_PKTBUF_SEGS_MAX)
		return -EOVERFLOW;
	while (last->next)
		last = last->next;
	last->next = tail;
	head->nsegs = (uint8_t)(head->nsegs + tail->nsegs);
	head->pkt_len += tail->pkt_len;
	tail->nsegs = 1;
	return 0;
}

int plx_pktbuf_attach(struct plx_pktbuf *p, void *va, uint16_t len, struct plx_pktbuf_ext *ext)
{
	plx_iova_t iova;
	int err;

	if (p->state != PLX_PKTBUF_PLAIN)
		return -EBUSY;
	err = plx_mem_iova(va, len, &iova);
	if (err)
		return err;
	p->buf = va;
	p->buf_iova = iova;
	p->buf_len = len;
	p->data_off = 0;
	p->len = len;
	p->pkt_len = len;
	p->ext = ext;
	p->attached = 1;
	return 0;
}

int plx_pktbuf_copy_out(const struct plx_pktbuf *p, uint32_t offset, void *to, uint32_t len)
{
	char *out = to;

	if (offset > p->pkt_len || len > p->pkt_len - offset)
		return -ERANGE;
	for (; len; p = p->next) {
		uint32_t n;

		if (!p)
			return -ERANGE;
		if (offset >= p->len) {
			offset -= p->len;
			continue;
		}
		n = p->len - offset < len ? p->len - offset : len;
		memcpy(out, (const char *)plx_pktbuf_data(p) + offset, n);
		out += n;
		len -= n;
		offset = 0;
	}
	return 0;
}

int plx_pktbuf_check(const struct plx_pktbuf *p)
{
	const struct plx_pktbuf *seg;
	unsigned int nsegs = 0;
	uint64_t sum = 0;

	for (seg = p; seg && nsegs <= PLX_PKTBUF_SEGS_MAX; seg = seg->next) {
		if ((uint32_t)seg->data_off + seg->len > seg->buf_len || seg->refcnt == 0)
			return -EINVAL;
		sum += seg->len;
		nsegs++;
	}
	return seg || nsegs != p->nsegs || sum != p->pkt_len ? -EINVAL : 0;
}
