/* SPDX-License-Identifier: BSD-3-Clause */
/* The controller made of memory; see fake.h. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pollux/eal.h>
#include <pollux/mem.h>

#include "fake.h"
#include "vfio/as.h"

struct fake fake;

int fake_eal_up(void)
{
	struct plx_eal_config config = {.no_huge = true, .log_levels = "off"};

	return plx_eal_init(&config);
}

int fake_eal_down(void)
{
	return plx_eal_fini();
}

/* --- Transport ------------------------------------------------------------------------------ */

static int region_rw(uint64_t offset, void *buf, size_t len, bool write)
{
	bool was = fake.bus_master;

	if (offset + len > sizeof(fake.config))
		return -EINVAL;
	if (write)
		memcpy(fake.config + offset, buf, len);
	else
		memcpy(buf, fake.config + offset, len);
	fake.bus_master = fake.config[PLX_PCI_COMMAND] & PLX_PCI_COMMAND_MASTER;
	if (fake.bus_master && !was && fake.on_master)
		fake.on_master();
	return 0;
}

static int region_read(struct plx_dev *dev, const struct plx_dev_region *region, uint64_t offset,
		       void *buf, size_t len)
{
	return region_rw(offset, buf, len, false);
}

static int region_write(struct plx_dev *dev, const struct plx_dev_region *region, uint64_t offset,
			const void *buf, size_t len)
{
	return region_rw(offset, (void *)(uintptr_t)buf, len, true);
}

static int region_mmap(struct plx_dev *dev, const struct plx_dev_region *region,
		       const struct plx_vfio_area *area, void *at)
{
	void *p = mmap(at, area->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fake.bar_fd,
		       0);

	return p == MAP_FAILED ? -errno : 0;
}

static int irq_set(struct plx_dev *dev, unsigned int index, const int *fds, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < FAKE_QUEUES; i++)
		fake.irq_fds[i] = i < count ? fds[i] : -1;
	return 0;
}

static int irq_unmask(struct plx_dev *dev)
{
	return 0;
}

static void forget_queues(void)
{
	memset(fake.queues, 0, sizeof(fake.queues));
}

static int reset(struct plx_dev *dev)
{
	if (fake.reset_error)
		return fake.reset_error;
	fake.resets++;
	plx_mmio_write32(fake.bar + NVME_CC, 0);
	plx_mmio_write32(fake.bar + NVME_CSTS, 0);
	forget_queues();
	return 0;
}

static void transport_close(struct plx_dev *dev)
{
}

static const struct plx_dev_ops fake_ops = {
	.region_read = region_read,
	.region_write = region_write,
	.region_mmap = region_mmap,
	.irq_set = irq_set,
	.irq_unmask = irq_unmask,
	.reset = reset,
	.close = transport_close,
};

/* --- The device: queues --------------------------------------------------------------------- */

static void *dma(uint64_t iova)
{
	uint64_t msc = plx_mmio_read64(fake.bar + NVME_CMBMSC);
	uint64_t at = iova - (msc & ~UINT64_C(0xfff));

	/* Its own memory, in BAR 0 (units of 4 KiB). */
	if ((msc & NVME_CMBMSC_CMSE) && at < NVME_GET(fake.cmb_size, NVME_CMBSZ_SZ) * 4096) {
		fake.cmb_reads++;
		return fake.bar + NVME_GET(fake.cmb_location, NVME_CMBLOC_OFST) * 4096 + at;
	}
	return (void *)(uintptr_t)(iova - plx_iova_delta);
}

/* The doorbell of a submission queue; NULL where the BAR ends before. */
static char *doorbell_at(unsigned int qid)
{
	uint64_t stride = UINT64_C(4) << NVME_GET(fake.cap, NVME_CAP_DSTRD);
	uint64_t at = NVME_DOORBELLS + 2 * qid * stride;

	return at + sizeof(uint32_t) <= fake.bar_size ? fake.bar + at : NULL;
}

static void clear_doorbell(unsigned int qid)
{
	char *at = doorbell_at(qid);

	if (at)
		plx_mmio_write32(at, 0);
}

static uint32_t doorbell(unsigned int qid)
{
	char *at = doorbell_at(qid);
	uint32_t *shadow = fake.shadow;

	if (shadow && qid)
		return le32toh(PLX_READ_ONCE(shadow[2 * qid]));
	return at ? plx_mmio_read32(at) : 0;
}

