// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which bits of configuration space a user sees, and may write. Everything in the
 * header and in capabilities is read-only unless a table below says more:
 *
 * - what routes or contains (bridges, ACS, ATS, SR-IOV, link control, AER) is the
 *   host's;
 * - what the kernel drives (BARs, MSI, power state) is the shadow's: the user
 *   sees what it wrote;
 * - what is between the capabilities, and in vendor-specific ones, is the
 *   device's own and passes through, as its BARs do. A capability that we do not
 *   know has an unknown length: all up to the next one is taken for its own.
 *
 * The lists of capabilities are the device's: loops, pointers out of range and
 * lengths that reach into the next capability are bounded here.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include "vfio_pci_private.h"

#define HEADER_END    0x40
#define CAPS_MAX      ((256 - HEADER_END) / 4)
#define EXT_CAPS_MAX  ((PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 4)
#define EXP_LENGTH_V1 0x14 /* PCIe 1.0a, 7.8: as far as Link Status */
#define EXP_LENGTH_V2 0x3c

/* PCIe 6.0, 7.5.3.16: what is between the user's device and itself. */
#define DEVCTL2_WRITABLE                                                                           \
	(PCI_EXP_DEVCTL2_COMP_TIMEOUT | PCI_EXP_DEVCTL2_COMP_TMOUT_DIS |                           \
	 PCI_EXP_DEVCTL2_ATOMIC_REQ | PCI_EXP_DEVCTL2_IDO_REQ_EN | PCI_EXP_DEVCTL2_IDO_CMP_EN)

struct vfio_pci_field {
	u8 offset;
	u8 width;
	u32 virt;     /* bits that come from the shadow */
	u32 writable; /* bits that the user may write, there or in the device */
	void (*trap)(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want);
};

struct vfio_pci_cap {
	u16 id;
	u16 length;
	const struct vfio_pci_field *fields;
	u8 num_fields;
};

/* ---- header, PCIe 6.0 section 7.5.1 ---- */

static const struct vfio_pci_field header_fields[] = {
	{PCI_COMMAND, 2, PCI_COMMAND_INTX_DISABLE, 0, vfio_pci_trap_command},
	{PCI_CACHE_LINE_SIZE, 1, 0, 0xff, NULL},
	{PCI_LATENCY_TIMER, 1, 0, 0xff, NULL},
	{PCI_INTERRUPT_LINE, 1, 0xff, 0xff, NULL},
	{PCI_INTERRUPT_PIN, 1, 0xff, 0, NULL},
};

/* ---- capabilities, section 7.5 and 7.8 ff. ---- */

static const struct vfio_pci_field pm_fields[] = {
	/* No PME: nothing would deliver it. */
	{PCI_PM_PMC, 2, PCI_PM_CAP_PME_MASK, 0, NULL},
	{PCI_PM_CTRL, 2, PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS,
	 0, vfio_pci_trap_power},
};

static const struct vfio_pci_field vpd_fields[] = {
	{PCI_VPD_ADDR, 2, 0xffff, 0, vfio_pci_trap_vpd_address},
	{PCI_VPD_DATA, 4, U32_MAX, U32_MAX, NULL},
};

static const struct vfio_pci_field exp_fields[] = {
	{PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ,
	 0, vfio_pci_trap_device_control},
};

static const struct vfio_pci_field exp2_fields[] = {
	{PCI_EXP_DEVCTL, 2, PCI_EXP_DEVCTL_BCR_FLR | PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ,
	 0, vfio_pci_trap_device_control},
	{PCI_EXP_DEVCTL2, 2, 0, DEVCTL2_WRITABLE, NULL},
};

static const struct vfio_pci_field af_fields[] = {
	{PCI_AF_CTRL, 1, 0xff, 0, vfio_pci_trap_af_control},
};

/* A message of 32 or 64 bits, with masks or without: the register after the address moves. */
#define MSI_FLAGS_FIELD                                                                            \
	{                                                                                          \
		PCI_MSI_FLAGS, 2, 0xffff, 0, vfio_pci_trap_msi_control                             \
	}
#define MSI_ADDRESS_FIELD                                                                          \
	{                                                                                          \
		PCI_MSI_ADDRESS_LO, 4, U32_MAX, ~3u, NULL                                          \
	}

