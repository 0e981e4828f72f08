/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-pktgen: what its files share. One lcore generates and receives. */
#ifndef PLX_PKTGEN_H
#define PLX_PKTGEN_H

#include <gsl/gsl_histogram.h>
#include <signal.h>

#include <pollux/net.h>

#define SIZES_MAX  16
#define BURST_MAX  256
#define FCS_LEN	   4
#define HEADER_LEN 42 /* Ethernet, IPv4, UDP */
#define STAMP_LEN  20
#define SIZE_MIN   (HEADER_LEN + STAMP_LEN + FCS_LEN)

/** Behind the UDP header; host order: it comes back to the same program. */
struct stamp {
	uint32_t run; /* of which trial */
	uint64_t sequence, tsc;
} __attribute__((packed));
_Static_assert(sizeof(struct stamp) == STAMP_LEN, "no padding");

/* --- sink.c --------------------------------------------------------------------------------- */

/* So far behind the newest a packet may be, to be told from a duplicate. A power of two. */
#define SINK_WINDOW (1u << 20)

struct sink {
	uint64_t received, bytes;
	uint64_t reordered; /* came behind a later one */
	uint64_t duplicate;
	uint64_t too_late;		   /* further behind than the window: late or duplicate */
	uint64_t foreign;		   /* not ours, or of an earlier trial */
	uint64_t next;			   /* one more than the highest sequence number seen */
	uint64_t *seen;			   /* bit by sequence number modulo SINK_WINDOW */
	uint64_t latency_min, latency_max; /* ticks */
	uint64_t samples;
	gsl_histogram *latency; /* ns */
};

int sink_open(struct sink *sink);
void sink_close(struct sink *sink);
/** Forget all of the trial before. */
void sink_reset(struct sink *sink);
/** Note one packet. limit: sequence numbers that were sent are below. */
void sink_packet(struct sink *sink, const struct plx_pktbuf *p, uint32_t run, uint64_t limit,
		 uint64_t tsc, uint32_t sample_mask);
/** Latency in ns below which that part of the samples is. */
double sink_percentile(const struct sink *sink, double part);

/* --- traffic.c ------------------------------------------------------------------------------ */

struct traffic {
	struct plx_pktbuf_pool *pool;
	struct plx_port *tx_port, *rx_port;
	uint8_t header[HEADER_LEN];
	uint16_t sizes[SIZES_MAX]; /* with frame check sequence */
	unsigned int size_count;
	uint16_t burst;
	uint32_t sample_mask;
	uint32_t run;
	struct sink sink;
	volatile sig_atomic_t *stop;
};

struct trial {
	double rate;	/* packets per second asked for; 0: all that goes */
	double seconds; /* of sending */
	uint64_t count; /* packets; 0: until the time is over */
	/* Out. */
	uint64_t sent, received, lost;
	uint64_t counted; /* as lost, by our own ports */
	double tx_rate, rx_rate;
};

void traffic_header(struct traffic *t, const uint8_t destination[PLX_ETH_ALEN]);
/** Send as the trial says, receive all the while and a little longer. 0, or -EIO (port broken). */
int traffic_run(struct traffic *t, struct trial *trial);

/* --- search.c ------------------------------------------------------------------------------- */

/**
 * The highest rate at which no more than `loss` (a part) is lost: RFC 2544, 26.1, by bisection.
 * best: the trial at that rate, with the sink as it left it.
 */
int search_throughput(struct traffic *t, double seconds, double loss, struct trial *best);

#endif /* PLX_PKTGEN_H */
