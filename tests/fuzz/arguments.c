/* SPDX-License-Identifier: BSD-3-Clause */
/* libFuzzer target: what users write: port map and port mask of plx-l2fwd, PCI addresses, sizes and
 * lists of CPUs. What is accepted must be what it looks like. */
#include <string.h>

#include <pollux/pci.h>

#include "../../apps/plx-l2fwd/portmap.h"
#include "eal/parse.h"
#include "fuzz.h"

/* Each port forwards to one that forwards to it, and both are in the mask. */
static void check_pairs(const int peer[PORTS_MAX], unsigned int ports, uint32_t mask)
{
	unsigned int i;

	for (i = 0; i < PORTS_MAX; i++) {
		CHECK((peer[i] != PORT_UNUSED) == (i < ports && (mask >> i & 1)));
		if (peer[i] == PORT_UNUSED)
			continue;
		CHECK(peer[i] >= 0 && (unsigned int)peer[i] < ports && peer[i] != (int)i);
		CHECK(peer[peer[i]] == (int)i);
	}
}

static void port_maps(const char *text, unsigned int ports)
{
	uint32_t mask = ports < 32 ? (UINT32_C(1) << ports) - 1 : UINT32_MAX, some = mask;
	int peer[PORTS_MAX];
	char why[32]; /* too short for most of them */

	memset(why, 0x5a, sizeof(why));
	if (portmap_parse(text, ports, mask, peer, why, sizeof(why)) == 0)
		check_pairs(peer, ports, mask);
	else
		CHECK(memchr(why, 0, sizeof(why)));
	if (portmask_parse(text, ports, &some, why, sizeof(why)))
		return;
	CHECK(some && !(some & ~mask));
	if (portmap_default(ports, some, peer, why, sizeof(why)) == 0)
		check_pairs(peer, ports, some);
}

static void pci_addresses(const char *text)
{
	struct plx_pci_addr addr, again;
	char bdf[PLX_PCI_BDF_LEN];

	if (plx_pci_parse(text, &addr))
		return;
	plx_pci_bdf(&addr, bdf);
	CHECK(plx_pci_parse(bdf, &again) == 0);
	CHECK(plx_pci_compare(&addr, &again) == 0);
}

static void numbers(const char *text)
{
	struct plx_cpu_set set;
	unsigned int twice;
	size_t size;
	int cpu = plx_parse_cpu(text);

	CHECK(cpu < PLX_LCORE_MAX);
	plx_parse_size(text, &size);
	plx_parse_cpu_list(text, &set, &twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (size < 1)
		return 0;
	/* Of its exact length, so that a look beyond its end shows. */
	text = strndup((const char *)data + 1, size - 1);
	CHECK(text);
	port_maps(text, 1 + data[0] % PORTS_MAX);
	pci_addresses(text);
	numbers(text);
	free(text);
	return 0;
}
