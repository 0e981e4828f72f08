/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: a virtual function of the 82576 against a physical function whose mailbox reads
 * whatever the fuzzer likes, at each read. Every call comes back, in a bounded number of looks, and
 * the port ends up connected or not, never in between. The driver's sources are part of the target,
 * with registers and clock of its own.
 */
#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mmio.h>

static uint32_t device_read(void);
static uint64_t device_time(void);

#define plx_mmio_read32(address)	 ((void)(address), device_read())
#define plx_mmio_write32(address, value) ((void)(address), (void)(value))
#define plx_clock_ns()			 device_time()
#define plx_delay_us(us)		 ((void)(us))

#include "fuzz.h"
#include "net/igbvf/mailbox.c"
#include "net/igbvf/settings.c"

static char bar[IGBVF_BAR_SIZE]; /* never touched */
static const uint8_t *input;
static size_t left;
static uint64_t now_ns, reads;

/* Each look costs a millisecond, so that time-outs come. */
static uint64_t device_time(void)
{
	return now_ns += 1000000;
}

/* Mostly the bits that a good answer has, else anything. */
static uint32_t device_read(void)
{
	uint32_t value;

	reads++;
	if (left < 5)
		return left ? *input : 0;
	memcpy(&value, input + 1, sizeof(value));
	value = *input & 1 ? value : *input & 2 ? IGBVF_MSG_ACK | *input >> 4 : *input;
	input += 5;
	left -= 5;
	return value;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_eal_up();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct igbvf_port vf = {0};
	struct plx_port_settings *settings = &vf.base.base.settings;
	int err;

	if (size < 8)
		return 0;
	vf.base.bar = bar;
	vf.base.base.event_fd = -1;
	vf.base.base.wake_fd = -1;
	settings->macs = data[0] % 40;
	memset(settings->mac_list, data[1], sizeof(settings->mac_list));
	settings->vlans[data[2] % 64] = data[3];
	settings->allmulti = data[4] & 1;
	settings->mtu = 1500;
	settings->mac[0] = 2;
	input = data + 5;
	left = size - 5;
	reads = 0;
	err = igbvf_connect(&vf);
	CHECK(vf.connected == !err);
	while (vf.connected && left >= 5) {
		err = igbvf_apply(&vf.base);
		if (!err)
			CHECK(vf.connected && !memcmp(vf.mac, settings->mac, PLX_ETH_ALEN));
		settings->vlans[1] ^= 3;
		igbvf_listen(&vf);
	}
	/* A message is at most two tries of five waits of two seconds, a look a millisecond. */
	CHECK(reads < size + 60 * 20000);
	return 0;
}
