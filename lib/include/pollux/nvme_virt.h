/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: virtual functions (Base 8.20). A primary controller, a physical function with
 * SR-IOV, has flexible resources, queues and interrupts, that it gives to its secondary
 * controllers, one a virtual function. A secondary controller is offline, and cannot be opened, until it has
 * resources and is put online; a reset or close of the primary one puts all of them offline again.
 *
 *	uint16_t got;
 *
 *	... write 1 to the primary function's sriov_numvfs in sysfs ...
 *	plx_nvme_virt_assign(ctrl, 1, PLX_NVME_RESOURCE_QUEUES, 2, &got);
 *	plx_nvme_virt_assign(ctrl, 1, PLX_NVME_RESOURCE_INTERRUPTS, 1, &got);
 *	plx_nvme_virt_online(ctrl, 1);
 *	... the virtual function may be used, by whatever driver ...
 *
 * Threads and errors as in <pollux/nvme_admin.h>; -ENOTSUP: the controller is not such a one. All
 * of it since 0.1.0.
 */
#ifndef POLLUX_NVME_VIRT_H
#define POLLUX_NVME_VIRT_H

#include <pollux/nvme.h>

PLX_BEGIN_DECLS

enum plx_nvme_resource {
	PLX_NVME_RESOURCE_QUEUES = 0,	  /**< queue pairs, the admin queue's included */
	PLX_NVME_RESOURCE_INTERRUPTS = 1, /**< vectors */
	PLX_NVME_RESOURCES,
};

/** Of one kind. */
struct plx_nvme_virt_resource {
	bool supported;		/**< there are flexible ones */
	uint32_t flexible;	/**< in all */
	uint32_t secondary;	/**< assigned to secondary controllers */
	uint16_t primary;	/**< flexible ones of the primary, from its next reset on */
	uint16_t primary_own;	/**< that are not flexible */
	uint16_t secondary_max; /**< of one secondary controller */
	uint16_t granularity;	/**< best given in multiples of; 0 is 1 */
};

/** Primary Controller Capabilities (Base 5.17.2.14). */
struct plx_nvme_virt {
	uint16_t id, port;
	struct plx_nvme_virt_resource resources[PLX_NVME_RESOURCES];
};
PLX_API int plx_nvme_virt_get(struct plx_nvme_ctrl *ctrl, struct plx_nvme_virt *virt);

/** A secondary controller (Base 5.17.2.15). */
struct plx_nvme_secondary {
	uint16_t id, primary;
	uint16_t vf; /**< number of its virtual function, from 1; 0: none */
	uint16_t queues, interrupts;
	bool online;
};
/**
 * The secondary controllers, ascending by id, as many as fit into list.
 * Return: how many there are, which may be more than max; -EPROTO: the list cannot be.
 */
PLX_API int plx_nvme_secondary_list(struct plx_nvme_ctrl *ctrl, struct plx_nvme_secondary *list,
				    unsigned int max);

/**
 * Give a secondary controller, which must be offline, n resources of a kind instead of those that
 * it has. *got, which may be NULL: how many it has now.
 */
PLX_API int plx_nvme_virt_assign(struct plx_nvme_ctrl *ctrl, uint16_t id,
				 enum plx_nvme_resource kind, uint16_t n, uint16_t *got);
/** Flexible resources for the primary controller itself, from its next reset on. */
PLX_API int plx_nvme_virt_allocate(struct plx_nvme_ctrl *ctrl, enum plx_nvme_resource kind,
				   uint16_t n, uint16_t *got);
/** Its virtual function must be enabled, and have two queues and an interrupt at least. */
PLX_API int plx_nvme_virt_online(struct plx_nvme_ctrl *ctrl, uint16_t id);
PLX_API int plx_nvme_virt_offline(struct plx_nvme_ctrl *ctrl, uint16_t id);

PLX_END_DECLS

#endif /* POLLUX_NVME_VIRT_H */
