/* SPDX-License-Identifier: BSD-3-Clause */
/* apps/plx-capture: what is on the namespace, and its export, from files made by hand. */
#include "../../../apps/plx-capture/capture.h"

#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runner.h"

#define BLOCK	512u
#define BLOCKS	256u
#define SESSION UINT64_C(0x1122334455667788)

volatile sig_atomic_t stopping;

static uint8_t image[BLOCKS * BLOCK];
static uint64_t sequence;
static char path[64];

/* --- Making an image ------------------------------------------------------------------------- */

static void start_image(void)
{
	struct superblock sb = {
		.magic = htole32(SUPERBLOCK_MAGIC),
		.version = htole32(FORMAT_VERSION),
		.session = htole64(SESSION),
		.first = htole64(1),
		.window = htole64(16),
		.block_size = htole32(BLOCK),
		.interface = "test0",
	};

	memset(image, 0, sizeof(image));
	superblock_seal(&sb);
	memcpy(image, &sb, sizeof(sb));
	sequence = 0;
}

/* A chunk of n packets of len bytes, each of them its number. Return: blocks. */
static uint32_t add_chunk(uint64_t session, uint32_t block, uint32_t n, uint32_t len,
			  uint64_t dropped)
{
	uint32_t at = block * BLOCK, step = (uint32_t)(sizeof(struct record) + len + 3) & ~3u, i;

	for (i = 0; i < n; i++, at += step) {
		struct record r = {
			.magic = htole32(RECORD_MAGIC),
			.next = htole32(i + 1 < n ? step : 0),
			.session = htole64(session),
			.block = htole64(block),
			.sequence = htole64(sequence),
			.time_ns = htole64(1000000000u + sequence),
			.dropped = htole64(dropped),
			.length = htole32(len),
		};

		record_seal(&r);
		memcpy(image + at, &r, sizeof(r));
		memset(image + at + sizeof(r), (int)sequence++, len);
	}
	return (n * step + BLOCK - 1) / BLOCK;
}

static void add_end(uint32_t block, uint64_t dropped)
{
	struct record r = {
		.magic = htole32(RECORD_MAGIC),
		.session = htole64(SESSION),
		.block = htole64(block),
		.sequence = htole64(sequence++),
		.dropped = htole64(dropped),
		.flags = htole16(RECORD_FLAG_END),
	};

	record_seal(&r);
	memcpy(image + block * BLOCK, &r, sizeof(r));
}

/* --- Exporting it ---------------------------------------------------------------------------- */

struct seen {
	int status;
	unsigned int packets, blocks;
	uint64_t drops; /* by the packets' options */
	bool damaged;	/* a packet that is not what its number says, or blocks that do not fit */
};

