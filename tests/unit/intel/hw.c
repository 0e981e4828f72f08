/* SPDX-License-Identifier: BSD-3-Clause */
/* e1000e control path against registers that do not behave, and against a thread that does. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <pollux/clock.h>

#include "fixture.h"
#include "runner.h"

/* A device with the few reactions that reset and PHY access wait for. */
enum answers {
	ANSWER_RESET = 1,
	ANSWER_NVM = 2,
	ANSWER_PHY = 4,
};

static struct {
	pthread_t thread;
	unsigned int answers;
	bool stop;
} device;

static void *device_run(void *arg)
{
	while (!__atomic_load_n(&device.stop, __ATOMIC_ACQUIRE)) {
		uint32_t mdic = reg_get(INTEL_MDIC);

		if ((device.answers & ANSWER_RESET) && (reg_get(INTEL_CTRL) & INTEL_CTRL_RST)) {
			if (device.answers & ANSWER_NVM)
				reg_set(INTEL_EECD, INTEL_EECD_AUTO_RD);
			reg_set(INTEL_CTRL, 0);
		}
		if ((device.answers & ANSWER_PHY) && mdic && !(mdic & INTEL_MDIC_READY))
			reg_set(INTEL_MDIC, mdic | INTEL_MDIC_READY);
		plx_pause();
	}
	return NULL;
}

static void device_start(unsigned int answers)
{
	device.answers = answers;
	device.stop = false;
	pthread_create(&device.thread, NULL, device_run, NULL);
}

static void device_stop(void)
{
	__atomic_store_n(&device.stop, true, __ATOMIC_RELEASE);
	pthread_join(device.thread, NULL);
}

/* The call ends within the bound of ABUSE.md (R4: 5 s). */
static int timed_reset(unsigned int answers)
{
	uint64_t start = plx_clock_ns();
	int err;

	device_start(answers);
	err = intel_hw_reset(&fx.port);
	device_stop();
	CU_ASSERT(plx_clock_ns() - start < UINT64_C(5000000000));
	return err;
}

static void reset_works(void)
{
	UNIT_EQ(timed_reset(ANSWER_RESET | ANSWER_NVM), 0);
	UNIT_EQ(reg_get(INTEL_IMC), UINT32_MAX);
	UNIT_EQ(reg_get(INTEL_RCTL), 0);
	UNIT_EQ(reg_get(INTEL_TCTL) & INTEL_TCTL_EN, 0);
}

static void reset_never_clears(void)
{
	UNIT_EQ(timed_reset(0), -ETIMEDOUT);
}

static void nvm_never_read(void)
{
	UNIT_EQ(timed_reset(ANSWER_RESET), -ETIMEDOUT);
}

static void device_gone(void)
{
	struct plx_port_link link;

	memset(fx.bar, 0xff, INTEL_BAR_SIZE);
	UNIT_EQ(intel_hw_link(&fx.port, &link), -ENODEV);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_GONE);
}

static void addresses(void)
{
	static const struct {
		uint32_t low, high;
		int err;
	} macs[] = {
		{0x12005452, 0x80005634, 0},	   /* 52:54:00:12:34:56 */
		{0, 0x80000000, -EPROTO},	   /* all zero */
		{UINT32_MAX, UINT32_MAX, -EPROTO}, /* all ones */
		{0x12005453, 0x80005634, -EPROTO}, /* group bit */
	};
	uint8_t mac[PLX_ETH_ALEN];
	unsigned int i;

	for (i = 0; i < sizeof(macs) / sizeof(macs[0]); i++) {
		reg_set(INTEL_RAL(0), macs[i].low);
		reg_set(INTEL_RAH(0), macs[i].high);
		UNIT_EQ(intel_hw_mac(&fx.port, mac), macs[i].err);
	}
	reg_set(INTEL_RAL(0), macs[0].low);
	reg_set(INTEL_RAH(0), macs[0].high);
	UNIT_EQ(intel_hw_mac(&fx.port, mac), 0);
	UNIT_EQ(mac[0], 0x52);
	UNIT_EQ(mac[5], 0x56);
}

