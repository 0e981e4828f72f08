/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC outside of its rings: quiesce and reset, address, filters and modes, link. In the
 * order of the data sheet's software initialization sequence. Each wait is bounded; a device that
 * reads all ones is gone.
 */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "intel.h"

PLX_LOG_USE(intel);

#define MASTER_TIMEOUT_US 100000
#define RESET_TIMEOUT_US  1000000
#define NVM_OPTIONAL_US	  10000
#define NVM_DELAY_US	  5000
#define MDIC_TIMEOUT_US	  100000
#define POLL_US		  10

int intel_hw_wait(const struct intel_port *p, uint32_t reg, uint32_t mask, uint32_t want,
		  unsigned int timeout_us)
{
	uint64_t end = plx_clock_ns() + timeout_us * UINT64_C(1000);
	bool last;

	do {
		uint32_t value = intel_get(p, reg);

		if (value == UINT32_MAX)
			return -ENODEV;
		if ((value & mask) == want)
			return 0;
		last = plx_clock_ns() >= end;
		plx_delay_us(POLL_US);
	} while (!last);
	return -ETIMEDOUT;
}

/* --- Reset ---------------------------------------------------------------------------------- */

static void mask_interrupts(struct intel_port *p)
{
	intel_set(p, INTEL_IMC, UINT32_MAX);
	/* Reading clears the causes. */
	intel_get(p, INTEL_ICR);
}

/* No new requests on the bus, and wait for those under way (master disable, before a reset). */
static void quiesce(struct intel_port *p)
{
	intel_set(p, INTEL_RCTL, 0);
	intel_set(p, INTEL_TCTL, INTEL_TCTL_PSP);
	if (!intel_family(p)->pcie)
		return;
	intel_set(p, INTEL_CTRL, intel_get(p, INTEL_CTRL) | INTEL_CTRL_GIO_MASTER_DISABLE);
	if (intel_hw_wait(p, INTEL_STATUS, INTEL_STATUS_GIO_MASTER_ENABLE, 0, MASTER_TIMEOUT_US) ==
	    -ETIMEDOUT)
		PLX_WARN(intel, "%s: requests on the bus did not end in 100 ms; resetting anyway",
			 p->base.info.name);
}

/*
 * The NVM gives the device its address again. Not every device says when that is done, nor has an
 * NVM; that the address makes sense is checked anyway.
 */
static int wait_for_nvm(struct intel_port *p)
{
	const struct intel_family *family = intel_family(p);
	int err;

	if (!family->pcie) {
		plx_delay_us(NVM_DELAY_US);
		return 0;
	}
	err = intel_hw_wait(p, INTEL_EECD, INTEL_EECD_AUTO_RD, INTEL_EECD_AUTO_RD,
			    family->nvm_optional ? NVM_OPTIONAL_US : RESET_TIMEOUT_US);
	if (err == -ETIMEDOUT && family->nvm_optional)
		return 0;
	if (err)
		PLX_ERR(intel,
			"%s: the NVM was not read after reset (EECD.Auto_RD); is it programmed?",
			p->base.info.name);
	return err;
}

int intel_hw_reset(struct intel_port *p)
{
	int err;

	mask_interrupts(p);
	quiesce(p);
	intel_set(p, INTEL_CTRL, intel_get(p, INTEL_CTRL) | INTEL_CTRL_RST);
	/* No access within 1 us of the write. */
	plx_delay_us(2);
	err = intel_hw_wait(p, INTEL_CTRL, INTEL_CTRL_RST, 0, RESET_TIMEOUT_US);
	if (err) {
		PLX_ERR(intel, "%s: %s", p->base.info.name,
			err == -ENODEV ? "the device is gone"
				       : "CTRL.RST does not clear; power-cycle the device");
		return err;
	}
	err = wait_for_nvm(p);
	if (err)
		return err;
	mask_interrupts(p);
	return 0;
}

/* --- Address ---------------------------------------------------------------- */

bool intel_mac_valid(const uint8_t mac[PLX_ETH_ALEN])
{
	static const uint8_t zero[PLX_ETH_ALEN];

	return !(mac[0] & 1) && memcmp(mac, zero, sizeof(zero));
}

