/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices as such: info, hold, reset, config. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pollux/clock.h>

#include "probe.h"

#define DEVICES_MAX 16

/* NVM Express Base 3.1: controller registers, and a configuration that makes it ready. */
#define NVME_CC	      0x14
#define NVME_CSTS     0x1c
#define NVME_AQA      0x24
#define NVME_ASQ      0x28
#define NVME_ACQ      0x30
#define CC_ENABLE     0x00460001 /* entries of 64 and 16 bytes, 4 KiB pages */
#define CSTS_READY    1
#define READY_TRIES   2000
#define ADMIN_ENTRIES 0x001f001f /* 32 each, less one */

static void print_device(const struct plx_dev *dev)
{
	const struct plx_dev_info *info = plx_dev_info(dev);
	int i;

	printf("%s: %04x:%04x class %06x group %d reset %d irqs %u %u %u\n", info->name,
	       info->pci.vendor, info->pci.device, info->pci.class_code, info->pci.group,
	       info->can_reset, info->num_irqs[PLX_IRQ_INTX], info->num_irqs[PLX_IRQ_MSI],
	       info->num_irqs[PLX_IRQ_MSIX]);
	for (i = PLX_REGION_BAR0; i <= PLX_REGION_VGA; i++)
		if (plx_dev_region_size(dev, (enum plx_region)i))
			printf("%s: region %d: %" PRIu64 "\n", info->name, i,
			       plx_dev_region_size(dev, (enum plx_region)i));
}

static void print_as(struct plx_as *as)
{
	struct plx_iova_range ranges[8];
	struct plx_as_stats stats;
	int i, n = plx_as_ranges(as, ranges, 8);

	for (i = 0; i < n && i < 8; i++)
		printf("range 0x%" PRIx64 "-0x%" PRIx64 "\n", ranges[i].first, ranges[i].last);
	plx_as_stats_get(as, &stats);
	printf("mappings %" PRIu64 " bytes %" PRIu64 " calls %" PRIu64 " pages 0x%" PRIx64
	       " available %" PRIu32 "\n",
	       stats.mappings, stats.mapped_bytes, stats.map_calls, stats.page_sizes,
	       stats.dma_avail);
	EXPECT(stats.short_unmaps, 0);
}

static int open_fds(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 256; fd++)
		n += poll(&(struct pollfd){.fd = fd}, 1, 0) == 0;
	return n;
}

int command_info(int argc, char **argv)
{
	struct plx_dev *devs[DEVICES_MAX];
	int i, round, fds;
	struct plx_as *as;
	void *heap;

	EXPECT(argc <= DEVICES_MAX, 1);
	heap = plx_dma_alloc(1u << 21, 0, PLX_NODE_ANY);
	EXPECT(heap == NULL, 0);
	fds = open_fds();
	for (round = 0; round < 2; round++) {
		as = plx_as_open(NULL);
		if (!as) {
			printf("address space: %s\n", strerrorname_np(errno));
			return EXIT_FAILURE;
		}
		for (i = 0; i < argc; i++)
			devs[i] = open_or_exit(as, argv[i]);
		for (i = 0; i < argc; i++)
			print_device(devs[i]);
		print_as(as);
		EXPECT(plx_as_close(as), -EBUSY);
		for (i = 0; i < argc; i++)
			plx_dev_close(devs[i]);
		EXPECT(plx_as_close(as), 0);
	}
	/* And once in the default address space. */
	plx_dev_close(open_or_exit(NULL, argv[0]));
	EXPECT(open_fds(), fds);
	plx_dma_free(heap);
	return EXIT_SUCCESS;
}

static volatile sig_atomic_t stop;

static void on_term(int number)
{
	stop = 1;
}

int command_hold(int argc, char **argv)
{
	struct plx_dev *dev = open_or_exit(NULL, argv[0]);
	struct sigaction action = {.sa_handler = on_term};
	struct pollfd event = {.fd = plx_dev_event_fd(dev), .events = POLLIN};
	int events;

	sigaction(SIGTERM, &action, NULL);
	plx_dev_bus_master(dev, true);
	printf("holding %s\n", argv[0]);
	while (!stop) {
		if (poll(&event, 1, 200) <= 0)
			continue;
		events = plx_dev_events(dev);
		if (events & PLX_DEV_EVENT_ERROR)
			printf("event: error\n");
		if (events & PLX_DEV_EVENT_REMOVE) {
			printf("event: remove\n");
			stop = 1;
		}
	}
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}

