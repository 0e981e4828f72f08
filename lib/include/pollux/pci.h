/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux PCI: what is on the bus, read from sysfs; configuration space by name; which driver a
 * device is bound to, and changing that.
 *
 *	static int show(const struct plx_pci_device *d, void *arg)
 *	{
 *		char bdf[PLX_PCI_BDF_LEN];
 *		printf("%s %04x:%04x %s\n", plx_pci_bdf(&d->addr, bdf), d->vendor, d->device,
 *		       d->driver[0] ? d->driver : "-");
 *		return 0;
 *	}
 *	plx_pci_scan(show, NULL);
 *
 * Needs no EAL. Thread rules: every function may be called from any thread; binding the same device
 * from two threads or processes at once is serialised by the kernel, not by us.
 */
#ifndef POLLUX_PCI_H
#define POLLUX_PCI_H

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** Domain, bus, device, function. */
struct plx_pci_addr {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;	  /**< 0 to 31 */
	uint8_t function; /**< 0 to 7 */
};

/** Room for "ffffffff:ff:1f.7" and its end. */
#define PLX_PCI_BDF_LEN 17

/** Write addr as "0000:02:00.0" into buf; returns buf. */
PLX_API const char *plx_pci_bdf(const struct plx_pci_addr *addr, char buf[PLX_PCI_BDF_LEN]);
/**
 * Parse "0000:02:00.0", or "02:00.0" in domain 0; the whole string must match.
 * Return: 0 or -EINVAL.
 */
PLX_API int plx_pci_parse(const char *text, struct plx_pci_addr *addr);
/** Order by domain, bus, device, function, as qsort(3) wants it. */
PLX_API int plx_pci_compare(const struct plx_pci_addr *a, const struct plx_pci_addr *b);

struct plx_pci_bar {
	uint64_t start; /**< bus address in the host; 0 if not assigned or not readable */
	uint64_t size;	/**< 0: no such BAR */
	uint64_t flags; /**< as in the kernel's sysfs `resource` file */
};
#define PLX_PCI_BAR_COUNT      6
#define PLX_PCI_BAR_IS_IO(bar) (((bar)->flags & 0x100) != 0)

/** A device as sysfs shows it at the moment of the call. */
struct plx_pci_device {
	struct plx_pci_addr addr;
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem_device;
	uint32_t class_code; /**< base class << 16 | sub-class << 8 | programming interface */
	uint8_t revision;
	int node;		  /**< NUMA node or PLX_NODE_ANY */
	int group;		  /**< IOMMU group number; -1: none (no IOMMU) */
	bool is_bridge;		  /**< header type 1 */
	char driver[64];	  /**< "" when not bound */
	char driver_override[64]; /**< "" when not set */
	struct plx_pci_bar bars[PLX_PCI_BAR_COUNT];
};

/**
 * Call fn for each PCI device in order of address until it returns non-zero. A device that vanishes
 * during the scan is left out.
 * Return: what fn returned last, 0, or a negative errno if sysfs cannot be read.
 */
PLX_API int plx_pci_scan(int (*fn)(const struct plx_pci_device *device, void *arg), void *arg);
/** One device. Return: 0, -ENODEV (no such device; logged), or another negative errno. */
PLX_API int plx_pci_get(const struct plx_pci_addr *addr, struct plx_pci_device *device);
/** As plx_pci_scan(), for the members of one IOMMU group. Return: also -ENOENT (no such group). */
PLX_API int plx_pci_group_scan(int group, int (*fn)(const struct plx_pci_device *device, void *arg),
			       void *arg);

/** What a driver supports; a table ends with an all-zero entry. */
struct plx_pci_match {
	uint16_t vendor, device; /**< PLX_PCI_ANY matches all */
	uint32_t class_code, class_mask;
};
#define PLX_PCI_ANY 0xffff
/** The first entry of table that matches, or NULL. */
PLX_API const struct plx_pci_match *plx_pci_match_find(const struct plx_pci_match *table,
						       const struct plx_pci_device *device);

/* --- Configuration space ------------------------------------------------------------------- */

/** Offsets (PCI Local Bus 3.0, 6.1 and PCIe Base 7.5.1): the ones that drivers need. */
#define PLX_PCI_VENDOR_ID	 0x00 /* 2 */
#define PLX_PCI_DEVICE_ID	 0x02 /* 2 */
#define PLX_PCI_COMMAND		 0x04 /* 2 */
#define PLX_PCI_COMMAND_IO	 0x0001
#define PLX_PCI_COMMAND_MEMORY	 0x0002
#define PLX_PCI_COMMAND_MASTER	 0x0004
#define PLX_PCI_COMMAND_INTX_OFF 0x0400
#define PLX_PCI_STATUS		 0x06 /* 2 */
#define PLX_PCI_STATUS_CAPS	 0x0010
#define PLX_PCI_HEADER_TYPE	 0x0e /* 1 */
#define PLX_PCI_BAR0		 0x10 /* 4 each */
#define PLX_PCI_CAP_POINTER	 0x34 /* 1 */

