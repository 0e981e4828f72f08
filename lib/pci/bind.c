/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Moving a device between drivers by driver_override: the override first, so that nothing else
 * takes the device between unbind and bind. What was before is saved (state.h) before the first
 * step, so that plx_pci_restore() works from wherever a crash left the device.
 */
#include <pollux/log.h>
#include <pollux/pci.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pci/holder.h"
#include "pci/state.h"
#include "pci/sysfs.h"

PLX_LOG_USE(pci);

/* An override that names no driver: the kernel leaves the device alone. */
#define OVERRIDE_NONE "none"

bool plx_pci_driver_loaded(const char *driver)
{
	return driver[0] && driver[0] != '.' && !strchr(driver, '/') &&
	       plx_sysfs_exists("%s/bus/pci/drivers/%s", plx_pci_roots.sysfs, driver);
}

bool plx_pci_driver_is_userspace(const char *driver)
{
	return strstr(driver, "vfio") || strcmp(driver, "pci-stub") == 0 ||
	       strncmp(driver, "uio", 3) == 0 || strcmp(driver, "igb_uio") == 0;
}

bool plx_pci_blocks_group(const struct plx_pci_device *device)
{
	/* These say driver_managed_dma to the kernel: they do no DMA of their own. */
	return device->driver[0] && !strstr(device->driver, "vfio") &&
	       strcmp(device->driver, "pci-stub") != 0 && strcmp(device->driver, "pcieport") != 0;
}

/* --- Steps ----------------------------------------------------------------------------------- */

static int set_override(const char *bdf, const char *driver)
{
	return plx_sysfs_write(driver[0] ? driver : "\n", "%s/bus/pci/devices/%s/driver_override",
			       plx_pci_roots.sysfs, bdf);
}

static int detach(const char *bdf)
{
	int err = plx_sysfs_write(bdf, "%s/bus/pci/devices/%s/driver/unbind", plx_pci_roots.sysfs,
				  bdf);

	return err == -ENOENT ? 0 : err; /* it had no driver */
}

static int attach(const char *bdf, const char *driver)
{
	return plx_sysfs_write(bdf, "%s/bus/pci/drivers/%s/bind", plx_pci_roots.sysfs, driver);
}

static int attach_any(const char *bdf)
{
	return plx_sysfs_write(bdf, "%s/bus/pci/drivers_probe", plx_pci_roots.sysfs);
}

/* What a device is to become. */
struct target {
	const char *driver;   /* "": none */
	const char *override; /* "": none */
};

/*
 * The override is the target driver while the device moves: nothing else can take it then, and the
 * driver takes it whatever ids it knows. The lasting override comes last.
 */
static int move(const char *bdf, const struct target *to)
{
	const char *during = to->driver[0] ? to->driver : to->override;
	int err = set_override(bdf, during);

	if (!err)
		err = detach(bdf);
	if (!err && to->driver[0])
		err = attach(bdf, to->driver);
	if (!err && strcmp(during, to->override) != 0)
		err = set_override(bdf, to->override);
	return err;
}

/* --- Diagnosis ------------------------------------------------------------------------------- */

static void explain(const struct plx_pci_device *d, const char *what, int err)
{
	char bdf[PLX_PCI_BDF_LEN], holder[128];

	plx_pci_bdf(&d->addr, bdf);
	if (err == -EACCES || err == -EPERM)
		PLX_ERR(pci, "%s: not allowed to %s: run as root", bdf, what);
	else if (err == -EBUSY && d->group >= 0 &&
		 plx_pci_group_holder(d->group, holder, sizeof(holder)))
		PLX_ERR(pci, "%s: cannot %s: %s holds its group %d; end it first", bdf, what,
			holder, d->group);
	else if (err == -EINVAL && d->is_bridge)
		PLX_ERR(pci, "%s: cannot %s: it is a bridge; leave it with its driver", bdf, what);
	else if (err == -EINVAL && d->group < 0)
		PLX_ERR(pci,
			"%s: cannot %s: it has no IOMMU group; switch the IOMMU on in the "
			"firmware and by intel_iommu=on or amd_iommu=on on the kernel command line",
			bdf, what);
	else
		PLX_ERR(pci, "%s: cannot %s: %s; see dmesg", bdf, what, strerror(-err));
}

/* Put a device back after a failed move, and say where it is now. */
static int roll_back(const struct plx_pci_device *before)
{
	struct target back = {before->driver, before->driver_override};
	struct plx_pci_device now;
	char bdf[PLX_PCI_BDF_LEN];
	int err = 0;

	plx_pci_bdf(&before->addr, bdf);
	if (plx_pci_get(&before->addr, &now))
		return -ENODEV;
	if (strcmp(now.driver, before->driver) == 0)
		err = set_override(bdf, before->driver_override);
	else
		err = move(bdf, &back);
	if (err)
		PLX_ERR(pci,
			"%s: could not be put back either (%s): it has no driver now; "
			"`plx-bind restore %s` tries again",
			bdf, strerror(-err), bdf);
	return err;
}

