/* SPDX-License-Identifier: BSD-3-Clause */
/* Where memory comes from; see pages.h. mem.c calls it. */
#include "eal/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <hugetlbfs.h>
#include <inttypes.h>
#include <numa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pollux/log.h>

#include "eal/available.h"
#include "eal/numa_nodes.h"
#include "eal/window.h"

PLX_LOG_USE(eal);

#define SMALL_PAGE ((size_t)4096)
/* What fall-back memory is handled in: the unit that the kernel makes huge where it can. */
#define FALLBACK_UNIT ((size_t)2 << 20)
#define MIB	      (1u << 20)
#define HUGE_SHIFT    26 /* MFD_HUGE_SHIFT of <linux/memfd.h>, which clashes with <sys/mman.h> */

/* --- What the system has --------------------------------------------------------------------- */

static bool read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok = file && fgets(line, (int)size, file);

	if (file)
		fclose(file);
	return ok;
}

/* One of the counters of a hugepage size; false where it cannot be read. */
static bool read_counter(size_t page_size, const char *name, uint64_t *value)
{
	char path[128], line[32];

	snprintf(path, sizeof(path), "/sys/kernel/mm/hugepages/hugepages-%zukB/%s",
		 page_size / 1024, name);
	if (!read_line(path, line, sizeof(line)))
		return false;
	*value = strtoull(line, NULL, 10);
	return true;
}

static uint64_t huge_counter(size_t page_size, const char *name)
{
	uint64_t value = 0;

	read_counter(page_size, name, &value);
	return value;
}

/*
 * Surplus pages are those beyond the pool, which exist only while they are used. Where nothing can
 * be read (no file descriptor left, perhaps) the attempt to map will tell.
 */
static uint64_t huge_bytes_available(size_t page_size)
{
	uint64_t reserved = huge_counter(page_size, "resv_hugepages");
	uint64_t allowed = huge_counter(page_size, "nr_overcommit_hugepages");
	uint64_t surplus = huge_counter(page_size, "surplus_hugepages");
	uint64_t free_pages;

	if (!read_counter(page_size, "free_hugepages", &free_pages))
		return UINT64_MAX;
	return ((free_pages > reserved ? free_pages - reserved : 0) +
		(allowed > surplus ? allowed - surplus : 0)) *
	       page_size;
}

static bool has_huge_pages(size_t page_size)
{
	return huge_counter(page_size, "nr_hugepages") ||
	       huge_counter(page_size, "nr_overcommit_hugepages");
}

/* Whether files can be created there, or the kernel cannot create them in this way anywhere. */
static bool takes_files(const char *path)
{
	int fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return errno == EOPNOTSUPP || errno == EISDIR;
	close(fd);
	return true;
}

/*
 * A mount that we may create files on; libhugetlbfs would complain on stderr if we tried in vain.
 */
static const char *usable_mount(size_t page_size)
{
	const char *path = hugetlbfs_find_path_for_size((long)page_size);

	return path && takes_files(path) ? path : NULL;
}

static bool thp_allowed(void)
{
	char line[128];

	return read_line("/sys/kernel/mm/transparent_hugepage/shmem_enabled", line, sizeof(line)) &&
	       !strstr(line, "[never]") && !strstr(line, "[deny]");
}

/* --- Choice ---------------------------------------------------------------------------------- */

static int compare_sizes(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return (x > y) - (x < y);
}

/* All sizes that the kernel knows, ascending, but the default (or the one asked for) first. */
static size_t known_sizes(long *sizes, size_t room, size_t preferred)
{
	int n = gethugepagesizes(sizes, (int)room), i;
	long first = preferred ? (long)preferred : gethugepagesize();

	if (n <= 0)
		return 0;
	qsort(sizes, (size_t)n, sizeof(*sizes), compare_sizes);
	for (i = n - 1; i > 0; i--) {
		if (sizes[i] == first) {
			sizes[i] = sizes[i - 1];
			sizes[i - 1] = first;
		}
	}
	return (size_t)n;
}

static int check_config(const struct plx_pages_config *config, const long *sizes, size_t n)
{
	if (config->no_huge && (config->require_huge || config->page_size)) {
		PLX_ERR(eal, "--no-huge contradicts %s: leave one of them out",
			config->require_huge ? "--require-huge" : "--page-size");
		return -EINVAL;
	}
	if (config->page_size && n && (size_t)sizes[0] != config->page_size) {
		PLX_ERR(eal,
			"no hugepages of %zu bytes exist on this machine; see "
			"/sys/kernel/mm/hugepages for the sizes",
			config->page_size);
		return -EINVAL;
	}
	return 0;
}