/** Capability ids. */
#define PLX_PCI_CAP_PM	   0x01
#define PLX_PCI_CAP_MSI	   0x05
#define PLX_PCI_CAP_VENDOR 0x09
#define PLX_PCI_CAP_EXP	   0x10
#define PLX_PCI_CAP_MSIX   0x11
/** Extended capability ids. */
#define PLX_PCI_EXT_CAP_AER   0x0001
#define PLX_PCI_EXT_CAP_ACS   0x000d
#define PLX_PCI_EXT_CAP_SRIOV 0x0010

/**
 * Access to one device's configuration space, whatever is below it (sysfs, a VFIO device, a test).
 * read and write move len bytes (1, 2 or 4, naturally aligned, host order in a uint32_t) and return
 * 0 or a negative errno.
 */
struct plx_pci_config {
	int (*read)(void *ctx, uint32_t offset, uint32_t len, uint32_t *value);
	int (*write)(void *ctx, uint32_t offset, uint32_t len, uint32_t value);
	void *ctx;
	uint32_t size; /**< 256 or 4096 */
};

/** Open the sysfs configuration space of a device; close with plx_pci_config_close(). */
PLX_API int plx_pci_config_open(const struct plx_pci_addr *addr, struct plx_pci_config *config);
PLX_API void plx_pci_config_close(struct plx_pci_config *config);

/**
 * Find capability id at or after the one at offset `after` (0: from the start).
 * The list is hostile input: at most 48 steps are taken (192 bytes of capabilities, 4 each),
 * pointers below 0x40 or past the end stop it, as does an id of 0xff (a device that has gone reads
 * all ones). Return: its offset, 0 if there is none, -ELOOP when the steps ran out, or a read
 * error.
 */
PLX_API int plx_pci_cap_find(const struct plx_pci_config *config, uint8_t id, uint32_t after);
/** The same for extended capabilities (PCIe Base 7.6.3): at most 960 steps. */
PLX_API int plx_pci_ext_cap_find(const struct plx_pci_config *config, uint16_t id, uint32_t after);

/* --- Binding ------------------------------------------------------------------------------- */

/** Why a device must not be taken from its host driver. */
enum plx_pci_use {
	PLX_PCI_USE_NONE = 0,
	PLX_PCI_USE_MOUNTED,   /**< a file system, swap, or device-mapper/md on its disk */
	PLX_PCI_USE_NET_UP,    /**< its network interface is up */
	PLX_PCI_USE_NETNS,     /**< its network interface is in another network namespace */
	PLX_PCI_USE_VFIO_OPEN, /**< a process holds its VFIO group */
};
/**
 * Is the device in use by this host?
 * @detail: gets what uses it, such as "/ is mounted from nvme0n1p1"; may be NULL
 */
PLX_API enum plx_pci_use plx_pci_in_use(const struct plx_pci_device *device, char *detail,
					size_t detail_len);

/** Is there such a PCI driver in the kernel, built in or loaded? */
PLX_API bool plx_pci_driver_loaded(const char *driver);
/** Does this driver hand its device to userspace (vfio-pci and its variants, uio, pci-stub)? */
PLX_API bool plx_pci_driver_is_userspace(const char *driver);
/**
 * Does the driver of this member keep its whole IOMMU group from being opened by VFIO? Without a
 * driver, with a VFIO driver, pci-stub or pcieport it does not.
 */
PLX_API bool plx_pci_blocks_group(const struct plx_pci_device *device);

/**
 * Bind a device to a driver by driver_override, unbinding it from its present one. The driver bound
 * before is remembered (in /run/pollux/bind/<bdf>, root only) for plx_pci_restore().
 * Does not ask plx_pci_in_use(): the caller does.
 * Return: 0 (also if it is bound to it already); -ENODEV, -ENOENT (driver not loaded), -EACCES, or
 * what the kernel answered (-EBUSY, ...). On failure the device is back with its old driver if that
 * could be done, and the log says where it was left.
 */
PLX_API int plx_pci_bind(const struct plx_pci_addr *addr, const char *driver);
/** Leave the device without a driver, and not taken by one again until bind or restore. */
PLX_API int plx_pci_unbind(const struct plx_pci_addr *addr);
/**
 * Give a device back to the driver that it had before plx_pci_bind() or plx_pci_unbind(); where
 * none was remembered, clear the override and let the kernel find one.
 */
PLX_API int plx_pci_restore(const struct plx_pci_addr *addr);

PLX_END_DECLS

#endif /* POLLUX_PCI_H */
