/* SPDX-License-Identifier: BSD-3-Clause */
/* Capability walks over configuration spaces that are right, wrong, and gone. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pci.h>

#include "runner.h"
#include "suites.h"

struct space {
	uint8_t bytes[4096];
	unsigned int reads;
	unsigned int fail_after; /* reads that work; 0: all */
};

static int space_read(void *ctx, uint32_t offset, uint32_t len, uint32_t *value)
{
	struct space *s = ctx;

	if (offset + len > sizeof(s->bytes) || offset % len)
		return -ERANGE; /* a walk must never ask for this */
	if (s->fail_after && s->reads >= s->fail_after)
		return -EIO;
	s->reads++;
	*value = 0;
	memcpy(value, s->bytes + offset, len);
	return 0;
}

static struct space space;
static struct plx_pci_config config = {.read = space_read, .ctx = &space};

static void start(uint32_t size)
{
	memset(&space, 0, sizeof(space));
	config.size = size;
	space.bytes[PLX_PCI_STATUS] = PLX_PCI_STATUS_CAPS;
}

static void cap(uint8_t at, uint8_t id, uint8_t next)
{
	space.bytes[at] = id;
	space.bytes[at + 1] = next;
}

static void ext_cap(uint32_t at, uint16_t id, uint32_t next)
{
	uint32_t header = id | 1u << 16 | next << 20;

	memcpy(space.bytes + at, &header, 4);
}

static void found(void)
{
	start(256);
	space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
	cap(0x40, PLX_PCI_CAP_PM, 0x50);
	cap(0x50, PLX_PCI_CAP_VENDOR, 0x60);
	cap(0x60, PLX_PCI_CAP_VENDOR, 0xfc);
	cap(0xfc, PLX_PCI_CAP_MSIX, 0);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_PM, 0), 0x40);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_VENDOR, 0), 0x50);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_VENDOR, 0x50), 0x60);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_VENDOR, 0x60), 0);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0), 0xfc);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_EXP, 0), 0);
}

static void no_list(void)
{
	start(256);
	space.bytes[PLX_PCI_STATUS] = 0;
	space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
	cap(0x40, PLX_PCI_CAP_PM, 0);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_PM, 0), 0);
}

static void loops(void)
{
	start(256);
	space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
	cap(0x40, PLX_PCI_CAP_PM, 0x40);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0), -ELOOP);
	UNIT_EQ(space.reads, 2 + 48);
	cap(0x40, PLX_PCI_CAP_PM, 0x80);
	cap(0x80, PLX_PCI_CAP_MSI, 0x40);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0), -ELOOP);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSI, 0x40), 0x80);
}

static void longest_list(void)
{
	unsigned int at;

	start(256);
	space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
	for (at = 0x40; at < 0xfc; at += 4)
		cap((uint8_t)at, PLX_PCI_CAP_VENDOR, (uint8_t)(at + 4));
	cap(0xfc, PLX_PCI_CAP_MSIX, 0);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0), 0xfc);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_EXP, 0), 0);
}

static void wild_pointers(void)
{
	unsigned int pointer;
	int ret;

	for (pointer = 0; pointer < 256; pointer++) {
		start(256);
		space.bytes[PLX_PCI_CAP_POINTER] = (uint8_t)pointer;
		ret = plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0);
		/* Empty space: id 0 at the pointer, and a next pointer of 0. */
		UNIT_EQ(ret, 0);
		start(256);
		space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
		cap(0x40, PLX_PCI_CAP_PM, (uint8_t)pointer);
		ret = plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0);
		UNIT_EQ(ret, pointer / 4 == 0x10 ? -ELOOP : 0);
	}
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_PM, 0x3c), -EINVAL);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_PM, 0x100), -EINVAL);
}

static void gone(void)
{
	start(4096);
	memset(space.bytes, 0xff, sizeof(space.bytes));
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_PM, 0), 0);
	UNIT_EQ(plx_pci_cap_find(&config, 0xff, 0), 0);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0), 0);
	UNIT_EQ(plx_pci_ext_cap_find(&config, 0xffff, 0), 0);
	/* Gone in the middle of a walk. */
	start(256);
	space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
	cap(0x40, PLX_PCI_CAP_PM, 0x50);
	memset(space.bytes + 0x50, 0xff, 64);
	UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0), 0);
	UNIT_EQ(space.reads, 4);
}

