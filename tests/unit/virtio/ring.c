/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic of positions and event indices, against counting one by one. */
#include "fake.h"

#include "net/virtio/ring.h"

static void passed(void)
{
	static const uint16_t starts[] = {0, 1, 100, 0x7ffe, 0x7fff, 0x8000, 0xfff0, 0xffff};
	unsigned int i, n, event;

	for (i = 0; i < 8; i++) {
		for (n = 0; n < 70; n++) {
			unsigned int hits = 0;

			for (event = 0; event < 65536; event++)
				hits += split_passed((uint16_t)event, starts[i], starts[i] + n);
			UNIT_EQ(hits, n);
			UNIT_EQ(split_passed(starts[i], starts[i], starts[i] + n), n > 0);
			UNIT_EQ(split_passed((uint16_t)(starts[i] + n), starts[i], starts[i] + n),
				0);
		}
	}
}

/* The device asks for one descriptor of one round: exactly that position matters. */
static void packed_event(void)
{
	static const uint16_t sizes[] = {64, 256, 16384, 32768};
	struct packed_event event = {.flags = PACKED_EVENT_DESC};
	struct virtq vq = {.packed.device = &event};
	unsigned int i, from, n = 20, ahead;

	for (i = 0; i < 4; i++) {
		vq.mask = (uint16_t)(sizes[i] - 1);
		for (from = 0; from < 65536; from += 13) {
			vq.tail = from + n;
			for (ahead = 0; ahead < 2u * sizes[i] && ahead < 600; ahead += 7) {
				uint16_t pos = (uint16_t)(from + ahead);

				event.off_wrap = (uint16_t)((pos & vq.mask) |
							    (packed_wrap(&vq, pos) ? 0x8000 : 0));
				if (packed_wants_notify(&vq, from) != (ahead < n))
					UNIT_EQ(ahead, n);
			}
		}
	}
}

static void packed_event_flags(void)
{
	struct packed_event event = {.flags = PACKED_EVENT_ENABLE};
	struct virtq vq = {.packed.device = &event, .mask = 63, .tail = 5};

	UNIT_EQ(packed_wants_notify(&vq, 0), true);
	event.flags = PACKED_EVENT_DISABLE;
	UNIT_EQ(packed_wants_notify(&vq, 0), false);
	/* Reserved: rather once too often. */
	event.flags = PACKED_EVENT_MASK;
	UNIT_EQ(packed_wants_notify(&vq, 0), true);
}

static void wrap_counter(void)
{
	struct virtq vq = {.mask = 63};
	unsigned int pos;
	bool wrap = true;

	for (pos = 0; pos < 65536; pos++) {
		if (pos && pos % 64 == 0)
			wrap = !wrap;
		if (packed_wrap(&vq, (uint16_t)pos) != wrap)
			UNIT_EQ(pos, -1);
		if (packed_is_used(&vq, (uint16_t)pos, packed_available(&vq, (uint16_t)pos)))
			UNIT_EQ(pos, -2);
	}
}

CU_TestInfo ring_tests[] = {
	{"event index passed", passed},
	{"packed: event of one descriptor", packed_event},
	{"packed: event flags", packed_event_flags},
	{"packed: wrap counter", wrap_counter},
	CU_TEST_INFO_NULL,
};
