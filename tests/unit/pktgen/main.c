/* SPDX-License-Identifier: BSD-3-Clause */
/* The books of plx-pktgen's sink: loss, order, duplicates, strangers, latency. */
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>

#include "../../../apps/plx-pktgen/pktgen.h"
#include "runner.h"

#define RUN 7

static struct sink sink;
static struct plx_pktbuf packet;
static char frame[128];

static int up(void)
{
	const struct plx_eal_config config = {.no_huge = true};

	return plx_eal_init(&config) || sink_open(&sink);
}

static int down(void)
{
	sink_close(&sink);
	return plx_eal_fini();
}

static void arrive_at(uint64_t sequence, uint32_t run, uint64_t sent, uint64_t now)
{
	struct stamp stamp = {.run = run, .sequence = sequence, .tsc = sent};

	memcpy(frame + HEADER_LEN, &stamp, sizeof(stamp));
	packet.buf = frame;
	packet.len = 100;
	packet.pkt_len = 100;
	sink_packet(&sink, &packet, RUN, UINT64_MAX, now, 0);
}

static void arrive(uint64_t sequence)
{
	arrive_at(sequence, RUN, 100, 200);
}

static void in_order(void)
{
	uint64_t i;

	sink_reset(&sink);
	for (i = 0; i < 3 * (uint64_t)SINK_WINDOW; i++)
		arrive(i);
	UNIT_EQ(sink.received, 3 * (uint64_t)SINK_WINDOW);
	UNIT_EQ(sink.bytes, 300 * (uint64_t)SINK_WINDOW);
	UNIT_EQ(sink.reordered + sink.duplicate + sink.too_late + sink.foreign, 0);
}

static void late_and_double(void)
{
	static const uint64_t order[] = {0, 3, 1, 1, 2, 3, 4, 0};
	unsigned int i;

	sink_reset(&sink);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		arrive(order[i]);
	UNIT_EQ(sink.received, 5);
	UNIT_EQ(sink.reordered, 2);
	UNIT_EQ(sink.duplicate, 3);
}

/* The bits of an earlier round of the window are not taken for this one's. */
static void the_window_moves(void)
{
	sink_reset(&sink);
	arrive(0);
	arrive(1);
	arrive(SINK_WINDOW + 1);
	UNIT_EQ(sink.received, 3);
	arrive(SINK_WINDOW);
	UNIT_EQ(sink.received, 4);
	UNIT_EQ(sink.reordered, 1);
	arrive(1);
	UNIT_EQ(sink.too_late, 1);
	arrive(100 * (uint64_t)SINK_WINDOW);
	arrive(100 * (uint64_t)SINK_WINDOW - 5);
	UNIT_EQ(sink.reordered, 2);
	UNIT_EQ(sink.duplicate, 0);
	UNIT_EQ(sink.received, 6);
}

static void strangers(void)
{
	struct stamp stamp = {.run = RUN, .sequence = 50};

	sink_reset(&sink);
	arrive_at(0, RUN - 1, 0, 0);
	packet.len = HEADER_LEN + STAMP_LEN - 1;
	sink_packet(&sink, &packet, RUN, UINT64_MAX, 0, 0);
	/* One that was never sent. */
	packet.len = 100;
	memcpy(frame + HEADER_LEN, &stamp, sizeof(stamp));
	sink_packet(&sink, &packet, RUN, 50, 0, 0);
	UNIT_EQ(sink.foreign, 3);
	UNIT_EQ(sink.received, 0);
}

static void latency(void)
{
	const uint64_t us = plx_tsc_hz / 1000000;
	uint64_t i;
	double p50, p99;

	sink_reset(&sink);
	for (i = 0; i < 1000; i++)
		arrive_at(i, RUN, 1000, 1000 + (i + 1) * us);
	/* A clock that went back is no latency. */
	arrive_at(1000, RUN, 2000, 1000);
	p50 = sink_percentile(&sink, 0.5);
	p99 = sink_percentile(&sink, 0.99);
	CU_ASSERT_DOUBLE_EQUAL(p50, 500e3, 10e3);
	CU_ASSERT_DOUBLE_EQUAL(p99, 990e3, 20e3);
	UNIT_EQ(sink.latency_min, 0);
	UNIT_EQ(sink.latency_max, 1000 * us);
	UNIT_EQ(sink.samples, 1001);
}

static CU_TestInfo sink_tests[] = {
	{"in order", in_order},
	{"late and double", late_and_double},
	{"the window moves", the_window_moves},
	{"strangers", strangers},
	{"latency", latency},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"sink", up, down, NULL, NULL, sink_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
