/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a device backend (vfio-pci, and whatever comes after it) programs
 * against. The core owns groups, containers and files; a backend owns one
 * struct vfio_device for each device bound to it and answers the operations
 * below. IOMMU backends have a header of their own, vfio_iommu.h: neither side
 * knows the other.
 *
 * A backend in short:
 *
 *	probe:	allocate a structure that embeds struct vfio_device
 *		vfio_device_init(&my->vdev, dev, &my_ops);
 *		vfio_device_assign_set(&my->vdev, dev->bus);	(optional)
 *		vfio_device_register(&my->vdev);	users can open it from here on
 *	remove:	vfio_device_unregister(&my->vdev);	waits until no file is open
 *		vfio_device_put(&my->vdev);		-> ops->release frees my
 *
 * On an error after vfio_device_init(), vfio_device_put() undoes it.
 *
 * Lifetimes
 * ---------
 * - memory: struct vfio_device is reference counted by its embedded struct
 *   device. vfio_device_init() creates the first reference, which belongs to
 *   the backend; users of sysfs may hold others. Open files and look-ups need
 *   none: they hold the registration. ops->release runs when the last
 *   reference is gone, in process context with no lock held.
 * - registration: between register and unregister the device can be looked up.
 *   Unregister first makes new look-ups fail, then asks the user by
 *   ops->request(), every ten seconds, to close, and returns when the last
 *   file is closed. It may be called only from a context that can wait for
 *   ever, and not under a lock that open, close or ioctl take.
 * - open: ops->open runs for the first file on a device and ops->close after
 *   the last, both under the mutex of the device's set, so the two never
 *   overlap with each other or with those of a sibling in the set. Every other
 *   operation is called only between the two, with no lock of the core held,
 *   and any number of them at once. The DMA address space that the user chose
 *   exists from before open until after close.
 * - mappings: pages mapped by ops->mmap hang on an address space of the device
 *   (not of the file), so that vfio_device_zap() revokes them in every process.
 *   It outlives every open file.
 *
 * The core does not touch the runtime power state of a device.
 */
#ifndef PLX_VFIO_CORE_H
#define PLX_VFIO_CORE_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/sched.h>
#include <linux/types.h>
#include <uapi/linux/vfio.h>

struct iommu_group;
struct kvm;
struct module;
struct vfio_device;
struct vfio_group;

/**
 * struct vfio_device_ops - what a device backend does for an open device
 * @name: of the backend, for messages
 * @owner: module that is held while a device is open; THIS_MODULE of the driver
 *	that bound the device (vfio-pci, not vfio-pci-core)
 * @release: the last reference is gone: free the structure that embeds @vdev
 * @open: first file opened: make the device usable. Called with the set's mutex
 *	held. An error is what VFIO_GROUP_GET_DEVICE_FD returns.
 * @close: last file closed: quiesce the device (no DMA, no interrupt after it
 *	returns). Called with the set's mutex held.
 * @ioctl: any ioctl on the device file but VFIO_DEVICE_FEATURE. Return -ENOTTY
 *	for commands that it does not know. The argument is the user's.
 * @feature: VFIO_DEVICE_FEATURE, with its header read and checked: @flags as in
 *	struct vfio_device_feature (feature number in VFIO_DEVICE_FEATURE_MASK),
 *	@data the user's data[] and @size its length as claimed by argsz. Use
 *	vfio_feature_check(). Return -ENOTTY for features it does not know.
 *	Optional: without it each feature is -ENOTTY.
 * @read: pread on the device file; *@pos is region.offset plus the offset within.
 *	Return the bytes done, and advance *@pos by them. Optional.
 * @write: pwrite, likewise. Optional.
 * @mmap: map part of a region. vma->vm_pgoff is in the file's offsets, that is
 *	region.offset + offset within it. VMA flags are the backend's business.
 *	Optional.
 * @request: the host wants the device back; tell the user (a request irq), who
 *	may or may not care. @count is the number of earlier calls. May run at
 *	any time while registered, also before open and in parallel to every
 *	other operation. Optional.
 * @match: does @buf, the string given to VFIO_GROUP_GET_DEVICE_FD, mean this
 *	device? > 0 yes, 0 no, negative errno: yes but the rest of the string is
 *	wrong (bad VF token), stop looking. May run before open. Optional: without
 *	it the name of the parent device must be equal.
 */
