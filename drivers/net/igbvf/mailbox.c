/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mailbox between a virtual function and its physical one (82576 data sheet, 7.10.2.9): 16
 * words of memory that one of both owns at a time. A message is written, announced (REQ),
 * acknowledged (PFACK), answered (PFSTS) and the answer acknowledged (ACK). What is on the other
 * side is software that may be slow, old, hostile or gone: each wait is bounded, each message is
 * tried twice, and each thing that cannot be is counted.
 */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "igbvf.h"

PLX_LOG_USE(intel);

#define GRANT_US 20000
/* A reset of the port connects three times, which is to take no more than 5 s. */
#define ANSWER_US	 750000
#define RESET_US	 1500000
#define POLL_US		 20
#define AWAY_NS		 UINT64_C(5000000000) /* a physical function that says no more */
#define TRIES		 2
#define MESSAGES_AT_ONCE 4 /* that are no answer, before one that is */

static void set(struct igbvf_port *vf, uint32_t bits)
{
	intel_set(&vf->base, IGBVF_V2PMAILBOX, bits);
}

/* V2PMAILBOX with what earlier reads have cleared; UINT32_MAX: the device is gone. */
static uint32_t status(struct igbvf_port *vf)
{
	uint32_t now = intel_get(&vf->base, IGBVF_V2PMAILBOX);

	if (now != UINT32_MAX)
		vf->seen |= now & IGBVF_MAILBOX_CLEARING;
	return now | vf->seen;
}

static uint64_t in_us(unsigned int us)
{
	return plx_clock_ns() + us * UINT64_C(1000);
}

/* Wait until (status & mask) is `want`, and take the bits. ask: written before each look. */
static int wait_for(struct igbvf_port *vf, uint32_t mask, uint32_t want, uint32_t ask, uint64_t end)
{
	bool last;

	do {
		uint32_t now;

		last = plx_clock_ns() >= end;
		if (ask)
			set(vf, ask);
		now = status(vf);
		if (now == UINT32_MAX)
			return -ENODEV;
		if ((now & mask) == want) {
			vf->seen &= ~mask;
			return 0;
		}
		plx_delay_us(POLL_US);
	} while (!last);
	return -ETIMEDOUT;
}

static int fail(struct igbvf_port *vf, enum igbvf_count kind, int err)
{
	if (err == -ETIMEDOUT)
		vf->counts[kind]++;
	return err;
}

static int own_memory(struct igbvf_port *vf)
{
	return fail(vf, IGBVF_NOT_GRANTED,
		    wait_for(vf, IGBVF_MAILBOX_VFU, IGBVF_MAILBOX_VFU, IGBVF_MAILBOX_VFU,
			     in_us(GRANT_US)));
}

static int send(struct igbvf_port *vf, const uint32_t *message, unsigned int words)
{
	unsigned int i;
	int err = own_memory(vf);

	if (err)
		return err;
	/* What is left of an exchange that was given up. */
	status(vf);
	vf->seen &= ~(IGBVF_MAILBOX_PFSTS | IGBVF_MAILBOX_PFACK);
	for (i = 0; i < words; i++)
		intel_set(&vf->base, IGBVF_VMBMEM(i), message[i]);
	set(vf, IGBVF_MAILBOX_REQ);
	return fail(vf, IGBVF_NO_ACK,
		    wait_for(vf, IGBVF_MAILBOX_PFACK, IGBVF_MAILBOX_PFACK, 0, in_us(ANSWER_US)));
}

/* A message that is there: read and acknowledged. */
static int receive(struct igbvf_port *vf, uint32_t *message, unsigned int words)
{
	unsigned int i;
	int err = own_memory(vf);

	if (err)
		return err;
	for (i = 0; i < words; i++)
		message[i] = intel_get(&vf->base, IGBVF_VMBMEM(i));
	vf->seen &= ~IGBVF_MAILBOX_PFSTS;
	set(vf, IGBVF_MAILBOX_ACK);
	return 0;
}

static void pf_was_reset(struct igbvf_port *vf)
{
	vf->counts[IGBVF_PF_RESETS]++;
	vf->connected = false;
	plx_port_break(&vf->base.base, "its physical function was reset");
}

/* A message that nobody has asked for: "I am here", or "I have forgotten you". */
static void take_unasked(struct igbvf_port *vf, uint32_t message)
{
	if ((message & IGBVF_MSG_TYPE) != IGBVF_MSG_CONTROL)
		vf->counts[IGBVF_UNASKED]++;
	else if (message & IGBVF_MSG_CTS)
		vf->counts[IGBVF_PINGS]++;
	else if (vf->connected)
		pf_was_reset(vf);
}

