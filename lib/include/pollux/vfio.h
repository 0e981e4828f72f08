/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux devices: address spaces, regions, interrupts, whatever the transport below.
 *
 * An address space (plx_as) is one set of IOVA mappings: a VFIO container with the type1 IOMMU. It
 * maps all memory of the EAL and follows it as it grows and shrinks. A device (plx_dev) belongs to
 * one address space and is regions (BARs, configuration space), interrupts (eventfds) and reset.
 * Several devices may share an address space.
 *
 *	struct plx_as *as = plx_as_open(NULL);
 *	struct plx_dev *dev = plx_dev_open(as, "0000:02:00.0");
 *	char *bar0 = plx_dev_region_map(dev, PLX_REGION_BAR0, 0, 0);
 *	plx_dev_bus_master(dev, true);
 *	...
 *	plx_dev_close(dev);
 *	plx_as_close(as);
 *
 * Drivers (<pollux/nvme.h>, <pollux/net.h>) do all of this for an application that just names a
 * device; with no address space given they share the default one.
 *
 * Thread rules: control path. Calls on one handle must not run at the same time, except that
 *  - a region that is mapped may be accessed from any thread;
 *  - plx_dev_irq_wait() may run in several threads, each on a vector of its own, while interrupts
 *    stay on;
 *  - plx_as_map(), plx_as_unmap(), and opening and closing devices of one address space lock.
 */
#ifndef POLLUX_VFIO_H
#define POLLUX_VFIO_H

#include <pollux/common.h>
#include <pollux/pci.h>

PLX_BEGIN_DECLS

struct plx_as;
struct plx_dev;

/* --- Address spaces ------------------------------------------------------------------------- */

struct plx_as_config {
	bool no_heap; /**< do not map the EAL's memory: only what plx_as_map() is given */
};

/**
 * Open an address space. Mappings come about when the first device is attached (a VFIO container
 * has no IOMMU before), and go with the last.
 * Return: NULL with errno ENODEV (EAL not up; not needed with no_heap), ENOENT (/dev/vfio/vfio is
 * not there: load vfio-pci), EACCES, EPROTONOSUPPORT (unknown VFIO API version, or no type1),
 * ENOMEM.
 */
PLX_API struct plx_as *plx_as_open(const struct plx_as_config *config);
/** Close it; every device of it must be closed before. Return: 0 or -EBUSY (nothing changed). */
PLX_API int plx_as_close(struct plx_as *as);
/**
 * The address space that drivers use when none is named: opened by the first get, closed by the
 * last put.
 */
PLX_API struct plx_as *plx_as_default_get(void);
PLX_API void plx_as_default_put(struct plx_as *as);

/** May the device read, write? */
enum plx_as_prot {
	PLX_AS_READ = 1,
	PLX_AS_WRITE = 2,
	PLX_AS_RW = 3,
};

/**
 * Map [va, va + len) of this process at iova: memory or a mapped BAR of another device (peer to
 * peer). All multiples of the smallest IOMMU page. Memory of the EAL is mapped already.
 * Return: 0; -EINVAL (alignment, wrap, outside the usable ranges), -EEXIST (overlap), -ENOMEM
 * (RLIMIT_MEMLOCK: the log prints the limit that would do), -ENOSPC (the kernel's
 * dma_entry_limit: the log says how to raise it), -EFAULT (not mapped, or not writable), -ENODEV
 * (no device attached yet).
 */
PLX_API int plx_as_map(struct plx_as *as, void *va, size_t len, plx_iova_t iova,
		       enum plx_as_prot prot);
/**
 * Unmap exactly what one plx_as_map() mapped. The size that the kernel reports back is checked.
 * Return: 0; -ENOENT (nothing or something else is mapped there), or the kernel's error.
 */
PLX_API int plx_as_unmap(struct plx_as *as, plx_iova_t iova, size_t len);

/** A usable range of IOVAs, both ends included. */
struct plx_iova_range {
	plx_iova_t first, last;
};
/** Up to n usable ranges, ascending, into ranges. Return: how many there are in all, or -ENODEV. */
PLX_API int plx_as_ranges(struct plx_as *as, struct plx_iova_range *ranges, size_t n);

struct plx_as_stats {
	uint64_t mappings;     /**< live */
	uint64_t mapped_bytes; /**< live */
	uint64_t map_calls;    /**< ioctls so far */
	uint64_t unmap_calls;
	uint64_t short_unmaps; /**< the kernel reported another size than asked: never good */
	uint64_t page_sizes;   /**< bit mask of IOMMU page sizes, as the kernel reports it */
	uint32_t dma_avail; /**< mappings that the kernel still allows; UINT32_MAX if not known */
};
PLX_API void plx_as_stats_get(struct plx_as *as, struct plx_as_stats *stats);

/* --- Devices -------------------------------------------------------------------------------- */

enum plx_region {
	PLX_REGION_BAR0 = 0,
	PLX_REGION_BAR1,
	PLX_REGION_BAR2,
	PLX_REGION_BAR3,
	PLX_REGION_BAR4,
	PLX_REGION_BAR5,
	PLX_REGION_ROM,
	PLX_REGION_CONFIG,
	PLX_REGION_VGA,
};

enum plx_irq_type {
	PLX_IRQ_INTX = 0,
	PLX_IRQ_MSI,
	PLX_IRQ_MSIX,
};

struct plx_dev_info {
	char name[64];		   /**< as it was opened, e.g. "0000:02:00.0": for messages */
	struct plx_pci_device pci; /**< ids from the device's own configuration space */
	bool can_reset;
	unsigned int num_regions;
	unsigned int num_irqs[3]; /**< vectors, by enum plx_irq_type; 0: not supported */
};

