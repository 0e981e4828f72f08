/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The "dpdk" backend of the EAL (eal/backend.h): its table, its log, and how it makes itself known.
 */
#include <rte_log.h>

#include <pollux/log.h>

#include "dpdk.h"

PLX_LOG_COMPONENT(dpdk);

static int log_type = -1;

static uint32_t rte_level(enum plx_log_level level)
{
	switch (level) {
	case PLX_LOG_ERR:
		return RTE_LOG_ERR;
	case PLX_LOG_WARN:
		return RTE_LOG_WARNING;
	case PLX_LOG_INFO:
		return RTE_LOG_INFO;
	default:
		return RTE_LOG_DEBUG;
	}
}

static void log_line(enum plx_log_level level, const char *component, const char *line)
{
	static const char *const names[] = {
		[PLX_LOG_ERR] = "error",
		[PLX_LOG_WARN] = "warning",
		[PLX_LOG_INFO] = "info",
		[PLX_LOG_DEBUG] = "debug",
	};

	rte_log(rte_level(level), (uint32_t)log_type, "pollux: %s: %s: %s\n", component,
		names[level] ? names[level] : "", line);
}

static int mem_open(const struct plx_mem_config *config, const struct plx_window *window)
{
	int err = plx_dpdk_heap_open(config->limit);

	return err ? err : plx_dpdk_follow();
}

static void mem_close(void)
{
	plx_dpdk_heap_close();
	plx_dpdk_unfollow();
}

static struct plx_backend backend = {
	.name = "dpdk",
	.running = plx_dpdk_running,
	.start = plx_dpdk_start,
	.worker_start = plx_dpdk_worker_start,
	.worker_stop = plx_dpdk_worker_stop,
	.worker_launch = plx_dpdk_worker_launch,
	.worker_wait = plx_dpdk_worker_wait,
	.mem_reserve = plx_dpdk_mem_reserve,
	.mem_open = mem_open,
	.mem_close = mem_close,
	.mem_alloc = plx_dpdk_alloc,
	.mem_free = plx_dpdk_free,
	.mem_stats = plx_dpdk_heap_stats,
	.mem_owner = plx_dpdk_heap_owner,
	.log = log_line,
};

__attribute__((constructor)) static void make_known(void)
{
	/* What is logged at all is for the levels of <pollux/log.h> to say. */
	log_type = rte_log_register_type_and_pick_level("pollux", RTE_LOG_DEBUG);
	if (log_type < 0)
		log_type = RTE_LOGTYPE_USER1;
	plx_backend_register(&backend);
}
