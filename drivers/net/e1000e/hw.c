/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The e1000e outside of its rings: quiesce and reset, address, filters and modes, link. In the
 * order of the data sheet's software initialization sequence. Each wait is bounded; a device that
 * reads all ones is gone.
 */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "e1000e.h"

PLX_LOG_USE(e1000e);

#define MASTER_TIMEOUT_US 100000
#define RESET_TIMEOUT_US  1000000
#define MDIC_TIMEOUT_US	  10000
#define POLL_US		  10

/* Wait until the masked bits of a register have a value. 0, -ENODEV or -ETIMEDOUT. */
static int wait_for(const struct e1000e_port *p, uint32_t reg, uint32_t mask, uint32_t want,
		    unsigned int timeout_us)
{
	uint64_t end = plx_clock_ns() + timeout_us * UINT64_C(1000);
	bool last;

	do {
		uint32_t value = e1000e_get(p, reg);

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

static void mask_interrupts(struct e1000e_port *p)
{
	e1000e_set(p, E1000E_IMC, UINT32_MAX);
	/* Reading clears the causes. */
	e1000e_get(p, E1000E_ICR);
}

/* No new requests on the bus, and wait for those under way (master disable, before a reset). */
static void quiesce(struct e1000e_port *p)
{
	e1000e_set(p, E1000E_RCTL, 0);
	e1000e_set(p, E1000E_TCTL, E1000E_TCTL_PSP);
	e1000e_set(p, E1000E_CTRL, e1000e_get(p, E1000E_CTRL) | E1000E_CTRL_GIO_MASTER_DISABLE);
	if (wait_for(p, E1000E_STATUS, E1000E_STATUS_GIO_MASTER_ENABLE, 0, MASTER_TIMEOUT_US) ==
	    -ETIMEDOUT)
		PLX_WARN(e1000e, "%s: requests on the bus did not end in 100 ms; resetting anyway",
			 p->base.info.name);
}

int e1000e_hw_reset(struct e1000e_port *p)
{
	const char *name = p->base.info.name;
	int err;

	mask_interrupts(p);
	quiesce(p);
	e1000e_set(p, E1000E_CTRL, e1000e_get(p, E1000E_CTRL) | E1000E_CTRL_RST);
	/* No access within 1 us of the write. */
	plx_delay_us(2);
	err = wait_for(p, E1000E_CTRL, E1000E_CTRL_RST, 0, RESET_TIMEOUT_US);
	if (err) {
		PLX_ERR(e1000e, "%s: %s", name,
			err == -ENODEV ? "the device is gone"
				       : "CTRL.RST does not clear; power-cycle the device");
		return err;
	}
	err = wait_for(p, E1000E_EECD, E1000E_EECD_AUTO_RD, E1000E_EECD_AUTO_RD, RESET_TIMEOUT_US);
	if (err) {
		PLX_ERR(e1000e,
			"%s: the NVM was not read after reset (EECD.Auto_RD); is it programmed?",
			name);
		return err;
	}
	mask_interrupts(p);
	return 0;
}

/* --- Address, filters, modes ---------------------------------------------------------------- */

int e1000e_hw_mac(struct e1000e_port *p, uint8_t mac[PLX_ETH_ALEN])
{
	static const uint8_t zero[PLX_ETH_ALEN];
	uint32_t low = e1000e_get(p, E1000E_RAL(0)), high = e1000e_get(p, E1000E_RAH(0));
	unsigned int i;

	for (i = 0; i < 4; i++)
		mac[i] = (uint8_t)(low >> (8 * i));
	mac[4] = (uint8_t)high;
	mac[5] = (uint8_t)(high >> 8);
	if (!(mac[0] & 1) && memcmp(mac, zero, sizeof(zero)))
		return 0;
	PLX_ERR(e1000e,
		"%s: its address is %02x:%02x:%02x:%02x:%02x:%02x, not one of a station; "
		"program its NVM",
		p->base.info.name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return -EPROTO;
}

static void set_mac(struct e1000e_port *p, const uint8_t mac[PLX_ETH_ALEN])
{
	e1000e_set(p, E1000E_RAL(0),
		   mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 |
			   (uint32_t)mac[3] << 24);
	e1000e_set(p, E1000E_RAH(0), E1000E_RAH_AV | mac[4] | (uint32_t)mac[5] << 8);
}

void e1000e_hw_apply(struct e1000e_port *p)
{
	const struct plx_port_settings *settings = &p->base.settings;
	uint32_t rctl = e1000e_get(p, E1000E_RCTL);

	rctl &= ~(E1000E_RCTL_UPE | E1000E_RCTL_MPE | E1000E_RCTL_LPE);
	if (settings->promisc)
		rctl |= E1000E_RCTL_UPE | E1000E_RCTL_MPE;
	if (settings->allmulti)
		rctl |= E1000E_RCTL_MPE;
	if (settings->mtu > PLX_MTU_DEFAULT)
		rctl |= E1000E_RCTL_LPE;
	set_mac(p, settings->mac);
	e1000e_set(p, E1000E_RCTL, rctl);
}

/* --- Link ----------------------------------------------------------------------------------- */

/* One access by MDIC (10.2.2): register number, and data for a write. Return: data or -errno. */
static int phy_access(struct e1000e_port *p, uint32_t command)
{
	uint32_t mdic;
	int err;

	e1000e_set(p, E1000E_MDIC, command | E1000E_MDIC_PHY);
	err = wait_for(p, E1000E_MDIC, E1000E_MDIC_READY, E1000E_MDIC_READY, MDIC_TIMEOUT_US);
	if (err)
		return err;
	mdic = e1000e_get(p, E1000E_MDIC);
	return mdic & E1000E_MDIC_ERROR ? -EIO : (int)(mdic & 0xffff);
}

/* The PHY is shared with the firmware: own it first. */
static int phy_own(struct e1000e_port *p)
{
	uint32_t value = e1000e_get(p, E1000E_EXTCNF_CTRL) | E1000E_EXTCNF_CTRL_MDIO_SW;

	e1000e_set(p, E1000E_EXTCNF_CTRL, value);
	return wait_for(p, E1000E_EXTCNF_CTRL, E1000E_EXTCNF_CTRL_MDIO_SW,
			E1000E_EXTCNF_CTRL_MDIO_SW, MDIC_TIMEOUT_US);
}

static void phy_disown(struct e1000e_port *p)
{
	e1000e_set(p, E1000E_EXTCNF_CTRL,
		   e1000e_get(p, E1000E_EXTCNF_CTRL) & ~E1000E_EXTCNF_CTRL_MDIO_SW);
}

/* Power up, and negotiate if the PHY would not by itself. */
static int phy_start(struct e1000e_port *p)
{
	uint32_t reg = E1000E_PHY_CONTROL << E1000E_MDIC_REG_SHIFT;
	int control = phy_access(p, reg | E1000E_MDIC_READ);

	if (control < 0)
		return control;
	if (!(control & E1000E_PHY_CONTROL_POWER_DOWN) && (control & E1000E_PHY_CONTROL_AUTONEG))
		return 0;
	control &= ~(int)E1000E_PHY_CONTROL_POWER_DOWN;
	control |= E1000E_PHY_CONTROL_AUTONEG | E1000E_PHY_CONTROL_RESTART;
	control = phy_access(p, reg | E1000E_MDIC_WRITE | (uint32_t)control);
	return control < 0 ? control : 0;
}

void e1000e_hw_link_up(struct e1000e_port *p)
{
	uint32_t ctrl = e1000e_get(p, E1000E_CTRL);
	int err;

	/* Speed and duplex as negotiated, no flow control, VLAN tags stay in the frame. */
	ctrl &= ~(E1000E_CTRL_FRCSPD | E1000E_CTRL_FRCDPLX | E1000E_CTRL_RFCE | E1000E_CTRL_TFCE |
		  E1000E_CTRL_VME | E1000E_CTRL_GIO_MASTER_DISABLE);
	e1000e_set(p, E1000E_CTRL, ctrl | E1000E_CTRL_SLU);
	err = phy_own(p);
	if (!err) {
		err = phy_start(p);
		phy_disown(p);
	}
	if (err)
		PLX_WARN(e1000e, "%s: the PHY does not answer (%s); the link may stay down",
			 p->base.info.name, strerror(-err));
}

int e1000e_hw_link(struct e1000e_port *p, struct plx_port_link *link)
{
	static const uint16_t speeds[] = {10, 100, 1000, 1000};
	uint32_t status = e1000e_get(p, E1000E_STATUS);

	if (status == UINT32_MAX) {
		plx_port_gone(&p->base);
		return -ENODEV;
	}
	link->up = status & E1000E_STATUS_LU;
	link->full_duplex = status & E1000E_STATUS_FD;
	if (link->up)
		link->speed_mbps =
			speeds[status >> E1000E_STATUS_SPEED_SHIFT & E1000E_STATUS_SPEED_MASK];
	return 0;
}
