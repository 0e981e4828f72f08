/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-testpmd: what its files share. The main thread owns it all; workers touch their streams. */
#ifndef PLX_TESTPMD_H
#define PLX_TESTPMD_H

#include <pollux/eal.h>
#include <pollux/net.h>

#define PORTS_MAX   16
#define QUEUES_MAX  16
#define STREAMS_MAX (PORTS_MAX * QUEUES_MAX)
#define BURST_MAX   512
#define TX_SEGS_MAX 8

struct test_port {
	struct plx_port *port; /* NULL: detached */
	char spec[PLX_PORT_NAME_LEN];
	struct plx_port_config config;
	uint16_t tx_vlan;	       /* tag for all that is sent; 0: none */
	struct plx_port_stats cleared; /* what "clear port stats" takes off */
	uint64_t *xstats_cleared;      /* the same of extended ones; NULL: nothing */
	unsigned int xstats;	       /* how many */
};

/* What forwards; its counters are the worker's. */
struct stream {
	struct app *app;
	unsigned int rx_port, tx_port, queue;
	uint64_t rx, tx, dropped, bursts, sequence;
} PLX_CACHE_ALIGNED;

struct mode {
	const char *name, *help;
	/*
	 * Change n received packets; return how many of them are to be sent, the others are freed.
	 */
	uint16_t (*change)(struct stream *s, struct plx_pktbuf **pkts, uint16_t n);
	/* Make up to n packets to send beside what was received; NULL: none. */
	uint16_t (*make)(struct stream *s, struct plx_pktbuf **pkts, uint16_t n);
};

struct capture;
struct plx_hotplug;

struct app {
	struct test_port ports[PORTS_MAX];
	unsigned int port_count; /* slots used so far */
	struct plx_pktbuf_pool *pool;
	const struct mode *mode;
	uint16_t burst;
	unsigned int verbose;
	uint16_t tx_lens[TX_SEGS_MAX];
	unsigned int tx_segs;
	struct stream streams[STREAMS_MAX];
	unsigned int stream_count;
	unsigned int workers; /* running */
	uint32_t stop;	      /* atomic: workers return */
	bool running, quit;
	struct capture *capture;     /* atomic pointer */
	struct plx_hotplug *hotplug; /* NULL: nobody attaches by itself */
	struct plx_port_config hotplug_config;
};

/* modes.c */
extern const struct mode modes[];
const struct mode *mode_find(const char *name);
/** A UDP packet as txpkts says; number goes into the source address. NULL: no buffers. */
struct plx_pktbuf *make_packet(struct app *app, unsigned int port, uint32_t number);

/* forward.c */
int forward_start(struct app *app, unsigned int tx_first);
int forward_stop(struct app *app);

/* ports.c */
/** NULL (with a message): no such port. */
struct test_port *port_find(struct app *app, const char *id);
int port_attach(struct app *app, const char *spec, const struct plx_port_config *config);
int port_reopen(struct app *app, struct test_port *p);
void port_detach(struct test_port *p);
void ports_events(struct app *app);
/** Extended statistics, from the heap, less what was cleared. Their number, 0: none, or -errno. */
int port_xstats(const struct test_port *p, struct plx_port_xstat **xstats);
int port_clear_xstats(struct test_port *p);

/* hotplug.c */
/** From here on ports_events() attaches NICs that come, with this configuration. */
int hotplug_start(struct app *app, const struct plx_port_config *config);
void hotplug_stop(struct app *app);
void hotplug_look(struct app *app);
void hotplug_removed(struct app *app, unsigned int id);

/* show.c */
void show_info(struct app *app, unsigned int id);
void show_stats(struct app *app, unsigned int id);
void show_xstats(struct app *app, unsigned int id);
void show_summary(struct app *app);
void show_features(struct app *app, unsigned int id);
void show_macs(struct app *app, unsigned int id);
void show_rss(struct app *app, unsigned int id);
void show_regs(struct app *app, unsigned int id);
void show_forwarding(struct app *app);
void show_matrix(void);
void show_packets(const struct app *app, unsigned int port, struct plx_pktbuf *const *pkts,
		  unsigned int n);

/* language.c */
/** Run one line. Return: 0, or a negative errno (the reason is printed). */
int command_run(struct app *app, char *line);
/** Words that can stand at a position, for completion; index from 0 on; NULL behind the last. */
const char *command_word(const char *const *before, unsigned int n, unsigned int index);

/* console.c */
/** Commands from a terminal, or from a file. Return: how many failed. */
unsigned int console_interactive(struct app *app);
unsigned int console_script(struct app *app, const char *path);

/* capture.c */
/** port: PORTS_MAX: all; queue: QUEUES_MAX: all. */
int capture_start(struct app *app, unsigned int port, unsigned int queue, const char *path);
int capture_stop(struct app *app);
void capture_packets(struct capture *c, unsigned int port, unsigned int queue,
		     struct plx_pktbuf *const *pkts, unsigned int n, bool sent);

#endif /* PLX_TESTPMD_H */
