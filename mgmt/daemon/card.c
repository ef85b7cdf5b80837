/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The real card: PF driver over VFIO, on a thread of its own. */
#include "card.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "pft.h"

#define SERVE_ROUNDS 64	      /* enough for one request and one reset of each VF, some times over */
#define EVENT_BURST  5	      /* lines of one kind and VF ... */
#define EVENT_PER_US 10000000 /* ... in ten seconds */
#define RESET_PER_US 10000000 /* a card that fails is started again at most that often */

/* Made and freed by mgmt_hw_start() and _stop(); the PF thread's between the two. */
struct mgmt_hw {
	struct os_dev *dev;
	void *mem;
	struct pf *pf;
	int irq_fd;
	struct mgmt_pft *pft;
	bool link_changed;
	struct mgmt_ratelimit events[PF_VFS_MAX][PF_EV_SPOOF + 1], resets;
};

static void log_link(struct mgmt_hw *hw)
{
	struct pf_link l;

	pf_link(hw->pf, &l);
	if (l.up)
		mgmt_log(OS_LOG_INFO, "link up, %u Mb/s, %s duplex", l.mbps,
			 l.full_duplex ? "full" : "half");
	else
		mgmt_log(OS_LOG_INFO, "link down");
}

static void log_vf(const struct pf_event *ev)
{
	switch (ev->type) {
	case PF_EV_VF_READY:
		mgmt_log(OS_LOG_INFO, "VF %u: its driver is up", ev->vf);
		break;
	case PF_EV_VF_FLR:
		mgmt_log(OS_LOG_DEBUG, "VF %u: was reset", ev->vf);
		break;
	case PF_EV_VF_REFUSED:
		mgmt_log(OS_LOG_WARN, "VF %u: a request of its guest was refused: %s", ev->vf,
			 pf_rule_text(ev->rule));
		break;
	case PF_EV_VF_MAC:
		mgmt_log(OS_LOG_INFO, "VF %u: its guest changed the address", ev->vf);
		break;
	case PF_EV_SPOOF:
		mgmt_log(OS_LOG_WARN, "VF %u: frames with a forged source were dropped", ev->vf);
		break;
	case PF_EV_LINK:
		break;
	}
}

static void on_event(void *ctx, const struct pf_event *ev)
{
	struct mgmt_hw *hw = ctx;
	unsigned int held;

	if (ev->type == PF_EV_LINK) {
		hw->link_changed = true; /* pf_ must not be called back from in here */
		return;
	}
	if (ev->vf >= PF_VFS_MAX || (unsigned int)ev->type > PF_EV_SPOOF)
		return;
	if (!mgmt_ratelimit(&hw->events[ev->vf][ev->type], os_now_us(hw->dev), EVENT_BURST,
			    EVENT_PER_US, &held))
		return;
	if (held && ev->type != PF_EV_VF_FLR)
		mgmt_log(OS_LOG_WARN, "VF %u: %u events like this one were not logged", ev->vf,
			 held);
	log_vf(ev);
}

/* The thread's side. */

static int service(void *ctx)
{
	struct mgmt_hw *hw = ctx;
	int ret = pf_service(hw->pf);

	if (hw->link_changed) {
		hw->link_changed = false;
		log_link(hw);
	}
	return ret;
}

static void irq_ack(void *ctx)
{
	struct mgmt_hw *hw = ctx;

	pf_irq_ack(hw->pf);
}

static void failed(void *ctx, int ret)
{
	struct mgmt_hw *hw = ctx;
	unsigned int held;

	if (!mgmt_ratelimit(&hw->resets, os_now_us(hw->dev), 1, RESET_PER_US, &held))
		return;
	mgmt_log(OS_LOG_ERR, "the card does not answer (%s), it is reset", strerror(-ret));
	ret = pf_reset(hw->pf);
	if (ret)
		mgmt_log(OS_LOG_ERR, "the reset failed: %s", strerror(-ret));
}

static const struct mgmt_pft_ops pft_ops = {service, irq_ack, failed};

/* The callers' side: each call's arguments go to the thread and wait there. */

static int do_pf_read(void *ctx, void *arg)
{
	struct mgmt_hw *hw = ctx;
	struct mgmt_pf_now *out = arg;

	pf_mac(hw->pf, &out->mac);
	pf_link(hw->pf, &out->link);
	pf_stats(hw->pf, &out->stats);
	return 0;
}

static int pf_read(void *ctx, struct mgmt_pf_now *out)
{
	struct mgmt_hw *hw = ctx;

	return mgmt_pft_call(hw->pft, do_pf_read, out);
}

struct vf_args {
	unsigned int vf;
	struct mgmt_vf_now *now;
	const struct pf_vf_policy *pol;
	enum pf_rule *rule;
	uint32_t *reg;
};

static int do_vf_read(void *ctx, void *arg)
{
	struct mgmt_hw *hw = ctx;
	struct vf_args *a = arg;
	int ret;

	ret = pf_vf_policy_get(hw->pf, a->vf, &a->now->policy);
	if (!ret)
		ret = pf_vf_info(hw->pf, a->vf, &a->now->info);
	return ret ? ret : pf_vf_stats(hw->pf, a->vf, &a->now->stats);
}

