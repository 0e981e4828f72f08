/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nbdkit plugin: exports an NVMe namespace that Pollux drives. This file is what nbdkit calls; the
 * I/O is in pool.c.
 *
 *	nbdkit pollux 0000:01:00.0 ns=1
 */
#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "pool.h"

#define THREAD_MODEL  NBDKIT_THREAD_MODEL_PARALLEL
#define QUEUES_MAX    64u
#define PREFERRED_MIN 4096u

static struct {
	const char *bdf;
	unsigned int nsid, queues;
	int interrupt, no_huge;
	struct pool *pool;
} export = {.nsid = 1, .queues = 4, .interrupt = 1};

/* --- Parameters ----------------------------------------------------------------------------- */

static int parse_bool(const char *value, int *to)
{
	*to = nbdkit_parse_bool(value);
	return *to < 0 ? -1 : 0;
}

static int config(const char *key, const char *value)
{
	if (!strcmp(key, "device")) {
		export.bdf = nbdkit_strdup_intern(value);
		return export.bdf ? 0 : -1;
	}
	if (!strcmp(key, "ns"))
		return nbdkit_parse_unsigned("ns", value, &export.nsid);
	if (!strcmp(key, "queues"))
		return nbdkit_parse_unsigned("queues", value, &export.queues);
	if (!strcmp(key, "interrupt"))
		return parse_bool(value, &export.interrupt);
	if (!strcmp(key, "no-huge"))
		return parse_bool(value, &export.no_huge);
	nbdkit_error("no parameter \"%s\"; nbdkit pollux --help names them", key);
	return -1;
}

static int config_complete(void)
{
	if (!export.bdf) {
		nbdkit_error("which controller? give device=0000:01:00.0; plx-nvme list has them");
		return -1;
	}
	if (export.queues < 1 || export.queues > QUEUES_MAX || export.nsid < 1) {
		nbdkit_error("ns=%u queues=%u: give a namespace from 1, and 1 to %u queues",
			     export.nsid, export.queues, QUEUES_MAX);
		return -1;
	}
	return 0;
}

#define CONFIG_HELP                                                                                \
	"device=BDF       (required) The controller, such as 0000:01:00.0, bound to vfio-pci\n"    \
	"ns=N             Namespace (1)\n"                                                         \
	"queues=N         Queue pairs: requests at once, from all connections (4)\n"               \
	"interrupt=BOOL   Sleep while waiting; false: poll (true)\n"                               \
	"no-huge=BOOL     Without hugepages (false)"

/* --- Life ----------------------------------------------------------------------------------- */

static void to_nbdkit(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	if (level == PLX_LOG_ERR)
		nbdkit_error("%s: %s", component, line);
	else
		nbdkit_debug("%s: %s", component, line);
}

/* nbdkit makes its threads later; they must not be pinned where the EAL pins this one. */
static int start_eal(void)
{
	struct plx_eal_config eal = {.no_huge = export.no_huge};
	char lcore[16];
	cpu_set_t cpus;
	int err;

	snprintf(lcore, sizeof(lcore), "%d", sched_getcpu());
	eal.lcores = lcore;
	if (sched_getaffinity(0, sizeof(cpus), &cpus))
		return -errno;
	err = plx_eal_init(&eal);
	if (!err && sched_setaffinity(0, sizeof(cpus), &cpus))
		err = -errno;
	return err;
}

/* After it has gone to the background: what a device is given to must not be forked. */
static int after_fork(void)
{
	struct plx_nvme_ctrl_config config = {.io_queues = export.queues};
	struct pool_config pool = {
		.nsid = export.nsid,
		.lanes = export.queues,
		.interrupt = export.interrupt,
	};
	struct plx_nvme_ctrl *ctrl;

	plx_log_set_sink(to_nbdkit, NULL);
	if (start_eal())
		return -1;
	ctrl = plx_nvme_ctrl_open(export.bdf, &config);
	export.pool = ctrl ? pool_open(ctrl, &pool) : NULL;
	if (!export.pool)
		nbdkit_error("%s: namespace %u: %s", export.bdf, export.nsid, strerror(errno));
	return export.pool ? 0 : -1;
}

static void cleanup(void)
{
	pool_close(export.pool);
	export.pool = NULL;
	if (plx_eal_is_up())
		plx_eal_fini();
	plx_log_set_sink(NULL, NULL);
}

/* Every connection sees the same. */
static void *open_connection(int readonly)
{
	return NBDKIT_HANDLE_NOT_NEEDED;
}

/* --- What it can ---------------------------------------------------------------------------- */