static const struct vfio_pci_field msi32_fields[] = {
	MSI_FLAGS_FIELD,
	MSI_ADDRESS_FIELD,
	{PCI_MSI_DATA_32, 2, 0xffff, 0xffff, NULL},
	{PCI_MSI_DATA_32 + 2, 2, 0xffff, 0xffff, NULL},
	{PCI_MSI_MASK_32, 4, U32_MAX, U32_MAX, NULL},
};

static const struct vfio_pci_field msi64_fields[] = {
	MSI_FLAGS_FIELD,
	MSI_ADDRESS_FIELD,
	{PCI_MSI_ADDRESS_HI, 4, U32_MAX, U32_MAX, NULL},
	{PCI_MSI_DATA_64, 2, 0xffff, 0xffff, NULL},
	{PCI_MSI_DATA_64 + 2, 2, 0xffff, 0xffff, NULL},
	{PCI_MSI_MASK_64, 4, U32_MAX, U32_MAX, NULL},
};

static const struct vfio_pci_cap caps[] = {
	{PCI_CAP_ID_PM, PCI_PM_SIZEOF, pm_fields, ARRAY_SIZE(pm_fields)},
	{PCI_CAP_ID_VPD, PCI_CAP_VPD_SIZEOF, vpd_fields, ARRAY_SIZE(vpd_fields)},
	{PCI_CAP_ID_SSVID, 8, NULL, 0},
	{PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF, NULL, 0},
	{PCI_CAP_ID_SATA, 8, NULL, 0},
	{PCI_CAP_ID_AF, PCI_CAP_AF_SIZEOF, af_fields, ARRAY_SIZE(af_fields)},
};

static const struct vfio_pci_field power_budget_fields[] = {
	{PCI_PWR_DSR, 1, 0, 0xff, NULL},
};

/* Lengths of the extended ones that QEMU and common hardware have; section 7.8.4 ff. */
static const struct vfio_pci_cap ext_caps[] = {
	{PCI_EXT_CAP_ID_ERR, 0x48, NULL, 0},
	{PCI_EXT_CAP_ID_DSN, PCI_EXT_CAP_DSN_SIZEOF, NULL, 0},
	{PCI_EXT_CAP_ID_PWR, PCI_EXT_CAP_PWR_SIZEOF, power_budget_fields,
	 ARRAY_SIZE(power_budget_fields)},
	{PCI_EXT_CAP_ID_ACS, 8, NULL, 0},
	{PCI_EXT_CAP_ID_ARI, PCI_EXT_CAP_ARI_SIZEOF, NULL, 0},
	{PCI_EXT_CAP_ID_ATS, PCI_EXT_CAP_ATS_SIZEOF, NULL, 0},
	{PCI_EXT_CAP_ID_SRIOV, PCI_EXT_CAP_SRIOV_SIZEOF, NULL, 0},
	{PCI_EXT_CAP_ID_PRI, PCI_EXT_CAP_PRI_SIZEOF, NULL, 0},
	{PCI_EXT_CAP_ID_LTR, PCI_EXT_CAP_LTR_SIZEOF, NULL, 0},
	{PCI_EXT_CAP_ID_PASID, PCI_EXT_CAP_PASID_SIZEOF, NULL, 0},
};

/* ---- filling the arrays ---- */

static void vfio_pci_describe_or(u8 *bytes, u16 pos, size_t width, u32 mask)
{
	for (size_t i = 0; i < width; i++)
		bytes[pos + i] |= mask >> (8 * i);
}

static void vfio_pci_describe_trap(struct vfio_pci_config *config,
				   const struct vfio_pci_field *field, u16 pos)
{
	/* More than there are kinds: the device repeats a capability. That one is read-only. */
	if (config->num_traps == VFIO_PCI_CONFIG_TRAPS)
		return;
	config->traps[config->num_traps++] = (struct vfio_pci_config_trap){
		.pos = pos,
		.width = field->width,
		.write = field->trap,
	};
	memset(config->trap + pos, config->num_traps, field->width);
}

