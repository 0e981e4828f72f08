/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of the virtio driver: the program. What needs rings runs with each ring format. */
#include "fake.h"

#define UP(format)                                                                                 \
	static int up_##format(void)                                                               \
	{                                                                                          \
		fake_format = format;                                                              \
		return fake_eal_up();                                                              \
	}

UP(FAKE_SPLIT)
UP(FAKE_SPLIT_EVENT)
UP(FAKE_PACKED)
UP(FAKE_PACKED_EVENT)

#define SUITES(name, format)                                                                       \
	{"rx, " name, up_##format, fake_eal_down, NULL, NULL, rx_tests},                           \
		{"tx, " name, up_##format, fake_eal_down, NULL, NULL, tx_tests},                   \
		{"offload, " name, up_##format, fake_eal_down, NULL, NULL, offload_tests},         \
		{"lies, " name, up_##format, fake_eal_down, NULL, NULL, lies_tests},               \
		{"VLAN, " name, up_##format, fake_eal_down, NULL, NULL, vlan_tests},               \
		{"in order, " name, up_##format, fake_eal_down, NULL, NULL, in_order_tests},       \
		{"ctrl, " name, up_##format, fake_eal_down, NULL, NULL, ctrl_tests},               \
	{                                                                                          \
		"port, " name, up_##format, fake_eal_down, NULL, NULL, port_tests                  \
	}

int main(void)
{
	CU_SuiteInfo suites[] = {
		SUITES("split", FAKE_SPLIT),
		SUITES("split with event index", FAKE_SPLIT_EVENT),
		SUITES("packed", FAKE_PACKED),
		SUITES("packed with event index", FAKE_PACKED_EVENT),
		{"ctrl, time-outs", up_FAKE_SPLIT, fake_eal_down, NULL, NULL, ctrl_timeout_tests},
		{"port, time-outs", up_FAKE_PACKED, fake_eal_down, NULL, NULL, port_timeout_tests},
		{"ring", up_FAKE_SPLIT, fake_eal_down, NULL, NULL, ring_tests},
		{"vhost-user", up_FAKE_SPLIT, fake_eal_down, NULL, NULL, vhost_tests},
		{"PCI capabilities", NULL, NULL, NULL, NULL, caps_tests},
		{"PCI transport", up_FAKE_SPLIT, fake_eal_down, NULL, NULL, pci_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
