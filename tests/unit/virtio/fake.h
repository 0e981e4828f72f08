/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtio network device in memory: a transport whose other end is the test. The test pops what
 * the driver offers, writes used buffers, and tells the device how to lie. Both ring formats, from
 * the device's side. The control queue is served by a thread, since the driver waits for it.
 */
#ifndef POLLUX_TESTS_VIRTIO_FAKE_H
#define POLLUX_TESTS_VIRTIO_FAKE_H

#include <CUnit/CUnit.h>
#include <pthread.h>

#include "net/virtio/virtio_net.h"
#include "runner.h"

#define FAKE_QUEUES  8
#define FAKE_DESCS   128
#define FAKE_POOL    2048
#define FAKE_VECTORS 4

enum fake_format {
	FAKE_SPLIT,
	FAKE_SPLIT_EVENT,
	FAKE_PACKED,
	FAKE_PACKED_EVENT,
	FAKE_FORMATS,
};

struct fake_queue {
	struct virtio_queue_setup setup;
	bool on;
	uint16_t popped, used; /* positions, running freely */
	uint16_t doorbell;     /* what the driver wrote last; 0xffff: nothing */
	uint16_t signaled;     /* used position at the last look whether to interrupt */
};

/* How the control queue answers. */
struct fake_ctrl {
	pthread_t thread;
	bool running, stop;
	bool silent;	  /* never */
	uint8_t answer;	  /* the byte */
	uint32_t id, len; /* of the used entry; what is added to the right id */
	unsigned int commands;
	unsigned int out_of_order; /* heads that are not where IN_ORDER wants them */
	uint8_t seen[16][8];	   /* class, command, data of each */
};

struct fake {
	struct virtio_transport base;
	uint64_t offered, accepted;
	uint8_t status;
	uint8_t config[32];
	uint32_t queue_size;
	struct fake_queue queues[FAKE_QUEUES];
	struct fake_ctrl ctrl;
	int config_vector;
	int vector_fds[FAKE_VECTORS];
	unsigned int vectors;
	bool dma;
	unsigned int force_resets;
	/* Lies. */
	bool stuck_status;   /* reads DRIVER_OK for ever ... */
	bool reset_works;    /* ... but a reset by force helps */
	bool gone;	     /* all ones */
	bool refuses;	     /* FEATURES_OK does not stay */
	bool other_features; /* after FEATURES_OK */
	bool moving;	     /* generation */
	bool dead;	     /* never DRIVER_OK */
	bool needs_reset;    /* with DRIVER_OK */
	int enable_error, reset_error;
	uint8_t generation;
};

extern struct fake fake;
extern struct plx_pktbuf_pool *fake_pool;
extern struct plx_port *fake_port;
extern enum fake_format fake_format;

int fake_eal_up(void);
int fake_eal_down(void);

/** A well-behaved device of the present format; change it before fake_open(). */
void fake_init(void);
/** Open the port; data_size: of the pool's buffers, 0: the default. Return: 0 or errno. */
int fake_open(const struct plx_port_config *config, uint16_t data_size);
/** Open and start a plain port, or fail the test. */
void fake_up(void);
/** Close, and check that every packet buffer is back, once. */
void fake_down(void);

struct plx_rxq *fake_rxq(void);
struct plx_txq *fake_txq(void);
struct virtio_rxq *fake_vrxq(void);
struct virtio_txq *fake_vtxq(void);
uint32_t fake_pool_free(void);
void *fake_va(uint64_t iova);

/* --- The device's side of a queue ----------------------------------------------------------- */

struct fake_buf {
	uint64_t addr;
	uint32_t len;
	uint16_t id, flags;
};

bool fake_pop(unsigned int queue, struct fake_buf *buf);
/** Write a used entry at the next used position; make it seen at once. */
void fake_push(unsigned int queue, uint32_t id, uint32_t len);
/** With VIRTIO_F_IN_ORDER: one entry for n buffers, of which id is the last. */
void fake_push_batch(unsigned int queue, unsigned int n, uint32_t id, uint32_t len);
/** The two words of a descriptor, as the device may write them. */
uint64_t *fake_desc(unsigned int queue, unsigned int slot);
/** Split: set used.idx to what it should be plus `more`. */
void fake_used_idx(unsigned int queue, int more);
/** Would a device interrupt for what was used since the last call? Clears it. */
bool fake_interrupts(unsigned int queue);
/** Ask for notifications, or not (event index: far away). */
void fake_want_kicks(unsigned int queue, bool want);
/** Did the driver ring the doorbell since the last call? */
bool fake_kicked(unsigned int queue);

/** Receive a frame of len bytes, each byte `fill`, in the next buffer; its length in the ring. */
void fake_rx(uint32_t len, uint8_t fill);
/** The header that fake_rx() writes; zero but for num_buffers = 1. */
extern struct virtio_net_hdr fake_hdr;

bool fake_is_packed(void);

/* rx, tx, ctrl and port run once with each format; those that wait for a time-out only once. */
extern CU_TestInfo rx_tests[], tx_tests[], ctrl_tests[], port_tests[];
extern CU_TestInfo offload_tests[], lies_tests[], vlan_tests[], in_order_tests[];
extern CU_TestInfo ctrl_timeout_tests[], port_timeout_tests[];
extern CU_TestInfo vhost_tests[], ring_tests[], caps_tests[], pci_tests[];

#endif /* POLLUX_TESTS_VIRTIO_FAKE_H */
