/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vfio-pci-core share: one structure for a device, and the
 * functions by which its parts call each other. README.md has the lock order.
 */
#ifndef PLX_VFIO_PCI_PRIVATE_H
#define PLX_VFIO_PCI_PRIVATE_H

#include <linux/bitfield.h>
#include <linux/eventfd.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/spinlock.h>
#include <linux/uuid.h>
#include "include/vfio_pci_core.h"

/* Offsets of the device file: the region's index above, the offset in the region below. */
#define VFIO_PCI_OFFSET_SHIFT	40
#define VFIO_PCI_REGION(pos)	((u64)(pos) >> VFIO_PCI_OFFSET_SHIFT)
#define VFIO_PCI_START(region)	((u64)(region) << VFIO_PCI_OFFSET_SHIFT)
#define VFIO_PCI_OFFSET_MASK	(BIT_ULL(VFIO_PCI_OFFSET_SHIFT) - 1)
#define VFIO_PCI_IRQ_NONE	(-1)
#define VFIO_PCI_IOEVENTFDS_MAX 1000
#define VFIO_PCI_CONFIG_TRAPS	8

struct vfio_pci_device;
struct vfio_pci_vector;

/* An eventfd that the kernel signals; set by one side under a lock, signalled by any. */
struct vfio_pci_trigger {
	struct eventfd_ctx __rcu *ctx;
};

/* vfio_pci_regions.c */
struct vfio_pci_bar {
	void __iomem *io;     /* NULL until the first read or write; set once per open */
	bool claimed;	      /* its resource is ours */
	bool mappable;	      /* the pages under it hold nothing else */
	struct resource rest; /* of the last page of a BAR smaller than a page, if parent is set */
};

/*
 * vfio_pci_config.c: for each byte of configuration space, which bits come from
 * the shadow instead of the device, and which bits the user may write.
 */
struct vfio_pci_config_trap {
	u16 pos;
	u8 width;
	void (*write)(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
};

struct vfio_pci_config {
	struct mutex lock; /* one write at a time; and the shadow */
	u16 size;
	u8 *shadow, *virt, *writable; /* one allocation, at shadow */
	u8 *trap;		      /* index into traps + 1, or 0 */
	struct vfio_pci_config_trap traps[VFIO_PCI_CONFIG_TRAPS];
	u8 num_traps;
};

/* vfio_pci_intx.c: everything but trigger and name under lock */
struct vfio_pci_intx {
	spinlock_t lock;
	struct vfio_pci_trigger trigger;
	struct vfio_listener *unmask;
	struct vfio_pci_device *dev;
	char *name;
	bool can_mask;	   /* COMMAND.INTX_DISABLE works: the line can be shared */
	bool masked;	   /* by the user, or since the last interrupt */
	bool disabled;	   /* by the user's COMMAND.INTX_DISABLE */
	bool line_off;	   /* nothing comes from the line, whichever way */
	unsigned int hold; /* the device cannot be asked: in reset, or suspended */
};

struct vfio_pci_device {
	struct vfio_device vdev;
	struct pci_dev *pdev;
	const struct vfio_pci_policy *policy;

	/*
	 * May the device's memory be touched? Readers touch it: BAR accesses,
	 * page faults. Writers change the answer: COMMAND.MEMORY, power state,
	 * reset, low power; they zap all mappings before it becomes no. A class
	 * of its own each, because a bus reset takes several.
	 */
	struct rw_semaphore memory_lock;
	struct lock_class_key memory_key;
	bool memory_on;			  /* the user's COMMAND.MEMORY */
	bool d3;			  /* the user put the device to sleep by PMCSR */
	bool low_power;			  /* the user allowed the kernel to put it to sleep */
	bool rom_homeless;		  /* there is no address for its ROM */
	struct eventfd_ctx *wakeup;	  /* signalled when low power ends by itself */
	struct pci_saved_state *d3_saved; /* what D3hot to D0 loses */

	struct mutex bar_lock; /* claiming and mapping of BARs */
	struct vfio_pci_bar bars[PCI_STD_NUM_BARS];
	bool has_vga;
	u8 msix_bar; /* PCI_STD_NUM_BARS if there is no table */
	u32 msix_offset, msix_size;
	u32 msi_count, msix_count;

