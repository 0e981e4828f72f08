/* SPDX-License-Identifier: BSD-3-Clause */
/* QEMU's edu device (QEMU documentation, specs/edu): interrupts and DMA by register write. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <pollux/clock.h>

#include "probe.h"

#define EDU_ID		0x00
#define EDU_LIVENESS	0x04
#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_RAISE	0x60
#define EDU_IRQ_ACK	0x64
#define EDU_DMA_SRC	0x80
#define EDU_DMA_DST	0x88
#define EDU_DMA_COUNT	0x90
#define EDU_DMA_COMMAND 0x98
#define DMA_START	1u
#define DMA_TO_RAM	2u
#define EDU_BUFFER	0x40000u
#define EDU_BUFFER_LEN	4096u

#define WAIT_MS		5000
/* The device aborts QEMU on a transfer of its whole buffer (FACTS.md). */
#define CHUNK	 2048u
#define GUARD	 0xa5
#define STRAY	 0x11
#define IOVA_MAP 0x2000000ull
/* Multicast Table Array of the 82574, data sheet 10.2.5.19: memory in a page of its BAR that is not
 * the first. */
#define E1000_MTA_PAGE 0x5000u
#define E1000_MTA      0x200u

static struct plx_dev *open_edu(struct plx_as *as, const char *name, char **bar)
{
	struct plx_dev *dev = open_or_exit(as, name);

	*bar = map_or_exit(dev, PLX_REGION_BAR0);
	EXPECT(plx_mmio_read32(*bar + EDU_ID) & 0xffff, 0x00ed);
	plx_mmio_write32(*bar + EDU_LIVENESS, 0x12345678);
	EXPECT(plx_mmio_read32(*bar + EDU_LIVENESS), ~0x12345678u);
	return dev;
}

int command_edu_irq(int argc, char **argv)
{
	enum plx_irq_type type;
	struct plx_dev *dev;
	int i, count;
	char *bar;

	EXPECT(argc, 3);
	type = strcmp(argv[1], "intx") == 0 ? PLX_IRQ_INTX : PLX_IRQ_MSI;
	count = atoi(argv[2]);
	dev = open_edu(NULL, argv[0], &bar);
	EXPECT(plx_dev_bus_master(dev, true), 0);
	EXPECT(plx_dev_irq_enable(dev, type, 1), 0);
	EXPECT(plx_dev_irq_wait(dev, 0, 50), 0);
	for (i = 1; i <= count; i++) {
		plx_mmio_write32(bar + EDU_IRQ_RAISE, (uint32_t)i);
		EXPECT(plx_dev_irq_wait(dev, 0, WAIT_MS), 1);
		EXPECT(plx_mmio_read32(bar + EDU_IRQ_STATUS), i);
		/* INTx is a level: unmasked by waiting, it fires until the device is quieted. */
		EXPECT(plx_dev_irq_wait(dev, 0, 100), type == PLX_IRQ_INTX);
		plx_mmio_write32(bar + EDU_IRQ_ACK, (uint32_t)i);
		EXPECT(plx_dev_irq_wait(dev, 0, 20), 0);
		EXPECT(plx_mmio_read32(bar + EDU_IRQ_STATUS), 0);
	}
	EXPECT(plx_dev_irq_disable(dev), 0);
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}

static void dma(char *bar, uint64_t from, uint64_t to, uint32_t len, uint32_t direction)
{
	uint64_t end = plx_clock_ns() + WAIT_MS * UINT64_C(1000000);

	plx_mmio_write64(bar + EDU_DMA_SRC, from);
	plx_mmio_write64(bar + EDU_DMA_DST, to);
	plx_mmio_write64(bar + EDU_DMA_COUNT, len);
	plx_dma_wmb();
	plx_mmio_write64(bar + EDU_DMA_COMMAND, DMA_START | direction);
	while (plx_mmio_read64(bar + EDU_DMA_COMMAND) & DMA_START && plx_clock_ns() < end)
		plx_delay_us(1000);
	EXPECT(plx_mmio_read64(bar + EDU_DMA_COMMAND) & DMA_START, 0);
	plx_dma_rmb();
}

/* One chunk out and back to another place; what is beside it must not change. */
static void round_trip(char *bar, uint8_t *va, plx_iova_t iova, unsigned int seed)
{
	uint8_t *in = va + 2 * EDU_BUFFER_LEN;
	unsigned int i;

	for (i = 0; i < CHUNK; i++)
		va[i] = (uint8_t)(i * 7 + seed);
	memset(in - CHUNK, GUARD, 3 * CHUNK);
	dma(bar, iova, EDU_BUFFER, CHUNK, 0);
	dma(bar, EDU_BUFFER, iova + 2 * EDU_BUFFER_LEN, CHUNK, DMA_TO_RAM);
	EXPECT(memcmp(va, in, CHUNK), 0);
	for (i = 0; i < CHUNK; i++) {
		EXPECT(in[-1 - (int)i], GUARD);
		EXPECT(in[CHUNK + i], GUARD);
	}
}

