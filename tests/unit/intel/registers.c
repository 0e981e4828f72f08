/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Registers with a will of their own: the parts of the driver that wait for a register are compiled
 * into this file, and read through reg_stuck(), so that a bit can refuse to change.
 */
#include <pollux/mmio.h>

static uint32_t stuck_read(const void *address);

#define plx_mmio_read32(address) stuck_read(address)

#include "net/intel/hw.c"
#include "net/intel/queue.c"

#include "fixture.h"

static struct {
	uint32_t reg, zero, one;
} stuck;

static uint32_t stuck_read(const void *address)
{
	uint32_t value = (plx_mmio_read32)(address);

	if (stuck.reg && address == fx.bar + stuck.reg)
		return (value & ~stuck.zero) | stuck.one;
	return value;
}

void reg_stuck(uint32_t reg, uint32_t zero, uint32_t one)
{
	stuck.reg = reg;
	stuck.zero = zero;
	stuck.one = one;
}
