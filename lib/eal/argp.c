/* SPDX-License-Identifier: BSD-3-Clause */
/* plx_eal_argp: the EAL's command line options, as a child of the application's argp parser. */
#include <pollux/eal.h>

#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* Above all characters, so that the application's short options stay its own. */
enum {
	OPT_LCORES = 0x1000,
	OPT_MAIN_LCORE,
	OPT_MEM,
	OPT_MEM_LIMIT,
	OPT_PAGE_SIZE,
	OPT_NO_HUGE,
	OPT_REQUIRE_HUGE,
	OPT_VA_BASE,
	OPT_LOG_LEVEL,
	OPT_EAL,
	OPT_EAL_ARGS,
	OPT_NAME,
	OPT_MEM_NODE_LIMIT,
	OPT_SINGLE_FILE,
};

static const struct argp_option options[] = {
	{"lcores", OPT_LCORES, "LIST", 0,
	 "CPUs to run on, such as 0,2-5 (default: all that the process may use)", 0},
	{"main-lcore", OPT_MAIN_LCORE, "CPU", 0, "CPU of the main thread (default: the first)", 0},
	{"mem", OPT_MEM, "SIZE", 0,
	 "DMA memory to reserve at once on each NUMA node, such as 64M or 1G; it grows on demand",
	 0},
	{"mem-limit", OPT_MEM_LIMIT, "SIZE", 0, "DMA memory never grows beyond this", 0},
	{"mem-node-limit", OPT_MEM_NODE_LIMIT, "LIST", 0,
	 "Limits of single NUMA nodes, such as 0=512M,1=1G", 0},
	{"page-size", OPT_PAGE_SIZE, "SIZE", 0, "Hugepages to use: 2M, 1G (default: the system's)",
	 0},
	{"no-huge", OPT_NO_HUGE, NULL, 0, "Do without reserved hugepages", 0},
	{"require-huge", OPT_REQUIRE_HUGE, NULL, 0, "Fail rather than do without hugepages", 0},
	{"single-file-segments", OPT_SINGLE_FILE, NULL, 0,
	 "All DMA memory in one file that grows, for vhost-user", 0},
	{"va-base", OPT_VA_BASE, "ADDR", 0, "Address, and IOVA, where DMA memory begins", 0},
	{"log-level", OPT_LOG_LEVEL, "LIST", 0,
	 "What to log: off, error, warn, info, debug; by component: info,vfio=debug", 0},
	{"eal", OPT_EAL, "NAME", 0,
	 "Runtime below: native or dpdk (default: $POLLUX_EAL, or else native)", 0},
	{"eal-args", OPT_EAL_ARGS, "ARGS", 0,
	 "Options for that runtime, in one word (default: $POLLUX_EAL_ARGS)", 0},
	{"name", OPT_NAME, "NAME", 0, "Let plx-top and other processes find this one by a name", 0},
	{0},
};

/* argp_error() returns where the application has asked argp not to exit. */
static error_t parse_size(struct argp_state *state, const char *name, const char *text,
			  size_t *size)
{
	if (plx_parse_size(text, size) == 0)
		return 0;
	argp_error(state, "--%s: \"%s\" is not a size such as 64M", name, text);
	return EINVAL;
}

static error_t parse_address(struct argp_state *state, const char *text, uint64_t *address)
{
	char *end;

	/* strtoull() takes a sign and blanks, and we do not. */
	errno = 0;
	*address = strtoull(text, &end, 0);
	if (isdigit((unsigned char)*text) && !errno && !*end)
		return 0;
	argp_error(state, "--va-base: \"%s\" is not an address such as 0x1000000000", text);
	return EINVAL;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct plx_eal_config *config = state->input;

	switch (key) {
	case OPT_LCORES:
		config->lcores = arg;
		break;
	case OPT_MAIN_LCORE:
		config->main_lcore = arg;
		break;
	case OPT_MEM:
		return parse_size(state, "mem", arg, &config->mem_bytes);
	case OPT_MEM_LIMIT:
		return parse_size(state, "mem-limit", arg, &config->mem_limit);
	case OPT_PAGE_SIZE:
		return parse_size(state, "page-size", arg, &config->page_size);
	case OPT_NO_HUGE:
		config->no_huge = true;
		break;
	case OPT_REQUIRE_HUGE:
		config->require_huge = true;
		break;
	case OPT_SINGLE_FILE:
		config->single_file_segments = true;
		break;
	case OPT_VA_BASE:
		return parse_address(state, arg, &config->va_base);
	case OPT_LOG_LEVEL:
		config->log_levels = arg;
		break;
	case OPT_EAL:
		config->backend = arg;
		break;
	case OPT_EAL_ARGS:
		config->backend_args = arg;
		break;
	case OPT_MEM_NODE_LIMIT:
		config->mem_node_limits = arg;
		break;
	case OPT_NAME:
		config->name = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

const struct argp plx_eal_argp = {.options = options, .parser = parse};
