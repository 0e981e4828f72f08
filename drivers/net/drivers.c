/* SPDX-License-Identifier: BSD-3-Clause */
/* The NIC drivers that are built: the one place where lib/net learns of them. */
#include "net/driver.h"

#include "net/intel/intel.h"
#include "virtio/virtio_net.h"
#include "vmxnet3/vmxnet3.h"

const struct plx_net_driver *const plx_net_drivers[] = {
	&intel_e1000.driver,
	&intel_e1000e.driver,
	&intel_igb.driver,
	&intel_igbvf.driver,
	&plx_net_virtio,
	&plx_net_vmxnet3,
	NULL,
};