struct vfio_device_ops {
	const char *name;
	struct module *owner;
	void (*release)(struct vfio_device *vdev);
	int (*open)(struct vfio_device *vdev);
	void (*close)(struct vfio_device *vdev);
	long (*ioctl)(struct vfio_device *vdev, unsigned int cmd, unsigned long arg);
	int (*feature)(struct vfio_device *vdev, u32 flags, void __user *data, size_t size);
	ssize_t (*read)(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *pos);
	ssize_t (*write)(struct vfio_device *vdev, const char __user *buf, size_t count,
			 loff_t *pos);
	int (*mmap)(struct vfio_device *vdev, struct vm_area_struct *vma);
	void (*request)(struct vfio_device *vdev, unsigned int count);
	int (*match)(struct vfio_device *vdev, char *buf);
};

/**
 * struct vfio_device_set - devices that must be opened, closed and reset as one
 * @id: what the backend chose to tell sets apart (a bus, a slot)
 * @lock: held around ops->open and ops->close of each member; the backend takes
 *	it around a reset that hits them all. Protects @members and the
 *	open_count of each.
 * @members: registered or not yet registered devices, by vfio_device.set_node
 */
struct vfio_device_set {
	void *id;
	struct mutex lock;
	struct list_head members;
	/* private: under the core's mutex of sets */
	struct list_head node;
	unsigned int users;
};

/**
 * struct vfio_device - one device that users can open; embed it in your own
 * @dev: the physical device; its memory is held, but it is ours only while the driver is bound
 * @ops: constant operations
 * @set: the set it belongs to; never NULL once registered
 * @set_node: in @set->members
 * @open_count: files open on it; under @set->lock
 */
struct vfio_device {
	struct device *dev;
	const struct vfio_device_ops *ops;
	struct vfio_device_set *set;
	struct list_head set_node;
	unsigned int open_count;

	/* private: */
	struct device class_dev;     /* /sys/class/vfio-dev/vfio<N>; counts references */
	int index;		     /* that N */
	struct vfio_group *group;    /* from register to unregister */
	struct list_head group_node; /* under group->devices_lock */
	refcount_t users;	     /* registration + look-ups + open files */
	struct completion unused;    /* users is zero */
	struct inode *inode;	     /* its i_mapping is that of each open file */
	char opener[TASK_COMM_LEN];  /* who opened it last, for messages; under set->lock */
	pid_t opener_pid;
};

/**
 * vfio_device_init - initialise a device before it is registered
 * @vdev: zeroed memory that the backend allocated, embedded in its own structure
 * @dev: the physical device
 * @ops: constant operations; @ops->release is mandatory
 *
 * On success the caller owns one reference, to be given back by
 * vfio_device_put(), which frees by @ops->release. On failure the memory is
 * still the caller's and @ops->release was not and will not be called.
 *
 * Return: 0 or a negative errno.
 */
int vfio_device_init(struct vfio_device *vdev, struct device *dev,
		     const struct vfio_device_ops *ops);

/**
 * vfio_device_put - give back a reference
 * @vdev: the device; the last reference calls ops->release
 */
void vfio_device_put(struct vfio_device *vdev);

/**
 * vfio_device_assign_set - make a device a member of a set
 * @vdev: initialised, not yet registered
 * @id: any pointer that is the same for devices of one set
 *
 * A device without set gets one of its own when it is registered. It leaves the
 * set when its last reference is put.
 *
 * Return: 0 or -ENOMEM.
 */
