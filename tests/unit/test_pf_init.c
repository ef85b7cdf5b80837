/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Start and stop: the order of the datasheet's initialisation, and what fails on the way. */
#include "pf_sim.h"

#include "hw/pci.h"

static size_t at(struct sim *s, uint32_t reg, size_t from)
{
	long i = fake_log_find(s->dev, reg, from);

	if (i < 0)
		fail_msg("register %05x was not written after step %zu", reg, from);
	return (size_t)i;
}

static size_t last_at(struct sim *s, uint32_t reg)
{
	size_t i = s->dev->nlog;

	while (i-- > 0)
		if (s->dev->log[i].reg == reg)
			return i;
	fail_msg("register %05x was not written", reg);
	return 0;
}

static void test_start_follows_the_datasheets_order(void **state)
{
	static const uint32_t order[] = {IGB_VET,  IGB_FCAL, IGB_MDIC, IGB_VMOLR(0),
					 IGB_VFTE, IGB_RCTL, IGB_TCTL, IGB_CTRL_EXT};
	struct sim *s = sim_new(SIM_VFS);
	size_t i;

	*state = s;
	assert_int_equal(pf_start(s->pf), 0);
	assert_true(at(s, IGB_IMC, 0) < s->resets_at);
	assert_true(at(s, IGB_RCTL, 0) < s->resets_at);
	assert_true(at(s, IGB_TCTL, 0) < s->resets_at);
	/* VFRE and VFTE are all ones after a reset: closed before anything else is done */
	assert_int_equal(at(s, IGB_VFRE, s->resets_at), s->resets_at + 1);
	assert_int_equal(s->dev->log[s->resets_at + 1].val, 0);
	assert_int_equal(s->dev->log[at(s, IGB_VFTE, s->resets_at)].val, 0);
	assert_int_equal(s->dev->log[at(s, IGB_IMC, s->resets_at)].val, UINT32_MAX);
	i = s->resets_at;
	for (unsigned int n = 0; n < ARRAY_SIZE(order); n++) {
		size_t next = last_at(s, order[n]);

		if (next <= i)
			fail_msg("register %05x is written too early", order[n]);
		i = next;
	}
	assert_int_equal(i, s->dev->nlog - 1);
	assert_true(s->dev->log[i].val & IGB_CTRL_EXT_PFRSTD);
	assert_true(s->dev->log[i].val & IGB_CTRL_EXT_DRV_LOAD);
	/* No request without snoop, from before the first queue is there; PFRSTD is the last. */
	i = at(s, IGB_CTRL_EXT, s->resets_at);
	assert_true(i < at(s, IGB_VFTE, s->resets_at + 3));
	assert_int_equal(s->dev->log[i].val & (IGB_CTRL_EXT_NS_DIS | IGB_CTRL_EXT_PFRSTD),
			 IGB_CTRL_EXT_NS_DIS);
	assert_true(sim_get(s, IGB_CTRL_EXT) & IGB_CTRL_EXT_NS_DIS);
}

static void test_start_leaves_what_is_wanted(void **state)
{
	struct sim *s = sim_new(SIM_VFS);
	uint32_t rctl;

	*state = s;
	assert_int_equal(pf_start(s->pf), 0);
	rctl = sim_get(s, IGB_RCTL);
	assert_int_equal(rctl & (IGB_RCTL_EN | IGB_RCTL_VFE | IGB_RCTL_LPE | IGB_RCTL_UPE),
			 IGB_RCTL_EN | IGB_RCTL_VFE | IGB_RCTL_LPE);
	assert_true(sim_get(s, IGB_TCTL) & IGB_TCTL_EN);
	assert_int_equal(sim_get(s, IGB_QDE), 0x7f7f);
	assert_int_equal(sim_get(s, IGB_VFRE), BIT(PF_POOL));
	assert_true(sim_get(s, IGB_DTXCTL) & IGB_DTXCTL_SPOOF_INT);
	assert_true(sim_get(s, IGB_CTRL) & IGB_CTRL_SLU);
	assert_int_equal(sim_get(s, IGB_SW_FW_SYNC), 0);
	assert_false(sim_get(s, IGB_SWSM) & (IGB_SWSM_SMBI | IGB_SWSM_SWESMBI));
	assert_int_equal(sim_get(s, IGB_DTXSWC) & ~IGB_DTXSWC_LOOPBACK, 0x7f7f);
	assert_int_equal(sim_pools_of(s, s->pf_mac), BIT(PF_POOL));
	for (unsigned int vf = 0; vf < SIM_VFS; vf++)
		assert_int_equal(sim_pools_of(s, sim_info(s, vf).mac.b), BIT(vf));
}

