/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/pci/hotplug.c: messages as the kernel sends them, and such as it does not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pci/uevent.h"
#include "runner.h"
#include "suites.h"

#define HEAD "add@/devices/pci0000:00/0000:00:03.0/0000:01:00.0\0"

static const char add_message[] =
	HEAD "ACTION=add\0DEVPATH=/devices/pci0000:00/0000:00:03.0/0000:01:00.0\0SUBSYSTEM=pci\0"
	     "PCI_CLASS=20000\0PCI_ID=8086:10D3\0PCI_SLOT_NAME=0000:01:00.0\0SEQNUM=1234";

static void added(void)
{
	struct plx_hotplug_event e;
	char bdf[PLX_PCI_BDF_LEN];

	UNIT_EQ(plx_uevent_parse(add_message, sizeof(add_message), &e), true);
	UNIT_EQ(e.kind, PLX_HOTPLUG_ADD);
	UNIT_STR(plx_pci_bdf(&e.addr, bdf), "0000:01:00.0");
	UNIT_STR(e.driver, "");
}

static void bound(void)
{
	static const char bind[] = "bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0DRIVER=vfio-pci\0"
				   "PCI_SLOT_NAME=0000:01:00.0";
	static const char unbind[] = "unbind@/x\0ACTION=unbind\0SUBSYSTEM=pci\0"
				     "PCI_SLOT_NAME=0000:01:00.0";
	struct plx_hotplug_event e;

	UNIT_EQ(plx_uevent_parse(bind, sizeof(bind), &e), true);
	UNIT_EQ(e.kind, PLX_HOTPLUG_BIND);
	UNIT_STR(e.driver, "vfio-pci");
	UNIT_EQ(plx_uevent_parse(unbind, sizeof(unbind), &e), true);
	UNIT_EQ(e.kind, PLX_HOTPLUG_UNBIND);
}

static void not_ours(void)
{
	static const char usb[] = "add@/x\0ACTION=add\0SUBSYSTEM=usb\0PCI_SLOT_NAME=0000:01:00.0";
	static const char change[] =
		"change@/x\0ACTION=change\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:01:00.0";
	static const char no_slot[] = "add@/x\0ACTION=add\0SUBSYSTEM=pci";
	static const char bad_slot[] = "add@/x\0ACTION=add\0SUBSYSTEM=pci\0PCI_SLOT_NAME=hello";
	struct plx_hotplug_event e;

	UNIT_EQ(plx_uevent_parse(usb, sizeof(usb), &e), false);
	UNIT_EQ(plx_uevent_parse(change, sizeof(change), &e), false);
	UNIT_EQ(plx_uevent_parse(no_slot, sizeof(no_slot), &e), false);
	UNIT_EQ(plx_uevent_parse(bad_slot, sizeof(bad_slot), &e), false);
	UNIT_EQ(plx_uevent_parse("", 0, &e), false);
}

/* A message cut off at any byte is not whole, or lacks what comes last; none is read beyond. */
static void cut_off(void)
{
	static const char message[] =
		"add@/x\0ACTION=add\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:01:00.0";
	struct plx_hotplug_event e;
	size_t len;

	for (len = 0; len < sizeof(message); len++) {
		char *copy = malloc(len ? len : 1);

		memcpy(copy, message, len);
		UNIT_EQ(plx_uevent_parse(copy, len, &e), false);
		free(copy);
	}
}

static void long_driver(void)
{
	char message[512] =
		"bind@/x\0ACTION=bind\0SUBSYSTEM=pci\0PCI_SLOT_NAME=0000:01:00.0\0DRIVER=";
	size_t at = 62; /* in the last key */
	struct plx_hotplug_event e;

	while (message[at - 1] != '=')
		at++;
	memset(message + at, 'x', 300);
	UNIT_EQ(plx_uevent_parse(message, at + 301, &e), true);
	UNIT_EQ(strlen(e.driver), sizeof(e.driver) - 1);
}

static void a_real_socket(void)
{
	struct plx_hotplug *h = plx_hotplug_open();
	struct plx_hotplug_event e;

	CU_ASSERT_PTR_NOT_NULL_FATAL(h);
	CU_ASSERT(plx_hotplug_fd(h) >= 0);
	CU_ASSERT(plx_hotplug_next(h, &e) >= 0);
	plx_hotplug_close(h);
	plx_hotplug_close(NULL);
	UNIT_STR(plx_hotplug_kind_name(PLX_HOTPLUG_REMOVE), "remove");
	CU_ASSERT_PTR_NULL(plx_hotplug_kind_name((enum plx_hotplug_kind)9));
}

CU_TestInfo hotplug_tests[] = {
	{"a device comes", added},
	{"a device changes hands", bound},
	{"events of others", not_ours},
	{"messages that are cut off", cut_off},
	{"a driver with a long name", long_driver},
	{"the kernel's socket", a_real_socket},
	CU_TEST_INFO_NULL,
};
