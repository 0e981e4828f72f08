/* SPDX-License-Identifier: BSD-3-Clause */
/* A device's configuration space through its sysfs file. */
#include <pollux/log.h>
#include <pollux/pci.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci/sysfs.h"

PLX_LOG_USE(pci);

#define CONFIG_SIZE	     256
#define CONFIG_SIZE_EXTENDED 4096

static int config_fd(void *ctx)
{
	return (int)(intptr_t)ctx;
}

static bool access_ok(uint32_t offset, uint32_t len)
{
	return (len == 1 || len == 2 || len == 4) && offset % len == 0 &&
	       offset < CONFIG_SIZE_EXTENDED;
}

static int config_read(void *ctx, uint32_t offset, uint32_t len, uint32_t *value)
{
	uint32_t raw = 0;
	ssize_t n;

	if (!access_ok(offset, len))
		return -EINVAL;
	n = pread(config_fd(ctx), &raw, len, offset);
	if (n < 0)
		return -errno;
	/* The kernel shows the first 64 bytes only to those without CAP_SYS_ADMIN. */
	if (n != (ssize_t)len)
		return -EACCES;
	*value = le32toh(raw);
	return 0;
}

static int config_write(void *ctx, uint32_t offset, uint32_t len, uint32_t value)
{
	uint32_t raw = htole32(value);
	ssize_t n;

	if (!access_ok(offset, len))
		return -EINVAL;
	n = pwrite(config_fd(ctx), &raw, len, offset);
	if (n < 0)
		return errno == EBADF ? -EACCES : -errno;
	return n == (ssize_t)len ? 0 : -EIO;
}

int plx_pci_config_open(const struct plx_pci_addr *addr, struct plx_pci_config *config)
{
	char path[PLX_SYSFS_PATH_LEN], bdf[PLX_PCI_BDF_LEN];
	struct stat st;
	int fd, err;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/config", plx_pci_roots.sysfs,
		 plx_pci_bdf(addr, bdf));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err = -errno;
		PLX_ERR(pci, "%s: cannot open its configuration space: %s", bdf, strerror(-err));
		if (fd >= 0)
			close(fd);
		return err;
	}
	*config = (struct plx_pci_config){
		.read = config_read,
		.write = config_write,
		.ctx = (void *)(intptr_t)fd,
		.size = st.st_size >= CONFIG_SIZE_EXTENDED ? CONFIG_SIZE_EXTENDED : CONFIG_SIZE,
	};
	return 0;
}

void plx_pci_config_close(struct plx_pci_config *config)
{
	close(config_fd(config->ctx));
	memset(config, 0, sizeof(*config));
}