void fake_complete(unsigned int qid, uint16_t cid, uint16_t status, uint64_t result)
{
	struct fake_queue *sq = &fake.queues[qid];
	struct fake_queue *q = &fake.queues[sq->cqid];
	struct nvme_cqe *cqe = (struct nvme_cqe *)dma(q->cq) + q->cq_tail;
	eventfd_t one = 1;

	cqe->result = htole64(result);
	plx_dma_wmb();
	PLX_WRITE_ONCE(cqe->tail,
		       htole64(sq->sq_head | (uint64_t)qid << NVME_CQE_SQID_SHIFT |
			       (uint64_t)cid << NVME_CQE_CID_SHIFT | (uint64_t)q->phase << 48 |
			       (uint64_t)status << NVME_CQE_STATUS_SHIFT));
	if (++q->cq_tail == q->cq_size) {
		q->cq_tail = 0;
		q->phase = !q->phase;
	}
	if (q->irq && !fake.irq_silent && fake.irq_fds[q->vector] >= 0)
		eventfd_write(fake.irq_fds[q->vector], one);
}

/* The same by a scatter gather list: one descriptor, or one segment of them (Base 4.1.2). */
static void transfer_sgl(const struct nvme_sqe *sqe, char *disk, size_t len, bool to_host)
{
	const uint64_t *at = &sqe->prp1;
	uint64_t n = 1;

	fake.sgls++;
	if (le64toh(sqe->prp2) >> NVME_SGL_TYPE_SHIFT == NVME_SGL_LAST_SEGMENT) {
		n = (le64toh(sqe->prp2) & UINT32_MAX) / NVME_SGL_BYTES;
		at = dma(le64toh(sqe->prp1));
	}
	for (; n && len; n--, at += 2) {
		size_t piece = le64toh(at[1]) & UINT32_MAX;

		if (le64toh(at[1]) >> NVME_SGL_TYPE_SHIFT != NVME_SGL_DATA || piece > len)
			fake.prp_faults++;
		piece = piece < len ? piece : len;
		memcpy(to_host ? dma(le64toh(at[0])) : disk, to_host ? disk : dma(le64toh(at[0])),
		       piece);
		disk += piece;
		len -= piece;
	}
	if (n || len)
		fake.prp_faults++;
}

/* Copy between the disk and the pages of a transfer (Base 4.1.1). */
void fake_transfer(const struct nvme_sqe *sqe, char *disk, size_t len, bool to_host)
{
	uint64_t page = UINT64_C(1) << (NVME_PAGE_SHIFT_BASE + NVME_GET(fake.cap, NVME_CAP_MPSMIN));
	uint64_t at = le64toh(sqe->prp1);
	size_t n = page - (at & (page - 1));
	const uint64_t *list = len > n + page ? dma(le64toh(sqe->prp2)) : NULL;

	if (sqe->flags & NVME_SQE_SGL) {
		transfer_sgl(sqe, disk, len, to_host);
		return;
	}
	if (n > len)
		n = len;
	for (;;) {
		memcpy(to_host ? dma(at) : disk, to_host ? disk : dma(at), n);
		disk += n;
		len -= n;
		if (!len)
			break;
		at = le64toh(list ? *list++ : sqe->prp2);
		if (at & (page - 1))
			fake.prp_faults++;
		n = len < page ? len : page;
	}
}

static uint16_t compare(const struct nvme_sqe *sqe, const char *disk, size_t len)
{
	char *host = malloc(len);
	uint16_t status;

	fake_transfer(sqe, host, len, false);
	status = memcmp(host, disk, len) ? PLX_NVME_COMPARE_FAILURE : 0;
	free(host);
	return status;
}

static uint16_t deallocate(const struct nvme_sqe *sqe, char *disk)
{
	struct plx_nvme_dsm_range ranges[PLX_NVME_DSM_RANGES_MAX];
	uint32_t n = (le32toh(sqe->cdw10) & 0xff) + 1, i;

	fake_transfer(sqe, (char *)ranges, n * sizeof(ranges[0]), false);
	for (i = 0; i < n; i++) {
		if (le64toh(ranges[i].lba) + le32toh(ranges[i].blocks) > FAKE_BLOCKS)
			return PLX_NVME_LBA_OUT_OF_RANGE;
		memset(disk + le64toh(ranges[i].lba) * FAKE_BLOCK_SIZE, 0,
		       (size_t)le32toh(ranges[i].blocks) * FAKE_BLOCK_SIZE);
	}
	return 0;
}

