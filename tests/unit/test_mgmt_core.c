/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The manager's logic on a card and VMs of plain memory: leases, recovery, messages. */
#include "mgmt_fixture.h"

/*
 * ---- attach and detach ------------------------------------------------------------------------
 */

static void test_attach_hot_cleans_before_it_plugs(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	assert_int_equal(attach(f, "vm1", -1, false), 0);
	assert_string_equal(f->fake.log, "hprs+");
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
	assert_int_equal(f->got.vf, 0);
	assert_string_equal(f->got.qmp, MGMT_QMP_DIR "/vm1.qmp");
	assert_int_equal(stored(f, 0, &l), 0);
	assert_int_equal(l.state, MGMT_ATTACHED);
	assert_int_equal(l.pid, f->vm);
	/* The first free one is the next. */
	assert_int_equal(attach(f, "vm1", -1, false), 0);
	assert_lease(f, 1, MGMT_ATTACHED, "vm1");
}

static void test_attach_cold_reserves_and_notices_the_vm(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 2, true), 0);
	assert_string_equal(f->fake.log, "hrsa");
	assert_non_null(strstr(f->got.args, "sluice-vf2"));
	assert_non_null(strstr(f->got.args, "-qmp"));
	assert_lease(f, 2, MGMT_RESERVED, "vm1");
	f->fake.probe_ret = -ENOENT;
	mgmt_core_tick(&f->core);
	fixture_finish(f);
	assert_lease(f, 2, MGMT_RESERVED, "vm1");
	f->fake.probe_ret = 0;
	f->fake.has = true;
	mgmt_core_tick(&f->core);
	mgmt_core_tick(&f->core);
	assert_int_equal(f->jobs, 1);
	fixture_finish(f);
	assert_lease(f, 2, MGMT_ATTACHED, "vm1");
}

static void test_attach_second_cold_vf_has_no_second_socket(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, true), 0);
	assert_int_equal(attach(f, "vm1", 1, true), 0);
	assert_non_null(strstr(f->got.args, "sluice-vf1"));
	assert_null(strstr(f->got.args, "-qmp"));
}

/* A look that was taken before the detach is not for the next owner. */
static void test_probe_of_a_former_owner_is_dropped(void **state)
{
	struct fixture *f = *state;
	struct mgmt_job *late;

	assert_int_equal(attach(f, "vm1", 0, true), 0);
	mgmt_core_tick(&f->core);
	late = f->job[0];
	f->jobs = 0;
	f->fake.has = true;
	mgmt_job_run(&f->core.env, late);
	f->fake.has = false;
	assert_int_equal(detach(f, "vm1", 0), 0);
	assert_int_equal(attach(f, "vm2", 0, true), 0);
	mgmt_core_job_done(&f->core, late);
	assert_lease(f, 0, MGMT_RESERVED, "vm2");
}

static void test_attach_what_is_refused(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease_msg m = {.vf = 4, .vm = "vm9", .qmp = MGMT_QMP_DIR "/vm1.qmp"};

	assert_int_equal(attach(f, "vm1", 3, false), 0);
	assert_int_equal(attach(f, "vm1", 3, false), -EEXIST);
	assert_int_equal(attach(f, "vm2", 3, false), -EBUSY);
	assert_int_equal(attach(f, "vm2", 7, false), -EINVAL);
	assert_int_equal(attach(f, "", 1, false), -EINVAL);
	assert_int_equal(ask(f, mgmt_msg_lease(1, MGMT_MSG_NEWLEASE, NLM_F_REQUEST, &m)),
			 -EADDRINUSE);
	f->fake.host_ret = -ENODEV;
	assert_int_equal(attach(f, "vm2", 1, false), -ENODEV);
	assert_string_equal(f->fake.log, "h");
	assert_lease(f, 1, MGMT_FREE, "");
	f->fake.host_ret = 0;
	f->fake.probe_ret = -ECONNREFUSED;
	assert_int_equal(attach(f, "vm2", 1, false), -ECONNREFUSED);
	assert_string_equal(f->fake.log, "hp");
	assert_lease(f, 1, MGMT_FREE, "");
	f->fake.probe_ret = 0;
	f->fake.has = true;
	assert_int_equal(attach(f, "vm2", 1, false), -EEXIST);
	assert_lease(f, 1, MGMT_FREE, "");
}