/* @end: of the capability; a device can have a shorter one than the specification. */
static void vfio_pci_describe_fields(struct vfio_pci_config *config, u16 pos, u16 end,
				     const struct vfio_pci_field *fields, size_t count)
{
	for (const struct vfio_pci_field *f = fields; f < fields + count; f++) {
		if (pos + f->offset + f->width > end)
			continue;
		vfio_pci_describe_or(config->virt, pos + f->offset, f->width, f->virt);
		vfio_pci_describe_or(config->writable, pos + f->offset, f->width, f->writable);
		if (f->trap && !config->trap[pos + f->offset])
			vfio_pci_describe_trap(config, f, pos + f->offset);
	}
}

/* ---- header ---- */

/* Virtual, because moving a BAR is the host's business; the user can size it all the same. */
static void vfio_pci_describe_bars(struct vfio_pci_device *dev)
{
	struct vfio_pci_config *config = &dev->config;

	for (int i = 0; i < PCI_STD_NUM_BARS; i++) {
		const struct resource *res = &dev->pdev->resource[i];
		const u16 pos = PCI_BASE_ADDRESS_0 + 4 * i;
		const u64 size = vfio_pci_region_size(dev, i);

		vfio_pci_describe_or(config->virt, pos, 4, U32_MAX);
		if (!size)
			continue;
		vfio_pci_describe_or(config->writable, pos, 4, ~(u32)(size - 1));
		if (dev->pdev->is_virtfn)
			vfio_pci_shadow_set(config, pos, 4, (u32)res->start | (res->flags & 0xf));
		if (!(res->flags & IORESOURCE_MEM_64) || i + 1 == PCI_STD_NUM_BARS)
			continue;
		i++;
		vfio_pci_describe_or(config->virt, pos + 4, 4, U32_MAX);
		vfio_pci_describe_or(config->writable, pos + 4, 4, ~((size - 1) >> 32));
		if (dev->pdev->is_virtfn)
			vfio_pci_shadow_set(config, pos + 4, 4, (u64)res->start >> 32);
	}
}

static void vfio_pci_describe_rom(struct vfio_pci_device *dev)
{
	const u64 size = vfio_pci_region_size(dev, VFIO_PCI_ROM_REGION_INDEX);

	vfio_pci_describe_or(dev->config.virt, PCI_ROM_ADDRESS, 4, U32_MAX);
	if (!size)
		vfio_pci_shadow_set(&dev->config, PCI_ROM_ADDRESS, 4, 0);
	else
		vfio_pci_describe_or(dev->config.writable, PCI_ROM_ADDRESS, 4,
				     ~(u32)(roundup_pow_of_two(size) - 1) | PCI_ROM_ADDRESS_ENABLE);
}

/* What a VF's own header does not say, section 9.3.4.1. */
static void vfio_pci_describe_vf(struct vfio_pci_device *dev)
{
	struct vfio_pci_config *config = &dev->config;

	vfio_pci_describe_or(config->virt, PCI_VENDOR_ID, 4, U32_MAX);
	vfio_pci_shadow_set(config, PCI_VENDOR_ID, 2, dev->pdev->vendor);
	vfio_pci_shadow_set(config, PCI_DEVICE_ID, 2, dev->pdev->device);
	vfio_pci_describe_or(config->virt, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	vfio_pci_shadow_set(config, PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
}

static void vfio_pci_describe_header(struct vfio_pci_device *dev)
{
	struct vfio_pci_config *config = &dev->config;
	u16 command = vfio_pci_shadow_get(config, PCI_COMMAND, 2);

	vfio_pci_shadow_set(config, PCI_COMMAND, 2, command & ~PCI_COMMAND_INTX_DISABLE);
	vfio_pci_describe_fields(config, 0, HEADER_END, header_fields, ARRAY_SIZE(header_fields));
	vfio_pci_describe_bars(dev);
	vfio_pci_describe_rom(dev);
	if (dev->pdev->is_virtfn)
		vfio_pci_describe_vf(dev);
	if (!dev->has_intx)
		vfio_pci_shadow_set(config, PCI_INTERRUPT_PIN, 1, 0);
}

/* ---- capabilities ---- */

struct vfio_pci_found {
	u16 pos;
	u16 id;
};

static const struct vfio_pci_cap *vfio_pci_cap_find(const struct vfio_pci_cap *table, size_t count,
						    u16 id)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].id == id)
			return &table[i];
	return NULL;
}