static uint32_t word(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void look_at_packet(const uint8_t *block, uint32_t total, struct seen *s)
{
	uint32_t len = word(block + 20), i, after = 28 + ((len + 3) & ~3u);
	uint64_t drops;

	for (i = 1; i < len; i++)
		s->damaged |= block[28 + i] != block[28];
	s->damaged |= (uint8_t)(word(block + 16) - 1000000000u) != block[28];
	if (total > after + 4) {
		memcpy(&drops, block + after + 4, sizeof(drops));
		s->drops += drops;
	}
	s->packets++;
}

static struct seen export_image(void)
{
	char output[80];
	struct export_options o = {.disk = path, .output = output};
	struct seen s = {0};
	uint8_t *text = malloc(1 << 20);
	size_t len, at = 0;
	FILE *file;
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	UNIT_EQ(write(fd, image, sizeof(image)), sizeof(image));
	close(fd);
	snprintf(output, sizeof(output), "%s.pcapng", path);
	s.status = export_run(&o);
	file = fopen(output, "r");
	len = fread(text, 1, 1 << 20, file);
	fclose(file);
	unlink(output);
	while (at + 12 <= len && !s.damaged) {
		uint32_t total = word(text + at + 4);

		s.damaged |= total < 12 || total % 4 || at + total > len ||
			     word(text + at + total - 4) != total;
		if (!s.damaged && word(text + at) == 6)
			look_at_packet(text + at, total, &s);
		at += total;
		s.blocks++;
	}
	s.damaged |= at != len;
	free(text);
	return s;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void in_order(void)
{
	uint32_t block = 1;
	struct seen s;

	start_image();
	block += add_chunk(SESSION, block, 5, 60, 0);
	block += add_chunk(SESSION, block, 1, 1514, 0);
	block += add_chunk(SESSION, block, 8, 61, 3);
	add_end(block, 4);
	s = export_image();
	UNIT_EQ(s.status, EXIT_SUCCESS);
	UNIT_EQ(s.packets, 14);
	UNIT_EQ(s.blocks, 14 + 3);
	UNIT_EQ(s.drops, 3);
	UNIT_EQ(s.damaged, false);
}

static void a_chunk_is_missing(void)
{
	uint32_t block = 1, hole;
	struct seen s;

	start_image();
	block += add_chunk(SESSION, block, 4, 100, 0);
	hole = block;
	block += add_chunk(SESSION, block, 4, 100, 0);
	add_chunk(SESSION, block, 4, 100, 0);
	memset(image + hole * BLOCK, 0xee, (block - hole) * BLOCK);
	s = export_image();
	UNIT_EQ(s.status, EXIT_SUCCESS);
	UNIT_EQ(s.packets, 8);
	UNIT_EQ(s.damaged, false);
}

static void an_older_session_is_nothing(void)
{
	uint32_t block = 1;
	struct seen s;

	start_image();
	block += add_chunk(SESSION, block, 4, 100, 0);
	add_chunk(SESSION + 1, block, 4, 100, 0);
	s = export_image();
	UNIT_EQ(s.packets, 4);
	/* Nor is a chunk that was written elsewhere. */
	memcpy(image + block * BLOCK, image + BLOCK, 2 * BLOCK);
	s = export_image();
	UNIT_EQ(s.packets, 4);
}

static void beyond_the_window(void)
{
	uint32_t block = 1;
	struct seen s;

	start_image();
	block += add_chunk(SESSION, block, 1, 100, 0);
	add_chunk(SESSION, block + 40, 1, 100, 0);
	s = export_image();
	UNIT_EQ(s.packets, 1);
}

/* Each bit of a header: the packet is gone then, and nothing else happens. */
static void damaged_headers(void)
{
	unsigned int bit;

	for (bit = 0; bit < 8 * sizeof(struct record); bit += 5) {
		struct seen s;

		start_image();
		add_chunk(SESSION, 1, 1, 100, 0);
		add_chunk(SESSION, 2, 1, 100, 0);
		image[BLOCK + bit / 8] ^= (uint8_t)(1 << bit % 8);
		s = export_image();
		UNIT_EQ(s.status, EXIT_SUCCESS);
		UNIT_EQ(s.packets, 1);
		UNIT_EQ(s.damaged, false);
	}
}

static void limits(void)
{
	struct record r = {
		.magic = htole32(RECORD_MAGIC), .session = htole64(1), .block = htole64(1)};

	record_seal(&r);
	UNIT_EQ(record_ok(&r, 1, 1), true);
	r.length = htole32(PACKET_MAX + 1);
	record_seal(&r);
	UNIT_EQ(record_ok(&r, 1, 1), false);
	r.length = htole32(100);
	r.next = htole32(sizeof(r) + 96); /* into the packet */
	record_seal(&r);
	UNIT_EQ(record_ok(&r, 1, 1), false);
	r.next = htole32(CHUNK_BYTES_MAX);
	record_seal(&r);
	UNIT_EQ(record_ok(&r, 1, 1), false);
	r.next = htole32(sizeof(r) + 101); /* not of 4 */
	record_seal(&r);
	UNIT_EQ(record_ok(&r, 1, 1), false);
}

static void no_capture(void)
{
	struct seen s;

	start_image();
	image[3] ^= 1;
	s = export_image();
	UNIT_EQ(s.status, EXIT_FAILURE);
	UNIT_EQ(s.packets, 0);
	start_image();
	((struct superblock *)image)->block_size = htole32(3);
	superblock_seal((struct superblock *)image);
	UNIT_EQ(superblock_ok((struct superblock *)image), false);
}

static void a_signal_ends_it(void)
{
	struct seen s;

	start_image();
	stopping = 1;
	s = export_image();
	stopping = 0;
	UNIT_EQ(s.status, EXIT_FAILURE);
	s = export_image();
	UNIT_EQ(s.status, EXIT_SUCCESS);
}

static int up(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/plx-capture-XXXXXX");
	fd = mkstemp(path);
	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int down(void)
{
	return unlink(path);
}

static CU_TestInfo capture_tests[] = {
	{"in order", in_order},
	{"a chunk is missing", a_chunk_is_missing},
	{"an older session is nothing", an_older_session_is_nothing},
	{"beyond the window nothing is looked for", beyond_the_window},
	{"damaged headers", damaged_headers},
	{"what a header may say", limits},
	{"no capture", no_capture},
	{"a signal ends it", a_signal_ends_it},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"capture", up, down, NULL, NULL, capture_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