static uint16_t copy(const struct nvme_sqe *sqe, char *disk)
{
	struct plx_nvme_copy_range ranges[256];
	uint32_t n = (le32toh(sqe->cdw12) & 0xff) + 1, i;
	uint64_t to = le64toh(sqe->slba);

	fake_transfer(sqe, (char *)ranges, n * sizeof(ranges[0]), false);
	for (i = 0; i < n; i++) {
		uint64_t from = le64toh(ranges[i].lba), blocks = le16toh(ranges[i].blocks) + 1;

		if (from + blocks > FAKE_BLOCKS || to + blocks > FAKE_BLOCKS)
			return PLX_NVME_LBA_OUT_OF_RANGE;
		memmove(disk + to * FAKE_BLOCK_SIZE, disk + from * FAKE_BLOCK_SIZE,
			blocks * FAKE_BLOCK_SIZE);
		to += blocks;
	}
	return 0;
}

static uint16_t range_command(const struct nvme_sqe *sqe, char *disk, size_t len)
{
	switch (sqe->opcode) {
	case PLX_NVME_READ:
	case PLX_NVME_WRITE:
		fake_transfer(sqe, disk, len, sqe->opcode == PLX_NVME_READ);
		return fake.io_status;
	case PLX_NVME_COMPARE:
		return compare(sqe, disk, len);
	case PLX_NVME_WRITE_ZEROES:
		memset(disk, 0, len);
		return 0;
	case PLX_NVME_VERIFY:
		return fake.io_status;
	default:
		return PLX_NVME_INVALID_OPCODE;
	}
}

static uint16_t io_command(const struct nvme_sqe *sqe)
{
	uint32_t nsid = le32toh(sqe->nsid);
	uint64_t lba = le64toh(sqe->slba);
	uint32_t blocks = (le32toh(sqe->cdw12) & 0xffff) + 1;

	fake.last_io = *sqe;
	if (nsid < 1 || nsid > FAKE_NAMESPACES)
		return PLX_NVME_INVALID_NAMESPACE | PLX_NVME_DO_NOT_RETRY;
	if (sqe->opcode == PLX_NVME_FLUSH) {
		fake.flushes++;
		return 0;
	}
	if (sqe->opcode == PLX_NVME_DSM)
		return deallocate(sqe, fake.disk[nsid - 1]);
	if (sqe->opcode == PLX_NVME_COPY)
		return copy(sqe, fake.disk[nsid - 1]);
	if (lba > FAKE_BLOCKS || blocks > FAKE_BLOCKS - lba)
		return PLX_NVME_LBA_OUT_OF_RANGE | PLX_NVME_DO_NOT_RETRY;
	return range_command(sqe, fake.disk[nsid - 1] + lba * FAKE_BLOCK_SIZE,
			     (size_t)blocks * FAKE_BLOCK_SIZE);
}

/* --- The device: admin commands ------------------------------------------------------------- */

static void identify_list(uint32_t after, uint32_t *to)
{
	unsigned int i;

	if (!fake.list_endless) {
		memcpy(to, fake.list, sizeof(fake.list));
		return;
	}
	for (i = 0; i < NVME_NS_LIST_ENTRIES; i++)
		to[i] = htole32(after + 1 + i);
}

/* A UUID that ends in the namespace's id, and the command set. */
static uint16_t identify_ids(uint32_t nsid, uint8_t *to)
{
	to[0] = NVME_NS_ID_UUID;
	to[1] = 16;
	to[4 + 15] = (uint8_t)nsid;
	to[20] = NVME_NS_ID_CSI;
	to[21] = fake.ns_id_length ? fake.ns_id_length : 1;
	to[24] = fake.command_set[nsid - 1];
	return 0;
}

static uint16_t identify_secondaries(uint32_t from, struct nvme_secondary_list *to)
{
	unsigned int i;

	for (i = 0; fake.secondaries[i].scid && to->count < NVME_SECONDARIES; i++)
		if (le16toh(fake.secondaries[i].scid) >= from || fake.list_endless)
			to->entries[to->count++] = fake.secondaries[i];
	return 0;
}