static void vfio_pci_describe_msi(struct vfio_pci_device *dev, u16 pos, u16 *end)
{
	const u16 flags = vfio_pci_shadow_get(&dev->config, pos + PCI_MSI_FLAGS, 2);
	const bool wide = flags & PCI_MSI_FLAGS_64BIT, masks = flags & PCI_MSI_FLAGS_MASKBIT;
	u16 length = wide ? PCI_MSI_DATA_64 + 2 : PCI_MSI_DATA_32 + 2;

	if (masks)
		length = (wide ? PCI_MSI_PENDING_64 : PCI_MSI_PENDING_32) + 4;
	*end = min_t(u16, *end, pos + length);
	vfio_pci_shadow_set(&dev->config, pos + PCI_MSI_FLAGS, 2,
			    flags & ~(PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE));
	if (wide)
		vfio_pci_describe_fields(&dev->config, pos, *end, msi64_fields,
					 ARRAY_SIZE(msi64_fields));
	else
		vfio_pci_describe_fields(&dev->config, pos, *end, msi32_fields,
					 ARRAY_SIZE(msi32_fields));
}

static void vfio_pci_describe_exp(struct vfio_pci_device *dev, u16 pos, u16 *end)
{
	struct vfio_pci_config *config = &dev->config;
	const u16 flags = vfio_pci_shadow_get(config, pos + PCI_EXP_FLAGS, 2);
	const bool v2 = (flags & PCI_EXP_FLAGS_VERS) >= 2;

	*end = min_t(u16, *end, pos + (v2 ? EXP_LENGTH_V2 : EXP_LENGTH_V1));
	if (v2)
		vfio_pci_describe_fields(config, pos, *end, exp2_fields, ARRAY_SIZE(exp2_fields));
	else
		vfio_pci_describe_fields(config, pos, *end, exp_fields, ARRAY_SIZE(exp_fields));
}

/* From behind the header to the length that the device tells. */
static void vfio_pci_describe_vendor(struct vfio_pci_config *config, u16 pos, u16 header,
				     u16 length, u16 *end)
{
	*end = min_t(u16, *end, pos + length);
	if (*end > pos + header)
		memset(config->writable + pos + header, 0xff, *end - pos - header);
}

static void vfio_pci_describe_cap(struct vfio_pci_device *dev, const struct vfio_pci_found *found,
				  u16 *end)
{
	struct vfio_pci_config *config = &dev->config;
	const u16 pos = found->pos;
	const struct vfio_pci_cap *cap;

	switch (found->id) {
	case PCI_CAP_ID_MSI:
		return vfio_pci_describe_msi(dev, pos, end);
	case PCI_CAP_ID_EXP:
		return vfio_pci_describe_exp(dev, pos, end);
	case PCI_CAP_ID_VNDR:
		return vfio_pci_describe_vendor(config, pos, 3, config->shadow[pos + 2], end);
	}
	cap = vfio_pci_cap_find(caps, ARRAY_SIZE(caps), found->id);
	if (!cap)
		return;
	*end = min_t(u16, *end, pos + cap->length);
	vfio_pci_describe_fields(config, pos, *end, cap->fields, cap->num_fields);
	if (cap->id == PCI_CAP_ID_PM && pos + PCI_PM_CTRL + 2 <= *end) {
		config->shadow[pos + PCI_PM_PMC + 1] &= ~(PCI_PM_CAP_PME_MASK >> 8);
		vfio_pci_shadow_set(config, pos + PCI_PM_CTRL, 2, 0);
	}
}

static void vfio_pci_describe_ext_cap(struct vfio_pci_device *dev,
				      const struct vfio_pci_found *found, u16 *end)
{
	struct vfio_pci_config *config = &dev->config;
	const struct vfio_pci_cap *cap;
	u32 header;

	if (found->id == PCI_EXT_CAP_ID_VNDR && found->pos + PCI_VNDR_HEADER + 4 <= *end) {
		header = vfio_pci_shadow_get(config, found->pos + PCI_VNDR_HEADER, 4);
		vfio_pci_describe_vendor(config, found->pos, 8, PCI_VNDR_HEADER_LEN(header), end);
		return;
	}
	cap = vfio_pci_cap_find(ext_caps, ARRAY_SIZE(ext_caps), found->id);
	if (!cap)
		return;
	*end = min_t(u16, *end, found->pos + cap->length);
	vfio_pci_describe_fields(config, found->pos, *end, cap->fields, cap->num_fields);
}

