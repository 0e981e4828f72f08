/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The namespaces of a controller: the list of active ones, read when it is opened, and a handle for
 * each that the application does I/O with, identified when it is first opened.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/nvme_admin.h>
#include <pollux/nvme_pi.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* --- The list ------------------------------------------------------------------------------- */

static int add_namespace(struct plx_nvme_ctrl *ctrl, uint32_t id)
{
	struct nvme_ns_entry *entries =
		realloc(ctrl->namespaces, (ctrl->namespace_count + 1) * sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	ctrl->namespaces = entries;
	entries[ctrl->namespace_count++] = (struct nvme_ns_entry){.id = id};
	return 0;
}

static void too_many(struct plx_nvme_ctrl *ctrl)
{
	ctrl->lies[PLX_NVME_LIE_NAMESPACES]++;
	PLX_WARN(nvme, "%s: more than %u namespaces; the others are ignored", ctrl->info.name,
		 NVME_NAMESPACES_MAX);
}

/* One page of the list, ids above `after`. *last is its last id, 0 when the list ended. */
static int list_page(struct plx_nvme_ctrl *ctrl, uint32_t after, uint32_t *last)
{
	int err = nvme_admin_identify(ctrl, NVME_CNS_ACTIVE_NS, after);
	uint32_t ids[NVME_NS_LIST_ENTRIES], i;

	*last = 0;
	if (err)
		return err;
	memcpy(ids, ctrl->page, sizeof(ids));
	for (i = 0; i < NVME_NS_LIST_ENTRIES; i++) {
		uint32_t id = le32toh(ids[i]);

		if (id == 0)
			return 0;
		if (id <= after || id > ctrl->info.max_namespaces) {
			ctrl->lies[PLX_NVME_LIE_NAMESPACES]++;
			PLX_WARN(nvme,
				 "%s: namespace id %u after %u in its list of active ones (NN %u); "
				 "the rest of the list is ignored",
				 ctrl->info.name, id, after, ctrl->info.max_namespaces);
			return 0;
		}
		if (ctrl->namespace_count == NVME_NAMESPACES_MAX) {
			too_many(ctrl);
			return 0;
		}
		err = add_namespace(ctrl, id);
		if (err)
			return err;
		after = id;
	}
	*last = after;
	return 0;
}

/* Before 1.1 there is no list: ids go from 1 to NN. */
static int list_all(struct plx_nvme_ctrl *ctrl)
{
	uint32_t id;
	int err = 0;

	if (ctrl->info.max_namespaces > NVME_NAMESPACES_MAX)
		too_many(ctrl);
	for (id = 1; id <= ctrl->info.max_namespaces && id <= NVME_NAMESPACES_MAX && !err; id++)
		err = add_namespace(ctrl, id);
	return err;
}

int nvme_namespaces_list(struct plx_nvme_ctrl *ctrl)
{
	uint32_t last = 0;
	int err;

	if (ctrl->info.version < NVME_VERSION(1, 1, 0)) {
		err = list_all(ctrl);
	} else {
		do
			err = list_page(ctrl, last, &last);
		while (!err && last);
	}
	ctrl->info.namespaces = ctrl->namespace_count;
	return err;
}

void nvme_namespaces_free(struct plx_nvme_ctrl *ctrl)
{
	uint32_t i;

	for (i = 0; i < ctrl->namespace_count; i++)
		free(ctrl->namespaces[i].ns);
	free(ctrl->namespaces);
	ctrl->namespaces = NULL;
	ctrl->namespace_count = 0;
	while (ctrl->inactive) {
		struct plx_nvme_ns *ns = ctrl->inactive;

		ctrl->inactive = ns->next;
		free(ns);
	}
}

uint32_t plx_nvme_ns_next(const struct plx_nvme_ctrl *ctrl, uint32_t after)
{
	/* The list is new after each notice of plx_nvme_ctrl_poll(), on whatever thread that is. */
	pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&ctrl->lock;
	uint32_t i, id = 0;

	pthread_mutex_lock(lock);
	for (i = 0; i < ctrl->namespace_count && !id; i++)
		if (ctrl->namespaces[i].id > after)
			id = ctrl->namespaces[i].id;
	pthread_mutex_unlock(lock);
	return id;
}

static struct nvme_ns_entry *find(struct plx_nvme_ctrl *ctrl, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < ctrl->namespace_count; i++)
		if (ctrl->namespaces[i].id == id)
			return &ctrl->namespaces[i];
	return NULL;
}

static struct nvme_ns_entry *find_or_tell(struct plx_nvme_ctrl *ctrl, uint32_t id)
{
	struct nvme_ns_entry *entry = find(ctrl, id);