static uint16_t identify(const struct nvme_sqe *sqe)
{
	void *to = dma(le64toh(sqe->prp1));
	uint32_t nsid = le32toh(sqe->nsid);

	switch (le32toh(sqe->cdw10) & 0xff) {
	case NVME_CNS_PRIMARY:
		memcpy(to, &fake.primary, sizeof(fake.primary));
		return 0;
	case NVME_CNS_SECONDARY:
		return identify_secondaries(le32toh(sqe->cdw10) >> 16, to);
	case NVME_CNS_CTRL:
		memcpy(to, &fake.id, sizeof(fake.id));
		return 0;
	case NVME_CNS_ACTIVE_NS:
		identify_list(nsid, to);
		return 0;
	case NVME_CNS_NS:
		if (nsid < 1 || nsid > FAKE_NAMESPACES)
			return PLX_NVME_INVALID_NAMESPACE;
		memcpy(to, &fake.ns[nsid - 1], sizeof(fake.ns[0]));
		return 0;
	case NVME_CNS_NS_IDS:
		if (nsid < 1 || nsid > FAKE_NAMESPACES)
			return PLX_NVME_INVALID_NAMESPACE;
		return identify_ids(nsid, to);
	case NVME_CNS_SET_NS:
		if (le32toh(sqe->cdw11) >> NVME_CSI_SHIFT == PLX_NVME_CSI_NVM)
			memcpy(to, &fake.ns_nvm, sizeof(fake.ns_nvm));
		else
			memcpy(to, &fake.zns, sizeof(fake.zns));
		return 0;
	case NVME_CNS_SET_CTRL:
		memcpy(to, &fake.zasl, sizeof(fake.zasl));
		return 0;
	default:
		return PLX_NVME_INVALID_FIELD;
	}
}

static uint16_t create_cq(const struct nvme_sqe *sqe)
{
	uint32_t cdw10 = le32toh(sqe->cdw10), cdw11 = le32toh(sqe->cdw11);
	struct fake_queue *q = &fake.queues[(cdw10 & 0xffff) % FAKE_QUEUES];

	q->cq = le64toh(sqe->prp1);
	q->cq_size = (cdw10 >> NVME_QUEUE_SIZE_SHIFT) + 1;
	q->cq_tail = 0;
	q->phase = true;
	q->irq = cdw11 & NVME_CQ_IRQ_ENABLE;
	q->vector = (uint16_t)(cdw11 >> NVME_CQ_VECTOR_SHIFT);
	q->cq_live = true;
	return 0;
}

static uint16_t create_sq(const struct nvme_sqe *sqe)
{
	uint32_t cdw10 = le32toh(sqe->cdw10), qid = (cdw10 & 0xffff) % FAKE_QUEUES;
	struct fake_queue *q = &fake.queues[qid];

	if (!fake.queues[le32toh(sqe->cdw11) >> NVME_SQ_CQID_SHIFT].cq_live)
		return 0x100;
	q->sq = le64toh(sqe->prp1);
	q->sq_size = (cdw10 >> NVME_QUEUE_SIZE_SHIFT) + 1;
	q->sq_head = 0;
	q->held_count = 0;
	fake.sq_flags = le32toh(sqe->cdw11);
	q->cqid = (uint16_t)(le32toh(sqe->cdw11) >> NVME_SQ_CQID_SHIFT);
	/* Left from the queue's former life. */
	clear_doorbell(qid);
	q->sq_live = true;
	return 0;
}

/* Bytes of the log: offset and log page id, so that each chunk is known by its content. */
static uint16_t get_log(const struct nvme_sqe *sqe)
{
	uint32_t len = ((le32toh(sqe->cdw10) >> NVME_LOG_DWORDS_SHIFT) + 1) * 4, i;
	uint8_t *to = dma(le64toh(sqe->prp1));

	if ((le32toh(sqe->cdw10) & 0xff) == PLX_NVME_LOG_CHANGED_NS) {
		memcpy(to, fake.changed, len);
		return 0;
	}
	for (i = 0; i < len; i++)
		to[i] = (uint8_t)((le64toh(sqe->cdw12_13) + i) >> 8 ^ le32toh(sqe->cdw10));
	return 0;
}

/* One value and one data page for all features but the number of queues. */
static uint16_t set_features(const struct nvme_sqe *sqe, uint64_t *result)
{
	if ((le32toh(sqe->cdw10) & 0xff) == NVME_FEATURE_QUEUES) {
		*result = fake.queues_result;
		return 0;
	}
	switch (le32toh(sqe->cdw10) & 0xff) {
	case NVME_FEATURE_EVENTS:
		fake.event_mask = le32toh(sqe->cdw11);
		return 0;
	case NVME_FEATURE_KEEP_ALIVE:
		fake.keep_alive_ms = le32toh(sqe->cdw11);
		return 0;
	case NVME_FEATURE_ARBITRATION:
		fake.arbitration = le32toh(sqe->cdw11);
		return 0;
	case NVME_FEATURE_COALESCING:
		fake.coalescing = le32toh(sqe->cdw11);
		return 0;
	case NVME_FEATURE_VECTOR:
		fake.vector_config = le32toh(sqe->cdw11);
		return 0;
	}
	fake.feature = le32toh(sqe->cdw11);
	memcpy(fake.feature_data, dma(le64toh(sqe->prp1)), sizeof(fake.feature_data));
	return 0;
}