/* The answer to a message of this type; others may come before it, but give it no more time. */
static int answer(struct igbvf_port *vf, uint32_t type, uint32_t *message, unsigned int words)
{
	const uint64_t end = in_us(ANSWER_US);
	unsigned int i;

	for (i = 0; i < MESSAGES_AT_ONCE; i++) {
		int err = fail(vf, IGBVF_NO_ANSWER,
			       wait_for(vf, IGBVF_MAILBOX_PFSTS, IGBVF_MAILBOX_PFSTS, 0, end));
		uint32_t kind;

		if (!err)
			err = receive(vf, message, words);
		if (err)
			return err;
		kind = message[0] & (IGBVF_MSG_ACK | IGBVF_MSG_NACK);
		if ((message[0] & IGBVF_MSG_TYPE) == type &&
		    (kind == IGBVF_MSG_ACK || kind == IGBVF_MSG_NACK))
			return 0;
		if ((message[0] & IGBVF_MSG_TYPE) == IGBVF_MSG_CONTROL)
			take_unasked(vf, message[0]);
		else
			vf->counts[IGBVF_WRONG_ANSWER]++;
	}
	return -ETIMEDOUT;
}

/* One message and its answer, which takes its place; a second try where nothing came. */
static int exchange(struct igbvf_port *vf, uint32_t *message, unsigned int words)
{
	uint32_t copy[IGBVF_MESSAGE_WORDS];
	unsigned int try;
	int err = 0;

	for (try = 0; try < TRIES; try++) {
		memcpy(copy, message, words * sizeof(*copy));
		err = send(vf, copy, words);
		if (!err)
			err = answer(vf, message[0] & IGBVF_MSG_TYPE, copy, words);
		if (err != -ETIMEDOUT)
			break;
	}
	if (!err) {
		memcpy(message, copy, words * sizeof(*copy));
		vf->counts[IGBVF_MESSAGES]++;
	}
	return err;
}

int igbvf_ask(struct igbvf_port *vf, uint32_t *message, unsigned int words)
{
	int err;

	if (!vf->connected)
		return -ENOTCONN;
	err = exchange(vf, message, words);
	if (err) {
		vf->connected = false;
		PLX_ERR(intel,
			"%s: its physical function does not answer (%s); see what drives that, and "
			"reset this port",
			vf->base.base.info.name, strerror(-err));
		return err;
	}
	/* It may have said on the way that it has forgotten us. */
	if (!vf->connected)
		return -ENOTCONN;
	if (message[0] & IGBVF_MSG_ACK)
		return 0;
	vf->counts[IGBVF_REFUSED]++;
	/* A no to somebody whom it does not know means that it has forgotten us. */
	if (!(message[0] & IGBVF_MSG_CTS))
		pf_was_reset(vf);
	return -EACCES;
}

int igbvf_connect(struct igbvf_port *vf)
{
	uint32_t message[3] = {IGBVF_MSG_RESET};
	int err;

	vf->connected = false;
	vf->pf_away_ns = 0;
	vf->seen = 0;
	memset(vf->mac, 0, sizeof(vf->mac));
	memset(vf->vlans, 0, sizeof(vf->vlans));
	vf->allmulti = false;
	vf->filters = false;
	err = fail(vf, IGBVF_STUCK_RESET, wait_for(vf, IGBVF_MAILBOX_RSTI, 0, 0, in_us(RESET_US)));
	if (!err)
		err = exchange(vf, message, 3);
	if (err) {
		PLX_ERR(intel,
			"%s: its physical function does not answer (%s): it needs a driver that "
			"is up",
			vf->base.base.info.name, strerror(-err));
		return err;
	}
	vf->seen &= ~IGBVF_MAILBOX_RSTD;
	vf->connected = true;
	/* No: it has no address for us. */
	if (!(message[0] & IGBVF_MSG_ACK))
		return 0;
	memcpy(vf->mac, (uint32_t[]){htole32(message[1]), htole32(message[2])}, PLX_ETH_ALEN);
	if (!intel_mac_valid(vf->mac)) {
		vf->counts[IGBVF_BAD_MAC]++;
		memset(vf->mac, 0, sizeof(vf->mac));
	}
	return 0;
}

/* "I go down" and the time of the reset itself come before anybody answers again. */
static bool pf_is_away(struct igbvf_port *vf, uint32_t now)
{
	uint32_t message = IGBVF_MSG_CONTROL | IGBVF_MSG_CTS;

	if (now & IGBVF_MAILBOX_RSTI)
		return true;
	if (!(now & IGBVF_MAILBOX_PFSTS) || receive(vf, &message, 1))
		return false;
	if ((message & (IGBVF_MSG_TYPE | IGBVF_MSG_CTS)) == IGBVF_MSG_CONTROL)
		return true;
	take_unasked(vf, message);
	return false;
}

bool igbvf_listen(struct igbvf_port *vf)
{
	uint32_t now = status(vf);

	if (now == UINT32_MAX || !vf->connected)
		return true;
	if (pf_is_away(vf, now)) {
		vf->pf_away_ns = plx_clock_ns();
		return false;
	}
	if (!vf->pf_away_ns && !(now & IGBVF_MAILBOX_RSTD))
		return true;
	/* A port that is broken is reset by its owner at once: not before that can succeed. */
	if (!(now & IGBVF_MAILBOX_RSTD) && plx_clock_ns() - vf->pf_away_ns < AWAY_NS)
		return false;
	pf_was_reset(vf);
	return true;
}
