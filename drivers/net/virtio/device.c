/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reset, status and features of a virtio device: the steps of VIRTIO 1.2, 3.1.1, over any
 * transport. Each wait is bounded, and what the device says is read back before it is believed.
 */
#include <errno.h>
#include <inttypes.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "device.h"

PLX_LOG_USE(virtio);

#define RESET_TIMEOUT_NS UINT64_C(2000000000)
#define RESET_POLL_US	 100

static int gone(const struct virtio_transport *t)
{
	PLX_ERR(virtio, "%s: the device is gone (its status reads all ones)", t->name);
	return -ENODEV;
}

/* 4.1.4.3.2: the reset is over when the status reads 0. */
static int reset_and_wait(struct virtio_transport *t)
{
	uint64_t end = plx_clock_ns() + RESET_TIMEOUT_NS;
	uint8_t status;

	t->ops->set_status(t, 0);
	for (;;) {
		status = t->ops->status(t);
		if (status == 0)
			return 0;
		if (status == VIRTIO_STATUS_GONE)
			return gone(t);
		if (plx_clock_ns() >= end)
			return -ETIMEDOUT;
		plx_delay_us(RESET_POLL_US);
	}
}

int virtio_reset(struct virtio_transport *t)
{
	int err = reset_and_wait(t);

	if (err != -ETIMEDOUT)
		return err;
	PLX_WARN(virtio, "%s: status 0x%02x does not become 0 after a reset; resetting by force",
		 t->name, t->ops->status(t));
	if (t->ops->force_reset(t) == 0)
		err = reset_and_wait(t);
	if (err == -ETIMEDOUT)
		PLX_ERR(virtio, "%s: the device does not reset; power-cycle it", t->name);
	return err;
}

static int check_needed(const struct virtio_transport *t, uint64_t offered)
{
	uint64_t missing = t->features_needed & ~offered;

	if (missing & VIRTIO_F_VERSION_1) {
		PLX_ERR(virtio,
			"%s: the device offers no VIRTIO_F_VERSION_1: it is a legacy one; give it "
			"its modern interface (QEMU: disable-legacy=on)",
			t->name);
		return -ENOTSUP;
	}
	if (missing & VIRTIO_F_ACCESS_PLATFORM) {
		PLX_ERR(virtio,
			"%s: the device offers no VIRTIO_F_ACCESS_PLATFORM: its DMA would go past "
			"the IOMMU, to memory that is not ours; make it go through it (QEMU: "
			"iommu_platform=on,disable-legacy=on)",
			t->name);
		return -ENOTSUP;
	}
	return 0;
}

int virtio_begin(struct virtio_transport *t, uint64_t *offered)
{
	int err = virtio_reset(t);

	if (err)
		return err;
	t->ops->set_status(t, VIRTIO_STATUS_ACKNOWLEDGE);
	t->ops->set_status(t, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	*offered = t->ops->features(t);
	PLX_DEBUG(virtio, "%s: features offered: 0x%016" PRIx64, t->name, *offered);
	if (t->ops->status(t) == VIRTIO_STATUS_GONE)
		return gone(t);
	return check_needed(t, *offered);
}

int virtio_accept(struct virtio_transport *t, uint64_t offered, uint64_t features)
{
	const uint8_t status =
		VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK;
	uint64_t again;
	uint8_t now;

	PLX_DEBUG(virtio, "%s: features accepted: 0x%016" PRIx64, t->name, features);
	t->ops->set_features(t, features);
	t->ops->set_status(t, status);
	now = t->ops->status(t);
	if (now == VIRTIO_STATUS_GONE)
		return gone(t);
	if (!(now & VIRTIO_STATUS_FEATURES_OK)) {
		PLX_ERR(virtio,
			"%s: the device refuses features 0x%016" PRIx64 " of the 0x%016" PRIx64
			" it offers (FEATURES_OK does not stay set)",
			t->name, features, offered);
		return -EPROTO;
	}
	again = t->ops->features(t);
	if (again != offered) {
		PLX_ERR(virtio,
			"%s: the device offered features 0x%016" PRIx64 ", and now 0x%016" PRIx64,
			t->name, offered, again);
		return -EPROTO;
	}
	return 0;
}

int virtio_ready(struct virtio_transport *t)
{
	uint8_t now;

	t->ops->set_status(t, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER |
				      VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK);
	now = t->ops->status(t);
	if (now == VIRTIO_STATUS_GONE)
		return gone(t);
	if ((now & VIRTIO_STATUS_DRIVER_OK) && !(now & VIRTIO_STATUS_NEEDS_RESET))
		return 0;
	PLX_ERR(virtio, "%s: the device does not go live: its status is 0x%02x", t->name, now);
	return -EPROTO;
}