static uint16_t get_features(const struct nvme_sqe *sqe, uint64_t *result)
{
	if ((le32toh(sqe->cdw10) & 0xff) == NVME_FEATURE_KEEP_ALIVE) {
		*result = fake.keep_alive_ms;
		return 0;
	}
	*result = fake.feature;
	memcpy(dma(le64toh(sqe->prp1)), fake.feature_data, sizeof(fake.feature_data));
	return 0;
}

/* An opcode of the vendor: its data, added by one. */
static uint16_t vendor_command(const struct nvme_sqe *sqe, uint64_t *result)
{
	size_t len = le32toh(sqe->cdw10), i;
	char *data = malloc(len);

	fake_transfer(sqe, data, len, false);
	for (i = 0; i < len; i++)
		data[i]++;
	fake_transfer(sqe, data, len, true);
	free(data);
	*result = len;
	return 0;
}

static uint16_t format(const struct nvme_sqe *sqe)
{
	uint32_t nsid = le32toh(sqe->nsid), cdw10 = le32toh(sqe->cdw10), i;

	for (i = 0; i < FAKE_NAMESPACES; i++) {
		if (nsid != i + 1 && nsid != PLX_NVME_NS_ALL)
			continue;
		fake.ns[i].flbas = cdw10 & (NVME_FLBAS_LOW | NVME_FLBAS_EXTENDED);
		fake.ns[i].dps = cdw10 >> 5 & 0xf;
	}
	return 0;
}

/* The last namespace comes and goes. */
static uint16_t attachment(const struct nvme_sqe *sqe)
{
	const uint16_t *list = dma(le64toh(sqe->prp1));
	bool detach = le32toh(sqe->cdw10) & 0xf;

	if (le32toh(sqe->nsid) != FAKE_NAMESPACES)
		return PLX_NVME_INVALID_NAMESPACE;
	if (le16toh(list[0]) != 1 || list[1] != fake.id.cntlid)
		return 0x11c;
	if ((fake.list[FAKE_NAMESPACES - 1] == 0) == detach)
		return detach ? 0x11a : 0x118;
	fake.list[FAKE_NAMESPACES - 1] = detach ? 0 : htole32(FAKE_NAMESPACES);
	return 0;
}

static uint16_t management(const struct nvme_sqe *sqe, uint64_t *result)
{
	if (le32toh(sqe->cdw10) == 0)
		memcpy(&fake.created, dma(le64toh(sqe->prp1)), sizeof(fake.created));
	*result = 77;
	return 0;
}

static uint16_t download(const struct nvme_sqe *sqe)
{
	size_t at = (size_t)le32toh(sqe->cdw11) * 4, len = ((size_t)le32toh(sqe->cdw10) + 1) * 4;

	if (at > sizeof(fake.firmware) || len > sizeof(fake.firmware) - at)
		return PLX_NVME_INVALID_FIELD;
	memcpy(fake.firmware + at, dma(le64toh(sqe->prp1)), len);
	return 0;
}

static uint16_t abort_command(const struct nvme_sqe *sqe, uint64_t *result)
{
	uint32_t cdw10 = le32toh(sqe->cdw10), qid = (cdw10 & 0xffff) % FAKE_QUEUES, i;
	struct fake_queue *q = &fake.queues[qid];

	fake.aborts++;
	*result = 1;
	for (i = 0; i < q->held_count && !fake.abort_refused; i++) {
		if (q->held[i] != cdw10 >> 16)
			continue;
		fake_complete(qid, q->held[i], FAKE_ABORTED, 0);
		q->held[i] = q->held[--q->held_count];
		*result = 0;
		break;
	}
	return 0;
}

static uint16_t delete_sq(uint32_t qid)
{
	struct fake_queue *q = &fake.queues[qid % FAKE_QUEUES];

	while (fake.ends_on_delete && q->held_count)
		fake_complete(qid, q->held[--q->held_count], FAKE_SQ_DELETED, 0);
	q->sq_live = false;
	return 0;
}

/* As much data as the command names. */
static uint16_t directive(const struct nvme_sqe *sqe, uint64_t *result)
{
	size_t len = ((size_t)le32toh(sqe->cdw10) + 1) * 4;

	*result = fake.manage_value;
	if (sqe->prp1 && len <= sizeof(fake.directive))
		fake_transfer(sqe, (char *)fake.directive, len,
			      sqe->opcode == NVME_ADMIN_DIRECTIVE_RECEIVE);
	return 0;
}