	struct vfio_pci_config config;
	struct pci_saved_state *saved; /* before the user had it */
	bool can_reset;
	bool needs_reset; /* left by a user without; under the set's lock */

	/* Interrupts. irq_index tells which of INTx, MSI, MSI-X is on; all under irq_lock. */
	struct mutex irq_lock;
	int irq_index;
	bool has_intx;
	struct vfio_pci_intx intx;
	struct vfio_pci_vector *vectors;
	struct vfio_pci_trigger err, req;

	struct mutex ioeventfd_lock;
	struct list_head ioeventfds;
	unsigned int num_ioeventfds;

	/* vfio_pci_sriov.c */
	struct vfio_pci_device *pf;   /* of a VF whose PF is ours, too */
	struct vfio_pci_token *token; /* of a PF */
	unsigned int num_vfs;	      /* under memory_lock: VFs that D3 would kill */
};

static inline struct vfio_pci_device *vfio_pci_from_vdev(struct vfio_device *vdev)
{
	return container_of(vdev, struct vfio_pci_device, vdev);
}

/* ---- vfio_pci_info.c ---- */
long vfio_pci_get_info(struct vfio_pci_device *dev, void __user *arg);

/* ---- regions, BARs, VGA: vfio_pci_{regions,access,rom,vga}.c ---- */
void vfio_pci_regions_open(struct vfio_pci_device *dev);
void vfio_pci_regions_close(struct vfio_pci_device *dev);
long vfio_pci_get_region_info(struct vfio_pci_device *dev, void __user *arg);
u64 vfio_pci_region_size(struct vfio_pci_device *dev, unsigned int region);
int vfio_pci_bar_claim(struct vfio_pci_device *dev, unsigned int bar);
void __iomem *vfio_pci_bar_io(struct vfio_pci_device *dev, unsigned int bar);
bool vfio_pci_in_msix_table(const struct vfio_pci_device *dev, unsigned int bar, u64 offset,
			    u64 count);
ssize_t vfio_pci_bar_read(struct vfio_pci_device *dev, unsigned int bar, char __user *buf,
			  size_t count, u64 offset);
ssize_t vfio_pci_bar_write(struct vfio_pci_device *dev, unsigned int bar, const char __user *buf,
			   size_t count, u64 offset);
int vfio_pci_bar_store(struct vfio_pci_device *dev, unsigned int bar, u64 offset, size_t width,
		       u64 value);
u64 vfio_pci_rom_size(const struct vfio_pci_device *dev);
bool vfio_pci_rom_has_image(struct vfio_pci_device *dev);
ssize_t vfio_pci_rom_read(struct vfio_pci_device *dev, char __user *buf, size_t count, u64 offset);
ssize_t vfio_pci_vga_read(struct vfio_pci_device *dev, char __user *buf, size_t count, u64 offset);
ssize_t vfio_pci_vga_write(struct vfio_pci_device *dev, const char __user *buf, size_t count,
			   u64 offset);

/* Width of the next access: a power of two that divides the offset and fits into count. */
size_t vfio_pci_access_width(u64 offset, size_t count, size_t max);
u64 vfio_pci_io_read(void __iomem *io, size_t width);
void vfio_pci_io_write(void __iomem *io, size_t width, u64 value);

/* ---- the memory lock, mappings: vfio_pci_memory.c ---- */
bool vfio_pci_memory_usable(const struct vfio_pci_device *dev);
void vfio_pci_memory_zap(struct vfio_pci_device *dev);
u16 vfio_pci_memory_force(struct vfio_pci_device *dev);
void vfio_pci_memory_unforce(struct vfio_pci_device *dev, u16 command);

/* ---- configuration space: vfio_pci_config{,_layout,_traps}.c ---- */
int vfio_pci_config_open(struct vfio_pci_device *dev);
void vfio_pci_config_close(struct vfio_pci_device *dev);
ssize_t vfio_pci_config_read(struct vfio_pci_device *dev, char __user *buf, size_t count, u64 pos);
ssize_t vfio_pci_config_write(struct vfio_pci_device *dev, const char __user *buf, size_t count,
			      u64 pos);
u32 vfio_pci_shadow_get(const struct vfio_pci_config *config, u16 pos, size_t width);
void vfio_pci_shadow_set(struct vfio_pci_config *config, u16 pos, size_t width, u32 value);
int vfio_pci_config_describe(struct vfio_pci_device *dev);

void vfio_pci_trap_command(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
void vfio_pci_trap_power(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
void vfio_pci_trap_msi_control(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
void vfio_pci_trap_device_control(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
void vfio_pci_trap_af_control(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
void vfio_pci_trap_vpd_address(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);

/* ---- interrupts: vfio_pci_irqs.c, vfio_pci_intx.c, vfio_pci_msi.c, vfio_pci_trigger.c ---- */
void vfio_pci_irqs_open(struct vfio_pci_device *dev);
void vfio_pci_irqs_close(struct vfio_pci_device *dev);
long vfio_pci_get_irq_info(struct vfio_pci_device *dev, void __user *arg);
long vfio_pci_set_irqs(struct vfio_pci_device *dev, void __user *arg);
u32 vfio_pci_irq_count(const struct vfio_pci_device *dev, u32 index);

int vfio_pci_intx_set(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr,
		      const void *data);
void vfio_pci_intx_off(struct vfio_pci_device *dev);
void vfio_pci_intx_set_disabled(struct vfio_pci_device *dev, bool disabled);
void vfio_pci_intx_hold(struct vfio_pci_device *dev);
void vfio_pci_intx_resume(struct vfio_pci_device *dev);

int vfio_pci_msi_set(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr, const void *data);
void vfio_pci_msi_off(struct vfio_pci_device *dev);

bool vfio_pci_trigger_signal(struct vfio_pci_trigger *trigger);
void vfio_pci_trigger_replace(struct vfio_pci_trigger *trigger, struct eventfd_ctx *ctx);
int vfio_pci_trigger_set(struct vfio_pci_trigger *trigger, const struct vfio_irq_set *hdr,
			 const void *data);

/* ---- vfio_pci_ioeventfd.c ---- */
long vfio_pci_ioeventfd(struct vfio_pci_device *dev, void __user *arg);
void vfio_pci_ioeventfds_close(struct vfio_pci_device *dev);

/* ---- reset, power: vfio_pci_reset.c, vfio_pci_hot_reset.c, vfio_pci_power.c ---- */
int vfio_pci_reset(struct vfio_pci_device *dev);
int vfio_pci_reset_patiently(struct vfio_pci_device *dev);
void vfio_pci_reset_removed(struct vfio_pci_device *dev);
long vfio_pci_get_hot_reset_info(struct vfio_pci_device *dev, void __user *arg);
long vfio_pci_hot_reset(struct vfio_pci_device *dev, void __user *arg);
void vfio_pci_reset_leftovers(struct vfio_device_set *set);
void *vfio_pci_set_id(struct pci_dev *pdev);

bool vfio_pci_power_set(struct vfio_pci_device *dev, pci_power_t state);
int vfio_pci_low_power_enter(struct vfio_pci_device *dev, u32 flags, void __user *data, size_t size,
			     bool wakeup);
int vfio_pci_low_power_exit(struct vfio_pci_device *dev, u32 flags, size_t size);
void vfio_pci_low_power_end(struct vfio_pci_device *dev);

/* ---- SR-IOV: vfio_pci_sriov.c ---- */
int vfio_pci_sriov_probe(struct vfio_pci_device *dev);
void vfio_pci_sriov_release(struct vfio_pci_device *dev);
void vfio_pci_sriov_disable(struct vfio_pci_device *dev);
bool vfio_pci_vfs_in_use(struct vfio_pci_device *dev);
int vfio_pci_token_feature(struct vfio_pci_device *dev, u32 flags, void __user *data, size_t size);
void vfio_pci_token_open(struct vfio_pci_device *dev);
void vfio_pci_token_close(struct vfio_pci_device *dev);

#endif
