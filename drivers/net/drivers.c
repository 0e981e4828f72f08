/* SPDX-License-Identifier: BSD-3-Clause */
/* The NIC drivers that are built: the one place where lib/net learns of them. */
#include "net/driver.h"

#include "e1000e/e1000e.h"
#include "virtio/virtio_net.h"
#include "vmxnet3/vmxnet3.h"

const struct plx_net_driver *const plx_net_drivers[] = {
	&plx_net_e1000e,
	&plx_net_virtio,
	&plx_net_vmxnet3,
	NULL,
};