/* --- Public ---------------------------------------------------------------------------------- */

/*
 * Where the past is not known, or the device has had another host driver since, keep the present.
 */
static int remember(int dir, const struct plx_pci_device *d, bool *fresh)
{
	struct plx_pci_past past;
	int err = plx_pci_state_load(dir, d, &past);

	*fresh = err != 0;
	if (!err && (!d->driver[0] || plx_pci_driver_is_userspace(d->driver)))
		return 0;
	err = plx_pci_state_save(dir, d);
	if (err)
		PLX_ERR(pci, "%s/pollux/bind: cannot write: %s", plx_pci_roots.run, strerror(-err));
	return err;
}

static int change(const struct plx_pci_device *d, const struct target *to, const char *what)
{
	char bdf[PLX_PCI_BDF_LEN];
	bool fresh;
	int dir, err;

	dir = plx_pci_state_open();
	if (dir < 0)
		return dir;
	err = remember(dir, d, &fresh);
	if (!err) {
		err = move(plx_pci_bdf(&d->addr, bdf), to);
		if (err) {
			explain(d, what, err);
			if (roll_back(d) == 0 && fresh)
				plx_pci_state_forget(dir, d);
		}
	}
	plx_pci_state_close(dir);
	return err;
}

int plx_pci_bind(const struct plx_pci_addr *addr, const char *driver)
{
	struct target to = {driver, driver};
	struct plx_pci_device device;
	char what[96];
	int err;

	if (!driver || !driver[0] || driver[0] == '.' || strchr(driver, '/') ||
	    strlen(driver) >= sizeof(device.driver)) {
		PLX_ERR(pci, "\"%s\" is not the name of a driver", driver ? driver : "");
		return -EINVAL;
	}
	err = plx_pci_get(addr, &device);
	if (err || strcmp(device.driver, driver) == 0)
		return err;
	if (!plx_pci_driver_loaded(driver)) {
		PLX_ERR(pci, "driver %s is not loaded; `modprobe %s`", driver, driver);
		return -ENOENT;
	}
	snprintf(what, sizeof(what), "bind it to %s", driver);
	return change(&device, &to, what);
}

int plx_pci_unbind(const struct plx_pci_addr *addr)
{
	struct target to = {"", OVERRIDE_NONE};
	struct plx_pci_device device;
	int err = plx_pci_get(addr, &device);

	if (err || (!device.driver[0] && strcmp(device.driver_override, OVERRIDE_NONE) == 0))
		return err;
	return change(&device, &to, "unbind it");
}

/* No past is known: without an override the kernel finds the driver that it would have found. */
static int restore_default(const struct plx_pci_device *d, const char *bdf)
{
	struct target to = {"", ""};
	int err;

	if (d->driver[0] && !plx_pci_driver_is_userspace(d->driver))
		return d->driver_override[0] ? set_override(bdf, "") : 0;
	err = move(bdf, &to);
	return err ? err : attach_any(bdf);
}

static int restore_past(const struct plx_pci_device *d, const char *bdf,
			const struct plx_pci_past *past)
{
	struct target to = {past->driver, past->driver_override};

	if (past->driver[0] && !plx_pci_driver_loaded(past->driver)) {
		PLX_ERR(pci, "%s: its driver %s is not loaded; `modprobe %s`, then restore again",
			bdf, past->driver, past->driver);
		return -ENOENT;
	}
	if (strcmp(d->driver, past->driver) == 0)
		return set_override(bdf, past->driver_override);
	return move(bdf, &to);
}

int plx_pci_restore(const struct plx_pci_addr *addr)
{
	struct plx_pci_device device;
	struct plx_pci_past past;
	char bdf[PLX_PCI_BDF_LEN];
	int dir, err;

	err = plx_pci_get(addr, &device);
	if (err)
		return err;
	dir = plx_pci_state_open();
	if (dir < 0)
		return dir;
	plx_pci_bdf(addr, bdf);
	if (plx_pci_state_load(dir, &device, &past) == 0)
		err = restore_past(&device, bdf, &past);
	else
		err = restore_default(&device, bdf);
	if (err && err != -ENOENT) {
		explain(&device, "give it back to its driver", err);
		roll_back(&device);
	}
	if (!err)
		plx_pci_state_forget(dir, &device);
	plx_pci_state_close(dir);
	return err;
}
