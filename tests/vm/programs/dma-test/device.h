/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device that reads and writes 8 bytes wherever it is told: an NVMe SSD, of which only the
 * admin queue and its clock (the feature Timestamp) are used.
 */
#ifndef DMA_TEST_DEVICE_H
#define DMA_TEST_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include "raw.h"

#define DEVICE_IOVA  (2UL << 30) /* of what it needs itself; three pages */
#define DEVICE_PAGES 3

/**
 * struct device - an SSD in use
 * @raw: its container, group and file
 * @bar: its registers
 * @bar_size: bytes
 * @memory: submission queue, completion queue, a page of data; mapped at DEVICE_IOVA
 * @tail: of the submission queue
 * @head: of the completion queue
 * @phase: of the next completion
 */
struct device {
	struct raw raw;
	char *bar;
	uint64_t bar_size;
	char *memory;
	unsigned int tail;
	unsigned int head;
	unsigned int phase;
};

/* Each ends the program with a message if the device does not do as it is told. */
void device_open(struct device *d, const char *name);
void device_close(struct device *d);

/* Map its memory again, after all was unmapped. */
void device_map(struct device *d);

/*
 * Let it write a token, of DEVICE_TOKEN_BITS and not 0, to an IOVA; or read one there. What the
 * IOMMU blocks is not written, and reads 0.
 */
#define DEVICE_TOKEN_BITS 23
void device_write(struct device *d, uint64_t iova, uint64_t token);
uint64_t device_read(struct device *d, uint64_t iova);

/* The 8 bytes that stand for a token, and back. */
uint64_t device_token_bytes(uint64_t token);
uint64_t device_bytes_token(uint64_t bytes);

#endif
