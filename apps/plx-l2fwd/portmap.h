/* SPDX-License-Identifier: BSD-3-Clause */
/* Which port forwards to which: "(0,1)(2,3)", a port mask, and the default pairs. */
#ifndef PLX_L2FWD_PORTMAP_H
#define PLX_L2FWD_PORTMAP_H

#include <stddef.h>
#include <stdint.h>

#define PORTS_MAX 32
/** peer[]: the port is not used. */
#define PORT_UNUSED (-1)

/**
 * Parse a port map over `ports` ports, of which those in `mask` are in use: each of them must be in
 * exactly one pair.
 * @peer: gets for each port the one that it forwards to, or PORT_UNUSED
 * @why: gets what is wrong with it, as a sentence
 * Return: 0 or -EINVAL.
 */
int portmap_parse(const char *text, unsigned int ports, uint32_t mask, int peer[PORTS_MAX],
		  char *why, size_t why_len);

/** Pairs in order: 0 and 1, 2 and 3, ... of the ports in the mask. Return and why: as above. */
int portmap_default(unsigned int ports, uint32_t mask, int peer[PORTS_MAX], char *why,
		    size_t why_len);

/** Parse a hexadecimal mask of ports, with or without 0x. Return and why: as above. */
int portmask_parse(const char *text, unsigned int ports, uint32_t *mask, char *why, size_t why_len);

#endif /* PLX_L2FWD_PORTMAP_H */
