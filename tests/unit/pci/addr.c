/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI addresses: what is one, what is none, and their order. */
#include <errno.h>

#include <pollux/pci.h>

#include "runner.h"
#include "suites.h"

static void check_round_trip(const char *text, const char *expected)
{
	struct plx_pci_addr addr;
	char buf[PLX_PCI_BDF_LEN];

	UNIT_EQ(plx_pci_parse(text, &addr), 0);
	UNIT_STR(plx_pci_bdf(&addr, buf), expected);
}

static void round_trips(void)
{
	check_round_trip("0000:02:00.0", "0000:02:00.0");
	check_round_trip("02:00.0", "0000:02:00.0");
	check_round_trip("2:1f.7", "0000:02:1f.7");
	check_round_trip("10000:E1:00.3", "10000:e1:00.3");
	check_round_trip("ffffffff:ff:1f.7", "ffffffff:ff:1f.7");
}

static void refused(void)
{
	static const char *const bad[] = {
		"",
		"0",
		"02",
		"02:00",
		"02:00.",
		"02:00.8",
		"02:20.0",
		"100:00.0",
		"02:00.0 ",
		" 02:00.0",
		"02:00.00",
		"0000:02:00",
		"0000:02:00.0x",
		":02:00.0",
		"0000::00.0",
		"0000:02:.0",
		"0x00:02:00.0",
		"-1:00.0",
		"0000-02-00.0",
		"eth0",
		"100000000:2:0.0",
		"0000:100:00.0",
		"0000:02:00:0",
		"../02:00.0",
	};
	struct plx_pci_addr addr;
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (plx_pci_parse(bad[i], &addr) != -EINVAL)
			fprintf(stderr, "\n    accepted: \"%s\"", bad[i]);
		UNIT_EQ(plx_pci_parse(bad[i], &addr), -EINVAL);
	}
	UNIT_EQ(plx_pci_parse(NULL, &addr), -EINVAL);
}

static void ordered(void)
{
	static const char *const ascending[] = {"0000:00:00.0", "0000:00:00.7", "0000:00:1f.0",
						"0000:01:00.0", "0000:ff:1f.7", "0001:00:00.0",
						"10000:00:00.0"};
	struct plx_pci_addr a, b;
	int i, j;

	for (i = 0; i < 7; i++) {
		for (j = 0; j < 7; j++) {
			plx_pci_parse(ascending[i], &a);
			plx_pci_parse(ascending[j], &b);
			UNIT_EQ(plx_pci_compare(&a, &b), (i > j) - (i < j));
		}
	}
}

CU_TestInfo addr_tests[] = {
	{"text round trips", round_trips},
	{"nonsense is refused", refused},
	{"order by domain, bus, device, function", ordered},
	CU_TEST_INFO_NULL,
};
