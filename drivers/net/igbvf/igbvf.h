/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 82576's virtual function, shared by its files: igbvf.c (the family, as intel/ calls it),
 * settings.c (what is asked of the physical function) and mailbox.c (how).
 */
#ifndef POLLUX_IGBVF_H
#define POLLUX_IGBVF_H

#include "net/intel/intel.h"

#include "igbvf_regs.h"

/* What comes through the mailbox, counted; names in igbvf.c. */
enum igbvf_count {
	IGBVF_MESSAGES, /* answered, yes or no */
	IGBVF_REFUSED,	/* of those, no */
	IGBVF_PINGS,	/* control messages: we are known */
	IGBVF_PF_RESETS,
	/* Lies. */
	IGBVF_NOT_GRANTED, /* the memory of the mailbox is never ours */
	IGBVF_NO_ACK,
	IGBVF_NO_ANSWER,
	IGBVF_WRONG_ANSWER, /* to something else, or neither yes nor no */
	IGBVF_UNASKED,	    /* a message of no type that is sent unasked */
	IGBVF_BAD_MAC,
	IGBVF_STUCK_RESET, /* RSTI never clears */
	IGBVF_COUNTS,
};

struct igbvf_port {
	struct intel_port base;
	uint32_t seen;	/* bits of V2PMAILBOX that reading has cleared and nobody has taken */
	bool connected; /* the physical function has answered our reset, and was not reset since */
	uint64_t pf_away_ns; /* when it was last seen to be down, or being reset; 0: not since */
	/* What it knows of us; a reset takes all of it back. */
	uint8_t mac[PLX_ETH_ALEN]; /* all zero: it has given us none */
	uint64_t vlans[PLX_VLAN_COUNT / 64];
	bool allmulti;
	bool filters; /* unicast addresses beside our own */
	uint64_t counts[IGBVF_COUNTS];
};

static inline struct igbvf_port *igbvf_port(struct intel_port *p)
{
	return (struct igbvf_port *)p;
}

/* mailbox.c: all bounded in time; with an answer that does not come nothing more is asked. */
/**
 * Send a message of `words` words and take its answer into it.
 * Return: 0; -EACCES (the answer is no), -ETIMEDOUT, -ENODEV, -ENOTCONN.
 */
int igbvf_ask(struct igbvf_port *vf, uint32_t *message, unsigned int words);
/** Introduce ourselves after a reset of the function. 0, -ETIMEDOUT, -ENODEV. */
int igbvf_connect(struct igbvf_port *vf);
/**
 * What the physical function says unasked; breaks the port when that was reset, and is back.
 * Return: false while it is being reset: nothing is received or sent.
 */
bool igbvf_listen(struct igbvf_port *vf);

/* settings.c */
/** port->settings to the physical function, as far as they have changed. 0 or -errno. */
int igbvf_apply(struct intel_port *p);

#endif /* POLLUX_IGBVF_H */
