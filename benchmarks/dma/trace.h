/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Between start and stop QEMU logs each instruction that this guest executes (its option -D says
 * where to). Used by dma_map --trace; where.py reads the log.
 */
#ifndef BENCH_DMA_TRACE_H
#define BENCH_DMA_TRACE_H

void trace_start(void);
void trace_stop(void);

#endif