/* What changes it for good; remembered, for other commands follow. */
static uint16_t manage(const struct nvme_sqe *sqe, uint64_t *result)
{
	fake.last_manage = *sqe;
	switch (sqe->opcode) {
	case NVME_ADMIN_FORMAT:
		return format(sqe);
	case NVME_ADMIN_NS_ATTACHMENT:
		return attachment(sqe);
	case NVME_ADMIN_NS_MANAGEMENT:
		return management(sqe, result);
	case NVME_ADMIN_FW_DOWNLOAD:
		return download(sqe);
	case NVME_ADMIN_FW_COMMIT:
		return fake.commit_status;
	case NVME_ADMIN_SANITIZE:
		return 0;
	case NVME_ADMIN_VIRTUALIZATION:
		*result = fake.manage_value;
		return 0;
	case NVME_ADMIN_DIRECTIVE_SEND:
	case NVME_ADMIN_DIRECTIVE_RECEIVE:
		return directive(sqe, result);
	default:
		return PLX_NVME_INVALID_OPCODE;
	}
}

static uint16_t admin_command(const struct nvme_sqe *sqe, uint64_t *result)
{
	struct fake_queue *q = &fake.queues[(le32toh(sqe->cdw10) & 0xffff) % FAKE_QUEUES];

	switch (sqe->opcode) {
	case NVME_ADMIN_IDENTIFY:
		return identify(sqe);
	case NVME_ADMIN_SET_FEATURES:
		return set_features(sqe, result);
	case NVME_ADMIN_GET_FEATURES:
		return get_features(sqe, result);
	case NVME_ADMIN_GET_LOG:
		return get_log(sqe);
	case NVME_ADMIN_DOORBELL_BUFFER:
		fake.shadow = dma(le64toh(sqe->prp1));
		return 0;
	case NVME_ADMIN_KEEP_ALIVE:
		fake.keep_alives++;
		return 0;
	case NVME_ADMIN_ASYNC_EVENT:
		return FAKE_EVENT_LIMIT;
	case FAKE_VENDOR_OPCODE:
		return vendor_command(sqe, result);
	case NVME_ADMIN_CREATE_CQ:
		return create_cq(sqe);
	case NVME_ADMIN_CREATE_SQ:
		return create_sq(sqe);
	case NVME_ADMIN_DELETE_SQ:
		return delete_sq(le32toh(sqe->cdw10));
	case NVME_ADMIN_ABORT:
		return abort_command(sqe, result);
	case NVME_ADMIN_DELETE_CQ:
		q->cq_live = false;
		return 0;
	default:
		return manage(sqe, result);
	}
}

static void run_admin(const struct nvme_sqe *sqe)
{
	uint64_t result = 0;
	uint16_t status;

	fake.last_admin = *sqe;
	if (sqe->opcode == fake.silent_opcode || (fake.on_admin && fake.on_admin(sqe)))
		return;
	if (sqe->opcode == NVME_ADMIN_ASYNC_EVENT && fake.events_held <= fake.id.aerl) {
		fake.event_cids[fake.events_held++] = le16toh(sqe->cid);
		return;
	}
	if (sqe->opcode == fake.failing_opcode)
		status = fake.failing_status;
	else
		status = admin_command(sqe, &result);
	fake_complete(0, le16toh(sqe->cid), status, result);
}

/* --- The device: its thread ----------------------------------------------------------------- */

static void hold(struct fake_queue *q, uint16_t cid)
{
	q->held[q->held_count++ % FAKE_HELD] = cid;
}

static void run_queue(unsigned int qid)
{
	struct fake_queue *q = &fake.queues[qid];

	while (q->sq_live && q->sq_head != doorbell(qid) && doorbell(qid) < q->sq_size) {
		struct nvme_sqe sqe;

		plx_dma_rmb();
		memcpy(&sqe, (struct nvme_sqe *)dma(q->sq) + q->sq_head, sizeof(sqe));
		q->sq_head = q->sq_head + 1 == q->sq_size ? 0 : q->sq_head + 1;
		if (qid == 0)
			run_admin(&sqe);
		else if (fake.io_silent)
			hold(q, le16toh(sqe.cid));
		else if (!(fake.on_io && fake.on_io(qid, &sqe)))
			fake_complete(qid, le16toh(sqe.cid), io_command(&sqe), 0);
	}
}

/* What it has to say, to the oldest request. */
static void run_events(void)
{
	uint16_t cid = fake.event_cids[0];

	if (fake.event < 0 || fake.events_held == 0)
		return;
	fake.events_held--;
	memmove(fake.event_cids, fake.event_cids + 1, sizeof(fake.event_cids) - sizeof(cid));
	fake_complete(0, cid, fake.event_status, (uint32_t)fake.event);
	fake.event = -1;
}