int command_edu_dma(int argc, char **argv)
{
	size_t len = 4 * EDU_BUFFER_LEN;
	struct plx_as *as;
	struct plx_dev *dev;
	char *bar;
	void *heap, *late, *own;

	heap = plx_dma_alloc(len, 4096, PLX_NODE_ANY);
	EXPECT(heap == NULL, 0);
	dev = open_edu(NULL, argv[0], &bar);
	as = plx_dev_as(dev);
	EXPECT(plx_dev_bus_master(dev, true), 0);
	round_trip(bar, heap, plx_iova(heap), 1);
	/* Memory that the heap gets only now. */
	late = plx_dma_alloc(32u << 20, 1u << 21, PLX_NODE_ANY);
	EXPECT(late == NULL, 0);
	round_trip(bar, late, plx_iova(late), 2);
	/* Memory of the application, mapped by hand. */
	own = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(own == MAP_FAILED, 0);
	EXPECT(plx_as_map(as, own, len, IOVA_MAP, PLX_AS_RW), 0);
	round_trip(bar, own, IOVA_MAP, 3);
	EXPECT(plx_as_unmap(as, IOVA_MAP, len), 0);
	printf("heap at %p, IOVA 0x%" PRIx64 "\n", heap, plx_iova(heap));
	plx_dev_close(dev);
	plx_dma_free(late);
	plx_dma_free(heap);
	munmap(own, len);
	return EXIT_SUCCESS;
}

static void expect_bytes(const uint8_t *bytes, size_t n, uint8_t value)
{
	size_t i;

	for (i = 0; i < n; i++)
		EXPECT(bytes[i], value);
}

/* With bus mastering off, after an unmap, into a read-only mapping: nothing is written. */
int command_edu_stray(int argc, char **argv)
{
	uint8_t *own = mmap(NULL, EDU_BUFFER_LEN, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct plx_dev *dev;
	struct plx_as *as;
	char *bar;

	EXPECT(own == MAP_FAILED, 0);
	dev = open_edu(NULL, argv[0], &bar);
	as = plx_dev_as(dev);
	EXPECT(plx_as_map(as, own, EDU_BUFFER_LEN, IOVA_MAP, PLX_AS_RW), 0);
	EXPECT(plx_dev_bus_master(dev, true), 0);
	memset(own, STRAY, CHUNK);
	dma(bar, IOVA_MAP, EDU_BUFFER, CHUNK, 0);
	memset(own, GUARD, EDU_BUFFER_LEN);
	EXPECT(plx_dev_bus_master(dev, false), 0);
	dma(bar, EDU_BUFFER, IOVA_MAP, CHUNK, DMA_TO_RAM);
	expect_bytes(own, EDU_BUFFER_LEN, GUARD);
	EXPECT(plx_dev_bus_master(dev, true), 0);
	dma(bar, EDU_BUFFER, IOVA_MAP, CHUNK, DMA_TO_RAM);
	expect_bytes(own, CHUNK, STRAY);
	memset(own, GUARD, EDU_BUFFER_LEN);
	EXPECT(plx_as_unmap(as, IOVA_MAP, EDU_BUFFER_LEN), 0);
	dma(bar, EDU_BUFFER, IOVA_MAP, CHUNK, DMA_TO_RAM);
	EXPECT(plx_as_map(as, own, EDU_BUFFER_LEN, IOVA_MAP, PLX_AS_READ), 0);
	dma(bar, EDU_BUFFER, IOVA_MAP, CHUNK, DMA_TO_RAM);
	expect_bytes(own, EDU_BUFFER_LEN, GUARD);
	plx_dev_close(dev);
	munmap(own, EDU_BUFFER_LEN);
	return EXIT_SUCCESS;
}

/* A page from the middle of a BAR: what the IOMMU has must be that page. */
static void p2p_inside(struct plx_dev *from, char *from_bar, uint32_t *value, const char *name)
{
	struct plx_dev *to = open_or_exit(NULL, name);
	char *to_bar = map_or_exit(to, PLX_REGION_BAR0);
	struct plx_as *as = plx_dev_as(from);

	EXPECT(plx_dev_as(to) == as, 1);
	plx_mmio_write32(to_bar + E1000_MTA_PAGE + E1000_MTA, 0);
	EXPECT(plx_as_map(as, to_bar + E1000_MTA_PAGE, 4096, IOVA_MAP, PLX_AS_RW), 0);
	*value = 0x5eed0005;
	dma(from_bar, plx_iova(value), EDU_BUFFER, sizeof(*value), 0);
	dma(from_bar, EDU_BUFFER, IOVA_MAP + E1000_MTA, sizeof(*value), DMA_TO_RAM);
	EXPECT(plx_mmio_read32(to_bar + E1000_MTA_PAGE + E1000_MTA), 0x5eed0005u);
	EXPECT(plx_as_unmap(as, IOVA_MAP, 4096), 0);
	plx_dev_close(to);
}

/* One device writes to a register of another: its BAR, mapped by the address space. */
int command_edu_p2p(int argc, char **argv)
{
	uint32_t *value = plx_dma_zalloc(sizeof(*value), 0, PLX_NODE_ANY);
	char *from_bar, *to_bar;
	struct plx_dev *from, *to;
	struct plx_as *as;

	EXPECT(argc, 3);
	EXPECT(value == NULL, 0);
	from = open_edu(NULL, argv[0], &from_bar);
	to = open_edu(NULL, argv[1], &to_bar);
	as = plx_dev_as(from);
	EXPECT(plx_dev_as(to) == as, 1);
	EXPECT(plx_as_map(as, to_bar, 4096, IOVA_MAP, PLX_AS_RW), 0);
	EXPECT(plx_dev_bus_master(from, true), 0);
	*value = 0x0badcafe;
	dma(from_bar, plx_iova(value), EDU_BUFFER, sizeof(*value), 0);
	dma(from_bar, EDU_BUFFER, IOVA_MAP + EDU_LIVENESS, sizeof(*value), DMA_TO_RAM);
	EXPECT(plx_mmio_read32(to_bar + EDU_LIVENESS), ~0x0badcafeu);
	EXPECT(plx_as_unmap(as, IOVA_MAP, 4096), 0);
	p2p_inside(from, from_bar, value, argv[2]);
	plx_dev_close(to);
	plx_dev_close(from);
	plx_dma_free(value);
	return EXIT_SUCCESS;
}