static void test_attach_when_none_is_free(void **state)
{
	struct fixture *f = *state;
	unsigned int i;

	for (i = 0; i < FAKE_VFS; i++)
		assert_int_equal(attach(f, "vm1", -1, true), 0);
	assert_int_equal(attach(f, "vm2", -1, true), -EBUSY);
}

static void test_attach_plug_that_fails_cleans_again(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	f->fake.plug_ret = -ENOSPC;
	assert_int_equal(attach(f, "vm1", 0, false), -ENOSPC);
	assert_string_equal(f->fake.log, "hprs+hrs");
	assert_lease(f, 0, MGMT_FREE, "");
	assert_int_equal(stored(f, 0, &l), -ENOENT);
}

/* QEMU may pin gigabytes for it, and be silent meanwhile. */
static void test_attach_plug_that_was_late_is_an_attach(void **state)
{
	struct fixture *f = *state;

	f->fake.plug_ret = -ETIMEDOUT;
	assert_int_equal(lease_start(f, MGMT_MSG_NEWLEASE, "vm1", 0, false), 1);
	f->fake.has_after_plug = true;
	assert_int_equal(answer_of(f), 0);
	assert_string_equal(f->fake.log, "hprs+p");
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
	assert_true(f->core.lease[0].pidfd >= 0);
	/* When it has not got there, what the guest saw is cleaned away. */
	f->fake.has_after_plug = false;
	assert_int_equal(attach(f, "vm2", 1, false), -ETIMEDOUT);
	assert_string_equal(f->fake.log, "hprs+phrs");
	assert_lease(f, 1, MGMT_FREE, "");
}

static void test_attach_without_a_thread_is_undone(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	f->start_ret = -EAGAIN;
	assert_int_equal(attach(f, "vm1", 0, false), -EAGAIN);
	assert_lease(f, 0, MGMT_FREE, "");
	assert_int_equal(stored(f, 0, &l), -ENOENT);
}

static void test_second_client_is_told_busy(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(lease_start(f, MGMT_MSG_NEWLEASE, "vm1", 0, false), 1);
	assert_lease(f, 0, MGMT_PREPARING, "vm1");
	assert_int_equal(lease_start(f, MGMT_MSG_NEWLEASE, "vm2", 0, false), -EBUSY);
	assert_int_equal(lease_start(f, MGMT_MSG_DELLEASE, "vm1", 0, false), -EBUSY);
	assert_int_equal(lease_start(f, MGMT_MSG_RESETVF, "", 0, false), -EBUSY);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
	assert_int_equal(lease_start(f, MGMT_MSG_DELLEASE, "vm1", 0, false), 1);
	assert_int_equal(lease_start(f, MGMT_MSG_DELLEASE, "vm1", 0, false), -EBUSY);
	assert_non_null(strstr(f->err.what, "being detached"));
	fixture_finish(f);
	assert_lease(f, 0, MGMT_FREE, "");
}

static void test_detach_unplugs_then_cleans(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	assert_int_equal(attach(f, "vm1", 5, false), 0);
	f->fake.has = true;
	assert_int_equal(detach(f, "vm1", -1), 0);
	assert_string_equal(f->fake.log, "p-hrs");
	assert_lease(f, 5, MGMT_FREE, "");
	assert_int_equal(f->core.lease[5].pidfd, -1);
	assert_int_equal(stored(f, 5, &l), -ENOENT);
}

