/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef POLLUX_NVME_CRC64_H
#define POLLUX_NVME_CRC64_H

#include <stddef.h>
#include <stdint.h>

/**
 * The CRC-64 of NVM Express (NVM 5.2.1.3): go on from crc, 0 at first, over len bytes. No library
 * of Debian 12 has it; ISA-L does from 2.31 on.
 */
uint64_t nvme_crc64(uint64_t crc, const void *data, size_t len);

#endif /* POLLUX_NVME_CRC64_H */
