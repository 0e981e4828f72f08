// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module vfio_iommu_type1: the IOMMU backend that the core finds by
 * VFIO_TYPE1_IOMMU, VFIO_TYPE1v2_IOMMU and VFIO_TYPE1_NESTING_IOMMU.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "type1.h"
#include "vfio_iommu.h"

static bool allow_unsafe_interrupts;
module_param(allow_unsafe_interrupts, bool, 0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Accept devices whose interrupts no interrupt remapping isolates (default: off)");

static bool disable_hugepages;
module_param(disable_hugepages, bool, 0644);
MODULE_PARM_DESC(disable_hugepages, "Use small IOMMU page table entries only (default: off)");

static unsigned int dma_entry_limit = U16_MAX;
module_param(dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit, "Most DMA mappings that a container may have (default: 65535)");

/* Page sizes that mappings may use. */
unsigned long type1_map_pgsizes(void)
{
	return READ_ONCE(disable_hugepages) ? PAGE_SIZE : ULONG_MAX;
}

bool type1_allow_unsafe_interrupts(void)
{
	return READ_ONCE(allow_unsafe_interrupts);
}

static bool type1_is_coherent(struct type1 *t1)
{
	struct type1_domain *domain;
	bool coherent = true;

	list_for_each_entry(domain, &t1->domains, node)
		coherent = coherent && domain->coherent;
	return coherent;
}

static int type1_check_extension(void *state, unsigned long ext)
{
	struct type1 *t1 = state;
	int ret;

	switch (ext) {
	case VFIO_TYPE1_IOMMU:
	case VFIO_TYPE1v2_IOMMU:
	case VFIO_TYPE1_NESTING_IOMMU:
	case VFIO_UNMAP_ALL:
		return 1;
	case VFIO_UPDATE_VADDR:
		return t1 != NULL;
	case VFIO_DMA_CC_IOMMU:
		if (!t1)
			return 0;
		ret = type1_enter(t1);
		if (ret)
			return ret;
		ret = type1_is_coherent(t1);
		type1_leave(t1);
		return ret;
	default:
		return 0;
	}
}

static void *type1_create(unsigned long type)
{
	struct type1 *t1;

	/* The core offers each extension that we have; not all are types. */
	if (type != VFIO_TYPE1_IOMMU && type != VFIO_TYPE1v2_IOMMU &&
	    type != VFIO_TYPE1_NESTING_IOMMU)
		return ERR_PTR(-EINVAL);
	t1 = kzalloc(sizeof(*t1), GFP_KERNEL_ACCOUNT);
	if (!t1)
		return ERR_PTR(-ENOMEM);
	t1->nesting = type == VFIO_TYPE1_NESTING_IOMMU;
	t1->v2 = type != VFIO_TYPE1_IOMMU;
	spin_lock_init(&t1->lock);
	t1->mappings = RB_ROOT;
	t1->available = READ_ONCE(dma_entry_limit);
	init_waitqueue_head(&t1->wait);
	mutex_init(&t1->closing);
	INIT_LIST_HEAD(&t1->domains);
	t1->pgsizes = PAGE_SIZE;
	return t1;
}

static void type1_free(void *state)
{
	struct type1 *t1 = state;

	mutex_destroy(&t1->closing);
	kfree(t1->ranges.ranges);
	kfree(t1);
}

static long type1_ioctl(void *state, unsigned int cmd, unsigned long arg)
{
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_IOMMU_GET_INFO:
		return type1_ioctl_info(state, uarg);
	case VFIO_IOMMU_MAP_DMA:
		return type1_ioctl_map(state, uarg);
	case VFIO_IOMMU_UNMAP_DMA:
		return type1_ioctl_unmap(state, uarg);
	case VFIO_IOMMU_DIRTY_PAGES:
		return type1_ioctl_dirty(state, uarg);
	default:
		return -ENOTTY;
	}
}

static struct vfio_iommu_ops type1_ops = {
	.name = "vfio-iommu-type1",
	.owner = THIS_MODULE,
	.isolation = VFIO_ISOLATED,
	.check_extension = type1_check_extension,
	.open = type1_create,
	.release = type1_free,
	.attach_group = type1_attach_group,
	.detach_group = type1_detach_group,
	.ioctl = type1_ioctl,
};

static int __init type1_init(void)
{
	int ret;

	vfio_core_is_ours();
	type1_mapping_cache = KMEM_CACHE(type1_mapping, SLAB_ACCOUNT);
	if (!type1_mapping_cache)
		return -ENOMEM;
	ret = vfio_iommu_register(&type1_ops);
	if (ret)
		kmem_cache_destroy(type1_mapping_cache);
	return ret;
}

static void __exit type1_exit(void)
{
	vfio_iommu_unregister(&type1_ops);
	kmem_cache_destroy(type1_mapping_cache);
}

module_init(type1_init);
module_exit(type1_exit);

MODULE_DESCRIPTION("VFIO: type 1 IOMMU backend (Pollux)");
MODULE_AUTHOR("The Pollux authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("pollux");