/* A list visits each address once at most; what it does after that is the device's joke. */
static size_t vfio_pci_list_caps(const struct vfio_pci_config *config, struct vfio_pci_found *found)
{
	DECLARE_BITMAP(seen, PCI_CFG_SPACE_SIZE) = {};
	u8 pos = config->shadow[PCI_CAPABILITY_LIST] & ~3;
	size_t n = 0;

	if (!(vfio_pci_shadow_get(config, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	while (pos >= HEADER_END && !test_and_set_bit(pos, seen)) {
		found[n++] = (struct vfio_pci_found){pos, config->shadow[pos]};
		pos = config->shadow[pos + PCI_CAP_LIST_NEXT] & ~3;
	}
	return n;
}

static size_t vfio_pci_list_ext_caps(const struct vfio_pci_config *config,
				     struct vfio_pci_found *found)
{
	DECLARE_BITMAP(seen, PCI_CFG_SPACE_EXP_SIZE) = {};
	u16 pos = PCI_CFG_SPACE_SIZE;
	size_t n = 0;

	while (pos >= PCI_CFG_SPACE_SIZE && pos < config->size && !test_and_set_bit(pos, seen)) {
		const u32 header = vfio_pci_shadow_get(config, pos, 4);

		/* No extended capability: the first header is zero; or the device is gone. */
		if (!header || header == U32_MAX)
			break;
		found[n++] = (struct vfio_pci_found){pos, PCI_EXT_CAP_ID(header)};
		pos = PCI_EXT_CAP_NEXT(header);
	}
	return n;
}

static int vfio_pci_found_cmp(const void *a, const void *b)
{
	return ((const struct vfio_pci_found *)a)->pos - ((const struct vfio_pci_found *)b)->pos;
}

/* Between @first and @limit: the capabilities found, and the device's own between them. */
static void vfio_pci_describe_area(struct vfio_pci_device *dev, struct vfio_pci_found *found,
				   size_t n, u16 first, u16 limit,
				   void (*describe)(struct vfio_pci_device *dev,
						    const struct vfio_pci_found *found, u16 *end))
{
	u16 gap = first;

	sort(found, n, sizeof(*found), vfio_pci_found_cmp, NULL);
	for (size_t i = 0; i <= n; i++) {
		const u16 pos = i < n ? found[i].pos : limit;

		if (pos > gap)
			memset(dev->config.writable + gap, 0xff, pos - gap);
		if (i == n)
			break;
		gap = i + 1 < n ? found[i + 1].pos : limit;
		describe(dev, &found[i], &gap);
	}
}

/* The shadow begins as a copy of the device. */
static void vfio_pci_describe_copy(struct vfio_pci_device *dev)
{
	u32 value;

	for (u16 pos = 0; pos < dev->config.size; pos += 4) {
		pci_user_read_config_dword(dev->pdev, pos, &value);
		vfio_pci_shadow_set(&dev->config, pos, 4, value);
	}
}

int vfio_pci_config_describe(struct vfio_pci_device *dev)
{
	static_assert(EXT_CAPS_MAX >= CAPS_MAX);
	struct vfio_pci_config *config = &dev->config;
	struct vfio_pci_found *found;
	size_t n;

	vfio_pci_describe_copy(dev);
	vfio_pci_describe_header(dev);
	found = kvcalloc(EXT_CAPS_MAX, sizeof(*found), GFP_KERNEL_ACCOUNT);
	if (!found)
		return -ENOMEM;
	n = vfio_pci_list_caps(config, found);
	vfio_pci_describe_area(dev, found, n, HEADER_END, PCI_CFG_SPACE_SIZE,
			       vfio_pci_describe_cap);
	if (config->size > PCI_CFG_SPACE_SIZE) {
		n = vfio_pci_list_ext_caps(config, found);
		vfio_pci_describe_area(dev, found, n, PCI_CFG_SPACE_SIZE, config->size,
				       vfio_pci_describe_ext_cap);
	}
	kvfree(found);
	return 0;
}
