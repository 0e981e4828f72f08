/* SPDX-License-Identifier: BSD-3-Clause */
/* A machine made of files; see fake.h. */
#include "fake.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pollux/log.h>

#include "pci/sysfs.h"

static char root[64];
static char roots[4][80];
static struct plx_pci_roots real_roots;
static char log_text[4096], log_copy[4096];

static void keep_log(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	size_t used = strlen(log_text);

	snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line);
}

const char *fake_log(void)
{
	strcpy(log_copy, log_text);
	log_text[0] = '\0';
	return log_copy;
}

static void give_up(const char *what, const char *path)
{
	fprintf(stderr, "test fixture: cannot %s %s: %s\n", what, path, strerror(errno));
	exit(EXIT_FAILURE);
}

const char *fake_path(const char *path)
{
	static char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return full;
}

static void make_parents(const char *path)
{
	char part[PATH_MAX];
	char *slash;

	snprintf(part, sizeof(part), "%s", fake_path(path));
	for (slash = strchr(part + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			give_up("make folder", part);
		*slash = '/';
	}
}

void fake_file(const char *path, const char *fmt, ...)
{
	va_list args;
	FILE *f;

	make_parents(path);
	f = fopen(fake_path(path), "w");
	if (!f)
		give_up("write", path);
	va_start(args, fmt);
	vfprintf(f, fmt, args);
	va_end(args);
	fclose(f);
}

void fake_link(const char *path, const char *target)
{
	char full[PATH_MAX];

	make_parents(path);
	snprintf(full, sizeof(full), "%s%s%s", target[0] == '/' ? "" : root,
		 target[0] == '/' ? "" : "/", target);
	unlink(fake_path(path));
	if (symlink(full, fake_path(path)) < 0)
		give_up("link", path);
}

void fake_dir(const char *path)
{
	make_parents(path);
	if (mkdir(fake_path(path), 0755) < 0 && errno != EEXIST)
		give_up("make folder", path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void fake_remove(const char *path)
{
	nftw(fake_path(path), remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *fake_read(const char *path)
{
	static char text[4096];
	FILE *f = fopen(fake_path(path), "r");
	size_t n;

	if (!f)
		return "(none)";
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

void fake_driver(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/bind", name);
	fake_file(path, "%s", "");
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s/unbind", name);
	fake_file(path, "%s", "");
}

static void attribute(const char *bdf, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void attribute(const char *bdf, const char *name, const char *fmt, ...)
{
	char path[256], text[64];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/%s", bdf, name);
	fake_file(path, "%s\n", text);
}

void fake_device(const char *bdf, unsigned int vendor, unsigned int device, unsigned int class_code,
		 int group, const char *driver)
{
	char path[256], target[256];

	attribute(bdf, "vendor", "0x%04x", vendor);
	attribute(bdf, "device", "0x%04x", device);
	attribute(bdf, "subsystem_vendor", "0x%04x", 0x1af4);
	attribute(bdf, "subsystem_device", "0x%04x", 0x1100);
	attribute(bdf, "class", "0x%06x", class_code);
	attribute(bdf, "revision", "0x%02x", 3);
	attribute(bdf, "numa_node", "-1");
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver_override", bdf);
	fake_file(path, "(null)\n");
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", bdf);
	snprintf(target, sizeof(target), "sys/devices/pci0000:00/%s", bdf);
	fake_link(path, target);
	if (group >= 0) {
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices/%s", group, bdf);
		fake_link(path, target);
		snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/iommu_group", bdf);
		snprintf(target, sizeof(target), "sys/kernel/iommu_groups/%d", group);
		fake_link(path, target);
	}
	if (driver) {
		fake_driver(driver);
		snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s/driver", bdf);
		snprintf(target, sizeof(target), "sys/bus/pci/drivers/%s", driver);
		fake_link(path, target);
	}
}

int fake_up(void)
{
	static const char *const names[4] = {"sys", "proc", "dev", "run"};
	int i;

	snprintf(root, sizeof(root), "/tmp/pollux-unit-XXXXXX");
	if (!mkdtemp(root))
		return -errno;
	for (i = 0; i < 4; i++) {
		snprintf(roots[i], sizeof(roots[i]), "%s/%s", root, names[i]);
		fake_dir(names[i]);
	}
	real_roots = plx_pci_roots;
	plx_pci_roots = (struct plx_pci_roots){roots[0], roots[1], roots[2], roots[3]};
	fake_dir("sys/bus/pci/devices");
	fake_file("sys/bus/pci/drivers_probe", "%s", "");
	plx_log_set_sink(keep_log, NULL);
	fake_log();
	return 0;
}

int fake_down(void)
{
	plx_log_set_sink(NULL, NULL);
	plx_pci_roots = real_roots;
	fake_remove("");
	return 0;
}