static void settings_to_registers(void)
{
	struct plx_port_settings *s = &fx.port.base.settings;
	static const uint8_t mac[] = {2, 1, 2, 3, 4, 5};

	memcpy(s->mac, mac, sizeof(mac));
	s->mtu = 1500;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_RAL(0)), 0x03020102);
	UNIT_EQ(reg_get(INTEL_RAH(0)), 0x80000504);
	UNIT_EQ(reg_get(INTEL_RCTL) & (INTEL_RCTL_UPE | INTEL_RCTL_MPE | INTEL_RCTL_LPE), 0);
	CU_ASSERT(reg_get(INTEL_RCTL) & INTEL_RCTL_EN);
	s->promisc = true;
	s->mtu = 9000;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_RCTL) & (INTEL_RCTL_UPE | INTEL_RCTL_MPE | INTEL_RCTL_LPE),
		INTEL_RCTL_UPE | INTEL_RCTL_MPE | INTEL_RCTL_LPE);
	s->promisc = false;
	s->allmulti = true;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_RCTL) & (INTEL_RCTL_UPE | INTEL_RCTL_MPE), INTEL_RCTL_MPE);
}

static void link_states(void)
{
	struct plx_port_link link = {0};

	reg_set(INTEL_STATUS, INTEL_STATUS_LU | INTEL_STATUS_FD | 2 << 6);
	UNIT_EQ(intel_hw_link(&fx.port, &link), 0);
	UNIT_EQ(link.up, true);
	UNIT_EQ(link.full_duplex, true);
	UNIT_EQ(link.speed_mbps, 1000);
	memset(&link, 0, sizeof(link));
	reg_set(INTEL_STATUS, 1 << 6);
	UNIT_EQ(intel_hw_link(&fx.port, &link), 0);
	UNIT_EQ(link.up, false);
	UNIT_EQ(link.speed_mbps, 0);
}

/* MDIC that never answers, or answers with an error, does not hold up the port. */
static void phy_never_ready(void)
{
	uint64_t start = plx_clock_ns();

	intel_hw_link_up(&fx.port);
	CU_ASSERT(plx_clock_ns() - start < 1000000000);
	CU_ASSERT(reg_get(INTEL_CTRL) & INTEL_CTRL_SLU);
	UNIT_EQ(reg_get(INTEL_EXTCNF_CTRL) & INTEL_EXTCNF_CTRL_MDIO_SW, 0);
}

static void phy_powered_down_is_woken(void)
{
	uint32_t mdic;

	device_start(ANSWER_PHY);
	/* The "PHY" echoes the data of the read: 0, so no auto-negotiation. */
	intel_hw_link_up(&fx.port);
	device_stop();
	mdic = reg_get(INTEL_MDIC);
	CU_ASSERT(mdic & INTEL_MDIC_WRITE);
	UNIT_EQ(mdic & 0xffff, INTEL_PHY_CONTROL_AUTONEG | INTEL_PHY_CONTROL_RESTART);
}

static void stats_add_up(void)
{
	struct plx_port_stats stats = {0};
	struct plx_port_xstat xstats[INTEL_STATS + 1];

	reg_set(INTEL_MPC, 7);
	intel_stats(&fx.port.base, &stats);
	UNIT_EQ(stats.rx_missed, 7);
	/* The memory below does not clear itself: read again, it counts again. */
	reg_set(INTEL_CRCERRS, UINT32_MAX);
	UNIT_EQ(intel_xstats(&fx.port.base, xstats, 0), INTEL_STATS + 1);
	UNIT_EQ(intel_xstats(&fx.port.base, xstats, INTEL_STATS + 1), INTEL_STATS + 1);
	UNIT_STR(xstats[0].name, "rx_crc_errors");
	UNIT_EQ(xstats[0].value, 0);
	UNIT_STR(xstats[3].name, "rx_missed");
	UNIT_EQ(xstats[3].value, 21);
	UNIT_STR(xstats[INTEL_STATS].name, "register_lies");
	UNIT_EQ(xstats[INTEL_STATS].value, 2);
}

WITH_FIXTURE(reset_works)
WITH_FIXTURE(reset_never_clears)
WITH_FIXTURE(nvm_never_read)
WITH_FIXTURE(device_gone)
WITH_FIXTURE(addresses)
WITH_FIXTURE(settings_to_registers)
WITH_FIXTURE(link_states)
WITH_FIXTURE(phy_never_ready)
WITH_FIXTURE(phy_powered_down_is_woken)
WITH_FIXTURE(stats_add_up)

CU_TestInfo hw_tests[] = {
	{"reset", reset_works_fx},
	{"lie: reset never clears", reset_never_clears_fx},
	{"lie: NVM never read", nvm_never_read_fx},
	{"all ones: the device is gone", device_gone_fx},
	{"lie: addresses that are none", addresses_fx},
	{"settings to registers", settings_to_registers_fx},
	{"link states", link_states_fx},
	{"lie: MDIC never ready", phy_never_ready_fx},
	{"a PHY that is down is woken", phy_powered_down_is_woken_fx},
	{"statistics add up", stats_add_up_fx},
	CU_TEST_INFO_NULL,
};
