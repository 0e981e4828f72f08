/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-bind status: groups, their members, and whether VFIO can open them; as a table or as JSON. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "plx-bind.h"

#define NAME_LEN   128
#define REASON_LEN 512

/* Is the group asked for: none named, or one of its members named? */
static bool wanted(const struct options *options, const struct member *members, size_t n)
{
	size_t i, j;

	for (i = 0; i < options->count; i++)
		for (j = 0; j < n; j++)
			if (plx_pci_compare(&options->addrs[i], &members[j].pci.addr) == 0)
				return true;
	return !options->count;
}

/* --- Table ----------------------------------------------------------------------------------- */

static void print_member(const struct member *m)
{
	const struct plx_pci_device *pci = &m->pci;
	char bdf[PLX_PCI_BDF_LEN], name[NAME_LEN];

	printf("  %s  %04x:%04x  class %04x  %-12s%s", plx_pci_bdf(&pci->addr, bdf), pci->vendor,
	       pci->device, pci->class_code >> 8, pci->driver[0] ? pci->driver : "-",
	       plx_pci_blocks_group(pci) ? "  blocks" : "");
	if (m->use != PLX_PCI_USE_NONE)
		printf("  in use: %s", m->use_detail);
	if (device_name(pci, name, sizeof(name))[0])
		printf("  (%s)", name);
	putchar('\n');
}

static void print_group(const struct member *members, size_t n)
{
	char reason[REASON_LEN];
	bool usable = group_usable(members, n, reason, sizeof(reason));
	size_t i;

	if (members[0].pci.group < 0)
		printf("no group: ");
	else
		printf("group %d: ", members[0].pci.group);
	printf("%s%s%s\n", usable ? "usable" : "not usable", reason[0] ? ": " : "", reason);
	for (i = 0; i < n; i++)
		print_member(&members[i]);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *hex_id(unsigned int value, int digits)
{
	char text[16];

	snprintf(text, sizeof(text), "%0*x", digits, value);
	return json_string(text);
}

static json_t *member_json(const struct member *m)
{
	const struct plx_pci_device *pci = &m->pci;
	char bdf[PLX_PCI_BDF_LEN], name[NAME_LEN];

	return json_pack("{s:s, s:o, s:o, s:o, s:s*, s:s*, s:b, s:b, s:s*, s:s*}", "address",
			 plx_pci_bdf(&pci->addr, bdf), "vendor", hex_id(pci->vendor, 4), "device",
			 hex_id(pci->device, 4), "class", hex_id(pci->class_code, 6), "driver",
			 pci->driver[0] ? pci->driver : NULL, "driver_override",
			 pci->driver_override[0] ? pci->driver_override : NULL, "bridge",
			 pci->is_bridge, "blocks", plx_pci_blocks_group(pci), "in_use",
			 m->use != PLX_PCI_USE_NONE ? m->use_detail : NULL, "name",
			 device_name(pci, name, sizeof(name))[0] ? name : NULL);
}

static json_t *group_json(const struct member *members, size_t n)
{
	char reason[REASON_LEN];
	bool usable = group_usable(members, n, reason, sizeof(reason));
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		json_array_append_new(list, member_json(&members[i]));
	return json_pack("{s:o, s:b, s:s*, s:o}", "group",
			 members[0].pci.group < 0 ? json_null()
						  : json_integer(members[0].pci.group),
			 "usable", usable, "reason", reason[0] ? reason : NULL, "members", list);
}

/* --------------------------------------------------------------------------------------------- */

int status_run(const struct options *options)
{
	json_t *root = options->json ? json_array() : NULL;
	struct inventory inventory;
	size_t i, n;

	if (inventory_read(&inventory))
		return EXIT_FAILURE;
	for (i = 0; i < inventory.count; i += n) {
		n = inventory_group_len(&inventory, i);
		if (!wanted(options, &inventory.members[i], n))
			continue;
		if (root)
			json_array_append_new(root, group_json(&inventory.members[i], n));
		else
			print_group(&inventory.members[i], n);
	}
	if (root) {
		json_dumpf(root, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(root);
	}
	inventory_free(&inventory);
	return EXIT_SUCCESS;
}