static void test_init_refuses_other_devices_and_too_many_vfs(void **state)
{
	struct os_dev *dev = fake_new();
	struct pf_config cfg = {.num_vfs = 8};
	void *mem = aligned_alloc(64, (pf_size() + 63) & ~(size_t)63);
	struct pf *pf;

	(void)state;
	memset(mem, 0, pf_size());
	assert_int_equal(pf_init(mem, dev, &cfg, &pf), -EINVAL);
	cfg.num_vfs = 7;
	cfg.pf_queue = 100;
	assert_int_not_equal(pf_init(mem, dev, &cfg, &pf), 0);
	cfg.pf_queue = 0;
	os_cfg_wr16(dev, PCI_DEVICE_ID, IGB_DEV_ID_82576_VF);
	assert_int_equal(pf_init(mem, dev, &cfg, &pf), -ENODEV);
	os_cfg_wr16(dev, PCI_DEVICE_ID, 0x10d3);
	assert_int_equal(pf_init(mem, dev, &cfg, &pf), -ENODEV);
	assert_int_equal(dev->nlog, 0);
	free(mem);
	fake_free(dev);
}

static void test_init_gives_all_memory_back_at_every_failure(void **state)
{
	struct pf_config cfg = {.num_vfs = 7, .pf_queue = 64};
	size_t len = (pf_size() + 63) & ~(size_t)63;
	void *mem = aligned_alloc(64, len);
	struct pf *pf = NULL;
	int err = -ENOMEM;

	(void)state;
	for (int after = 0; after < 16 && err; after++) {
		struct os_dev *dev = fake_new();

		memset(mem, 0, len);
		dev->dma_fail_after = after;
		err = pf_init(mem, dev, &cfg, &pf);
		if (err)
			assert_int_equal(err, -ENOMEM);
		else
			pf_fini(pf);
		fake_free(dev); /* fails when memory is left */
	}
	assert_int_equal(err, 0);
	free(mem);
}

static void test_start_fails_when_the_reset_does_not_end(void **state)
{
	struct sim *s = sim_new(SIM_VFS);

	*state = s;
	s->reset_sticks = true;
	assert_int_equal(pf_start(s->pf), -ETIMEDOUT);
	assert_int_equal(sim_get(s, IGB_VFRE), 0);
	assert_int_equal(sim_get(s, IGB_VFTE), 0);
	assert_int_equal(pf_service(s->pf), 0);
	s->reset_sticks = false;
	assert_int_equal(pf_start(s->pf), 0);
}

static void test_start_fails_without_a_mac_or_a_phy(void **state)
{
	struct sim *s = sim_new(SIM_VFS);

	*state = s;
	s->no_mac = true;
	assert_int_equal(pf_start(s->pf), -EIO);
	s->no_mac = false;
	s->phy_error = true;
	assert_int_equal(pf_start(s->pf), -EIO);
	assert_int_equal(sim_get(s, IGB_RCTL), 0);
	assert_int_equal(sim_get(s, IGB_VFRE), 0);
	s->phy_error = false;
	assert_int_equal(pf_start(s->pf), 0);
}

/* A reset that leaves SMBI set, as a killed driver does on a card that keeps it over CTRL.RST. */
static uint32_t leave_smbi(struct os_dev *dev, uint32_t reg, uint32_t val)
{
	uint32_t stored = sim_write(dev, reg, val);

	if (reg == IGB_CTRL && (val & IGB_CTRL_RST))
		dev->reg[IGB_SWSM / 4] = IGB_SWSM_SMBI;
	return stored;
}

static void test_start_frees_a_semaphore_that_was_left(void **state)
{
	struct sim *s = sim_new(SIM_VFS);

	*state = s;
	s->dev->on_write = leave_smbi;
	assert_int_equal(pf_start(s->pf), 0);
	assert_false(sim_get(s, IGB_SWSM) & IGB_SWSM_SMBI);
}

