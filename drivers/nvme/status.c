/* SPDX-License-Identifier: BSD-3-Clause */
/* Completion statuses in words and as errno: Base 3.3.3.2.1, NVM 3.1.2. */
#include <errno.h>
#include <stdio.h>

#include <pollux/nvme.h>

#define CODE_TYPE(status) ((status) >> 8 & 7)
#define CODE(status)	  ((status)&0xff)

static const struct {
	uint16_t status;
	int err;
	const char *text;
} known[] = {
	{0x000, 0, "success"},
	{0x001, -EOPNOTSUPP, "invalid command opcode"},
	{0x002, -EINVAL, "invalid field in command"},
	{0x003, -EIO, "command id conflict"},
	{0x004, -EIO, "data transfer error"},
	{0x005, -EIO, "aborted by power loss"},
	{0x006, -EIO, "internal error"},
	{0x007, -ECANCELED, "abort requested"},
	{0x008, -ECANCELED, "aborted by deletion of the submission queue"},
	{0x00b, -ENODEV, "invalid namespace or format"},
	{0x00c, -EIO, "command sequence error"},
	{0x013, -EINVAL, "invalid PRP offset"},
	{0x014, -EPERM, "atomic write unit exceeded"},
	{0x015, -EPERM, "operation denied"},
	{0x01c, -EIO, "sanitize failed"},
	{0x01d, -EBUSY, "sanitize in progress"},
	{0x020, -EROFS, "namespace is write protected"},
	{0x021, -EAGAIN, "command interrupted"},
	{0x022, -EAGAIN, "transient transport error"},
	{0x080, -ERANGE, "LBA out of range"},
	{0x081, -ENOSPC, "capacity exceeded"},
	{0x082, -EAGAIN, "namespace not ready"},
	{0x083, -EBUSY, "reservation conflict"},
	{0x084, -EBUSY, "format in progress"},
	{0x100, -EINVAL, "invalid completion queue"},
	{0x101, -EINVAL, "invalid queue identifier"},
	{0x102, -EINVAL, "invalid queue size"},
	{0x108, -EINVAL, "invalid interrupt vector"},
	{0x106, -EINVAL, "invalid firmware slot"},
	{0x107, -EINVAL, "invalid firmware image"},
	{0x109, -EINVAL, "invalid log page"},
	{0x10a, -EINVAL, "invalid format"},
	{0x10b, -EAGAIN, "firmware needs a conventional reset"},
	{0x10c, -EINVAL, "invalid queue deletion"},
	{0x10d, -EOPNOTSUPP, "feature cannot be saved"},
	{0x10e, -EPERM, "feature cannot be changed"},
	{0x10f, -EINVAL, "feature is not of a namespace"},
	{0x110, -EAGAIN, "firmware needs a subsystem reset"},
	{0x111, -EAGAIN, "firmware needs a controller reset"},
	{0x113, -EPERM, "firmware activation prohibited"},
	{0x115, -ENOSPC, "not enough capacity for the namespace"},
	{0x116, -ENOSPC, "no namespace id left"},
	{0x118, -EEXIST, "namespace is attached already"},
	{0x119, -EBUSY, "namespace is private"},
	{0x11a, -ENOENT, "namespace is not attached"},
	{0x11c, -EINVAL, "invalid controller list"},
	{0x180, -EINVAL, "conflicting attributes"},
	{0x181, -EINVAL, "invalid protection information"},
	{0x182, -EROFS, "write to a read-only range"},
	{0x1b8, -ERANGE, "beyond the end of the zone"},
	{0x1b9, -ENOSPC, "zone is full"},
	{0x1ba, -EROFS, "zone is read-only"},
	{0x1bb, -ENXIO, "zone is offline"},
	{0x1bc, -ESPIPE, "write not at the zone's write pointer"},
	{0x1bd, -EMFILE, "too many active zones"},
	{0x1be, -EMFILE, "too many open zones"},
	{0x1bf, -EINVAL, "invalid zone state transition"},
	{0x280, -EIO, "write fault"},
	{0x281, -EIO, "unrecovered read error"},
	{0x282, -EILSEQ, "guard check error"},
	{0x283, -EILSEQ, "application tag check error"},
	{0x284, -EILSEQ, "reference tag check error"},
	{0x285, -EILSEQ, "compare failure"},
	{0x286, -EACCES, "access denied"},
	{0x287, -ENODATA, "deallocated or unwritten block"},
	{0x288, -EILSEQ, "storage tag check error"},
};

const char *plx_nvme_status_str(uint32_t status)
{
	static const char *const types[] = {"generic",	     "command specific", "media",
					    "path",	     "reserved type",	 "reserved type",
					    "reserved type", "vendor specific"};
	static __thread char text[96];
	const char *retry = status & PLX_NVME_DO_NOT_RETRY ? ", do not retry" : "";
	unsigned int i;

	if (status == PLX_NVME_PENDING)
		return "in flight";
	if (status == PLX_NVME_ABORTED)
		return "aborted: queue pair or controller closed, reset or gone";
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].status != (status & PLX_NVME_STATUS_MASK))
			continue;
		snprintf(text, sizeof(text), "%s (0x%x%s)", known[i].text,
			 status & PLX_NVME_STATUS_MASK, retry);
		return text;
	}
	snprintf(text, sizeof(text), "%s status code 0x%02x (0x%x%s)", types[CODE_TYPE(status)],
		 CODE(status), status & PLX_NVME_STATUS_MASK, retry);
	return text;
}

int plx_nvme_status_errno(uint32_t status)
{
	unsigned int i;

	if (status == PLX_NVME_PENDING)
		return -EINPROGRESS;
	if (status == PLX_NVME_ABORTED)
		return -ECANCELED;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].status == (status & PLX_NVME_STATUS_MASK))
			return known[i].err;
	return -EIO;
}