/* The guest threw it out between the look and the request. */
static void test_detach_of_what_has_just_gone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	f->fake.has = true;
	f->fake.unplug_ret = -ENOENT;
	assert_int_equal(detach(f, "vm1", 0), 0);
	assert_string_equal(f->fake.log, "p-hrs");
	assert_lease(f, 0, MGMT_FREE, "");
}

static void test_detach_what_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(detach(f, "vm1", -1), -ENOENT);
	assert_int_equal(detach(f, "vm1", 2), -ENOENT);
	assert_int_equal(detach(f, "vm1", 99), -EINVAL);
	assert_int_equal(attach(f, "vm1", 0, false), 0);
	assert_int_equal(attach(f, "vm1", 1, false), 0);
	assert_int_equal(detach(f, "vm1", -1), -EINVAL);
	assert_int_equal(detach(f, "vm2", 1), -ENOENT);
	f->fake.has = true;
	f->fake.unplug_ret = -ETIMEDOUT;
	assert_int_equal(detach(f, "vm1", 1), -ETIMEDOUT);
	assert_lease(f, 1, MGMT_ATTACHED, "vm1");
}

/* It lives but does not speak: the VF stays, since it is in use. */
static void test_detach_from_a_vm_without_qmp(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	f->fake.probe_ret = -ECONNREFUSED;
	assert_int_equal(detach(f, "vm1", 0), -ECONNREFUSED);
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
	assert_string_equal(f->fake.log, "p");
	fake_vm_end(&f->vm);
	assert_int_equal(detach(f, "vm1", 0), 0);
	assert_string_equal(f->fake.log, "phrs");
	assert_lease(f, 0, MGMT_FREE, "");
}

static void test_detach_of_a_reservation(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, true), 0);
	f->fake.probe_ret = -ENOENT;
	/* QEMU has opened the VF but does not listen yet. */
	f->fake.host_ret = -EBUSY;
	assert_int_equal(detach(f, "vm1", 0), -EBUSY);
	assert_lease(f, 0, MGMT_RESERVED, "vm1");
	f->fake.host_ret = 0;
	assert_int_equal(detach(f, "vm1", 0), 0);
	assert_lease(f, 0, MGMT_FREE, "");
}

static void test_vm_that_dies_gives_its_vf_back(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	fake_vm_end(&f->vm);
	memset(f->fake.log, 0, sizeof(f->fake.log));
	mgmt_core_died(&f->core, 0);
	assert_lease(f, 0, MGMT_SCRUBBING, "vm1");
	fixture_finish(f);
	assert_string_equal(f->fake.log, "hrs");
	assert_lease(f, 0, MGMT_FREE, "");
	assert_int_equal(stored(f, 0, &l), -ENOENT);
}

static void test_vm_that_died_before_it_was_watched(void **state)
{
	struct fixture *f = *state;

	fake_vm_end(&f->vm);
	assert_int_equal(attach(f, "vm1", 0, false), -ESRCH);
	assert_lease(f, 0, MGMT_FREE, "");
}

static void test_death_without_a_word_is_found_by_the_tick(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	fake_vm_end(&f->vm);
	mgmt_core_tick(&f->core);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_FREE, "");
}

/* Without descriptors a VM cannot be watched, but it lives and has its VF. */
static void test_vm_that_cannot_be_watched_keeps_its_vf(void **state)
{
	struct fixture *f = *state;
	struct rlimit was, none = {0, 0};
	struct mgmt_job *job;

	assert_int_equal(lease_start(f, MGMT_MSG_NEWLEASE, "vm1", 0, false), 1);
	job = f->job[--f->jobs];
	mgmt_job_run(&f->core.env, job);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none.rlim_max = was.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	mgmt_core_job_done(&f->core, job);
	mgmt_core_tick(&f->core);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
	assert_int_equal(f->core.lease[0].pidfd, -1);
	/* Its end is found without a descriptor, though nobody has waited for it. */
	kill(f->vm, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)f->vm, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
	mgmt_core_tick(&f->core);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_FREE, "");
}

