/* SPDX-License-Identifier: BSD-3-Clause */
/* PCI addresses as text, and their order. */
#include <pollux/pci.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

const char *plx_pci_bdf(const struct plx_pci_addr *addr, char buf[PLX_PCI_BDF_LEN])
{
	snprintf(buf, PLX_PCI_BDF_LEN, "%04" PRIx32 ":%02x:%02x.%u", addr->domain, addr->bus,
		 addr->device & 0x1fu, addr->function & 7u);
	return buf;
}

/* One hexadecimal number of at most max_digits digits; the first character after it, or NULL. */
static const char *parse_hex(const char *text, unsigned int max_digits, uint32_t *value)
{
	unsigned int n = 0;

	*value = 0;
	for (; isxdigit((unsigned char)*text); text++) {
		int digit = isdigit((unsigned char)*text)
				    ? *text - '0'
				    : tolower((unsigned char)*text) - 'a' + 10;

		if (++n > max_digits)
			return NULL;
		*value = *value << 4 | (uint32_t)digit;
	}
	return n ? text : NULL;
}

int plx_pci_parse(const char *text, struct plx_pci_addr *addr)
{
	uint32_t domain = 0, bus, device, function;
	const char *p = text ? parse_hex(text, 8, &bus) : NULL;
	const char *q;

	if (!p || *p != ':')
		return -EINVAL;
	q = parse_hex(p + 1, 2, &device);
	if (q && *q == ':') {
		domain = bus;
		bus = device;
		q = parse_hex(q + 1, 2, &device);
	}
	if (!q || *q != '.' || bus > 0xff || device > 0x1f)
		return -EINVAL;
	q = parse_hex(q + 1, 1, &function);
	if (!q || *q || function > 7)
		return -EINVAL;
	*addr = (struct plx_pci_addr){
		.domain = domain,
		.bus = (uint8_t)bus,
		.device = (uint8_t)device,
		.function = (uint8_t)function,
	};
	return 0;
}

static uint64_t order(const struct plx_pci_addr *addr)
{
	return (uint64_t)addr->domain << 16 | (uint64_t)addr->bus << 8 |
	       (uint64_t)addr->device << 3 | addr->function;
}

int plx_pci_compare(const struct plx_pci_addr *a, const struct plx_pci_addr *b)
{
	uint64_t x = order(a), y = order(b);

	return (x > y) - (x < y);
}
