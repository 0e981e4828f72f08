/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux memory: segments, the DMA heap, and the IOVA of everything a device may touch.
 *
 * A segment is a contiguous piece of this process's memory that every address space
 * (<pollux/vfio.h>) maps for DMA: hugepages that the EAL allocated, one fd each, or memory that the
 * application registered. The DMA heap hands out pieces of the EAL's segments and adds segments on
 * demand; no object shares a page with memory that is not DMA-able.
 *
 *	struct ring *r = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
 *	device_set_ring(dev, plx_iova(r));
 *	plx_dma_free(r);
 *
 * IOVA. The EAL reserves one window of virtual addresses below 2^39 and places its segments in it,
 * so that IOVA = VA on all common IOMMUs. One IOVA holds for all address spaces. Where the window
 * cannot be had at the preferred place the IOVA is VA + plx_iova_delta, which is what plx_iova()
 * adds; memory registered by the application outside the window gets an IOVA from an allocator and
 * must be looked up with plx_mem_iova().
 *
 * Thread rules: everything here may be called from any thread between plx_eal_init() and
 * plx_eal_fini(); alloc, free, register and unregister take a lock and may make system calls, so
 * they belong to the control path. plx_iova() is for the data path.
 */
#ifndef POLLUX_MEM_H
#define POLLUX_MEM_H

#include <sys/types.h>

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** IOVA minus VA for all memory of the DMA heap; set by plx_eal_init(), constant until fini. */
PLX_API extern uint64_t plx_iova_delta;

/** The IOVA of memory from the DMA heap. Not for registered memory: see plx_mem_iova(). */
static inline plx_iova_t plx_iova(const void *va)
{
	return (plx_iova_t)(uintptr_t)va + plx_iova_delta;
}

/**
 * Allocate DMA-able memory, contiguous in VA and in IOVA (not necessarily in physical memory).
 * @size: bytes, > 0
 * @align: a power of two up to 1 GiB, or 0 for a cache line
 * @node: a NUMA node (a preference: another node is used when it is full), or PLX_NODE_ANY
 * Contents are undefined. The memory belongs to the caller until plx_dma_free().
 * Return: the address; or NULL with errno EINVAL (bad align, size 0, unknown node), ENOMEM (no
 * hugepages left, a limit, or an address space refused: the log line tells which), ENODEV (no
 * EAL). Under AddressSanitizer a use after free, and an access beyond the end, is reported.
 */
PLX_API void *plx_dma_alloc(size_t size, size_t align, int node);
/** As plx_dma_alloc(), filled with zeroes. */
PLX_API void *plx_dma_zalloc(size_t size, size_t align, int node);
/**
 * Give memory back to the heap; NULL is allowed. No device may still use it. An address that the
 * heap did not hand out (or twice) is refused with a log line and counted in
 * plx_mem_stats.bad_frees.
 */
PLX_API void plx_dma_free(void *va);

/**
 * Make memory of the application DMA-able: from here on as good as the heap's.
 * @va, @len: multiples of the page size of the memory below; the range must stay mapped and
 *	unchanged until plx_mem_unregister()
 * @fd, @fd_offset: the file behind it, where it has one that may be shared with another process
 *	(vhost-user, vfio-user); -1 where not. The fd is duplicated.
 * Every open address space maps it before this returns; if one cannot, none does.
 * Return: 0; -EINVAL (alignment, wrap), -EEXIST (overlaps a segment or the window), -EFAULT (not
 * all of it is mapped), -EBADF, -ENOMEM (no IOVA left), -ENODEV, or the error of an address space.
 */
PLX_API int plx_mem_register(void *va, size_t len, int fd, off_t fd_offset);
/**
 * Undo plx_mem_register(); va and len must be those of one registration.
 * Return: 0, -ENOENT, or -ENODEV.
 */
PLX_API int plx_mem_unregister(void *va, size_t len);

/**
 * The IOVA of any DMA-able memory, heap or registered, checked.
 * Return: 0 with *iova set, when all of [va, va + len) is DMA-able and contiguous in IOVA; else
 * -EFAULT (or -ENODEV without an EAL) and *iova = PLX_IOVA_BAD.
 */
PLX_API int plx_mem_iova(const void *va, size_t len, plx_iova_t *iova);

enum plx_mem_kind {
	PLX_MEM_HUGETLB,    /**< hugepages of the EAL */
	PLX_MEM_THP,	    /**< fall-back: a memfd with transparent huge pages where possible */
	PLX_MEM_SMALL,	    /**< fall-back: 4 KiB pages */
	PLX_MEM_REGISTERED, /**< the application's */
};
/** "hugetlb", "thp", "small", "registered"; NULL: there is no such kind. */
PLX_API const char *plx_mem_kind_name(enum plx_mem_kind kind);