static uint32_t command_register(struct plx_dev *dev)
{
	const struct plx_pci_config *config = plx_dev_config(dev);
	uint32_t value;

	EXPECT(config->read(config->ctx, PLX_PCI_COMMAND, 2, &value), 0);
	return value;
}

static void make_ready(char *bar)
{
	unsigned int i;

	plx_mmio_write32(bar + NVME_AQA, ADMIN_ENTRIES);
	plx_mmio_write64(bar + NVME_ASQ, 0x1000000); /* never used: no doorbell is rung */
	plx_mmio_write64(bar + NVME_ACQ, 0x1001000);
	plx_mmio_write32(bar + NVME_CC, CC_ENABLE);
	for (i = 0; i < READY_TRIES && !(plx_mmio_read32(bar + NVME_CSTS) & CSTS_READY); i++)
		plx_delay_us(1000);
	EXPECT(plx_mmio_read32(bar + NVME_CSTS) & CSTS_READY, CSTS_READY);
}

int command_reset(int argc, char **argv)
{
	struct plx_dev *dev = open_or_exit(NULL, argv[0]);
	char *bar = map_or_exit(dev, PLX_REGION_BAR0);

	EXPECT(plx_dev_info(dev)->can_reset, 1);
	EXPECT(command_register(dev) & PLX_PCI_COMMAND_MASTER, 0);
	EXPECT(plx_dev_bus_master(dev, true), 0);
	EXPECT(command_register(dev) & PLX_PCI_COMMAND_MASTER, PLX_PCI_COMMAND_MASTER);
	EXPECT(plx_dev_irq_enable(dev, PLX_IRQ_MSIX, 4), 0);
	make_ready(bar);
	EXPECT(plx_dev_reset(dev), 0);
	EXPECT(plx_mmio_read32(bar + NVME_CSTS), 0);
	EXPECT(plx_mmio_read32(bar + NVME_CC), 0);
	EXPECT(command_register(dev) & PLX_PCI_COMMAND_MASTER, 0);
	EXPECT(command_register(dev) & PLX_PCI_COMMAND_MEMORY, PLX_PCI_COMMAND_MEMORY);
	EXPECT(plx_dev_irq_fd(dev, 0), -EINVAL);
	EXPECT(plx_dev_irq_enable(dev, PLX_IRQ_MSIX, 4), 0);
	make_ready(bar);
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}

int command_config(int argc, char **argv)
{
	struct plx_dev *dev = open_or_exit(NULL, argv[0]);
	const struct plx_pci_config *vfio = plx_dev_config(dev);
	struct plx_pci_config sysfs;
	uint32_t a, b, offset;
	int id, at;

	EXPECT(plx_pci_config_open(&plx_dev_info(dev)->pci.addr, &sysfs), 0);
	EXPECT(vfio->size, sysfs.size);
	for (offset = 0; offset < 4; offset += 2) {
		EXPECT(vfio->read(vfio->ctx, offset, 2, &a), 0);
		EXPECT(sysfs.read(sysfs.ctx, offset, 2, &b), 0);
		EXPECT(a, b);
	}
	for (id = 1; id < 0x20; id++) {
		at = plx_pci_cap_find(vfio, (uint8_t)id, 0);
		if (at > 0) {
			printf("capability %02x at %02x\n", id, at);
			EXPECT(plx_pci_cap_find(&sysfs, (uint8_t)id, 0), at);
		}
	}
	/* What the user may not do: move a BAR on the bus. */
	EXPECT(sysfs.read(sysfs.ctx, PLX_PCI_BAR0, 4, &a), 0);
	EXPECT(vfio->write(vfio->ctx, PLX_PCI_BAR0, 4, 0xdead0000), 0);
	EXPECT(sysfs.read(sysfs.ctx, PLX_PCI_BAR0, 4, &b), 0);
	EXPECT(a, b);
	plx_pci_config_close(&sysfs);
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}