/**
 * Open a device.
 * @as: NULL: the default address space
 * @name: a PCI address ("0000:02:00.0", "02:00.0") of a device bound to vfio-pci
 * The device comes with bus mastering off and has been reset where it can be.
 * Return: NULL with errno EINVAL (bad name), ENODEV (no such device), ENXIO (no IOMMU group), EPERM
 * (its group is not viable: the log names each blocking member and its driver; or its interrupts
 * are not isolated), EBUSY (group held by another process or address space: the log names it where
 * it can be found; or the device is open here already), EACCES (no permission on /dev/vfio/N),
 * EMEDIUMTYPE (not bound to a VFIO driver: the log says how to bind it), EIO (it does not answer),
 * EPROTO (what it says of itself makes no sense), ENOMEM/ENOSPC/EINVAL (its address space could not
 * map the EAL's memory: the log says why).
 */
PLX_API struct plx_dev *plx_dev_open(struct plx_as *as, const char *name);
/**
 * Close: bus mastering off, interrupts off, regions unmapped, group released when it was the last
 * device in it. Pointers into its regions are invalid from here on.
 */
PLX_API void plx_dev_close(struct plx_dev *dev);

PLX_API const struct plx_dev_info *plx_dev_info(const struct plx_dev *dev);
PLX_API struct plx_as *plx_dev_as(const struct plx_dev *dev);

/** Size of a region in bytes, 0 if it does not exist. */
PLX_API uint64_t plx_dev_region_size(const struct plx_dev *dev, enum plx_region region);
/**
 * Map [offset, offset + len) of a region; len 0: to its end. Memory decoding is switched on. The
 * mapping lasts until plx_dev_close(); mapping the same region again gives the same addresses.
 * Areas that the kernel does not let be mapped (sparse-mmap capability) cannot be part of it.
 * Return: NULL with errno EINVAL (past the end, no such region), ENOTSUP (region or area not
 * mappable: use read/write), or mmap's.
 */
PLX_API void *plx_dev_region_map(struct plx_dev *dev, enum plx_region region, uint64_t offset,
				 uint64_t len);
/**
 * Access by system call: any region, width = len when 1, 2, 4 or 8. Return: 0 or a negative errno.
 */
PLX_API int plx_dev_region_read(struct plx_dev *dev, enum plx_region region, uint64_t offset,
				void *buf, size_t len);
PLX_API int plx_dev_region_write(struct plx_dev *dev, enum plx_region region, uint64_t offset,
				 const void *buf, size_t len);
/** The device's configuration space for plx_pci_cap_find() and friends; valid until close. */
PLX_API const struct plx_pci_config *plx_dev_config(struct plx_dev *dev);
/** Allow or forbid DMA by the device (Command register, Bus Master Enable). */
PLX_API int plx_dev_bus_master(struct plx_dev *dev, bool on);
/**
 * Function-level (or whatever the kernel has) reset. Registers and interrupts are lost, bus
 * mastering is off afterwards; region mappings stay. Return: 0, -ENOTSUP, or the kernel's error.
 */
PLX_API int plx_dev_reset(struct plx_dev *dev);

/* --- Interrupts ----------------------------------------------------------------------------- */

/** The best type that the device has: MSI-X, else MSI, else INTx. -ENODEV if none. */
PLX_API int plx_dev_irq_best(const struct plx_dev *dev);
/**
 * Switch on `count` vectors of a type, each with an eventfd of its own (non-blocking,
 * close-on-exec). One type at a time. Return: 0; -EINVAL (more than the device has, or another type
 * is on), -ENOSPC (the machine has not that many vectors left), or the kernel's error.
 */
PLX_API int plx_dev_irq_enable(struct plx_dev *dev, enum plx_irq_type type, unsigned int count);
PLX_API int plx_dev_irq_disable(struct plx_dev *dev);
/** The eventfd of a vector, owned by the device: poll it, read it; -EINVAL if not enabled. */
PLX_API int plx_dev_irq_fd(const struct plx_dev *dev, unsigned int vector);
/**
 * Let a level-triggered INTx fire again: the kernel masks it when it fires. For those who poll the
 * eventfd themselves; nothing to do for MSI and MSI-X. Return: 0, -EINVAL (no interrupts are on),
 * or the kernel's error.
 */
PLX_API int plx_dev_irq_unmask(struct plx_dev *dev);
/**
 * Sleep until the vector fires or timeout_ms passes (-1: for ever), and clear its eventfd. An INTx
 * that has not fired yet is unmasked first. Return: 1 fired, 0 timed out, -EINTR, or
 * another negative errno.
 */
PLX_API int plx_dev_irq_wait(struct plx_dev *dev, unsigned int vector, int timeout_ms);

/* --- Events --------------------------------------------------------------------------------- */

enum plx_dev_event {
	PLX_DEV_EVENT_REMOVE = 1, /**< the host asks for the device back (unbind, hot unplug) */
	PLX_DEV_EVENT_ERROR = 2,  /**< an uncorrectable error (AER): reset before further use */
};
/** A pollable fd that becomes readable when there is an event; owned by the device. */
PLX_API int plx_dev_event_fd(const struct plx_dev *dev);
/** Take pending events. Return: bit mask of enum plx_dev_event, 0 if none. Never blocks. */
PLX_API int plx_dev_events(struct plx_dev *dev);

PLX_END_DECLS

#endif /* POLLUX_VFIO_H */