	if (!entry)
		PLX_ERR(nvme, "%s: has no active namespace %u; `plx-nvme identify %s` lists them",
			ctrl->info.name, id, ctrl->info.name);
	return entry;
}

/* --- A namespace ---------------------------------------------------------------------------- */

int plx_nvme_ns_info_get(struct plx_nvme_ctrl *ctrl, uint32_t id, struct plx_nvme_ns_info *info)
{
	int err;

	pthread_mutex_lock(&ctrl->lock);
	err = find_or_tell(ctrl, id) ? nvme_identify_ns(ctrl, id, info) : -ENOENT;
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

static bool has_metadata(const struct plx_nvme_ns_info *info)
{
	return info->metadata_size || info->protection;
}

/* Blocks without their metadata, for plain reads and writes. */
static int check_plain(const struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info)
{
	if (!has_metadata(info))
		return 0;
	PLX_ERR(nvme,
		"%s: namespace %u has %u bytes of metadata a block and protection type %u, which "
		"plain reads and writes do not carry; format it with another LBA format, or open "
		"it by plx_nvme_ns_open_metadata()",
		ctrl->info.name, info->id, info->metadata_size, info->protection);
	return -ENOTSUP;
}

static int check_usable(const struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info)
{
	if (info->max_blocks || has_metadata(info))
		return 0;
	PLX_ERR(nvme,
		"%s: namespace %u has blocks of %u bytes, more than one transfer (%u); format it "
		"with another LBA format",
		ctrl->info.name, info->id, info->block_size, ctrl->info.max_transfer);
	return -ENOTSUP;
}

static bool is_known_set(const struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info)
{
	if (info->command_set == PLX_NVME_CSI_NVM || info->command_set == PLX_NVME_CSI_ZNS)
		return true;
	PLX_ERR(nvme,
		"%s: namespace %u has I/O command set 0x%02x, which this driver does not have",
		ctrl->info.name, info->id, info->command_set);
	return false;
}

/* All that Identify says of it, if it can be used. */
static int learn(struct plx_nvme_ctrl *ctrl, uint32_t id, struct plx_nvme_ns_info *info,
		 struct plx_nvme_zns_info *zns)
{
	int err = nvme_identify_ns(ctrl, id, info);

	if (!err)
		err = is_known_set(ctrl, info) ? check_usable(ctrl, info) : -ENOTSUP;
	if (!err && info->command_set == PLX_NVME_CSI_ZNS)
		err = nvme_identify_zns(ctrl, info, zns);
	return err;
}

/* What the data path and the application see of it. */
static void set_info(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ns *ns,
		     const struct plx_nvme_ns_info *info, const struct plx_nvme_zns_info *zns)
{
	ns->zns = *zns;
	ns->info = *info;
	ns->ctrl = has_metadata(info) ? NVME_NOT_PLAIN : ctrl;
	ns->max_blocks = info->max_blocks;
	ns->block_shift = (uint32_t)__builtin_ctz(info->block_size);
	ns->sqe_head = (uint64_t)info->id << NVME_SQE_NSID_SHIFT;
}

static int open_ns(struct plx_nvme_ctrl *ctrl, struct nvme_ns_entry *entry)
{
	struct plx_nvme_ns *ns = calloc(1, sizeof(*ns));
	struct plx_nvme_zns_info zns = {0};
	struct plx_nvme_ns_info info;
	int err;

	if (!ns)
		return -ENOMEM;
	err = learn(ctrl, entry->id, &info, &zns);
	if (err) {
		free(ns);
		return err;
	}
	set_info(ctrl, ns, &info, &zns);
	entry->ns = ns;
	return 0;
}

/* --- Looking anew --------------------------------------------------------------------------- */

/* The handle's namespace is not there any more, or is another one. */
static void set_aside(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ns *ns)
{
	PLX_WRITE_ONCE(ns->ctrl, NVME_STALE);
	ns->next = ctrl->inactive;
	ctrl->inactive = ns;
}

/* The same namespace, whose blocks are what those who submit take them for? */
static bool is_as_it_was(const struct plx_nvme_ns *ns, const struct plx_nvme_ns_info *info,
			 const struct plx_nvme_zns_info *zns)
{
	const struct plx_nvme_ns_info *was = &ns->info;

	return was->block_size == info->block_size && was->metadata_size == info->metadata_size &&
	       was->metadata_extended == info->metadata_extended &&
	       was->protection == info->protection &&
	       was->protection_first == info->protection_first &&
	       was->guard_bits == info->guard_bits &&
	       was->storage_tag_bits == info->storage_tag_bits &&
	       was->command_set == info->command_set && ns->zns.zone_blocks == zns->zone_blocks &&
	       ns->zns.extension_bytes == zns->extension_bytes &&
	       memcmp(was->nguid, info->nguid, sizeof(was->nguid)) == 0 &&
	       memcmp(was->eui64, info->eui64, sizeof(was->eui64)) == 0 &&
	       memcmp(was->uuid, info->uuid, sizeof(was->uuid)) == 0;
}

/* While others read them. */
static void set_sizes(struct plx_nvme_ns *ns, const struct plx_nvme_ns_info *info)
{
	PLX_WRITE_ONCE(ns->info.blocks, info->blocks);
	PLX_WRITE_ONCE(ns->info.capacity, info->capacity);
	PLX_WRITE_ONCE(ns->info.utilization, info->utilization);
	PLX_WRITE_ONCE(ns->info.max_blocks, info->max_blocks);
	PLX_WRITE_ONCE(ns->max_blocks, info->max_blocks);
}

/* Is that what Identify found, and not that it could not be asked? */
static bool is_known(int err)
{
	return err == 0 || err == -ENOENT || err == -ENOTSUP || err == -EPROTO;
}

/* A handle that was open before: with its namespace if that is still there, else set aside. */
static int reopen(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ns *ns, enum nvme_rescan why)
{
	struct nvme_ns_entry *entry = find(ctrl, ns->info.id);
	struct plx_nvme_zns_info zns = {0};
	struct plx_nvme_ns_info info;
	int err = entry ? learn(ctrl, ns->info.id, &info, &zns) : 0;

	if (!entry || (err && is_known(err))) {
		set_aside(ctrl, ns);
		return err;
	}
	entry->ns = ns;
	if (err)
		return err;
	if (why == NVME_RESCAN_ASKED) {
		set_info(ctrl, ns, &info, &zns);
	} else if (is_as_it_was(ns, &info, &zns)) {
		set_sizes(ns, &info);
	} else {
		PLX_WARN(nvme,
			 "%s: namespace %u is not what was opened any more (format or identity); "
			 "open it again",
			 ctrl->info.name, ns->info.id);
		entry->ns = NULL;
		set_aside(ctrl, ns);
	}
	return 0;
}

int nvme_namespaces_rescan(struct plx_nvme_ctrl *ctrl, enum nvme_rescan why)
{
	struct nvme_ns_entry *old = ctrl->namespaces;
	uint32_t count = ctrl->namespace_count, i;
	int err, wrong;

	ctrl->namespaces = NULL;
	ctrl->namespace_count = 0;
	err = nvme_namespaces_list(ctrl);
	if (err) {
		free(ctrl->namespaces);
		ctrl->namespaces = old;
		ctrl->namespace_count = ctrl->info.namespaces = count;
		return err;
	}
	for (i = 0; i < count; i++) {
		wrong = old[i].ns ? reopen(ctrl, old[i].ns, why) : 0;
		err = err ? err : wrong;
	}
	free(old);
	return err;
}

int plx_nvme_ns_rescan(struct plx_nvme_ctrl *ctrl)
{
	int err;

	pthread_mutex_lock(&ctrl->lock);
	err = nvme_namespaces_rescan(ctrl, NVME_RESCAN_ASKED);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

/* --- Handles -------------------------------------------------------------------------------- */

struct plx_nvme_ns *plx_nvme_ns_open_metadata(struct plx_nvme_ctrl *ctrl, uint32_t id)
{
	struct plx_nvme_ns *ns = NULL;
	struct nvme_ns_entry *entry;
	int err = -ENOENT;

	pthread_mutex_lock(&ctrl->lock);
	entry = find_or_tell(ctrl, id);
	if (entry)
		err = entry->ns ? 0 : open_ns(ctrl, entry);
	if (!err)
		ns = entry->ns;
	pthread_mutex_unlock(&ctrl->lock);
	if (err)
		errno = -err;
	return ns;
}

struct plx_nvme_ns *plx_nvme_ns_open(struct plx_nvme_ctrl *ctrl, uint32_t id)
{
	struct plx_nvme_ns *ns = plx_nvme_ns_open_metadata(ctrl, id);

	if (ns && check_plain(ctrl, &ns->info)) {
		errno = ENOTSUP;
		return NULL;
	}
	return ns;
}

const struct plx_nvme_ns_info *plx_nvme_ns_info(const struct plx_nvme_ns *ns)
{
	return &ns->info;
}
