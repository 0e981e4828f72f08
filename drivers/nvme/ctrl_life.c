/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a controller: open, reset, close, and its state (ready, broken, gone). The steps are
 * in controller.c (registers), admin.c, identify.c, namespace.c and qpair_life.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "eal/probe.h"
#include "nvme/ctrl.h"

PLX_LOG_COMPONENT(nvme);

#define IO_QUEUES_DEFAULT	 64
#define IO_TIMEOUT_MS_DEFAULT	 30000
#define ADMIN_TIMEOUT_MS_DEFAULT 5000
#define SHUTDOWN_MS_DEFAULT	 5000
/* Mass storage, non-volatile memory, NVM Express I/O controller (PCI Code and ID Assignment). */
#define CLASS_NVME 0x010802
/* All registers and the doorbells of the admin queue and one more with the smallest stride. */
#define BAR_MIN (NVME_DOORBELLS + 16)

/* --- State ---------------------------------------------------------------------------------- */

int nvme_ctrl_state_error(const struct plx_nvme_ctrl *ctrl)
{
	switch (nvme_ctrl_state(ctrl)) {
	case PLX_NVME_READY:
		return 0;
	case PLX_NVME_GONE:
		return -ENODEV;
	default:
		return -EIO;
	}
}

void nvme_ctrl_break(struct plx_nvme_ctrl *ctrl, const char *fmt, ...)
{
	int ready = PLX_NVME_READY;
	char what[192];
	va_list ap;

	if (!atomic_compare_exchange_strong(&ctrl->state, &ready, PLX_NVME_BROKEN))
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	PLX_ERR(nvme, "%s: %s; reset it (plx_nvme_ctrl_reset)", ctrl->info.name, what);
}

int nvme_ctrl_gone(struct plx_nvme_ctrl *ctrl)
{
	/* Requests end once the state is seen: by then nothing that lies about it can do DMA. */
	pthread_mutex_lock(&ctrl->dev_lock);
	if (nvme_ctrl_state(ctrl) != PLX_NVME_GONE) {
		plx_dev_bus_master(ctrl->dev, false);
		atomic_store(&ctrl->state, PLX_NVME_GONE);
		PLX_ERR(nvme,
			"%s: does not answer any more: it was removed or has lost power; close it",
			ctrl->info.name);
	}
	pthread_mutex_unlock(&ctrl->dev_lock);
	return -ENODEV;
}

int nvme_ctrl_set_ready(struct plx_nvme_ctrl *ctrl)
{
	int err = -ENODEV;

	pthread_mutex_lock(&ctrl->dev_lock);
	if (nvme_ctrl_state(ctrl) != PLX_NVME_GONE)
		err = plx_dev_bus_master(ctrl->dev, true);
	if (!err)
		atomic_store(&ctrl->state, PLX_NVME_READY);
	pthread_mutex_unlock(&ctrl->dev_lock);
	if (err && err != -ENODEV)
		PLX_ERR(nvme, "%s: bus mastering cannot be switched on: %s", ctrl->info.name,
			strerror(-err));
	return err;
}

enum plx_nvme_state plx_nvme_ctrl_state(const struct plx_nvme_ctrl *ctrl)
{
	return nvme_ctrl_state(ctrl);
}

void nvme_ctrl_stop(struct plx_nvme_ctrl *ctrl)
{
	if (!ctrl->enabled || nvme_ctrl_state(ctrl) == PLX_NVME_GONE)
		return;
	if (nvme_ctrl_disable(ctrl) == 0 || nvme_ctrl_state(ctrl) == PLX_NVME_GONE)
		return;
	PLX_WARN(nvme, "%s: resetting the function, for it cannot be disabled", ctrl->info.name);
	if (plx_dev_reset(ctrl->dev) && plx_dev_bus_master(ctrl->dev, false))
		PLX_ERR(nvme, "%s: cannot be cut off the bus; remove it from the machine",
			ctrl->info.name);
	ctrl->enabled = false;
}

/* --- Bring-up ------------------------------------------------------------------------------- */

static int map_registers(struct plx_nvme_ctrl *ctrl)
{
	const struct plx_dev_info *info = plx_dev_info(ctrl->dev);

	snprintf(ctrl->info.name, sizeof(ctrl->info.name), "%s", info->name);
	if (info->pci.class_code != CLASS_NVME) {
		PLX_ERR(nvme,
			"%s: is no NVMe controller (class %06x, not %06x); plx-nvme list "
			"names them",
			ctrl->info.name, info->pci.class_code, CLASS_NVME);
		return -ENOTSUP;
	}
	ctrl->bar_size = plx_dev_region_size(ctrl->dev, PLX_REGION_BAR0);
	if (ctrl->bar_size < BAR_MIN) {
		ctrl->lies[PLX_NVME_LIE_REGISTER]++;
		PLX_ERR(nvme, "%s: its BAR 0 has %llu bytes, the registers need %u",
			ctrl->info.name, (unsigned long long)ctrl->bar_size, BAR_MIN);
		return -EPROTO;
	}
	ctrl->bar = plx_dev_region_map(ctrl->dev, PLX_REGION_BAR0, 0, 0);
	return ctrl->bar ? 0 : -errno;
}