static void fall_back(struct plx_pages *pages)
{
	pages->classes[0] = (struct plx_page_class){
		.kind = thp_allowed() ? PLX_MEM_THP : PLX_MEM_SMALL,
		.page_size = FALLBACK_UNIT,
	};
	pages->n = 1;
}

static int no_huge_pages(struct plx_pages *pages, const struct plx_pages_config *config, long first)
{
	size_t size = first > 0 ? (size_t)first : FALLBACK_UNIT;

	if (config->require_huge) {
		PLX_ERR(eal,
			"no hugepages are reserved; `echo 512 > "
			"/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages` reserves %zu MiB",
			size / 1024, 512 * (size / MIB));
		return -ENOMEM;
	}
	fall_back(pages);
	PLX_WARN(eal,
		 "no hugepages are reserved: using %s instead, which is slower; `echo 512 > "
		 "/sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages` reserves %zu MiB, "
		 "--no-huge "
		 "silences this",
		 pages->classes[0].kind == PLX_MEM_THP ? "transparent huge pages" : "4 KiB pages",
		 size / 1024, 512 * (size / MIB));
	return 0;
}

int plx_pages_init(struct plx_pages *pages, const struct plx_pages_config *config)
{
	long sizes[PLX_PAGE_CLASSES] = {0};
	size_t n = known_sizes(sizes, PLX_PAGE_CLASSES, config->page_size), i;
	int err = check_config(config, sizes, n);

	*pages = (struct plx_pages){0};
	if (err)
		return err;
	if (config->no_huge) {
		fall_back(pages);
		return 0;
	}
	for (i = 0; i < n; i++) {
		if ((config->page_size && i > 0) || !has_huge_pages((size_t)sizes[i]))
			continue;
		pages->classes[pages->n++] = (struct plx_page_class){
			.kind = PLX_MEM_HUGETLB,
			.page_size = (size_t)sizes[i],
			.mount = usable_mount((size_t)sizes[i]),
		};
	}
	return pages->n ? 0 : no_huge_pages(pages, config, sizes[0]);
}

/* --- Mapping --------------------------------------------------------------------------------- */

static int open_file(const struct plx_page_class *page_class)
{
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd;

	if (page_class->mount) {
		fd = hugetlbfs_unlinked_fd_for_size((long)page_class->page_size);
		if (fd >= 0)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	if (page_class->kind == PLX_MEM_HUGETLB)
		flags |= MFD_HUGETLB | (unsigned int)__builtin_ctzll(page_class->page_size)
					       << HUGE_SHIFT;
	fd = memfd_create("pollux-heap", flags);
	return fd < 0 ? -errno : fd;
}

/* ftruncate() beyond RLIMIT_FSIZE sends a signal that would end the process. */
static int set_length(int fd, size_t len)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < len)
		return -EFBIG;
	return ftruncate(fd, (off_t)len) ? -errno : 0;
}

static void explain_map(const struct plx_page_class *page_class, size_t len, int err)
{
	const char *remedy = "";

	if (err == -ENOMEM)
		return;
	if (err == -EMFILE || err == -ENFILE)
		remedy = ": raise the limit of open files (ulimit -n)";
	else if (err == -EFBIG)
		remedy = ": raise the limit of file sizes (ulimit -f)";
	PLX_ERR(eal, "%zu MiB of %zu KiB pages cannot be mapped (%s)%s", len / MIB,
		page_class->page_size / 1024, strerror(-err), remedy);
}

static int map_file(const struct plx_page_class *page_class, void *va, size_t len, int fd,
		    off_t offset)
{
	if (mmap(va, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, offset) == MAP_FAILED)
		return -errno;
	if (page_class->kind == PLX_MEM_THP)
		madvise(va, len, MADV_HUGEPAGE);
	madvise(va, len, MADV_DONTDUMP);
	madvise(va, len, MADV_DONTFORK);
	return 0;
}

/* Whoever we share it with shall not be able to cut it off under us. */
static void seal(const struct plx_page_class *page_class, int fd, unsigned int seals)
{
	if (!page_class->mount)
		fcntl(fd, F_ADD_SEALS, seals | F_SEAL_SHRINK | F_SEAL_SEAL);
}

int plx_pages_map(const struct plx_page_class *page_class, void *va, size_t len, int node)
{
	int fd = open_file(page_class), err;

	if (fd < 0) {
		explain_map(page_class, len, fd);
		return fd;
	}
	err = set_length(fd, len);
	if (!err) {
		seal(page_class, fd, F_SEAL_GROW);
		err = map_file(page_class, va, len, fd, 0);
	}
	if (err) {
		explain_map(page_class, len, err);
		close(fd);
		return err;
	}
	plx_numa_prefer(va, len, node);
	return fd;
}