int intel_hw_mac(struct intel_port *p, uint8_t mac[PLX_ETH_ALEN])
{
	uint32_t low = intel_get(p, INTEL_RAL(0)), high = intel_get(p, INTEL_RAH(0));
	unsigned int i;

	for (i = 0; i < 4; i++)
		mac[i] = (uint8_t)(low >> (8 * i));
	mac[4] = (uint8_t)high;
	mac[5] = (uint8_t)(high >> 8);
	if (intel_mac_valid(mac))
		return 0;
	PLX_ERR(intel,
		"%s: its address is %02x:%02x:%02x:%02x:%02x:%02x, not one of a station; "
		"program its NVM",
		p->base.info.name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return -EPROTO;
}

/* --- Link ----------------------------------------------------------------------------------- */

/* One access by MDIC (10.2.2): register number, and data for a write. Return: data or -errno. */
static int phy_access(struct intel_port *p, uint32_t command)
{
	uint32_t mdic;
	int err;

	intel_set(p, INTEL_MDIC, command | INTEL_MDIC_PHY);
	err = intel_hw_wait(p, INTEL_MDIC, INTEL_MDIC_READY, INTEL_MDIC_READY, MDIC_TIMEOUT_US);
	if (err)
		return err;
	mdic = intel_get(p, INTEL_MDIC);
	return mdic & INTEL_MDIC_ERROR ? -EIO : (int)(mdic & 0xffff);
}

/* Power up, and negotiate if the PHY would not by itself, or has not come to a link by now. */
static int phy_start(struct intel_port *p)
{
	uint32_t reg = INTEL_PHY_CONTROL << INTEL_MDIC_REG_SHIFT;
	int control = phy_access(p, reg | INTEL_MDIC_READ);

	if (control < 0)
		return control;
	if (!(control & INTEL_PHY_CONTROL_POWER_DOWN) && (control & INTEL_PHY_CONTROL_AUTONEG) &&
	    (intel_get(p, INTEL_STATUS) & INTEL_STATUS_LU))
		return 0;
	control &= ~(int)INTEL_PHY_CONTROL_POWER_DOWN;
	control |= INTEL_PHY_CONTROL_AUTONEG | INTEL_PHY_CONTROL_RESTART;
	control = phy_access(p, reg | INTEL_MDIC_WRITE | (uint32_t)control);
	return control < 0 ? control : 0;
}

void intel_hw_link_up(struct intel_port *p)
{
	uint32_t ctrl = intel_get(p, INTEL_CTRL);
	const struct intel_family *family = intel_family(p);
	int err = 0;

	/* Speed and duplex as negotiated, no flow control. */
	ctrl &= ~(INTEL_CTRL_FRCSPD | INTEL_CTRL_FRCDPLX | INTEL_CTRL_RFCE | INTEL_CTRL_TFCE |
		  INTEL_CTRL_GIO_MASTER_DISABLE);
	intel_set(p, INTEL_CTRL, ctrl | INTEL_CTRL_SLU);
	if (family->phy_own)
		err = family->phy_own(p);
	if (!err) {
		err = phy_start(p);
		if (family->phy_disown)
			family->phy_disown(p);
	}
	if (err)
		PLX_WARN(intel, "%s: the PHY does not answer (%s); the link may stay down",
			 p->base.info.name, strerror(-err));
}

int intel_hw_link(struct intel_port *p, struct plx_port_link *link)
{
	static const uint16_t speeds[] = {10, 100, 1000, 1000};
	uint32_t status = intel_get(p, INTEL_STATUS);

	if (status == UINT32_MAX) {
		plx_port_gone(&p->base);
		return -ENODEV;
	}
	link->up = status & INTEL_STATUS_LU;
	link->full_duplex = status & INTEL_STATUS_FD;
	if (link->up)
		link->speed_mbps =
			speeds[status >> INTEL_STATUS_SPEED_SHIFT & INTEL_STATUS_SPEED_MASK];
	return 0;
}

/* --- All of it ------------------------------------------------------------------------------ */

static void claim(struct intel_port *p)
{
	intel_hw_link_up(p);
	intel_set(p, INTEL_CTRL_EXT, intel_get(p, INTEL_CTRL_EXT) | INTEL_CTRL_EXT_DRV_LOAD);
}

/* RCTL.BSIZE and BSEX (10.2.5): 2048 >> n; with BSEX 16 times as much, n from 1. */
static uint32_t rctl_buf_size(uint32_t size)
{
	uint32_t n = 0, base = size > 2048 ? 32768 : 2048;

	while (base >> n > size)
		n++;
	return n << INTEL_RCTL_BSIZE_SHIFT | (size > 2048 ? INTEL_RCTL_BSEX : 0);
}

static void receiver_on(struct intel_port *p)
{
	const struct intel_rxq *first = (const struct intel_rxq *)p->base.rxqs[0];

	intel_set(p, INTEL_RCTL,
		  intel_get(p, INTEL_RCTL) | rctl_buf_size(first->buf_size) | INTEL_RCTL_SECRC |
			  INTEL_RCTL_BAM | INTEL_RCTL_EN);
}

static void transmitter_on(struct intel_port *p)
{
	intel_set(p, INTEL_TIPG, INTEL_TIPG_COPPER);
	intel_set(p, INTEL_TCTL,
		  INTEL_TCTL_EN | INTEL_TCTL_PSP | INTEL_TCTL_CT | INTEL_TCTL_COLD_FD);
}

static const struct intel_named_reg regs[] = {
	{"CTRL", INTEL_CTRL},	      {"STATUS", INTEL_STATUS}, {"EECD", INTEL_EECD},
	{"CTRL_EXT", INTEL_CTRL_EXT}, {"IMS", INTEL_IMS},	{"RCTL", INTEL_RCTL},
	{"TCTL", INTEL_TCTL},	      {"TIPG", INTEL_TIPG},	{"VET", INTEL_VET},
	{"RXCSUM", INTEL_RXCSUM},     {"RAL0", INTEL_RAL(0)},	{"RAH0", INTEL_RAH(0)},
};

const struct intel_control intel_physical = {
	.bar_size = INTEL_BAR_SIZE,
	.reset = intel_hw_reset,
	.address = intel_hw_mac,
	.apply = intel_filter_apply,
	.claim = claim,
	.receiver_on = receiver_on,
	.transmitter_on = transmitter_on,
	.stats = intel_stats_table,
	.stats_count = INTEL_STATS,
	.regs = regs,
	.regs_count = sizeof(regs) / sizeof(regs[0]),
};
