/* SPDX-License-Identifier: BSD-3-Clause */
/* All PCI devices of the machine by IOMMU group, and what keeps a group from being used. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plx-bind.h"

static int add_member(const struct plx_pci_device *device, void *arg)
{
	struct inventory *inventory = arg;
	struct member *more, *m;

	more = reallocarray(inventory->members, inventory->count + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	inventory->members = more;
	m = &more[inventory->count++];
	m->pci = *device;
	m->use = plx_pci_in_use(device, m->use_detail, sizeof(m->use_detail));
	return 0;
}

static int by_group(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->pci.group != y->pci.group)
		return x->pci.group < y->pci.group ? -1 : 1;
	return plx_pci_compare(&x->pci.addr, &y->pci.addr);
}

int inventory_read(struct inventory *inventory)
{
	int err;

	*inventory = (struct inventory){0};
	err = plx_pci_scan(add_member, inventory);
	if (err) {
		fprintf(stderr, "plx-bind: cannot list the PCI devices: %s; is /sys mounted?\n",
			strerror(-err));
		inventory_free(inventory);
		return err;
	}
	if (inventory->count)
		qsort(inventory->members, inventory->count, sizeof(*inventory->members), by_group);
	return 0;
}

void inventory_free(struct inventory *inventory)
{
	free(inventory->members);
	*inventory = (struct inventory){0};
}

const struct member *inventory_find(const struct inventory *inventory,
				    const struct plx_pci_addr *addr)
{
	size_t i;

	for (i = 0; i < inventory->count; i++)
		if (plx_pci_compare(&inventory->members[i].pci.addr, addr) == 0)
			return &inventory->members[i];
	return NULL;
}

size_t inventory_group_len(const struct inventory *inventory, size_t first)
{
	int group = inventory->members[first].pci.group;
	size_t n = 1;

	while (first + n < inventory->count && inventory->members[first + n].pci.group == group)
		n++;
	return n;
}

/* Append to a text that may be cut off at its end. */
__attribute__((format(printf, 3, 4))) static void append(char *text, size_t len, const char *fmt,
							 ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, fmt);
	vsnprintf(text + used, len - used, fmt, args);
	va_end(args);
}

bool group_usable(const struct member *members, size_t n, char *reason, size_t len)
{
	unsigned int blocking = 0, ready = 0;
	char bdf[PLX_PCI_BDF_LEN];
	size_t i;

	reason[0] = '\0';
	if (members[0].pci.group < 0) {
		append(reason, len,
		       "no IOMMU group; switch the IOMMU on (firmware; intel_iommu=on "
		       "or amd_iommu=on on the kernel command line)");
		return false;
	}
	for (i = 0; i < n; i++) {
		const struct plx_pci_device *pci = &members[i].pci;

		if (members[i].use == PLX_PCI_USE_VFIO_OPEN) {
			append(reason, len, "%s", members[i].use_detail);
			return false;
		}
		if (plx_pci_blocks_group(pci))
			append(reason, len, "%s%s is bound to %s", blocking++ ? ", " : "",
			       plx_pci_bdf(&pci->addr, bdf), pci->driver);
		else if (plx_pci_driver_is_userspace(pci->driver))
			ready++;
	}
	if (blocking)
		append(reason, len, "; bind %s to vfio-pci or unbind %s",
		       blocking > 1 ? "them" : "it", blocking > 1 ? "them" : "it");
	else if (!ready)
		append(reason, len, "no member is bound to vfio-pci");
	return !blocking && ready;
}
