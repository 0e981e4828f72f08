/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the EAL's memory comes from: hugetlb pages of one or several sizes, or, where there are
 * none, shared memory of small or transparent huge pages. Each mapping is a file of its own, so
 * that it can be shared over a socket (or one for all, where that is asked for); no file has a
 * name, so nothing is left after a crash.
 */
#ifndef PLX_EAL_PAGES_H
#define PLX_EAL_PAGES_H

#include <pollux/mem.h>

#define PLX_PAGE_CLASSES 8

/** One kind of page that mappings can be made of. */
struct plx_page_class {
	enum plx_mem_kind kind;
	size_t page_size;  /**< what lengths are multiples of */
	const char *mount; /**< hugetlb: a mount of this size; NULL: none, a memfd does it */
};

/** All that there are to choose from, best first; at least one. */
struct plx_pages {
	struct plx_page_class classes[PLX_PAGE_CLASSES];
	size_t n;
};

/** As in struct plx_eal_config. */
struct plx_pages_config {
	size_t page_size;
	bool no_huge;
	bool require_huge;
};

/**
 * Find out what there is, and fall back with a warning.
 * Return: 0; -EINVAL (no such page size, or a contradiction), -ENOMEM (require_huge, and there are
 * none); logged.
 */
int plx_pages_init(struct plx_pages *pages, const struct plx_pages_config *config);

/**
 * Map `len` bytes at `va`, over the window, and reserve the pages without touching them.
 * @node: where pages should come from, or PLX_NODE_ANY
 * Return: the file, or a negative errno; -ENOMEM (not enough pages) is not logged, all else is.
 */
int plx_pages_map(const struct plx_page_class *page_class, void *va, size_t len, int node);
/** Undo plx_pages_map(): the pages go back to the system. */
void plx_pages_unmap(void *va, size_t len, int fd);

/**
 * A file of which many mappings are parts: contiguous addresses are contiguous in it, too, so that
 * whoever is given it over a socket needs no more than one piece for them. Return: as above.
 */
int plx_pages_open(const struct plx_page_class *page_class);
/** Map a part of it, which may be behind its end. Return: 0 or a negative errno, as above. */
int plx_pages_map_part(const struct plx_page_class *page_class, void *va, size_t len, int node,
		       int fd, off_t offset);
/** Undo plx_pages_map_part(): the pages go back to the system, the file stays. */
void plx_pages_unmap_part(const struct plx_page_class *page_class, void *va, size_t len, int fd,
			  off_t offset);

/**
 * Take and clear the pages of [va, va + len) now, so that no access can fail for lack of them.
 * Return: 0, or -ENOMEM, logged.
 */
int plx_pages_populate(void *va, size_t len);

/** How many bytes of a class are to be had now, on any node. */
uint64_t plx_pages_available(const struct plx_page_class *page_class);
/** The same of one node; without NUMA support the same as plx_pages_available(). */
uint64_t plx_pages_available_on(const struct plx_page_class *page_class, int node);
/** Log why `len` bytes were not to be had, and the remedy. */
void plx_pages_explain(const struct plx_pages *pages, uint64_t len);

#endif /* PLX_EAL_PAGES_H */