static int64_t get_size(void *handle)
{
	const struct plx_nvme_ns_info *ns = pool_ns_info(export.pool);

	/* Bounded by the driver: it fits. */
	return (int64_t)(ns->blocks * ns->block_size);
}

static int block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
	uint32_t size = pool_ns_info(export.pool)->block_size;

	*minimum = size;
	*preferred = size > PREFERRED_MIN ? size : PREFERRED_MIN;
	*maximum = UINT32_MAX;
	return 0;
}

static int yes(void *handle)
{
	return 1;
}

static int no(void *handle)
{
	return 0;
}

static int can_fua(void *handle)
{
	return NBDKIT_FUA_NATIVE;
}

static int can_trim(void *handle)
{
	return !!(pool_ctrl_info(export.pool)->oncs & PLX_NVME_CAN_DSM);
}

static int can_zero(void *handle)
{
	return !!(pool_ctrl_info(export.pool)->oncs & PLX_NVME_CAN_WRITE_ZEROES);
}

/* --- I/O ------------------------------------------------------------------------------------ */

/* As NBD has them: what it does not know would become EINVAL. */
static int nbd_errno(int err)
{
	switch (err) {
	case -EINVAL:
	case -ENOSPC:
	case -EPERM:
	case -ENOMEM:
		return -err;
	case -EROFS:
		return EPERM;
	case -ERANGE:
		return ENOSPC;
	default:
		return EIO;
	}
}

static int run(const struct io *io)
{
	static const char *const names[] = {
		[IO_READ] = "read", [IO_WRITE] = "write", [IO_ZERO] = "write zeroes",
		[IO_TRIM] = "trim", [IO_FLUSH] = "flush",
	};
	uint32_t size = pool_ns_info(export.pool)->block_size;
	int err = 0;

	if (io->offset % size || io->count % size) {
		nbdkit_error("%s of %u bytes at %" PRIu64 ": not multiples of the block size, %u; "
			     "give nbdkit --filter=blocksize",
			     names[io->kind], io->count, io->offset, size);
		nbdkit_set_error(EINVAL);
		return -1;
	}
	if (io->count || io->kind == IO_FLUSH)
		err = pool_run(export.pool, io);
	if (!err)
		return 0;
	nbdkit_error("%s: %s of %u bytes at %" PRIu64 ": %s", export.bdf, names[io->kind],
		     io->count, io->offset, strerror(-err));
	nbdkit_set_error(nbd_errno(err));
	return -1;
}

static uint16_t fua(uint32_t flags)
{
	return flags & NBDKIT_FLAG_FUA ? PLX_NVME_FUA : 0;
}

static int do_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	return run(&(struct io){.kind = IO_READ, .offset = offset, .count = count, .data = buf});
}

static int do_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	return run(&(struct io){
		.kind = IO_WRITE,
		.flags = fua(flags),
		.offset = offset,
		.count = count,
		/* Read only. */
		.data = (char *)(uintptr_t)buf,
	});
}

static int do_flush(void *handle, uint32_t flags)
{
	return run(&(struct io){.kind = IO_FLUSH});
}

/* Deallocation has no FUA of its own. */
static int do_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	int err = run(&(struct io){.kind = IO_TRIM, .offset = offset, .count = count});

	return !err && (flags & NBDKIT_FLAG_FUA) ? do_flush(handle, 0) : err;
}

static int do_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	uint16_t trim = flags & NBDKIT_FLAG_MAY_TRIM ? PLX_NVME_DEALLOCATE : 0;

	return run(&(struct io){
		.kind = IO_ZERO,
		.flags = (uint16_t)(fua(flags) | trim),
		.offset = offset,
		.count = count,
	});
}

static struct nbdkit_plugin plugin = {
	.name = "pollux",
	.longname = "Pollux NVMe",
	.description = "An NVMe namespace, driven from userspace",
	.config = config,
	.config_complete = config_complete,
	.config_help = CONFIG_HELP,
	.magic_config_key = "device",
	.after_fork = after_fork,
	.cleanup = cleanup,
	.open = open_connection,
	.get_size = get_size,
	.block_size = block_size,
	.can_write = yes,
	.can_flush = yes,
	.is_rotational = no,
	.can_trim = can_trim,
	.can_zero = can_zero,
	.can_fast_zero = can_zero,
	.can_fua = can_fua,
	/* One cache behind all queues: a flush is for the writes of every connection. */
	.can_multi_conn = yes,
	.pread = do_pread,
	.pwrite = do_pwrite,
	.flush = do_flush,
	.trim = do_trim,
	.zero = do_zero,
};

struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
