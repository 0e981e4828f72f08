/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Log pages from the bytes that the controller wrote to structures for the application, and the
 * names of features. Pure functions; each field is bounded where it is used as an index or a
 * length.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <pollux/nvme_admin.h>

static uint16_t get16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return le16toh(v);
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return le32toh(v);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return le64toh(v);
}

static uint64_t get128(const uint8_t *at)
{
	return get64(at + 8) ? UINT64_MAX : get64(at);
}

/* Base 5.16.1.3, figure 207: by offset */
void plx_nvme_log_smart(const uint8_t page[PLX_NVME_LOG_SMART_BYTES], struct plx_nvme_smart *smart)
{
	unsigned int i;

	*smart = (struct plx_nvme_smart){
		.critical_warning = page[0],
		.temperature_k = get16(page + 1),
		.spare_percent = page[3],
		.spare_threshold_percent = page[4],
		.used_percent = page[5],
		.data_units_read = get128(page + 32),
		.data_units_written = get128(page + 48),
		.host_reads = get128(page + 64),
		.host_writes = get128(page + 80),
		.busy_minutes = get128(page + 96),
		.power_cycles = get128(page + 112),
		.power_on_hours = get128(page + 128),
		.unsafe_shutdowns = get128(page + 144),
		.media_errors = get128(page + 160),
		.error_log_entries = get128(page + 176),
		.warning_temperature_minutes = get32(page + 192),
		.critical_temperature_minutes = get32(page + 196),
	};
	for (i = 0; i < 8; i++)
		smart->sensor_k[i] = get16(page + 200 + 2 * i);
}

/* Base 5.16.1.2, figure 206 */
void plx_nvme_log_error(const uint8_t entry[PLX_NVME_LOG_ERROR_BYTES], struct plx_nvme_error *error)
{
	*error = (struct plx_nvme_error){
		.count = get64(entry),
		.sqid = get16(entry + 8),
		.cid = get16(entry + 10),
		/* Bit 0 is the phase. */
		.status = get16(entry + 12) >> 1,
		.parameter = get16(entry + 14),
		.lba = get64(entry + 16),
		.nsid = get32(entry + 24),
	};
}

/* Base 5.16.1.4, figure 208 */
int plx_nvme_log_firmware(const uint8_t page[PLX_NVME_LOG_FIRMWARE_BYTES],
			  struct plx_nvme_firmware *firmware)
{
	unsigned int slot, i;

	*firmware = (struct plx_nvme_firmware){.active = page[0] & 7, .next = page[0] >> 4 & 7};
	for (slot = 0; slot < 7; slot++) {
		const uint8_t *from = page + 8 + 8 * slot;
		char *to = firmware->revision[slot];
		size_t len = 8;

		while (len && (from[len - 1] == ' ' || from[len - 1] == 0))
			len--;
		for (i = 0; i < len; i++)
			to[i] = from[i] >= ' ' && from[i] <= '~' ? (char)from[i] : '?';
	}
	return firmware->active ? 0 : -EPROTO;
}

int plx_nvme_log_changed_ns(const uint8_t page[PLX_NVME_LOG_CHANGED_NS_BYTES], uint32_t *ids)
{
	int n;

	for (n = 0; n < PLX_NVME_CHANGED_NS_MAX; n++) {
		uint32_t id = get32(page + 4 * n);

		if (id == 0)
			break;
		if (id == UINT32_MAX)
			return -EOVERFLOW;
		ids[n] = id;
	}
	return n;
}

void plx_nvme_log_effects(const uint8_t page[PLX_NVME_LOG_EFFECTS_BYTES],
			  struct plx_nvme_effects *effects)
{
	unsigned int i;

	for (i = 0; i < 256; i++) {
		effects->admin[i] = get32(page + 4 * i);
		effects->io[i] = get32(page + 1024 + 4 * i);
	}
}

const char *plx_nvme_feature_name(uint8_t id)
{
	/* Base 5.27.1, NVM 4.1.3 */
	static const char *const names[] = {
		[0x01] = "arbitration",
		[0x02] = "power management",
		[0x03] = "LBA range type",
		[0x04] = "temperature threshold",
		[0x05] = "error recovery",
		[0x06] = "volatile write cache",
		[0x07] = "number of queues",
		[0x08] = "interrupt coalescing",
		[0x09] = "interrupt vector configuration",
		[0x0a] = "write atomicity",
		[0x0b] = "asynchronous event configuration",
		[0x0c] = "autonomous power state transition",
		[0x0d] = "host memory buffer",
		[0x0e] = "timestamp",
		[0x0f] = "keep alive timer",
		[0x10] = "host controlled thermal management",
		[0x11] = "non-operational power state configuration",
		[0x12] = "read recovery level configuration",
		[0x16] = "host behavior support",
		[0x17] = "sanitize configuration",
		[0x78] = "enhanced controller metadata",
		[0x80] = "software progress marker",
		[0x81] = "host identifier",
		[0x82] = "reservation notification mask",
		[0x83] = "reservation persistence",
		[0x84] = "namespace write protection",
	};

	return id < sizeof(names) / sizeof(names[0]) ? names[id] : NULL;
}
