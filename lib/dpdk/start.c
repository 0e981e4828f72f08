/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_eal's start: the EAL's configuration in rte_eal's words. rte_eal comes up once in the life of
 * a process; whoever brought it up, it stays, and each later plx_eal_init() joins it.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>

#include <pollux/log.h>

#include "dpdk.h"

PLX_LOG_USE(dpdk);

#define MIB	     ((size_t)1 << 20)
#define ARGS_MAX     128
#define LINE_MAX_LEN 4096
/* Without hugepages rte_eal's memory does not grow. Pages are taken when touched or pinned. */
#define NO_HUGE_BYTES (256 * MIB)
/* What rte_eal needs for itself, beyond what was asked for. */
#define NO_HUGE_EXTRA (16 * MIB)

/* An argument vector for rte_eal_init(), which keeps pointers into it. */
struct line {
	char *argv[ARGS_MAX + 1];
	int argc;
	bool bad; /* too many, or no memory */
};

static bool ours;   /* rte_eal was brought up here */
static bool failed; /* and could not be */

bool plx_dpdk_is_ours(void)
{
	return ours;
}

bool plx_dpdk_running(struct plx_cpu_set *cpus, unsigned int *main_cpu)
{
	unsigned int id;

	/* Nothing counts before rte_eal_init() has looked for CPUs. */
	if (failed || rte_lcore_count() == 0)
		return false;
	memset(cpus, 0, sizeof(*cpus));
	RTE_LCORE_FOREACH(id)
	{
		if (id >= PLX_LCORE_MAX)
			continue;
		cpus->has[id] = true;
		cpus->count++;
	}
	*main_cpu = rte_get_main_lcore();
	return true;
}

/* --- The command line ------------------------------------------------------------------------ */

static void add(struct line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *fmt, ...)
{
	va_list args;

	if (line->argc >= ARGS_MAX || line->bad) {
		line->bad = true;
		return;
	}
	va_start(args, fmt);
	line->bad = vasprintf(&line->argv[line->argc], fmt, args) < 0;
	va_end(args);
	line->argc += !line->bad;
	line->argv[line->argc] = NULL;
}

/* An option that the user gives replaces what we would say. */
static bool given(const struct line *user, const char *const *names)
{
	int i;

	for (; *names; names++) {
		size_t len = strlen(*names);

		for (i = 0; i < user->argc; i++) {
			const char *word = user->argv[i];

			/* A short one may have its value in the same word. */
			if (strncmp(word, *names, len) == 0 &&
			    (word[len] == '\0' || word[len] == '=' || (*names)[1] != '-'))
				return true;
		}
	}
	return false;
}

#define GIVEN(user, ...) given(user, (const char *const[]){__VA_ARGS__, NULL})

static void split(struct line *line, const char *text)
{
	char *copy = strdup(text), *rest = copy, *word;

	line->bad |= !copy;
	while (copy && (word = strsep(&rest, " \t")) != NULL)
		if (*word)
			add(line, "%s", word);
	free(copy);
}

static void add_lcores(struct line *line, const struct plx_backend_start *start)
{
	char list[PLX_LCORE_MAX * 5];
	size_t n = 0;
	unsigned int cpu;

	for (cpu = 0; cpu < PLX_LCORE_MAX; cpu++)
		if (start->cpus->has[cpu])
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%u", n ? "," : "",
					      cpu);
	add(line, "-l");
	add(line, "%s", list);
	add(line, "--main-lcore");
	add(line, "%u", start->main_cpu);
}

static void add_no_huge(struct line *line, const struct plx_backend_start *start)
{
	const struct plx_eal_config *config = start->config;
	size_t wanted = config->mem_bytes * start->node_count + NO_HUGE_EXTRA;

	if (wanted < NO_HUGE_BYTES)
		wanted = NO_HUGE_BYTES;
	add(line, "--no-huge");
	add(line, "--no-shconf");
	add(line, "-m");
	add(line, "%zu", (wanted + MIB - 1) / MIB);
}

static int add_huge(struct line *line, const struct plx_backend_start *start,
		    const struct plx_page_class *page_class)
{
	const struct plx_eal_config *config = start->config;

	if (config->page_size && !page_class->mount) {
		PLX_ERR(dpdk,
			"pages of %zu KiB: rte_eal takes pages of one size from a mount only; "
			"mount -t hugetlbfs -o pagesize=%zuK none /dev/hugepages-%zuK",
			config->page_size / 1024, config->page_size / 1024,
			config->page_size / 1024);
		return -EINVAL;
	}
	if (config->page_size) {
		add(line, "--no-shconf");
		add(line, "--huge-unlink");
		add(line, "--huge-dir");
		add(line, "%s", page_class->mount);
	} else {
		add(line, "--in-memory");
	}
	/* One file for much memory, so that it can be shared over a socket. */
	if (!config->page_size || config->single_file_segments)
		add(line, "--single-file-segments");
	/* Memory goes as it came. */
	add(line, "--match-allocations");
	if (config->mem_bytes) {
		add(line, "-m");
		add(line, "%zu", (config->mem_bytes * start->node_count + MIB - 1) / MIB);
	}
	return 0;
}

