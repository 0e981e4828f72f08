/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The registry of DMA-able memory: runs of segments, and the listeners that follow them. It knows
 * nothing of where memory comes from: mem.c (hugepages, fall-backs), register.c (the
 * application's), or another EAL tell it.
 *
 * All functions want the memory lock (mem.h) held.
 */
#ifndef PLX_EAL_SEGMENTS_H
#define PLX_EAL_SEGMENTS_H

#include <pollux/mem.h>

/** Segments that come and go together, contiguous in VA and in IOVA. */
struct plx_run {
	struct plx_mem_segment *segments;
	size_t n;
};

/** First address and length of a run. */
uintptr_t plx_run_va(const struct plx_run *run);
size_t plx_run_len(const struct plx_run *run);

/**
 * Add a run and tell every listener; the run must stay where it is until it is removed.
 * Return: 0; -EEXIST (overlaps another), -ENOMEM, or what a listener refused with (logged); then
 * nothing is left of it.
 */
int plx_segments_add(struct plx_run *run);
/** Tell every listener, then forget the run. */
void plx_segments_remove(struct plx_run *run);

/** The run that holds an address, or NULL. */
struct plx_run *plx_segments_find(const void *va);
/** The first run that has any of [va, va + len), or NULL. */
struct plx_run *plx_segments_first(const void *va, size_t len);
/** Is any of [va, va + len) in a run? */
bool plx_segments_overlap(const void *va, size_t len);
/** The i-th run in ascending order of VA, or NULL. */
struct plx_run *plx_segments_run(size_t i);

/** What plx_mem_iova(), _walk(), _listen() and _unlisten() do. */
int plx_segments_iova(const void *va, size_t len, plx_iova_t *iova);
int plx_segments_walk(int (*fn)(const struct plx_mem_segment *segment, void *arg), void *arg);
int plx_segments_listen(struct plx_mem_listener *listener);
void plx_segments_unlisten(struct plx_mem_listener *listener);

size_t plx_segments_count(void);
size_t plx_segments_listeners(void);

/** Give back the registry's own memory; no run and no listener may be left. */
void plx_segments_fini(void);

#endif /* PLX_EAL_SEGMENTS_H */