static void test_scrub_that_fails_breaks_the_vf(void **state)
{
	struct fixture *f = *state;

	f->fake.scrub_ret = -EBUSY;
	assert_int_equal(attach(f, "vm1", 0, false), -EBUSY);
	assert_non_null(strstr(f->err.rule, "0x0c028"));
	assert_lease(f, 0, MGMT_BROKEN, "");
	assert_int_equal(attach(f, "vm1", 0, false), -EIO);
	assert_int_equal(attach(f, "vm1", -1, true), -EBUSY);
	assert_lease(f, 1, MGMT_BROKEN, "");
	f->fake.scrub_ret = 0;
	assert_int_equal(reset(f, 0), 0);
	assert_lease(f, 0, MGMT_FREE, "");
	assert_int_equal(attach(f, "vm1", 0, false), 0);
}

static void test_reset_only_while_nobody_has_it(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(reset(f, 0), 0);
	assert_string_equal(f->fake.log, "hrs");
	assert_int_equal(reset(f, -1), -EINVAL);
	assert_int_equal(reset(f, 7), -EINVAL);
	/* Somebody else than us has it open: it stays what it was. */
	f->fake.host_ret = -EBUSY;
	assert_int_equal(reset(f, 0), -EBUSY);
	assert_lease(f, 0, MGMT_FREE, "");
	f->fake.host_ret = 0;
	assert_int_equal(attach(f, "vm1", 0, true), 0);
	assert_int_equal(reset(f, 0), -EBUSY);
	assert_int_equal(attach(f, "vm2", 1, false), 0);
	assert_int_equal(reset(f, 1), -EBUSY);
}

/*
 * ---- after a restart --------------------------------------------------------------------------
 */

static void test_restart_finds_the_vm_alive(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	f->fake.has = true;
	fixture_restart(f);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
	assert_string_equal(f->fake.log, "p");
	assert_true(f->core.lease[0].pidfd >= 0);
}

static void test_restart_leaves_a_vm_that_does_not_speak(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	f->fake.probe_ret = -ETIMEDOUT;
	fixture_restart(f);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
}

static void test_restart_finds_the_vm_dead(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(attach(f, "vm1", 0, false), 0);
	assert_int_equal(attach(f, "vm2", 1, true), 0);
	fake_vm_end(&f->vm);
	f->fake.probe_ret = -ENOENT;
	fixture_restart(f);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_FREE, "");
	assert_lease(f, 1, MGMT_RESERVED, "vm2");
	assert_non_null(strstr(f->fake.log, "hrs"));
}

/* The daemon was killed between its intent and the deed. */
static void test_restart_in_the_middle_of_an_attach(void **state)
{
	struct fixture *f = *state;
	struct mgmt_lease l;

	assert_int_equal(lease_start(f, MGMT_MSG_NEWLEASE, "vm1", 0, false), 1);
	assert_int_equal(stored(f, 0, &l), 0);
	assert_int_equal(l.state, MGMT_PREPARING);
	fixture_restart(f);
	assert_lease(f, 0, MGMT_PREPARING, "vm1");
	fixture_finish(f);
	assert_lease(f, 0, MGMT_FREE, "");
	assert_int_equal(lease_start(f, MGMT_MSG_NEWLEASE, "vm1", 0, false), 1);
	f->fake.has = true;
	fixture_restart(f);
	fixture_finish(f);
	assert_lease(f, 0, MGMT_ATTACHED, "vm1");
}

/*
 * ---- messages ---------------------------------------------------------------------------------
 */

static void test_getlink_whole_and_paged(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, mgmt_msg_getlink(1, RTEXT_FILTER_VF | MGMT_EXT_PRIVATE)), 1);
	assert_int_equal(f->links, 1);
	assert_int_equal(f->dones, 1);
	assert_int_equal(
		ask(f, mgmt_msg_getlink(1, RTEXT_FILTER_VF | MGMT_EXT_PRIVATE | MGMT_EXT_PAGED)),
		1);
	assert_int_equal(f->links, FAKE_VFS);
	assert_int_equal(f->dones, 1);
}

