/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * See device.h. The clock counts milliseconds in 48 bits: a token is in the upper ones, so that
 * the time which passes between setting and getting it does not change it.
 */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "nvme_regs.h"
#include "space.h"

#define QUEUE_ENTRIES	    16
#define COMPLETION_QUEUE    PAGE
#define DATA		    (2 * PAGE)
#define COMMAND_REGISTER    0x04
#define COMMAND_MEM_MASTER  0x06
#define TIMEOUT		    30.0 /* seconds */

#define OPCODE_SET_FEATURES 0x09
#define OPCODE_GET_FEATURES 0x0a
#define FEATURE_TIMESTAMP   0x0e

#define TOKEN_SHIFT	    24 /* 4 hours and a half */
#define TOKEN_MASK	    ((1UL << DEVICE_TOKEN_BITS) - 1)

struct command {
	uint8_t opcode, flags;
	uint16_t id;
	uint32_t nsid, reserved[4];
	uint64_t prp[2];
	uint32_t word[6];
};

_Static_assert(sizeof(struct command) == 64, "size of a command");

struct completion {
	uint32_t result, reserved;
	uint16_t sq_head, sq_id, id;
	uint16_t status; /* bit 0: phase */
};

/* ---- registers ---- */

static uint32_t reg_get(const struct device *d, size_t offset)
{
	return *(volatile uint32_t *)(d->bar + offset);
}

static void reg_set(struct device *d, size_t offset, uint32_t value)
{
	*(volatile uint32_t *)(d->bar + offset) = value;
}

static void reg_set64(struct device *d, size_t offset, uint64_t value)
{
	reg_set(d, offset, (uint32_t)value);
	reg_set(d, offset + 4, (uint32_t)(value >> 32));
}

static void wait_ready(struct device *d, uint32_t ready)
{
	double end = seconds() + TIMEOUT;

	while ((reg_get(d, NVME_CSTS) & NVME_CSTS_RDY) != ready)
		if (seconds() > end)
			die("the controller does not become ready");
}

/* ---- life ---- */

void device_map(struct device *d)
{
	EXPECT(space_map(d->raw.container, d->memory, DEVICE_IOVA, DEVICE_PAGES * PAGE, MAP_RW), 0);
}

static void device_enable(struct device *d)
{
	config_set(d->raw.device, COMMAND_REGISTER, 2, COMMAND_MEM_MASTER);
	reg_set(d, NVME_CC, 0);
	wait_ready(d, 0);
	reg_set(d, NVME_AQA,
		NVME_PUT(QUEUE_ENTRIES - 1, NVME_AQA_ASQS) |
			NVME_PUT(QUEUE_ENTRIES - 1, NVME_AQA_ACQS));
	reg_set64(d, NVME_ASQ, DEVICE_IOVA);
	reg_set64(d, NVME_ACQ, DEVICE_IOVA + COMPLETION_QUEUE);
	reg_set(d, NVME_CC, NVME_CC_EN | NVME_PUT(6, NVME_CC_IOSQES) | NVME_PUT(4, NVME_CC_IOCQES));
	wait_ready(d, NVME_CSTS_RDY);
}

void device_open(struct device *d, const char *name)
{
	uint64_t offset;

	*d = (struct device){.phase = 1};
	raw_open(&d->raw, name);
	offset = raw_region(d->raw.device, VFIO_PCI_BAR0_REGION_INDEX, &d->bar_size);
	d->bar = mmap(NULL, d->bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, d->raw.device,
		      (off_t)offset);
	if (d->bar == MAP_FAILED)
		die("mmap of the registers");
	/* A child process must not share what the device reads. */
	d->memory = memory_anon(DEVICE_PAGES * PAGE);
	madvise(d->memory, DEVICE_PAGES * PAGE, MADV_DONTFORK);
	device_map(d);
	device_enable(d);
}

void device_close(struct device *d)
{
	reg_set(d, NVME_CC, 0);
	wait_ready(d, 0);
	munmap(d->bar, d->bar_size);
	munmap(d->memory, DEVICE_PAGES * PAGE);
	raw_close(&d->raw);
}

/* ---- commands ---- */

static void device_command(struct device *d, uint8_t opcode, uint64_t iova)
{
	volatile struct completion *done =
		(volatile struct completion *)(d->memory + COMPLETION_QUEUE) + d->head;
	struct command command = {
		.opcode = opcode,
		.id = (uint16_t)d->tail,
		.prp = {iova},
		.word = {FEATURE_TIMESTAMP},
	};
	double end = seconds() + TIMEOUT;

	memcpy(d->memory + d->tail * sizeof(command), &command, sizeof(command));
	d->tail = (d->tail + 1) % QUEUE_ENTRIES;
	/* The device must find the command when it is told to look. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	reg_set(d, NVME_DOORBELLS, d->tail);
	while ((done->status & 1) != d->phase)
		if (seconds() > end)
			die("the controller does not complete a command");
	/* What it wrote is read after its completion. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	d->head = (d->head + 1) % QUEUE_ENTRIES;
	d->phase ^= !d->head;
	reg_set(d, NVME_DOORBELLS + 4, d->head);
}

uint64_t device_token_bytes(uint64_t token)
{
	return (token & TOKEN_MASK) << TOKEN_SHIFT;
}

uint64_t device_bytes_token(uint64_t bytes)
{
	return bytes >> TOKEN_SHIFT & TOKEN_MASK;
}

void device_write(struct device *d, uint64_t iova, uint64_t token)
{
	*(volatile uint64_t *)(d->memory + DATA) = device_token_bytes(token);
	device_command(d, OPCODE_SET_FEATURES, DEVICE_IOVA + DATA);
	device_command(d, OPCODE_GET_FEATURES, iova);
}

uint64_t device_read(struct device *d, uint64_t iova)
{
	device_command(d, OPCODE_SET_FEATURES, iova);
	device_command(d, OPCODE_GET_FEATURES, DEVICE_IOVA + DATA);
	return device_bytes_token(*(volatile uint64_t *)(d->memory + DATA));
}