static void enable(void)
{
	struct fake_queue *q = &fake.queues[0];
	uint32_t aqa = plx_mmio_read32(fake.bar + NVME_AQA);
	unsigned int i;

	for (i = 0; i < FAKE_QUEUES; i++)
		clear_doorbell(i);
	forget_queues();
	*q = (struct fake_queue){
		.sq_live = true,
		.cq_live = true,
		.phase = true,
		.sq = plx_mmio_read64(fake.bar + NVME_ASQ),
		.cq = plx_mmio_read64(fake.bar + NVME_ACQ),
		.sq_size = NVME_GET(aqa, NVME_AQA_ASQS) + 1,
		.cq_size = NVME_GET(aqa, NVME_AQA_ACQS) + 1,
	};
	fake.shadow = NULL;
	fake.cc_seen = plx_mmio_read32(fake.bar + NVME_CC);
	fake.events_held = 0;
	fake.event_mask = 0;
	fake.enables++;
}

/* CC against CSTS. */
static void run_configuration(void)
{
	uint32_t cc = plx_mmio_read32(fake.bar + NVME_CC);
	uint32_t csts = plx_mmio_read32(fake.bar + NVME_CSTS);

	if ((cc & NVME_CC_EN) && !(csts & NVME_CSTS_RDY) && !fake.never_ready) {
		enable();
		csts = fake.fatal_on_enable ? NVME_CSTS_CFS : NVME_CSTS_RDY;
	} else if (!(cc & NVME_CC_EN) && (csts & NVME_CSTS_RDY) && !fake.never_unready) {
		forget_queues();
		csts = 0;
	}
	if ((cc & NVME_CC_SHN) && !(csts & NVME_CSTS_SHST) && !fake.never_shut_down) {
		fake.shutdowns++;
		fake.shutdown_kind = NVME_GET(cc, NVME_CC_SHN);
		csts |= NVME_PUT(NVME_CSTS_SHST_DONE, NVME_CSTS_SHST);
	}
	if (!(cc & NVME_CC_SHN))
		csts &= ~NVME_CSTS_SHST;
	if (fake.fatal)
		csts |= NVME_CSTS_CFS;
	if (fake.on_status)
		csts = fake.on_status(csts);
	plx_mmio_write32(fake.bar + NVME_CSTS, csts);
}

static void run_registers(void)
{
	if (plx_mmio_read32(fake.bar + NVME_NSSR) == NVME_NSSR_RESET) {
		fake.subsystem_resets++;
		plx_mmio_write32(fake.bar + NVME_NSSR, 0);
		plx_mmio_write32(fake.bar + NVME_CC, 0);
	}
	run_configuration();
}

static void *play(void *arg)
{
	unsigned int i;

	while (!fake.stop) {
		if (fake.gone) {
			memset(fake.bar, 0xff, NVME_DOORBELLS);
		} else {
			run_registers();
			for (i = 0; i < FAKE_QUEUES; i++)
				run_queue(i);
			run_events();
		}
		sched_yield();
	}
	return NULL;
}

/* --- Set-up --------------------------------------------------------------------------------- */

static void set_text(char *to, const char *text, size_t len)
{
	memset(to, ' ', len);
	memcpy(to, text, strlen(text));
}

static void default_identity(void)
{
	unsigned int i;

	fake.id = (struct nvme_id_ctrl){
		.vid = htole16(0x1b36),
		.ssvid = htole16(0x1af4),
		.mdts = 5,
		.cntlid = htole16(7),
		.ver = htole32(NVME_VERSION(1, 4, 0)),
		.sqes = 0x66,
		.cqes = 0x44,
		.nn = htole32(256),
		.vwc = NVME_VWC_PRESENT,
		.acl = 1,
		.aerl = 3,
		.oaes = htole32(0x300),
	};
	set_text(fake.id.sn, "PLX0001", sizeof(fake.id.sn));
	set_text(fake.id.mn, "Fake Controller", sizeof(fake.id.mn));
	set_text(fake.id.fr, "1.0", sizeof(fake.id.fr));
	for (i = 0; i < FAKE_NAMESPACES; i++) {
		fake.ns[i] = (struct nvme_id_ns){
			.nsze = htole64(FAKE_BLOCKS),
			.ncap = htole64(FAKE_BLOCKS),
			.nuse = htole64(FAKE_BLOCKS / 2),
			.lbaf = {{.lbads = 9}},
		};
		fake.list[i] = htole32(i + 1);
		fake.disk[i] = calloc(FAKE_BLOCKS, FAKE_BLOCK_SIZE);
	}
}

