// SPDX-License-Identifier: GPL-2.0-only
/*
 * SR-IOV: a physical function of ours can create virtual functions. Its user could
 * spy on theirs, through the device; so users of the two must know a common secret,
 * the token of the physical function. It is given with the name of the device:
 * "0000:01:10.0 vf_token=UUID". (<linux/vfio.h>, VFIO_DEVICE_FEATURE_PCI_VF_TOKEN)
 *
 * A virtual function cannot outlive its physical one: removing that disables them
 * first, which waits for their users.
 */
#include <linux/notifier.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

#define TOKEN_KEY "vf_token="

struct vfio_pci_token {
	struct mutex lock;
	uuid_t uuid;
	unsigned int users; /* open virtual functions */
	struct vfio_pci_device *pf;
	struct list_head node;
	struct notifier_block notifier;
};

static DEFINE_MUTEX(pfs_lock);
static LIST_HEAD(pfs);

/* ---- physical functions of ours ---- */

static struct vfio_pci_device *vfio_pci_find_pf(struct pci_dev *vf)
{
	struct vfio_pci_device *found = NULL;
	struct vfio_pci_token *token;

	mutex_lock(&pfs_lock);
	list_for_each_entry(token, &pfs, node)
		if (token->pf->pdev == pci_physfn(vf))
			found = token->pf;
	mutex_unlock(&pfs_lock);
	return found;
}

/* A new virtual function is for users like its physical one: keep host drivers away from it. */
static int vfio_pci_sriov_notify(struct notifier_block *nb, unsigned long action, void *data)
{
	struct vfio_pci_token *token = container_of(nb, struct vfio_pci_token, notifier);
	struct pci_dev *vf = to_pci_dev((struct device *)data);

	if (action != BUS_NOTIFY_ADD_DEVICE || !vf->is_virtfn || pci_physfn(vf) != token->pf->pdev)
		return 0;
	if (device_set_driver_override(&vf->dev, token->pf->vdev.ops->name))
		pci_warn(vf, "no memory for its driver_override: a host driver may bind to it\n");
	return 0;
}

static int vfio_pci_token_create(struct vfio_pci_device *dev)
{
	struct vfio_pci_token *token = kzalloc(sizeof(*token), GFP_KERNEL);
	int ret;

	if (!token)
		return -ENOMEM;
	mutex_init(&token->lock);
	uuid_gen(&token->uuid);
	token->pf = dev;
	token->notifier.notifier_call = vfio_pci_sriov_notify;
	ret = bus_register_notifier(&pci_bus_type, &token->notifier);
	if (ret) {
		kfree(token);
		return ret;
	}
	dev->token = token;
	mutex_lock(&pfs_lock);
	list_add(&token->node, &pfs);
	mutex_unlock(&pfs_lock);
	return 0;
}

int vfio_pci_sriov_probe(struct vfio_pci_device *dev)
{
	if (dev->pdev->is_virtfn)
		dev->pf = vfio_pci_find_pf(dev->pdev);
	if (!dev->pdev->is_physfn)
		return 0;
	if (pci_num_vf(dev->pdev)) {
		pci_err(dev->pdev,
			"has virtual functions of another driver; write 0 to its sriov_numvfs first\n");
		return -EBUSY;
	}
	return vfio_pci_token_create(dev);
}

void vfio_pci_sriov_release(struct vfio_pci_device *dev)
{
	struct vfio_pci_token *token = dev->token;

	if (!token)
		return;
	mutex_lock(&pfs_lock);
	list_del(&token->node);
	mutex_unlock(&pfs_lock);
	bus_unregister_notifier(&pci_bus_type, &token->notifier);
	mutex_destroy(&token->lock);
	kfree(token);
	dev->token = NULL;
}

/* ---- enabling; device lock held ---- */

/* From here on the user's D3 requests are not obeyed. */
static void vfio_pci_sriov_pin(struct vfio_pci_device *dev, unsigned int num_vfs)
{
	down_write(&dev->memory_lock);
	vfio_pci_power_set(dev, PCI_D0);
	dev->num_vfs = num_vfs;
	up_write(&dev->memory_lock);
}

void vfio_pci_sriov_disable(struct vfio_pci_device *dev)
{
	if (!dev->num_vfs)
		return;
	pci_disable_sriov(dev->pdev);
	vfio_pci_sriov_pin(dev, 0);
	pm_runtime_put(&dev->pdev->dev);
}