int vfio_device_assign_set(struct vfio_device *vdev, void *id);

/**
 * vfio_device_register - let users open the device
 * @vdev: initialised
 *
 * Puts it into the vfio group of its IOMMU group, which makes the group's node
 * under /dev/vfio appear with the first member. A device that no IOMMU isolates
 * is refused with -EINVAL, or gets a group noiommu-N if the administrator set
 * enable_unsafe_noiommu_mode.
 *
 * Return: 0 or a negative errno.
 */
int vfio_device_register(struct vfio_device *vdev);

/**
 * vfio_device_unregister - take the device away from users
 * @vdev: registered
 *
 * Blocks until the last file on it is closed; see ops->request.
 */
void vfio_device_unregister(struct vfio_device *vdev);

/**
 * vfio_device_get_open - hold a device that was found in a set
 * @vdev: member of a set whose lock is held
 *
 * Return: true if the device is registered; it then cannot be unregistered
 * until vfio_device_put_open().
 */
bool vfio_device_get_open(struct vfio_device *vdev);

/**
 * vfio_device_put_open - undo vfio_device_get_open()
 * @vdev: the device
 */
void vfio_device_put_open(struct vfio_device *vdev);

/**
 * vfio_device_zap - revoke what processes have mapped of a device
 * @vdev: open or registered device
 * @start: first byte, in offsets of the device file
 * @len: bytes
 *
 * The next access faults again. May sleep.
 */
void vfio_device_zap(struct vfio_device *vdev, loff_t start, loff_t len);

/**
 * vfio_device_is_noiommu - is the device used without any IOMMU?
 * @vdev: registered
 */
bool vfio_device_is_noiommu(const struct vfio_device *vdev);

/**
 * vfio_feature_check - validate the flags of a VFIO_DEVICE_FEATURE
 * @flags: as given to ops->feature
 * @size: as given to ops->feature
 * @supported: VFIO_DEVICE_FEATURE_GET and/or VFIO_DEVICE_FEATURE_SET
 * @min_size: bytes of data that the feature needs
 *
 * Return: 1: do it; 0: it was a probe and is answered, return 0; negative: return it.
 */
int vfio_feature_check(u32 flags, size_t size, u32 supported, size_t min_size);

/* ---- answers to ioctls that device and IOMMU backends share ---- */

/**
 * struct vfio_info_caps - a chain of capabilities under construction
 * @buf: the chain, kmalloc'ed; NULL at first. Zero the structure to initialise it.
 * @size: bytes in @buf
 *
 * Capability offsets are relative to the info structure that precedes the chain
 * in the user's memory, whose size is given at the end, to
 * vfio_info_caps_to_user().
 */
struct vfio_info_caps {
	void *buf;
	size_t size;
};

/**
 * vfio_info_caps_add - append a capability to a chain
 * @caps: the chain
 * @size: of the capability with its header
 * @id: of the capability
 * @version: of the capability
 *
 * Return: the zeroed capability with its header filled in, valid until the next
 * call on @caps, or ERR_PTR(-ENOMEM). On failure the chain is as it was.
 */
void *vfio_info_caps_add(struct vfio_info_caps *caps, size_t size, u16 id, u16 version);

/**
 * vfio_info_caps_to_user - hand the chain out behind an info structure
 * @caps: the chain; freed and emptied by this call, whatever it returns
 * @arg: the user's info structure
 * @argsz: in: what the user said there is room for; out: what is needed if that
 *	was too little, else as it was. Copy it to the user.
 * @info_size: bytes of the info structure that precede the chain
 * @cap_offset: out: offset of the first capability, or 0 if there was no room
 *
 * Does nothing for an empty chain. A buffer that is too small is no error
 * (see "Callers of INFO ioctls" in <linux/vfio.h>).
 *
 * Return: 0 or -EFAULT.
 */