/* From disabled to ready for commands. */
static int start(struct plx_nvme_ctrl *ctrl)
{
	int err = nvme_ctrl_set_ready(ctrl);

	return err ? err : nvme_ctrl_enable(ctrl);
}

static int ask_for_queues(struct plx_nvme_ctrl *ctrl, uint32_t want)
{
	uint32_t got = 0;
	int err;

	if (want > ctrl->info.io_queues)
		want = ctrl->info.io_queues;
	err = nvme_admin_set_queues(ctrl, want, &got);
	if (!err)
		ctrl->info.io_queues = got;
	return err;
}

/* What is forgotten by a reset, and the application has asked for. */
static int configure(struct plx_nvme_ctrl *ctrl)
{
	int err = nvme_shadow_start(ctrl);

	if (!err)
		err = nvme_tune_formats(ctrl);
	return err ? err : nvme_tune_start(ctrl);
}

static int alloc_queue_table(struct plx_nvme_ctrl *ctrl)
{
	ctrl->queue_slots = ctrl->info.io_queues;
	ctrl->qpairs = calloc((size_t)ctrl->queue_slots + 1, sizeof(*ctrl->qpairs));
	return ctrl->qpairs ? 0 : -ENOMEM;
}

static int bring_up(struct plx_nvme_ctrl *ctrl)
{
	int err = map_registers(ctrl);

	if (!err)
		err = nvme_ctrl_probe(ctrl);
	if (!err)
		err = nvme_tune_check(ctrl);
	if (!err)
		err = nvme_ctrl_disable(ctrl);
	if (!err)
		err = nvme_admin_init(ctrl);
	if (!err)
		err = start(ctrl);
	if (!err)
		err = nvme_identify_ctrl(ctrl);
	if (!err)
		err = nvme_keep_alive_start(ctrl);
	if (!err)
		err = ask_for_queues(ctrl, ctrl->config.io_queues);
	if (!err)
		err = configure(ctrl);
	if (!err)
		err = nvme_namespaces_list(ctrl);
	if (!err)
		err = alloc_queue_table(ctrl);
	return err ? err : nvme_cmb_open(ctrl);
}

/* --- Open and close ------------------------------------------------------------------------- */

static void set_config(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ctrl_config *config)
{
	struct plx_nvme_ctrl_config *c = &ctrl->config;

	if (config)
		*c = *config;
	if (!c->io_queues)
		c->io_queues = IO_QUEUES_DEFAULT;
	if (!c->io_timeout_ms)
		c->io_timeout_ms = IO_TIMEOUT_MS_DEFAULT;
	if (!c->admin_timeout_ms)
		c->admin_timeout_ms = ADMIN_TIMEOUT_MS_DEFAULT;
	ctrl->shutdown_ms = SHUTDOWN_MS_DEFAULT;
}

static void free_ctrl(struct plx_nvme_ctrl *ctrl, uint32_t shutdown)
{
	nvme_qpairs_close(ctrl);
	free(ctrl->qpairs);
	nvme_namespaces_free(ctrl);
	if (ctrl->enabled && nvme_ctrl_state(ctrl) == PLX_NVME_READY)
		nvme_ctrl_shutdown(ctrl, shutdown);
	nvme_ctrl_stop(ctrl);
	nvme_admin_fini(ctrl);
	nvme_shadow_fini(ctrl);
	nvme_cmb_close(ctrl);
	nvme_irq_fini(ctrl);
	plx_dev_close(ctrl->dev);
	pthread_mutex_destroy(&ctrl->dev_lock);
	pthread_mutex_destroy(&ctrl->lock);
	free(ctrl);
}

struct plx_nvme_ctrl *nvme_ctrl_open_dev(struct plx_dev *dev,
					 const struct plx_nvme_ctrl_config *config)
{
	struct plx_nvme_ctrl *ctrl = aligned_alloc(PLX_CACHE_LINE, sizeof(*ctrl));
	unsigned int owner;
	int err;

	if (!ctrl) {
		plx_dev_close(dev);
		errno = ENOMEM;
		return NULL;
	}
	memset(ctrl, 0, sizeof(*ctrl));
	ctrl->dev = dev;
	atomic_init(&ctrl->state, PLX_NVME_BROKEN);
	pthread_mutex_init(&ctrl->lock, NULL);
	pthread_mutex_init(&ctrl->dev_lock, NULL);
	set_config(ctrl, config);
	owner = plx_mem_owner_enter(plx_dev_info(dev)->name);
	err = bring_up(ctrl);
	plx_mem_owner_leave(owner);
	if (err) {
		free_ctrl(ctrl, NVME_CC_SHN_NORMAL);
		errno = -err;
		return NULL;
	}
	nvme_telemetry_add(ctrl);
	PLX_INFO(nvme, "%s: %s %s, %u namespaces, %u queue pairs, %u bytes a transfer",
		 ctrl->info.name, ctrl->info.model, ctrl->info.serial, ctrl->info.namespaces,
		 ctrl->info.io_queues, ctrl->info.max_transfer);
	return ctrl;
}