void fake_defaults(void)
{
	unsigned int i;

	memset(&fake, 0, sizeof(fake));
	/*
	 * 1024 entries, contiguous queues, 500 ms to ready, NVM command set, pages of 4 to 64 KiB.
	 */
	fake.cap = 1023 | NVME_CAP_CQR | NVME_PUT(1, NVME_CAP_TO) | NVME_CAP_CSS_NVM |
		   NVME_PUT(4, NVME_CAP_MPSMAX);
	fake.vs = NVME_VERSION(1, 4, 0);
	fake.queues_result = 7 << NVME_QUEUES_CQ_SHIFT | 7;
	fake.vectors = 4;
	fake.silent_opcode = fake.failing_opcode = fake.event = -1;
	fake.bar_size = FAKE_BAR_SIZE;
	default_identity();
	for (i = 0; i < FAKE_QUEUES; i++)
		fake.irq_fds[i] = -1;
}

static struct plx_as *fake_as(struct plx_dev *dev)
{
	struct plx_as *as = calloc(1, sizeof(*as));

	pthread_mutex_init(&as->attach_lock, NULL);
	as->devs = dev;
	return as;
}

static void make_bar(void)
{
	fake.bar_fd = memfd_create("bar", MFD_CLOEXEC);
	CU_ASSERT_FATAL(ftruncate(fake.bar_fd, (off_t)fake.bar_size) == 0);
	fake.bar = mmap(NULL, fake.bar_size, PROT_READ | PROT_WRITE, MAP_SHARED, fake.bar_fd, 0);
	CU_ASSERT_FATAL(fake.bar != MAP_FAILED);
	plx_mmio_write64_lo_hi(fake.bar + NVME_CAP, fake.cap);
	plx_mmio_write32(fake.bar + NVME_VS, fake.vs);
	plx_mmio_write32(fake.bar + NVME_CMBLOC, fake.cmb_location);
	plx_mmio_write32(fake.bar + NVME_CMBSZ, fake.cmb_size);
	plx_mmio_write32(fake.bar + NVME_CMBSTS, fake.cmb_status);
}

struct plx_dev *fake_dev(void)
{
	struct plx_dev *dev = calloc(1, sizeof(*dev));
	struct plx_dev_region *bar = &dev->regions[PLX_REGION_BAR0];

	make_bar();
	dev->ops = &fake_ops;
	dev->fd = dev->event_poll = dev->event_fds[0] = dev->event_fds[1] = -1;
	strcpy(dev->info.name, "fake");
	dev->info.pci.class_code = 0x010802;
	dev->info.pci.node = PLX_NODE_ANY;
	dev->info.can_reset = true;
	dev->info.num_irqs[PLX_IRQ_MSIX] = fake.vectors;
	dev->regions[PLX_REGION_CONFIG] = (struct plx_dev_region){
		.size = sizeof(fake.config),
		.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
	};
	bar->size = fake.bar_size;
	bar->areas = calloc(1, sizeof(*bar->areas));
	bar->areas[0].size = fake.bar_size;
	bar->area_count = 1;
	fake.as = dev->as = fake_as(dev);
	return dev;
}

void fake_play(void)
{
	CU_ASSERT_FATAL(pthread_create(&fake.thread, NULL, play, NULL) == 0);
}

struct plx_nvme_ctrl *fake_open(const struct plx_nvme_ctrl_config *config)
{
	struct plx_dev *dev = fake_dev();

	fake_play();
	return nvme_ctrl_open_dev(dev, config);
}

void fake_end(void)
{
	unsigned int i;

	fake.stop = true;
	if (fake.thread)
		pthread_join(fake.thread, NULL);
	if (fake.bar)
		munmap(fake.bar, fake.bar_size);
	if (fake.bar)
		close(fake.bar_fd);
	for (i = 0; i < FAKE_NAMESPACES; i++)
		free(fake.disk[i]);
	if (fake.as)
		pthread_mutex_destroy(&fake.as->attach_lock);
	free(fake.as);
	memset(&fake, 0, sizeof(fake));
}

void fake_poll(struct plx_nvme_qpair *qp)
{
	if (plx_nvme_qpair_poll(qp, 0) == 0)
		sched_yield();
}

uint64_t fake_lies(struct plx_nvme_ctrl *ctrl, enum plx_nvme_lie kind)
{
	struct plx_nvme_ctrl_stats stats;

	plx_nvme_ctrl_stats(ctrl, &stats);
	return stats.lies[kind];
}