static int vf_read(void *ctx, unsigned int vf, struct mgmt_vf_now *out)
{
	struct mgmt_hw *hw = ctx;
	struct vf_args a = {.vf = vf, .now = out};

	return mgmt_pft_call(hw->pft, do_vf_read, &a);
}

static int do_policy_set(void *ctx, void *arg)
{
	struct mgmt_hw *hw = ctx;
	struct vf_args *a = arg;

	return pf_vf_policy_set(hw->pf, a->vf, a->pol, a->rule);
}

static int policy_set(void *ctx, unsigned int vf, const struct pf_vf_policy *pol,
		      enum pf_rule *rule)
{
	struct mgmt_hw *hw = ctx;
	struct vf_args a = {.vf = vf, .pol = pol, .rule = rule};

	return mgmt_pft_call(hw->pft, do_policy_set, &a);
}

/* The reset that came before has to be seen first, or serving it later would undo the scrub's
 * proof. */
static int do_scrub(void *ctx, void *arg)
{
	struct mgmt_hw *hw = ctx;
	struct vf_args *a = arg;
	unsigned int i;

	for (i = 0; i < SERVE_ROUNDS && pf_service(hw->pf) > 0; i++)
		;
	return pf_vf_scrub(hw->pf, a->vf, a->reg);
}

static int scrub(void *ctx, unsigned int vf, uint32_t *reg)
{
	struct mgmt_hw *hw = ctx;
	struct vf_args a = {.vf = vf, .reg = reg};

	return mgmt_pft_call(hw->pft, do_scrub, &a);
}

static const struct mgmt_card_ops card_ops = {pf_read, vf_read, policy_set, scrub};

static int start_driver(struct mgmt_hw *hw, const char *bdf, unsigned int vfs, struct os_err *err)
{
	struct pf_config cfg = {.num_vfs = vfs, .event = on_event, .ctx = hw};
	int ret;

	hw->mem =
		aligned_alloc(CACHE_LINE, (pf_size() + CACHE_LINE - 1) & ~(size_t)(CACHE_LINE - 1));
	if (!hw->mem)
		return os_err_set(err, -ENOMEM, "memory", "free some", "%s was not started", bdf);
	memset(hw->mem, 0, pf_size());
	ret = pf_init(hw->mem, hw->dev, &cfg, &hw->pf);
	if (!ret) {
		pf_irq_enable(hw->pf, 0);
		ret = pf_start(hw->pf);
	}
	if (ret)
		return os_err_set(
			err, ret, strerror(-ret),
			"the log above says where it stopped; a power cycle resets the card",
			"the driver could not start %s", bdf);
	return 0;
}

static int start_irq(struct mgmt_hw *hw, struct os_err *err)
{
	hw->irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hw->irq_fd < 0)
		return os_err_set(err, -errno, "eventfd", "free some descriptors",
				  "the interrupt was not set up");
	return vfio_irq_set(hw->dev, &hw->irq_fd, 1, err);
}

int mgmt_hw_start(const char *bdf, const struct vfio_token *token, unsigned int vfs,
		  struct mgmt_hw **out, struct mgmt_card *card, struct os_err *err)
{
	struct vfio_args args = {.bdf = bdf, .token = token};
	struct mgmt_hw *hw = calloc(1, sizeof(*hw));
	int ret;

	if (!hw)
		return os_err_set(err, -ENOMEM, "memory", "free some", "%s was not opened", bdf);
	hw->irq_fd = -1;
	ret = vfio_open(&args, &hw->dev, err);
	if (!ret)
		ret = vfio_sriov_set(bdf, vfs, err);
	if (!ret)
		ret = start_irq(hw, err);
	if (!ret)
		ret = start_driver(hw, bdf, vfs, err);
	if (ret)
		goto err_stop;
	log_link(hw);
	ret = mgmt_pft_start(&pft_ops, hw, hw->irq_fd, &hw->pft);
	if (ret) {
		ret = os_err_set(err, ret, strerror(-ret), "free memory or threads",
				 "the driver's thread did not start");
		goto err_stop;
	}
	card->ops = &card_ops;
	card->ctx = hw;
	*out = hw;
	return 0;
err_stop:
	mgmt_hw_stop(hw);
	return ret;
}

void mgmt_hw_stop(struct mgmt_hw *hw)
{
	struct os_err err;

	if (!hw)
		return;
	mgmt_pft_stop(hw->pft);
	if (hw->pf) {
		pf_irq_disable(hw->pf);
		pf_stop(hw->pf);
		pf_fini(hw->pf);
	}
	if (hw->dev && hw->irq_fd >= 0 && vfio_irq_set(hw->dev, NULL, 0, &err))
		mgmt_log_err(OS_LOG_WARN, &err);
	vfio_close(hw->dev);
	if (hw->irq_fd >= 0)
		close(hw->irq_fd);
	free(hw->mem);
	free(hw);
}