struct plx_nvme_ctrl *plx_nvme_ctrl_open(const char *name,
					 const struct plx_nvme_ctrl_config *config)
{
	struct plx_dev *dev = plx_dev_open(config ? config->as : NULL, name);

	return dev ? nvme_ctrl_open_dev(dev, config) : NULL;
}

static void close_by(struct plx_nvme_ctrl *ctrl, uint32_t shutdown)
{
	if (!ctrl)
		return;
	plx_telemetry_remove(&ctrl->telemetry);
	pthread_mutex_lock(&ctrl->lock);
	nvme_qpairs_close(ctrl);
	pthread_mutex_unlock(&ctrl->lock);
	free_ctrl(ctrl, shutdown);
}

void plx_nvme_ctrl_close(struct plx_nvme_ctrl *ctrl)
{
	close_by(ctrl, NVME_CC_SHN_NORMAL);
}

void plx_nvme_ctrl_close_abrupt(struct plx_nvme_ctrl *ctrl)
{
	close_by(ctrl, NVME_CC_SHN_ABRUPT);
}

/* --- Reset ---------------------------------------------------------------------------------- */

static int restart(struct plx_nvme_ctrl *ctrl)
{
	int err;

	nvme_qpair_abort(&ctrl->admin);
	ctrl->admin.aborted = NULL;
	nvme_qpair_rewind(&ctrl->admin);
	nvme_events_forget(ctrl);
	nvme_aborts_forget(ctrl);
	err = start(ctrl);
	if (!err)
		err = nvme_keep_alive_start(ctrl);
	if (!err)
		err = ask_for_queues(ctrl, ctrl->queue_slots);
	if (!err)
		err = configure(ctrl);
	if (!err)
		err = nvme_irq_restore(ctrl);
	if (!err)
		err = nvme_cmb_restore(ctrl);
	if (!err)
		err = nvme_qpairs_recreate(ctrl);
	if (!err)
		err = nvme_events_start(ctrl);
	if (err && nvme_ctrl_state(ctrl) == PLX_NVME_READY)
		nvme_ctrl_break(ctrl, "it did not come back from a reset (%s)", strerror(-err));
	return err;
}

/* How a controller that still runs is told to forget all: by itself, or with its subsystem. */
static void stop_subsystem(struct plx_nvme_ctrl *ctrl)
{
	nvme_set32(ctrl, NVME_NSSR, NVME_NSSR_RESET);
	/* It comes back disabled, or it is disabled now. */
	nvme_ctrl_stop(ctrl);
}

static int reset_by(struct plx_nvme_ctrl *ctrl, void (*stop)(struct plx_nvme_ctrl *ctrl))
{
	int ready = PLX_NVME_READY, err;

	pthread_mutex_lock(&ctrl->lock);
	ctrl->stats.resets++;
	/* Its commands end in order where it can still be asked to. */
	if (nvme_ctrl_state(ctrl) == PLX_NVME_READY)
		nvme_qpairs_delete(ctrl);
	/* Unless it has just been found gone. */
	atomic_compare_exchange_strong(&ctrl->state, &ready, PLX_NVME_BROKEN);
	stop(ctrl);
	nvme_qpairs_abort(ctrl);
	err = nvme_ctrl_state(ctrl) == PLX_NVME_GONE ? -ENODEV : restart(ctrl);
	PLX_PROBE(nvme_reset, ctrl->info.name, err);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_ctrl_reset(struct plx_nvme_ctrl *ctrl)
{
	return reset_by(ctrl, nvme_ctrl_stop);
}

int plx_nvme_subsystem_reset(struct plx_nvme_ctrl *ctrl)
{
	if (ctrl->info.capabilities & NVME_CAP_NSSRS)
		return reset_by(ctrl, stop_subsystem);
	PLX_ERR(nvme, "%s: cannot reset its subsystem (CAP.NSSRS); reset the controller",
		ctrl->info.name);
	return -ENOTSUP;
}

/* --- Telling -------------------------------------------------------------------------------- */

void plx_nvme_ctrl_info(const struct plx_nvme_ctrl *ctrl, struct plx_nvme_ctrl_info *info)
{
	*info = ctrl->info;
}

struct plx_dev *plx_nvme_ctrl_dev(const struct plx_nvme_ctrl *ctrl)
{
	return ctrl->dev;
}

void plx_nvme_ctrl_stats(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ctrl_stats *stats)
{
	uint32_t q, i;

	pthread_mutex_lock(&ctrl->lock);
	*stats = ctrl->stats;
	stats->timeouts = atomic_load(&ctrl->timeouts);
	stats->aborted = atomic_load(&ctrl->aborted);
	for (i = 0; i < PLX_NVME_LIE_KINDS; i++) {
		stats->lies[i] = ctrl->lies[i] + ctrl->admin.lies[i];
		for (q = 1; q <= ctrl->queue_slots; q++)
			if (ctrl->qpairs[q])
				stats->lies[i] += PLX_READ_ONCE(ctrl->qpairs[q]->lies[i]);
	}
	pthread_mutex_unlock(&ctrl->lock);
}
