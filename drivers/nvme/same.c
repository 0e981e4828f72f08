/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One namespace seen by several controllers: told by its globally unique ids (Base 4.5.1). What a
 * multipath layer stands on.
 */
#include <string.h>

#include "nvme/ctrl.h"

/* 1: both have the id and it is the same; 0: it differs; -1: one of them has none. */
static int compare(const uint8_t *a, const uint8_t *b, size_t len)
{
	static const uint8_t none[16];

	if (memcmp(a, none, len) == 0 || memcmp(b, none, len) == 0)
		return -1;
	return memcmp(a, b, len) == 0;
}

bool plx_nvme_ns_same(const struct plx_nvme_ns_info *a, const struct plx_nvme_ns_info *b)
{
	int same = compare(a->nguid, b->nguid, sizeof(a->nguid));

	if (same < 0)
		same = compare(a->uuid, b->uuid, sizeof(a->uuid));
	if (same < 0)
		same = compare(a->eui64, b->eui64, sizeof(a->eui64));
	return same == 1;
}

int plx_nvme_ns_find(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *like, uint32_t *id)
{
	struct plx_nvme_ns_info info;
	int err;

	for (*id = plx_nvme_ns_next(ctrl, 0); *id; *id = plx_nvme_ns_next(ctrl, *id)) {
		err = plx_nvme_ns_info_get(ctrl, *id, &info);
		if (err)
			return err;
		if (plx_nvme_ns_same(&info, like))
			return 1;
	}
	return 0;
}
