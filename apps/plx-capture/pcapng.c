/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing pcapng (IETF draft-ietf-opsawg-pcapng): blocks of type, length, body, length. Written in
 * this machine's byte order, which the section header tells.
 */
#include "capture.h"

#include <string.h>

#define SECTION_HEADER	     0x0a0d0d0au
#define BYTE_ORDER_MAGIC     0x1a2b3c4du
#define INTERFACE	     1u
#define INTERFACE_STATS	     5u
#define ENHANCED_PACKET	     6u
#define LINKTYPE_ETHERNET    1u
#define OPTION_IF_NAME	     2u
#define OPTION_IF_TSRESOL    9u
#define OPTION_ISB_IFRECV    4u
#define OPTION_ISB_IFDROP    5u
#define OPTION_EPB_DROPCOUNT 4u

struct block {
	FILE *file;
	uint32_t length; /* of the body so far */
	uint8_t body[512];
};

static uint32_t padded(uint32_t length)
{
	return (length + 3) & ~3u;
}

static void put(struct block *b, const void *data, uint32_t length)
{
	memcpy(b->body + b->length, data, length);
	memset(b->body + b->length + length, 0, padded(length) - length);
	b->length += padded(length);
}

static void put32(struct block *b, uint32_t value)
{
	put(b, &value, sizeof(value));
}

static void put_option(struct block *b, uint16_t code, const void *data, uint16_t length)
{
	put(b, (uint16_t[]){code, length}, 4);
	put(b, data, length);
}

static void put_time(struct block *b, uint64_t time_ns)
{
	put32(b, (uint32_t)(time_ns >> 32));
	put32(b, (uint32_t)time_ns);
}

/* The body is what was put, then, in an enhanced packet, data, then options. */
static int write_block(const struct block *b, uint32_t type, const void *data, uint32_t length,
		       const struct block *options)
{
	static const uint8_t zeroes[4];
	uint32_t total = 12 + b->length + padded(length) + (options ? options->length : 0);
	uint32_t head[2] = {type, total};

	fwrite(head, sizeof(head), 1, b->file);
	fwrite(b->body, b->length, 1, b->file);
	if (length) {
		fwrite(data, length, 1, b->file);
		fwrite(zeroes, padded(length) - length, 1, b->file);
	}
	if (options && options->length)
		fwrite(options->body, options->length, 1, b->file);
	fwrite(&total, sizeof(total), 1, b->file);
	return ferror(b->file) ? -1 : 0;
}

int pcapng_begin(FILE *file, const char *interface)
{
	struct block section = {.file = file}, card = {.file = file};

	put32(&section, BYTE_ORDER_MAGIC);
	put(&section, (uint16_t[]){1, 0}, 4); /* version */
	put(&section, &(uint64_t){UINT64_MAX}, 8);
	put(&card, (uint16_t[]){LINKTYPE_ETHERNET, 0}, 4);
	put32(&card, 0); /* no snap length */
	put_option(&card, OPTION_IF_NAME, interface, (uint16_t)strlen(interface));
	put_option(&card, OPTION_IF_TSRESOL, &(uint8_t){9}, 1);
	put32(&card, 0); /* opt_endofopt */
	return write_block(&section, SECTION_HEADER, NULL, 0, NULL) ||
			       write_block(&card, INTERFACE, NULL, 0, NULL)
		       ? -1
		       : 0;
}

int pcapng_packet(FILE *file, uint64_t time_ns, const void *packet, uint32_t length,
		  uint64_t dropped)
{
	struct block b = {.file = file}, options = {.file = file};

	put32(&b, 0); /* interface */
	put_time(&b, time_ns);
	put32(&b, length);
	put32(&b, length);
	if (dropped) {
		put_option(&options, OPTION_EPB_DROPCOUNT, &dropped, 8);
		put32(&options, 0);
	}
	return write_block(&b, ENHANCED_PACKET, packet, length, &options);
}

int pcapng_end(FILE *file, uint64_t time_ns, uint64_t received, uint64_t dropped)
{
	struct block b = {.file = file};

	put32(&b, 0);
	put_time(&b, time_ns);
	put_option(&b, OPTION_ISB_IFRECV, &received, 8);
	put_option(&b, OPTION_ISB_IFDROP, &dropped, 8);
	put32(&b, 0);
	return write_block(&b, INTERFACE_STATS, NULL, 0, NULL) || fflush(file) ? -1 : 0;
}