static void test_setlink_of_another_card_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ask(f, mgmt_msg_setlink(1, "0000:02:00.0", &vlan_and_mac)), -ENODEV);
	assert_int_equal(ask(f, mgmt_msg_setlink(1, "", &vlan_and_mac)), 0);
}

static void test_messages_that_are_none(void **state)
{
	struct fixture *f = *state;
	struct nlmsghdr h = {.nlmsg_len = sizeof(h), .nlmsg_type = 0x777, .nlmsg_flags = 1};
	uint32_t many[17 * 4] = {0};
	unsigned int i;

	mgmt_core_packet(&f->core, 1, &h, sizeof(h));
	assert_int_equal(f->err.no, -EOPNOTSUPP);
	h.nlmsg_len = 64;
	mgmt_core_packet(&f->core, 1, &h, sizeof(h));
	assert_int_equal(f->err.no, -EINVAL);
	mgmt_core_packet(&f->core, 1, &h, 3);
	assert_int_equal(f->err.no, -EINVAL);
	assert_int_equal(f->errors, 3);
	mgmt_core_oversized(&f->core, 1, &h, sizeof(h));
	assert_int_equal(f->err.no, -EMSGSIZE);
	/* An answer is not answered: two daemons would never end. */
	h = (struct nlmsghdr){.nlmsg_len = sizeof(h), .nlmsg_type = NLMSG_ERROR};
	mgmt_core_packet(&f->core, 1, &h, sizeof(h));
	assert_int_equal(f->errors, 4);
	for (i = 0; i < 17; i++) {
		h = (struct nlmsghdr){.nlmsg_len = sizeof(h), .nlmsg_type = NLMSG_NOOP};
		memcpy(&many[i * 4], &h, sizeof(h));
	}
	mgmt_core_packet(&f->core, 1, many, sizeof(many));
	assert_int_equal(f->err.no, -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_attach_hot_cleans_before_it_plugs),
		TEST(test_attach_cold_reserves_and_notices_the_vm),
		TEST(test_attach_second_cold_vf_has_no_second_socket),
		TEST(test_probe_of_a_former_owner_is_dropped),
		TEST(test_attach_what_is_refused),
		TEST(test_attach_when_none_is_free),
		TEST(test_attach_plug_that_fails_cleans_again),
		TEST(test_attach_plug_that_was_late_is_an_attach),
		TEST(test_attach_without_a_thread_is_undone),
		TEST(test_second_client_is_told_busy),
		TEST(test_detach_unplugs_then_cleans),
		TEST(test_detach_of_what_has_just_gone),
		TEST(test_detach_what_is_refused),
		TEST(test_detach_from_a_vm_without_qmp),
		TEST(test_detach_of_a_reservation),
		TEST(test_vm_that_dies_gives_its_vf_back),
		TEST(test_vm_that_died_before_it_was_watched),
		TEST(test_death_without_a_word_is_found_by_the_tick),
		TEST(test_vm_that_cannot_be_watched_keeps_its_vf),
		TEST(test_scrub_that_fails_breaks_the_vf),
		TEST(test_reset_only_while_nobody_has_it),
		TEST(test_restart_finds_the_vm_alive),
		TEST(test_restart_leaves_a_vm_that_does_not_speak),
		TEST(test_restart_finds_the_vm_dead),
		TEST(test_restart_in_the_middle_of_an_attach),
		TEST(test_getlink_whole_and_paged),
		TEST(test_setlink_of_another_card_is_refused),
		TEST(test_messages_that_are_none),
	};

	return cmocka_run_group_tests_name("mgmt_core", tests, NULL, NULL);
}
