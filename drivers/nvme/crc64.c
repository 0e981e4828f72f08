/* SPDX-License-Identifier: BSD-3-Clause */
/* CRC-64 of NVM Express, eight bytes a step by as many tables. Called by pi.c. */
#include <endian.h>
#include <pthread.h>
#include <string.h>

#include "nvme/crc64.h"

/* 0xad93d23594c93659, the bits of each byte reflected (NVM 5.2.1.3). */
#define POLYNOMIAL UINT64_C(0x9a6c9329ac4bc9b5)

/* [n][b]: what byte b does, n bytes before the end of a step. */
static uint64_t tables[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
	unsigned int b, n;

	for (b = 0; b < 256; b++) {
		uint64_t crc = b;

		for (n = 0; n < 8; n++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][b] = crc;
	}
	for (n = 1; n < 8; n++)
		for (b = 0; b < 256; b++)
			tables[n][b] = tables[n - 1][b] >> 8 ^ tables[0][tables[n - 1][b] & 0xff];
}

static uint64_t eight(uint64_t crc, const uint8_t *at)
{
	unsigned int n;
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	word = le64toh(word) ^ crc;
	for (crc = 0, n = 0; n < 8; n++)
		crc ^= tables[7 - n][word >> 8 * n & 0xff];
	return crc;
}

uint64_t nvme_crc64(uint64_t crc, const void *data, size_t len)
{
	const uint8_t *at = data;

	pthread_once(&once, make_tables);
	for (crc = ~crc; len >= 8; len -= 8, at += 8)
		crc = eight(crc, at);
	for (; len; len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
	return ~crc;
}