/* 82574L data sheet, 10.2: the I/O BAR is a window on the registers, an address and a data word. */
#define E1000E_STATUS 0x0008
#define IO_ADDR	      0
#define IO_DATA	      4

static uint64_t read_region(struct plx_dev *dev, enum plx_region region, uint64_t at, size_t len)
{
	uint64_t value = 0;

	EXPECT(plx_dev_region_read(dev, region, at, &value, len), 0);
	return value;
}

int command_regions(int argc, char **argv)
{
	struct plx_dev *dev = open_or_exit(NULL, argv[0]);
	char *bar = map_or_exit(dev, PLX_REGION_BAR0);
	uint64_t size = plx_dev_region_size(dev, PLX_REGION_BAR0);
	uint32_t value = E1000E_STATUS, status = plx_mmio_read32(bar + E1000E_STATUS);

	EXPECT(status == 0 || status == UINT32_MAX, 0);
	EXPECT(read_region(dev, PLX_REGION_BAR0, E1000E_STATUS, 4), status);
	EXPECT(plx_dev_region_write(dev, PLX_REGION_BAR2, IO_ADDR, &value, 4), 0);
	EXPECT(read_region(dev, PLX_REGION_BAR2, IO_ADDR, 4), E1000E_STATUS);
	EXPECT(read_region(dev, PLX_REGION_BAR2, IO_DATA, 4), status);
	EXPECT(plx_dev_region_map(dev, PLX_REGION_BAR2, 0, 0) == NULL, 1);
	EXPECT(errno, ENOTSUP);
	EXPECT(plx_dev_region_map(dev, PLX_REGION_BAR0, size, 4) == NULL, 1);
	EXPECT(errno, EINVAL);
	EXPECT(plx_dev_region_read(dev, PLX_REGION_BAR0, size - 2, &value, 4), -EINVAL);
	EXPECT(plx_dev_region_read(dev, PLX_REGION_BAR5, 0, &value, 4), -EINVAL);
	EXPECT(plx_dev_region_map(dev, PLX_REGION_BAR0, 0, 4) == bar, 1);
	/* Configuration space by each width. */
	EXPECT(read_region(dev, PLX_REGION_CONFIG, 0, 4), 0x10d38086);
	EXPECT(read_region(dev, PLX_REGION_CONFIG, 2, 2), 0x10d3);
	EXPECT(read_region(dev, PLX_REGION_CONFIG, 1, 1), 0x80);
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}

/*
 * With memory access switched off the kernel takes the BAR's pages away, and each access raises
 * SIGBUS, as it does while a device is reset by somebody else, or sleeps.
 */
int command_bar_off(int argc, char **argv)
{
	struct plx_dev *dev = open_or_exit(NULL, argv[0]);
	const struct plx_pci_config *config = plx_dev_config(dev);
	char *bar = map_or_exit(dev, PLX_REGION_BAR0);
	uint32_t command = command_register(dev), status = plx_mmio_read32(bar + E1000E_STATUS);

	EXPECT(status == UINT32_MAX, 0);
	EXPECT(config->write(config->ctx, PLX_PCI_COMMAND, 2, command & ~PLX_PCI_COMMAND_MEMORY),
	       0);
	EXPECT(plx_mmio_read32(bar + E1000E_STATUS), UINT32_MAX);
	plx_mmio_write32(bar + E1000E_STATUS, 0);
	/* Another page of it, by a write first. */
	plx_mmio_write32(bar + 2 * sysconf(_SC_PAGESIZE), 0);
	EXPECT(plx_mmio_read32(bar + 2 * sysconf(_SC_PAGESIZE) + 4), UINT32_MAX);
	plx_dev_close(dev);
	/* Opened anew it is as before. */
	dev = open_or_exit(NULL, argv[0]);
	bar = map_or_exit(dev, PLX_REGION_BAR0);
	EXPECT(plx_mmio_read32(bar + E1000E_STATUS), status);
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}