static void read_errors(void)
{
	unsigned int i;

	for (i = 1; i < 4; i++) {
		start(256);
		space.bytes[PLX_PCI_CAP_POINTER] = 0x40;
		cap(0x40, PLX_PCI_CAP_PM, 0x50);
		cap(0x50, PLX_PCI_CAP_MSIX, 0);
		space.fail_after = i;
		UNIT_EQ(plx_pci_cap_find(&config, PLX_PCI_CAP_MSIX, 0), -EIO);
	}
	start(4096);
	ext_cap(0x100, PLX_PCI_EXT_CAP_AER, 0x140);
	space.fail_after = 1;
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_SRIOV, 0), -EIO);
}

static void extended_found(void)
{
	start(4096);
	ext_cap(0x100, PLX_PCI_EXT_CAP_AER, 0x140);
	ext_cap(0x140, 0x0b, 0x160);
	ext_cap(0x160, 0x0b, 0xffc);
	ext_cap(0xffc, PLX_PCI_EXT_CAP_SRIOV, 0);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0), 0x100);
	UNIT_EQ(plx_pci_ext_cap_find(&config, 0x0b, 0), 0x140);
	UNIT_EQ(plx_pci_ext_cap_find(&config, 0x0b, 0x140), 0x160);
	UNIT_EQ(plx_pci_ext_cap_find(&config, 0x0b, 0x160), 0);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0x100), 0);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_SRIOV, 0), 0xffc);
	config.size = 256;
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0), 0);
}

static void extended_hostile(void)
{
	uint32_t next;

	start(4096);
	ext_cap(0x100, PLX_PCI_EXT_CAP_AER, 0x100);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_SRIOV, 0), -ELOOP);
	UNIT_EQ(space.reads, 960);
	for (next = 0; next < 0x1000; next++) {
		start(4096);
		ext_cap(0x100, PLX_PCI_EXT_CAP_AER, next);
		UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_SRIOV, 0),
			next / 4 == 0x40 ? -ELOOP : 0);
	}
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0xfc), -EINVAL);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0x102), -EINVAL);
	UNIT_EQ(plx_pci_ext_cap_find(&config, PLX_PCI_EXT_CAP_AER, 0x1000), -EINVAL);
}

/* A quick look at random spaces: the walk must end, and only ask for what is there. */
static void random_spaces(void)
{
	unsigned int seed = 20261123, i, j;
	int ret;

	for (i = 0; i < 20000; i++) {
		start(4096);
		for (j = 0; j < 256; j++)
			space.bytes[j] = (uint8_t)(rand_r(&seed) >> 8);
		for (j = 256; j < 4096; j += 4)
			ext_cap(j, (uint16_t)(rand_r(&seed) & 7), (uint32_t)rand_r(&seed) & 0xfff);
		ret = plx_pci_cap_find(&config, (uint8_t)rand_r(&seed), 0);
		CU_ASSERT(ret == 0 || ret == -ELOOP || (ret >= 0x40 && ret <= 0xfc));
		CU_ASSERT(space.reads <= 50);
		space.reads = 0;
		ret = plx_pci_ext_cap_find(&config, (uint16_t)(rand_r(&seed) & 15), 0);
		CU_ASSERT(ret == 0 || ret == -ELOOP || (ret >= 0x100 && ret <= 0xffc));
		CU_ASSERT(space.reads <= 960);
	}
}

CU_TestInfo caps_tests[] = {
	{"capabilities are found, repeated ones too", found},
	{"no list, no capability", no_list},
	{"loops end after 48 steps", loops},
	{"a list of 48 is walked to its end", longest_list},
	{"every pointer value", wild_pointers},
	{"a device that has gone", gone},
	{"read errors are passed on", read_errors},
	{"extended capabilities are found", extended_found},
	{"extended loops and every next pointer", extended_hostile},
	{"random spaces", random_spaces},
	CU_TEST_INFO_NULL,
};