static void test_start_loads_a_policy_that_was_set_before(void **state)
{
	struct sim *s = sim_new(SIM_VFS);
	struct pf_vf_policy pol = sim_policy();
	static const uint8_t mac[6] = {0x02, 1, 2, 3, 4, 5};

	*state = s;
	memcpy(pol.mac.b, mac, 6);
	pol.vlan = 33;
	pol.spoofchk = false;
	assert_int_equal(sim_set(s, 2, &pol, NULL), 0);
	sim_assert_nothing_done(s);
	assert_int_equal(pf_start(s->pf), 0);
	assert_int_equal(sim_pools_of(s, mac), BIT(2));
	assert_int_equal(sim_pools_of_vlan(s, 33), BIT(2));
	assert_int_equal(field_get(IGB_DTXSWC_MAC_SPOOF, sim_get(s, IGB_DTXSWC)), 0x7b);
}

static void test_stop_leaves_the_device_quiet(void **state)
{
	struct sim *s = sim_started();

	*state = s;
	pf_irq_enable(s->pf, 0);
	sim_vf_reset(s, 0);
	sim_forget(s);
	pf_stop(s->pf);
	assert_int_equal(s->dev->log[fake_log_find(s->dev, IGB_VMBMEM(0), 0)].val, MBX_PF_CONTROL);
	assert_true(at(s, IGB_VMBMEM(0), 0) < s->resets_at);
	assert_int_equal(sim_get(s, IGB_RCTL), 0);
	assert_int_equal(sim_get(s, IGB_TCTL), 0);
	assert_int_equal(sim_get(s, IGB_VFRE), 0);
	assert_int_equal(sim_get(s, IGB_VFTE), 0);
	assert_int_equal(sim_get(s, IGB_EIMS), 0);
	assert_int_equal(sim_get(s, IGB_CTRL_EXT), 0);
	fake_log_clear(s->dev);
	assert_int_equal(pf_service(s->pf), 0);
	pf_stop(s->pf);
	assert_int_equal(s->dev->nlog, 0);
	assert_int_equal(pf_start(s->pf), 0);
}

static void test_own_queues_are_started_and_stopped_with_the_pf(void **state)
{
	struct pf_config cfg = {.num_vfs = 1, .pf_queue = 64};
	struct sim *s = sim_new(1);
	size_t len = (pf_size() + 63) & ~(size_t)63;
	void *mem = aligned_alloc(64, len);
	struct vfq_buf *buf;
	struct pf *pf;

	*state = s;
	memset(mem, 0, len);
	assert_int_equal(pf_init(mem, s->dev, &cfg, &pf), 0);
	assert_int_equal(pf_rx_burst(pf, &buf, 1), 0); /* not started */
	assert_int_equal(pf_start(pf), 0);
	assert_true(sim_get(s, IGB_RXQ(7) + IGB_RXDCTL) & IGB_RXDCTL_ENABLE);
	assert_true(sim_get(s, IGB_TXQ(7) + IGB_TXDCTL) & IGB_TXDCTL_ENABLE);
	buf = pf_buf_get(pf);
	assert_non_null(buf);
	buf->len = 60;
	buf->frame_len = 60;
	buf->nsegs = 1;
	assert_int_equal(pf_tx_burst(pf, &buf, 1), 1);
	assert_int_equal(sim_get(s, IGB_TXQ(7) + IGB_TDT), 1);
	assert_int_equal(pf_reset(pf), 0);
	assert_true(sim_get(s, IGB_RXQ(7) + IGB_RXDCTL) & IGB_RXDCTL_ENABLE);
	assert_int_equal(sim_get(s, IGB_TXQ(7) + IGB_TDT), 0);
	pf_fini(pf);
	assert_int_equal(s->dev->dma_live, 0);
	free(mem);
}

static void test_without_queues_bursts_answer_zero(void **state)
{
	struct sim *s = sim_started();
	struct vfq_buf *buf = NULL;

	*state = s;
	assert_int_equal(pf_rx_burst(s->pf, &buf, 1), 0);
	assert_int_equal(pf_tx_burst(s->pf, &buf, 1), 0);
	assert_null(pf_buf_get(s->pf));
}

#define own(f) cmocka_unit_test_teardown(f, sim_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		own(test_start_follows_the_datasheets_order),
		own(test_start_leaves_what_is_wanted),
		cmocka_unit_test(test_init_refuses_other_devices_and_too_many_vfs),
		cmocka_unit_test(test_init_gives_all_memory_back_at_every_failure),
		own(test_start_fails_when_the_reset_does_not_end),
		own(test_start_fails_without_a_mac_or_a_phy),
		own(test_start_frees_a_semaphore_that_was_left),
		own(test_start_loads_a_policy_that_was_set_before),
		own(test_stop_leaves_the_device_quiet),
		own(test_own_queues_are_started_and_stopped_with_the_pf),
		own(test_without_queues_bursts_answer_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