static void unmap(void *va, size_t len)
{
	int err = plx_window_restore(va, len);

	if (err)
		PLX_ERR(eal, "memory %p, %zu MiB, cannot be unmapped: %s", va, len / MIB,
			strerror(-err));
}

void plx_pages_unmap(void *va, size_t len, int fd)
{
	unmap(va, len);
	close(fd);
}

/* --- Parts of one file ----------------------------------------------------------------------- */

int plx_pages_open(const struct plx_page_class *page_class)
{
	int fd = open_file(page_class);

	if (fd < 0)
		explain_map(page_class, 0, fd);
	else
		seal(page_class, fd, 0);
	return fd;
}

static int extend(int fd, off_t length)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return st.st_size < length ? set_length(fd, (size_t)length) : 0;
}

int plx_pages_map_part(const struct plx_page_class *page_class, void *va, size_t len, int node,
		       int fd, off_t offset)
{
	int err = extend(fd, offset + (off_t)len);

	if (!err)
		err = map_file(page_class, va, len, fd, offset);
	if (err)
		explain_map(page_class, len, err);
	else
		plx_numa_prefer(va, len, node);
	return err;
}

void plx_pages_unmap_part(const struct plx_page_class *page_class, void *va, size_t len, int fd,
			  off_t offset)
{
	unmap(va, len);
	/*
	 * Of hugetlb pages that nobody has touched the kernel gives back no reservation: take them.
	 */
	if (page_class->kind == PLX_MEM_HUGETLB)
		fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, (off_t)len);
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, (off_t)len))
		PLX_ERR(eal, "memory %p, %zu MiB, cannot be given back: %s", va, len / MIB,
			strerror(errno));
}

int plx_pages_populate(void *va, size_t len)
{
	int ret;

	do
		ret = madvise(va, len, MADV_POPULATE_WRITE);
	while (ret && (errno == EINTR || errno == EAGAIN));
	if (!ret)
		return 0;
	PLX_ERR(eal,
		"%zu KiB of memory cannot be had although reserved (%s): look for a cgroup limit "
		"(hugetlb.*.max, memory.max), a cpuset without a node that has pages, or a kernel "
		"older than 5.14",
		len / 1024, strerror(errno));
	return -ENOMEM;
}

/* --- What is left ---------------------------------------------------------------------------- */

uint64_t plx_pages_available(const struct plx_page_class *page_class)
{
	if (page_class->kind != PLX_MEM_HUGETLB)
		return plx_memory_available();
	return huge_bytes_available(page_class->page_size);
}

uint64_t plx_pages_available_on(const struct plx_page_class *page_class, int node)
{
	char path[128], line[32];
	long long free_bytes;

	if (page_class->kind != PLX_MEM_HUGETLB)
		return numa_node_size64(node, &free_bytes) < 0 ? 0 : (uint64_t)free_bytes;
	snprintf(path, sizeof(path),
		 "/sys/devices/system/node/node%d/hugepages/hugepages-%zukB/free_hugepages", node,
		 page_class->page_size / 1024);
	if (!read_line(path, line, sizeof(line)))
		return 0;
	return strtoull(line, NULL, 10) * page_class->page_size;
}

void plx_pages_explain(const struct plx_pages *pages, uint64_t len)
{
	const struct plx_page_class *first = &pages->classes[0];
	uint64_t available = plx_pages_available(first), pages_needed;

	if (first->kind != PLX_MEM_HUGETLB) {
		PLX_ERR(eal,
			"%" PRIu64 " MiB asked for, and %" PRIu64 " MiB of memory are available "
			"to this process: ask for less, end what uses it, or raise its cgroup's "
			"memory.max",
			len / MIB, available / MIB);
		return;
	}
	pages_needed = len / first->page_size + (len % first->page_size != 0);
	if (available >= len && first->mount) {
		PLX_ERR(eal,
			"%" PRIu64 " MiB asked for, and the %zu KiB pages are there, but %s does "
			"not give them: look at its size= and min_size= options, and for a cgroup "
			"limit (hugetlb.*.rsvd.max)",
			len / MIB, first->page_size / 1024, first->mount);
		return;
	}
	PLX_ERR(eal,
		"%" PRIu64 " MiB asked for, that is %" PRIu64 " pages of %zu KiB, and %" PRIu64
		" are free: end what uses them, ask for less, or write a number larger by %" PRIu64
		" to /sys/kernel/mm/hugepages/hugepages-%zukB/nr_hugepages",
		len / MIB, pages_needed, first->page_size / 1024, available / first->page_size,
		available < len ? pages_needed - available / first->page_size : pages_needed,
		first->page_size / 1024);
}
