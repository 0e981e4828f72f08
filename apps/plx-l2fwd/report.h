/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics of plx-l2fwd on stdout: a table, or one JSON object a line. */
#ifndef PLX_L2FWD_REPORT_H
#define PLX_L2FWD_REPORT_H

#include "forward.h"

enum report_kind {
	REPORT_PERIOD,
	REPORT_FINAL,
};

/** The moment that times and the first rates are relative to. */
void report_start(void);
/**
 * Print the statistics, with rates since the last call. Does nothing more once stdout has failed (a
 * closed pipe, a full disk): forwarding goes on.
 * Return: 0 or a negative errno; the first failure is told on stderr.
 */
int report(struct app *app, enum report_kind kind);

#endif /* PLX_L2FWD_REPORT_H */