/** One segment. */
struct plx_mem_segment {
	void *va;
	size_t len;
	plx_iova_t iova;
	size_t page_size; /**< of the memory below; 4096 where it is not known */
	int node; /**< where its pages come from; PLX_NODE_ANY if from several or not known */
	int fd;	  /**< -1 if none; owned by the EAL: dup it to keep it */
	off_t fd_offset;
	enum plx_mem_kind kind;
};

/**
 * Call fn for each segment, in ascending order of VA, until it returns non-zero.
 * fn runs under the memory lock: calls that take it (alloc, register, walk, stats, ...) fail there.
 * Return: what fn returned last, or 0; -ENODEV without an EAL.
 */
PLX_API int plx_mem_walk(int (*fn)(const struct plx_mem_segment *segment, void *arg), void *arg);

/**
 * Someone who must know of each segment before it is used and until it is gone: an address space,
 * a vhost-user port. Callbacks run under the memory lock: calls that take it fail there. Memory of
 * the heap may have no pages yet when add() is called; pinning it, or touching it through the
 * segment's file, takes those that are reserved for it.
 */
struct plx_mem_listener {
	/**
	 * A run of new segments, contiguous in VA and IOVA (map it with as few calls as possible).
	 * Return non-zero (negative errno) to refuse: the memory is taken away again from the
	 * listeners that had accepted it, and the allocation or registration fails.
	 */
	int (*add)(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n);
	/**
	 * A run of segments is going away; on return no device may reach it any more. An IOMMU
	 * mapping cannot be split, so a run goes as it came: the segments are exactly those of one
	 * add(). A listener that registers late is given the same runs as an early one.
	 */
	void (*remove)(struct plx_mem_listener *self, const struct plx_mem_segment *segments,
		       size_t n);
	struct plx_mem_listener *next; /**< the registry's */
};

/**
 * Register a listener; add() is called at once for what exists.
 * Return: 0, the error that add() returned (nothing stays added then), or -ENODEV without an EAL.
 */
PLX_API int plx_mem_listen(struct plx_mem_listener *listener);
/** Remove a listener; remove() is called for what exists. */
PLX_API void plx_mem_unlisten(struct plx_mem_listener *listener);

struct plx_mem_stats {
	uint64_t heap_bytes;	   /**< in segments of the EAL */
	uint64_t heap_used_bytes;  /**< handed out, with rounding */
	uint64_t heap_allocations; /**< live objects */
	uint64_t registered_bytes;
	uint64_t segments;
	uint64_t bad_frees;	/**< refused plx_dma_free() */
	uint64_t failed;	/**< allocations that failed */
	enum plx_mem_kind kind; /**< of the heap: below PLX_MEM_HUGETLB means a fall-back */
	size_t page_size;
};
PLX_API void plx_mem_stats_get(struct plx_mem_stats *stats);

/* --- Shrinking ------------------------------------------------------------------------------- */

/**
 * Give segments of the heap that nothing is allocated from back to the system; what was reserved by
 * plx_eal_config.mem_bytes stays. Listeners are told before (remove()). A backend whose memory
 * shrinks by itself does nothing here.
 * Return: bytes given back; 0 without an EAL. Since 0.1.
 */
PLX_API uint64_t plx_mem_trim(void);

/* --- Who has it ------------------------------------------------------------------------------ */

/** The longest name of an owner, with its end; longer ones are cut. */
#define PLX_MEM_OWNER_LEN 32

/**
 * What the calling thread allocates from now on belongs to `name`: ports, controllers and pools do
 * so for theirs while they open. Up to 255 names; further ones count as "application", which is
 * also what has no name.
 * Return: to be given to plx_mem_owner_leave(). Since 0.1.
 */
PLX_API unsigned int plx_mem_owner_enter(const char *name);
PLX_API void plx_mem_owner_leave(unsigned int before);

struct plx_mem_owner {
	const char *name;
	uint64_t bytes; /**< with rounding */
	uint64_t allocations;
};
/**
 * Call fn for each owner that has memory of the heap, until it returns non-zero.
 * Return: what fn returned last, or 0; -ENODEV.
 */
PLX_API int plx_mem_owners(int (*fn)(const struct plx_mem_owner *owner, void *arg), void *arg);

PLX_END_DECLS

#endif /* POLLUX_MEM_H */
