/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a virtual function receives: its addresses, multicast, VLANs, long frames. All of it is set
 * by the physical function, which is asked, and may say no.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <pollux/log.h>

#include "igbvf.h"

PLX_LOG_USE(intel);

/* Ask; a no is said in the log, with its object. */
static int ask(struct igbvf_port *vf, uint32_t *message, unsigned int words, const char *what)
{
	int err = igbvf_ask(vf, message, words);

	if (err == -EACCES) {
		PLX_ERR(intel, "%s: the physical function refuses %s; its host decides that",
			vf->base.base.info.name, what);
		return -EIO;
	}
	return err;
}

static int ask_mac(struct igbvf_port *vf, uint32_t type, const uint8_t *mac, const char *what)
{
	uint32_t words[2] = {0}, message[3] = {type};

	memcpy(words, mac, PLX_ETH_ALEN);
	message[1] = le32toh(words[0]);
	message[2] = le32toh(words[1]);
	return ask(vf, message, 3, what);
}

static int apply_mac(struct igbvf_port *vf)
{
	const uint8_t *mac = vf->base.base.settings.mac;
	int err;

	if (memcmp(mac, vf->mac, PLX_ETH_ALEN) == 0)
		return 0;
	err = ask_mac(vf, IGBVF_MSG_SET_MAC, mac, "the MAC address");
	if (!err)
		memcpy(vf->mac, mac, PLX_ETH_ALEN);
	return err;
}

/* All anew: the physical function has a list to clear and to add to. */
static int apply_unicast(struct igbvf_port *vf)
{
	const struct plx_port_settings *settings = &vf->base.base.settings;
	unsigned int i;
	int err = 0;

	if (vf->filters) {
		err = ask_mac(vf, IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTERS_CLEAR, settings->mac,
			      "to clear unicast filters");
		vf->filters = err;
	}
	for (i = 0; i < settings->macs && !err; i++) {
		if (settings->mac_list[i][0] & 1)
			continue;
		err = ask_mac(vf, IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_ADD, settings->mac_list[i],
			      "one more unicast address");
		vf->filters = true;
	}
	return err == -EIO ? -ENOSPC : err;
}

static int apply_multicast(struct igbvf_port *vf)
{
	const struct plx_port_settings *settings = &vf->base.base.settings;
	uint32_t message[IGBVF_MESSAGE_WORDS] = {IGBVF_MSG_MULTICAST};
	unsigned int i, n = 0;

	for (i = 0; i < settings->macs; i++) {
		const uint8_t *mac = settings->mac_list[i];

		if (!(mac[0] & 1))
			continue;
		if (n == IGBVF_MULTICAST_MAX) {
			PLX_ERR(intel, "%s: a virtual function joins %u multicast groups, no more",
				vf->base.base.info.name, IGBVF_MULTICAST_MAX);
			return -ENOSPC;
		}
		message[1 + n / 2] |= intel_multicast_hash(mac) << 16 * (n % 2);
		n++;
	}
	message[0] |= n << IGBVF_MSG_ARG_SHIFT;
	return ask(vf, message, IGBVF_MESSAGE_WORDS, "multicast groups");
}

static int apply_allmulti(struct igbvf_port *vf)
{
	bool wanted = vf->base.base.settings.allmulti;
	uint32_t message[1] = {IGBVF_MSG_PROMISC | (wanted ? IGBVF_PROMISC_MULTICAST : 0)};
	int err = 0;

	if (wanted != vf->allmulti)
		err = ask(vf, message, 1, "all multicast");
	if (!err)
		vf->allmulti = wanted;
	return err;
}

static int apply_mtu(struct igbvf_port *vf)
{
	uint32_t message[2] = {IGBVF_MSG_LONGEST,
			       vf->base.base.settings.mtu + (uint32_t)PLX_ETH_OVERHEAD};

	return ask(vf, message, 2, "frames of this MTU");
}

/* Those that are not as the physical function knows them. */
static int apply_vlans(struct igbvf_port *vf)
{
	const struct plx_port_settings *settings = &vf->base.base.settings;
	unsigned int word;

	for (word = 0; word < PLX_VLAN_COUNT / 64; word++) {
		uint64_t changed;

		while ((changed = settings->vlans[word] ^ vf->vlans[word])) {
			unsigned int bit = (unsigned int)__builtin_ctzll(changed);
			uint32_t add = settings->vlans[word] >> bit & 1;
			uint32_t message[2] = {IGBVF_MSG_VLAN | add << IGBVF_MSG_ARG_SHIFT,
					       word * 64 + bit};
			int err = ask(vf, message, 2, "a VLAN");

			if (err)
				return err;
			vf->vlans[word] ^= UINT64_C(1) << bit;
		}
	}
	return 0;
}

int igbvf_apply(struct intel_port *p)
{
	static int (*const steps[])(struct igbvf_port *) = {
		apply_mac, apply_unicast, apply_multicast, apply_allmulti, apply_mtu, apply_vlans,
	};
	struct igbvf_port *vf = igbvf_port(p);
	unsigned int i;
	int err = 0;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]) && !err; i++)
		err = steps[i](vf);
	return err;
}