int vfio_info_caps_to_user(struct vfio_info_caps *caps, void __user *arg, u32 *argsz,
			   size_t info_size, u32 *cap_offset);

/**
 * vfio_irq_set_check - validate the header of a VFIO_DEVICE_SET_IRQS
 * @hdr: header as read from the user
 * @num_irqs: irqs that index @hdr->index has (0 if there are none)
 * @num_indexes: indexes that the device has
 * @data_size: out: bytes of data[] to read from the user; 0 for DATA_NONE
 *
 * After success start + count does not exceed @num_irqs nor overflow, exactly
 * one DATA flag is set, and argsz covers the data. A count of 0 passes, as it
 * does in Linux. Which actions an index supports is the backend's business.
 *
 * Return: 0 or -EINVAL.
 */
int vfio_irq_set_check(const struct vfio_irq_set *hdr, u32 num_irqs, u32 num_indexes,
		       size_t *data_size);

/* ---- eventfds that users signal (for irq unmask; triggers use eventfd_signal()) ---- */

struct vfio_listener;

/**
 * struct vfio_listener_ops - what to do when userspace signals an eventfd
 * @signalled: runs in atomic context, interrupts off, inside the user's write().
 *	Return true to have @work run too. Optional: without it @work always runs.
 * @work: runs in process context, never twice at once for one listener. Optional.
 */
struct vfio_listener_ops {
	bool (*signalled)(void *opaque);
	void (*work)(void *opaque);
};

/**
 * vfio_listener_attach - listen to an eventfd
 * @slot: where the listener is kept; must be NULL, else -EBUSY. The slot must
 *	stay valid until vfio_listener_detach(). It becomes NULL by itself when
 *	the user closes the eventfd.
 * @fd: the eventfd's descriptor in the current process
 * @ops: constant
 * @opaque: argument of @ops' functions
 *
 * An eventfd that is signalled already fires at once.
 *
 * Return: 0; -EBUSY, -EBADF, -EINVAL (not an eventfd), -ENOMEM.
 */
int vfio_listener_attach(struct vfio_listener **slot, int fd, const struct vfio_listener_ops *ops,
			 void *opaque);

/**
 * vfio_listener_detach - stop listening
 * @slot: as attached; may be NULL already
 *
 * When it returns, neither function of the ops runs nor will run again, also if
 * the eventfd was closed at the same time. May sleep; not from the ops.
 */
void vfio_listener_detach(struct vfio_listener **slot);

/**
 * vfio_listener_flush - wait for work that was scheduled before the call
 * @slot: as attached; may be NULL
 */
void vfio_listener_flush(struct vfio_listener **slot);

/* ---- files: for KVM, which looks them up by symbol_get(), and for hot reset ---- */

/**
 * vfio_file_is_group - is this an open /dev/vfio/<group>?
 * @file: any file
 */
bool vfio_file_is_group(struct file *file);

/**
 * vfio_file_has_dev - does a group file give its holder this device?
 * @file: any file
 * @vdev: registered device
 */
bool vfio_file_has_dev(struct file *file, struct vfio_device *vdev);

bool vfio_file_is_valid(struct file *file);
bool vfio_file_enforced_coherent(struct file *file);
void vfio_file_set_kvm(struct file *file, struct kvm *kvm);
struct iommu_group *vfio_file_iommu_group(struct file *file);

/**
 * vfio_device_group_id - number of the IOMMU group of a registered device
 * @vdev: registered
 */
int vfio_device_group_id(const struct vfio_device *vdev);

/*
 * Each module of the framework calls this first in its init. It exists only in
 * our vfio.ko: where the stock one is loaded, the kernel refuses our modules with
 * "Unknown symbol" and this name, which says what to do.
 */
void stock_vfio_loaded__modprobe_r_vfio_pci_vfio_iommu_type1(void);
#define vfio_core_is_ours() stock_vfio_loaded__modprobe_r_vfio_pci_vfio_iommu_type1()

#endif