static int vfio_pci_sriov_enable(struct vfio_pci_device *dev, int num_vfs)
{
	int ret;

	if (dev->num_vfs)
		return -EBUSY;
	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret < 0)
		return ret;
	vfio_pci_sriov_pin(dev, num_vfs);
	ret = pci_enable_sriov(dev->pdev, num_vfs);
	if (ret) {
		vfio_pci_sriov_pin(dev, 0);
		pm_runtime_put(&dev->pdev->dev);
		return ret;
	}
	return num_vfs;
}

int vfio_pci_core_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	struct vfio_pci_device *dev = pci_get_drvdata(pdev);

	device_lock_assert(&pdev->dev);
	if (num_vfs)
		return vfio_pci_sriov_enable(dev, num_vfs);
	vfio_pci_sriov_disable(dev);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_sriov_configure);

/* ---- tokens ---- */

static int vfio_pci_token_check(struct vfio_pci_token *token, const uuid_t *uuid)
{
	return uuid && uuid_equal(uuid, &token->uuid) ? 0 : -EACCES;
}

static int vfio_pci_token_check_vf(struct vfio_pci_device *dev, const uuid_t *uuid)
{
	struct vfio_pci_token *token = dev->pf->token;
	int ret;

	mutex_lock(&token->lock);
	ret = vfio_pci_token_check(token, uuid);
	mutex_unlock(&token->lock);
	if (ret)
		pci_info_ratelimited(dev->pdev, "%s (%d) opens it %s VF token of %s\n",
				     current->comm, task_pid_nr(current),
				     uuid ? "with a wrong" : "without the",
				     pci_name(dev->pf->pdev));
	return ret;
}

/* As long as VFs are open, the PF's user must know; after that, the next one may choose. */
static int vfio_pci_token_check_pf(struct vfio_pci_device *dev, const uuid_t *uuid)
{
	struct vfio_pci_token *token = dev->token;
	int ret = 0;

	mutex_lock(&token->lock);
	if (token->users)
		ret = vfio_pci_token_check(token, uuid);
	else if (uuid)
		uuid_copy(&token->uuid, uuid);
	mutex_unlock(&token->lock);
	return ret;
}

/* @uuid: NULL if the user gave none. Return: 0, or why not. */
static int vfio_pci_token_match(struct vfio_pci_device *dev, const uuid_t *uuid)
{
	if (dev->pf)
		return vfio_pci_token_check_vf(dev, uuid);
	if (dev->token)
		return vfio_pci_token_check_pf(dev, uuid);
	return uuid ? -EINVAL : 0;
}

int vfio_pci_core_match(struct vfio_device *vdev, char *buf)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	const size_t len = strlen(pci_name(dev->pdev));
	bool given = false;
	char *word;
	uuid_t uuid;
	int ret;

	if (strncmp(buf, pci_name(dev->pdev), len))
		return 0;
	if (buf[len] && buf[len] != ' ')
		return 0;
	buf += len;
	while ((word = strsep(&buf, " "))) {
		if (!*word)
			continue;
		if (given || strncmp(word, TOKEN_KEY, strlen(TOKEN_KEY)))
			return -EINVAL;
		word += strlen(TOKEN_KEY);
		if (strlen(word) != UUID_STRING_LEN || uuid_parse(word, &uuid))
			return -EINVAL;
		given = true;
	}
	ret = vfio_pci_token_match(dev, given ? &uuid : NULL);
	return ret ?: 1;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_match);

int vfio_pci_token_feature(struct vfio_pci_device *dev, u32 flags, void __user *data, size_t size)
{
	uuid_t uuid;
	int ret;

	if (!dev->token)
		return -ENOTTY;
	ret = vfio_feature_check(flags, size, VFIO_DEVICE_FEATURE_SET, sizeof(uuid));
	if (ret != 1)
		return ret;
	if (copy_from_user(&uuid, data, sizeof(uuid)))
		return -EFAULT;
	mutex_lock(&dev->token->lock);
	uuid_copy(&dev->token->uuid, &uuid);
	mutex_unlock(&dev->token->lock);
	return 0;
}

bool vfio_pci_vfs_in_use(struct vfio_pci_device *dev)
{
	bool ret;

	if (!dev->token)
		return false;
	mutex_lock(&dev->token->lock);
	ret = dev->token->users;
	mutex_unlock(&dev->token->lock);
	return ret;
}

static void vfio_pci_token_count(struct vfio_pci_device *dev, int change)
{
	if (!dev->pf)
		return;
	mutex_lock(&dev->pf->token->lock);
	dev->pf->token->users += change;
	mutex_unlock(&dev->pf->token->lock);
}

void vfio_pci_token_open(struct vfio_pci_device *dev)
{
	vfio_pci_token_count(dev, 1);
}

void vfio_pci_token_close(struct vfio_pci_device *dev)
{
	vfio_pci_token_count(dev, -1);
}
