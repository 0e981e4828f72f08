/* SPDX-License-Identifier: BSD-3-Clause */
/* apps/plx-capture: what is on the namespace, and its export, from files made by hand. */
#include "../../../apps/plx-capture/capture.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

/* From here on no file of this process can be read but at its beginning. */
static int refuse_reads(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void read_errors(void)
{
	const struct export_options o = {.disk = path, .output = "/dev/null"};
	struct superblock *sb = (struct superblock *)image;
	int fd, status = 0;
	pid_t child;

	start_image();
	sb->window = htole64(1 << 20); /* chunks are looked for far behind the first piece read */
	superblock_seal(sb);
	add_chunk(SESSION, 1, 4, 100, 0);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	UNIT_EQ(write(fd, image, sizeof(image)), sizeof(image));
	UNIT_EQ(ftruncate(fd, 16 << 20), 0);
	close(fd);
	UNIT_EQ(export_run(&o), EXIT_SUCCESS);
	child = fork();
	if (child == 0)
		_exit(refuse_reads() ? 77 : export_run(&o));
	UNIT_EQ(waitpid(child, &status, 0), child);
	UNIT_EQ(WIFEXITED(status) ? WEXITSTATUS(status) : -1, EXIT_FAILURE);
}

/* A packet of buffers of these lengths. */
static struct plx_pktbuf *chain(struct plx_pktbuf_pool *pool, uint16_t a, uint16_t b, uint16_t c)
{
	struct plx_pktbuf *p[3];
	const uint16_t len[3] = {a, b, c};
	int i;

	for (i = 0; i < 3; i++) {
		p[i] = plx_pktbuf_alloc(pool);
		plx_pktbuf_append(p[i], len[i]);
	}
	p[0]->next = p[1];
	p[1]->next = p[2];
	p[0]->nsegs = 3;
	p[0]->pkt_len = (uint32_t)a + b + c;
	return p[0];
}

static void what_a_command_takes(void)
{
	static const struct {
		uint16_t len[3];
		bool sgl;
	} chains[] = {{{60, 64, 61}, true}, {{61, 64, 60}, false}, {{60, 62, 60}, false}};
	struct disk sgl = {.block_size = BLOCK, .max_transfer = 65536, .sgl = true}, prp = sgl;
	struct plx_pktbuf_pool_config config = {.name = "test", .count = 64};
	struct plx_pktbuf_pool *pool;
	struct plx_pktbuf *p;
	size_t i;

	prp.sgl = false;
	UNIT_EQ(plx_eal_init(&(struct plx_eal_config){.no_huge = true}), 0);
	pool = plx_pktbuf_pool_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	for (i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		p = chain(pool, chains[i].len[0], chains[i].len[1], chains[i].len[2]);
		UNIT_EQ(writer_takes(&sgl, p), chains[i].sgl);
		UNIT_EQ(writer_takes(&prp, p), false);
		plx_pktbuf_free(p);
	}
	p = plx_pktbuf_alloc(pool);
	plx_pktbuf_append(p, 61);
	UNIT_EQ(writer_takes(&sgl, p), true);
	UNIT_EQ(writer_takes(&prp, p), true);
	sgl.max_transfer = BLOCK;
	UNIT_EQ(writer_takes(&sgl, p), false);
	plx_pktbuf_free(p);
	UNIT_EQ(plx_pktbuf_pool_close(pool), 0);
	UNIT_EQ(plx_eal_fini(), 0);
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
	{"what cannot be read is no end", read_errors},
	{"what one command takes", what_a_command_takes},
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