static int add_memory(struct line *line, const struct plx_backend_start *start,
		      const struct line *user)
{
	const struct plx_eal_config *config = start->config;
	struct plx_pages_config wish = {config->page_size, config->no_huge, config->require_huge};
	struct plx_pages pages;
	int err;

	if (config->va_base)
		add(line, "--base-virtaddr=0x%" PRIx64, config->va_base);
	/* Who says how memory is had says all of it. */
	if (GIVEN(user, "-m", "--socket-mem", "--no-huge", "--in-memory", "--huge-dir",
		  "--file-prefix", "--proc-type", "--legacy-mem"))
		return 0;
	err = plx_backend_pages(&pages, &wish);
	if (err)
		return err;
	if (pages.classes[0].kind == PLX_MEM_HUGETLB)
		return add_huge(line, start, &pages.classes[0]);
	add_no_huge(line, start);
	return 0;
}

static int compose(struct line *line, const struct plx_backend_start *start)
{
	struct line user = {0};
	int err, i;

	split(&user, start->args);
	add(line, "pollux");
	add_lcores(line, start);
	err = add_memory(line, start, &user);
	/* rte_eal would take every device that vfio-pci has. */
	if (!GIVEN(&user, "-a", "--allow", "-b", "--block", "--no-pci"))
		add(line, "--no-pci");
	if (!GIVEN(&user, "--no-telemetry", "--telemetry"))
		add(line, "--no-telemetry");
	if (!GIVEN(&user, "--iova-mode"))
		add(line, "--iova-mode=va");
	if (!GIVEN(&user, "--log-level"))
		add(line, "--log-level=lib.eal:warning");
	for (i = 0; i < user.argc; i++) {
		add(line, "%s", user.argv[i]);
		free(user.argv[i]);
	}
	if (!err && (line->bad || user.bad)) {
		PLX_ERR(dpdk, "the options for rte_eal are more than %d, or there is no memory",
			ARGS_MAX);
		err = -E2BIG;
	}
	return err;
}

static void join(const struct line *line, char *text, size_t size)
{
	size_t n = 0;
	int i;

	text[0] = '\0';
	for (i = 1; i < line->argc && n < size; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i > 1 ? " " : "", line->argv[i]);
}

/* --- Start ----------------------------------------------------------------------------------- */

static pid_t started_by;

static void clean_up(void)
{
	/* A forked child that exits leaves the parent's alone. */
	if (getpid() == started_by)
		rte_eal_cleanup();
}

/* Signal handlers run in the application's own threads, and none of rte_eal's is one. */
static int init_without_signals(struct line *line)
{
	/* It permutes what it is given. */
	static char *argv[ARGS_MAX + 1];
	sigset_t all, before;
	int ret;

	memcpy(argv, line->argv, sizeof(argv));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = rte_eal_init(line->argc, argv);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret < 0 ? -rte_errno : 0;
}

static int bring_up(const struct plx_backend_start *start)
{
	static struct line line;
	char text[LINE_MAX_LEN];
	int err;

	if (failed) {
		PLX_ERR(dpdk,
			"rte_eal could not start before, and does not try twice in a process");
		return -ENODEV;
	}
	memset(&line, 0, sizeof(line));
	err = compose(&line, start);
	if (err)
		return err;
	join(&line, text, sizeof(text));
	PLX_DEBUG(dpdk, "rte_eal_init: %s", text);
	err = init_without_signals(&line);
	if (err) {
		failed = true;
		PLX_ERR(dpdk,
			"rte_eal does not start with \"%s\": %s; its own lines before say why",
			text, rte_strerror(-err));
		return err;
	}
	ours = true;
	started_by = getpid();
	atexit(clean_up);
	return 0;
}

static int join_running(const struct plx_backend_start *start)
{
	const struct plx_eal_config *config = start->config;

	if (rte_lcore_id() != rte_get_main_lcore()) {
		PLX_ERR(dpdk, "rte_eal is up: call plx_eal_init() from its main lcore, which is %u",
			rte_get_main_lcore());
		return -EPERM;
	}
	/* It remembers the thread that it was started in; a child has another. */
	if (rte_gettid() != gettid()) {
		PLX_ERR(dpdk,
			"this is a forked child of a process with rte_eal up, whose memory and "
			"threads stay with the parent: fork before rte_eal_init(), or exec");
		return -ENODEV;
	}
	if (rte_eal_process_type() != RTE_PROC_PRIMARY) {
		PLX_ERR(dpdk, "this is a secondary process of DPDK: memory that it does not own "
			      "cannot be followed; use the primary one");
		return -ENOTSUP;
	}
	if (config->require_huge && !rte_eal_has_hugepages()) {
		PLX_ERR(dpdk, "rte_eal is up, and has no hugepages; start it without --no-huge");
		return -ENOMEM;
	}
	/* Our own, in an earlier life, were given then. */
	if (!ours && (start->args[0] || config->mem_bytes || config->va_base || config->page_size))
		PLX_WARN(dpdk,
			 "rte_eal is up in this process: how much memory, of what pages and "
			 "where, and \"%s\", were for it to be told when it started",
			 start->args);
	return 0;
}

int plx_dpdk_start(const struct plx_backend_start *start)
{
	struct plx_cpu_set cpus;
	unsigned int main_cpu;

	if (start->config->va_size) {
		PLX_ERR(dpdk, "rte_eal decides how many addresses it reserves; leave va_size 0");
		return -EINVAL;
	}
	if (plx_dpdk_running(&cpus, &main_cpu))
		return join_running(start);
	return bring_up(start);
}
