/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux MMIO and DMA ordering: the only way in which drivers touch a BAR.
 *
 * Registers are little-endian on the bus (PCIe Base Specification, and each device's data sheet);
 * the accessors convert, so callers see host order. A register is a pointer into a BAR obtained
 * from plx_dev_region_map().
 *
 * Ordering. BARs are mapped uncached, so MMIO accesses reach the device in program order among
 * themselves. What needs a barrier is MMIO against memory that the device reads or writes by DMA:
 *	fill descriptors;	plx_dma_wmb();	plx_mmio_write32(doorbell, tail);
 *	if (desc->done) {	plx_dma_rmb();	read the rest of the descriptor and its data }
 * On x86 both are compiler barriers (stores and loads are each kept in order, and an uncached store
 * does not pass earlier stores); on arm64 they are dmb oshst / dmb oshld.
 * plx_dma_mb() is the one case where x86 reorders: a store that must be visible to the device
 * before a later load (virtio event index, NVMe shadow doorbells).
 */
#ifndef POLLUX_MMIO_H
#define POLLUX_MMIO_H

#include <endian.h>

#include <pollux/common.h>

PLX_BEGIN_DECLS

#if defined(__aarch64__)
#define plx_dma_wmb() __asm__ volatile("dmb oshst" ::: "memory")
#define plx_dma_rmb() __asm__ volatile("dmb oshld" ::: "memory")
#define plx_dma_mb()  __asm__ volatile("dmb osh" ::: "memory")
#elif defined(__x86_64__)
#define plx_dma_wmb() __asm__ volatile("" ::: "memory")
#define plx_dma_rmb() __asm__ volatile("" ::: "memory")
/* A locked read-modify-write of the stack orders as mfence does, and costs less. */
#define plx_dma_mb()  __asm__ volatile("lock; addl $0,-4(%%rsp)" ::: "memory", "cc")
#else
#define plx_dma_wmb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define plx_dma_rmb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define plx_dma_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

/** Read exactly once: for memory that a device or another thread writes. */
#define PLX_READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
/** Write exactly once. */
#define PLX_WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

#define PLX_MMIO_ACCESSORS(bits)                                                                   \
	static inline uint##bits##_t plx_mmio_read##bits(const void *reg)                          \
	{                                                                                          \
		return le##bits##toh(*(const volatile uint##bits##_t *)reg);                       \
	}                                                                                          \
	static inline void plx_mmio_write##bits(void *reg, uint##bits##_t value)                   \
	{                                                                                          \
		*(volatile uint##bits##_t *)reg = htole##bits(value);                              \
	}

PLX_MMIO_ACCESSORS(16)
PLX_MMIO_ACCESSORS(32)
PLX_MMIO_ACCESSORS(64)

static inline uint8_t plx_mmio_read8(const void *reg)
{
	return *(const volatile uint8_t *)reg;
}

static inline void plx_mmio_write8(void *reg, uint8_t value)
{
	*(volatile uint8_t *)reg = value;
}

/** Two 32-bit reads or writes, low half first, for devices that do not take 64-bit accesses. */
static inline uint64_t plx_mmio_read64_lo_hi(const void *reg)
{
	uint64_t lo = plx_mmio_read32(reg);

	return lo | (uint64_t)plx_mmio_read32((const char *)reg + 4) << 32;
}

static inline void plx_mmio_write64_lo_hi(void *reg, uint64_t value)
{
	plx_mmio_write32(reg, (uint32_t)value);
	plx_mmio_write32((char *)reg + 4, (uint32_t)(value >> 32));
}

PLX_END_DECLS

#endif /* POLLUX_MMIO_H */
