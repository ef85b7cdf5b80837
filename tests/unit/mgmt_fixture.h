/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * A core on a fake card and fake VMs, its jobs run by hand, for the tests of the manager's logic.
 */
#ifndef SLUICE_TESTS_UNIT_MGMT_FIXTURE_H
#define SLUICE_TESTS_UNIT_MGMT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include <cmocka.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "mgmt_fake.h"

struct fixture {
	char dir[64];
	struct fake fake;
	struct mgmt_store *store;
	struct mgmt_core core;
	/* What came back: the last error or ack, how many of each, the last attach. */
	struct os_err err;
	int acks, errors, links, dones;
	struct mgmt_lease_msg got;
	/* Jobs that were started and have not run yet. */
	struct mgmt_job *job[8];
	unsigned int jobs;
	int start_ret;
	pid_t vm; /* a process that plays the VM's */
};

/* Runs what was started, and what that starts. */
void fixture_finish(struct fixture *f);
/* The daemon dies, and another starts on the same state. */
void fixture_restart(struct fixture *f);
int fixture_setup(void **state);
int fixture_teardown(void **state);

/* Sends @msg; 0 after an ack, the error, or 1 when there is no answer yet. */
static inline int ask(struct fixture *f, struct nl_msg *msg)
{
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	f->acks = f->errors = f->links = f->dones = 0;
	memset(&f->err, 0, sizeof(f->err));
	memset(f->fake.log, 0, sizeof(f->fake.log));
	mgmt_core_packet(&f->core, 1, hdr, hdr->nlmsg_len);
	nlmsg_free(msg);
	assert_true(f->acks + f->errors <= 1);
	/* Every refusal names rule and remedy. */
	assert_true(!f->errors || (f->err.what[0] && f->err.rule[0] && f->err.mend[0]));
	return f->errors ? f->err.no : f->acks ? 0 : 1;
}

static inline int answer_of(struct fixture *f)
{
	fixture_finish(f);
	assert_int_equal(f->acks + f->errors, 1);
	assert_true(!f->errors || (f->err.what[0] && f->err.rule[0] && f->err.mend[0]));
	return f->errors ? f->err.no : 0;
}

static inline int lease_start(struct fixture *f, int type, const char *vm, int vf, bool cold)
{
	struct mgmt_lease_msg m = {.vf = vf, .cold = cold};

	strncpy(m.vm, vm, sizeof(m.vm) - 1);
	return ask(f, mgmt_msg_lease(5, type, NLM_F_REQUEST | NLM_F_ACK, &m));
}

static inline int attach(struct fixture *f, const char *vm, int vf, bool cold)
{
	int ret = lease_start(f, MGMT_MSG_NEWLEASE, vm, vf, cold);

	return ret == 1 ? answer_of(f) : ret;
}

static inline int detach(struct fixture *f, const char *vm, int vf)
{
	int ret = lease_start(f, MGMT_MSG_DELLEASE, vm, vf, false);

	return ret == 1 ? answer_of(f) : ret;
}

static inline int reset(struct fixture *f, int vf)
{
	int ret = lease_start(f, MGMT_MSG_RESETVF, "", vf, false);

	return ret == 1 ? answer_of(f) : ret;
}

static inline int set(struct fixture *f, const struct mgmt_vf_set *s)
{
	return ask(f, mgmt_msg_setlink(5, "0000:01:00.0", s));
}

static inline void assert_lease(struct fixture *f, unsigned int vf, enum mgmt_state state,
				const char *vm)
{
	assert_string_equal(mgmt_state_name(f->core.lease[vf].state), mgmt_state_name(state));
	assert_string_equal(f->core.lease[vf].vm, vm);
}

/* What the store would say after a crash now. */
static inline int stored(struct fixture *f, unsigned int vf, struct mgmt_lease *l)
{
	struct os_err err;

	return mgmt_store_lease_get(f->store, vf, l, &err);
}

static const struct mgmt_vf_set vlan_and_mac = {
	.vf = 3,
	.has = MGMT_SET_VLAN | MGMT_SET_MAC | MGMT_SET_TRUST,
	.vlan = 100,
	.qos = 3,
	.mac = {{2, 0, 0, 0, 0, 0x10}},
	.trust = true,
};

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

#endif
