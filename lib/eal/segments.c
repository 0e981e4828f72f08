/* SPDX-License-Identifier: BSD-3-Clause */
/* The registry of runs of segments and of their listeners; see segments.h. */
#include "eal/segments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/log.h>

PLX_LOG_USE(eal);

static struct plx_run **runs; /* ascending by VA */
static size_t run_count, run_room;
static struct plx_mem_listener *listeners;

uintptr_t plx_run_va(const struct plx_run *run)
{
	return (uintptr_t)run->segments[0].va;
}

static uintptr_t run_last(const struct plx_run *run)
{
	const struct plx_mem_segment *segment = &run->segments[run->n - 1];

	return (uintptr_t)segment->va + (segment->len - 1);
}

size_t plx_run_len(const struct plx_run *run)
{
	return run_last(run) - plx_run_va(run) + 1;
}

/* The index of the first run that ends at or after va. */
static size_t position(uintptr_t va)
{
	size_t lo = 0, hi = run_count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (run_last(runs[mid]) < va)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct plx_run *plx_segments_run(size_t i)
{
	return i < run_count ? runs[i] : NULL;
}

struct plx_run *plx_segments_find(const void *va)
{
	size_t at = position((uintptr_t)va);

	return at < run_count && plx_run_va(runs[at]) <= (uintptr_t)va ? runs[at] : NULL;
}

struct plx_run *plx_segments_first(const void *va, size_t len)
{
	size_t at = position((uintptr_t)va);

	return at < run_count && plx_run_va(runs[at]) <= (uintptr_t)va + (len - 1) ? runs[at]
										   : NULL;
}

bool plx_segments_overlap(const void *va, size_t len)
{
	return plx_segments_first(va, len) != NULL;
}

/* --- Runs ------------------------------------------------------------------------------------ */

static void tell_removed(struct plx_mem_listener *until, const struct plx_run *run)
{
	struct plx_mem_listener *l;

	for (l = listeners; l != until; l = l->next)
		l->remove(l, run->segments, run->n);
}

static int tell_added(const struct plx_run *run)
{
	struct plx_mem_listener *l;
	int err;

	for (l = listeners; l; l = l->next) {
		err = l->add(l, run->segments, run->n);
		if (err) {
			tell_removed(l, run);
			PLX_ERR(eal,
				"memory %p, %zu KiB: refused by an address space (%s), so it is "
				"not "
				"used; the line before says why",
				run->segments[0].va, plx_run_len(run) / 1024,
				strerror(err < 0 ? -err : EIO));
			return err < 0 ? err : -EIO;
		}
	}
	return 0;
}

static int make_room(void)
{
	size_t room = run_room ? 2 * run_room : 16;
	struct plx_run **bigger;

	if (run_count < run_room)
		return 0;
	bigger = reallocarray(runs, room, sizeof(*runs));
	if (!bigger)
		return -ENOMEM;
	runs = bigger;
	run_room = room;
	return 0;
}

static void take_out(size_t at)
{
	run_count--;
	memmove(&runs[at], &runs[at + 1], (run_count - at) * sizeof(*runs));
}

int plx_segments_add(struct plx_run *run)
{
	size_t at = position(plx_run_va(run));
	int err;

	if (plx_segments_overlap(run->segments[0].va, plx_run_len(run)))
		return -EEXIST;
	err = make_room();
	if (err)
		return err;
	memmove(&runs[at + 1], &runs[at], (run_count - at) * sizeof(*runs));
	runs[at] = run;
	run_count++;
	err = tell_added(run);
	if (err)
		take_out(at);
	return err;
}

void plx_segments_remove(struct plx_run *run)
{
	size_t at = position(plx_run_va(run));

	tell_removed(NULL, run);
	take_out(at);
}

/* --- Questions ------------------------------------------------------------------------------- */

static const struct plx_mem_segment *segment_in(const struct plx_run *run, uintptr_t va)
{
	const struct plx_mem_segment *segment = run->segments;

	while (va - (uintptr_t)segment->va >= segment->len)
		segment++;
	return segment;
}

int plx_segments_iova(const void *va, size_t len, plx_iova_t *iova)
{
	uintptr_t first = (uintptr_t)va, last = first + (len - 1);
	const struct plx_mem_segment *segment;
	size_t at = position(first);
	plx_iova_t base;

	*iova = PLX_IOVA_BAD;
	if (len == 0 || last < first || !plx_segments_find(va))
		return -EFAULT;
	segment = segment_in(runs[at], first);
	base = segment->iova - (uintptr_t)segment->va;
	/* A range may span runs that happen to be neighbours in both spaces. */
	while (run_last(runs[at]) < last) {
		uintptr_t next = run_last(runs[at]) + 1;

		at++;
		if (at == run_count || plx_run_va(runs[at]) != next ||
		    runs[at]->segments[0].iova - next != base)
			return -EFAULT;
	}
	*iova = base + first;
	return 0;
}

int plx_segments_walk(int (*fn)(const struct plx_mem_segment *segment, void *arg), void *arg)
{
	size_t i, k;
	int ret = 0;

	for (i = 0; i < run_count && !ret; i++)
		for (k = 0; k < runs[i]->n && !ret; k++)
			ret = fn(&runs[i]->segments[k], arg);
	return ret;
}

size_t plx_segments_count(void)
{
	size_t i, n = 0;

	for (i = 0; i < run_count; i++)
		n += runs[i]->n;
	return n;
}

/* --- Listeners ------------------------------------------------------------------------------- */

size_t plx_segments_listeners(void)
{
	struct plx_mem_listener *l;
	size_t n = 0;

	for (l = listeners; l; l = l->next)
		n++;
	return n;
}

int plx_segments_listen(struct plx_mem_listener *listener)
{
	size_t i;
	int err;

	for (i = 0; i < run_count; i++) {
		err = listener->add(listener, runs[i]->segments, runs[i]->n);
		if (err) {
			while (i-- > 0)
				listener->remove(listener, runs[i]->segments, runs[i]->n);
			return err;
		}
	}
	listener->next = listeners;
	listeners = listener;
	return 0;
}

void plx_segments_unlisten(struct plx_mem_listener *listener)
{
	struct plx_mem_listener **at;
	size_t i;

	for (at = &listeners; *at && *at != listener; at = &(*at)->next)
		;
	if (!*at)
		return;
	*at = listener->next;
	for (i = run_count; i-- > 0;)
		listener->remove(listener, runs[i]->segments, runs[i]->n);
}

void plx_segments_fini(void)
{
	free(runs);
	runs = NULL;
	run_room = 0;
}
