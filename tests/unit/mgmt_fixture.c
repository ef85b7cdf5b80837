/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A core on a fake card and fake VMs, its jobs run by hand. */
#include "mgmt_fixture.h"

static void on_answer(void *ctx, uint64_t client, struct nl_msg *msg)
{
	struct fixture *f = ctx;
	struct nlmsghdr *hdr = nlmsg_hdr(msg);
	struct os_err ignored;

	assert_int_equal(client, 1);
	assert_non_null(msg);
	assert_true(hdr->nlmsg_len <= MGMT_ANSWER_MAX);
	switch (hdr->nlmsg_type) {
	case NLMSG_ERROR:
		if (mgmt_msg_error_parse(hdr, &f->err))
			f->errors++;
		else
			f->acks++;
		break;
	case NLMSG_DONE:
		f->dones++;
		break;
	case RTM_NEWLINK:
		f->links++;
		break;
	case MGMT_MSG_NEWLEASE:
		assert_int_equal(mgmt_msg_lease_parse(hdr, &f->got, &ignored), 0);
		break;
	default:
		fail_msg("an answer of type %u", hdr->nlmsg_type);
	}
	nlmsg_free(msg);
}

static void on_watch(void *ctx, unsigned int vf, int pidfd)
{
	struct fixture *f = ctx;

	assert_int_equal(f->core.lease[vf].pidfd, pidfd);
}

static int on_start(void *ctx, struct mgmt_job *job)
{
	struct fixture *f = ctx;

	if (f->start_ret)
		return f->start_ret;
	assert_true(f->jobs < ARRAY_SIZE(f->job));
	f->job[f->jobs++] = job;
	return 0;
}

static const struct mgmt_core_ops core_ops = {on_answer, on_watch, on_start};

void fixture_finish(struct fixture *f)
{
	struct mgmt_job *job;

	while (f->jobs) {
		job = f->job[0];
		memmove(f->job, f->job + 1, sizeof(f->job[0]) * --f->jobs);
		mgmt_job_run(&f->core.env, job);
		mgmt_core_job_done(&f->core, job);
	}
}

static void make_core(struct fixture *f)
{
	fake_core(&f->core, &f->fake, f->store);
	f->core.ops = &core_ops;
	f->core.ctx = f;
	mgmt_core_start(&f->core);
}

int fixture_setup(void **state)
{
	static struct fixture f;
	struct os_err err;

	memset(&f, 0, sizeof(f));
	fake_dir_make(f.dir);
	f.vm = fake_vm_start();
	fake_init(&f.fake, f.vm);
	assert_int_equal(mgmt_store_open(f.dir, &f.store, &err), 0);
	make_core(&f);
	*state = &f;
	return 0;
}

int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	fixture_finish(f);
	mgmt_core_stop(&f->core);
	fake_vm_end(&f->vm);
	mgmt_store_close(f->store);
	fake_dir_remove(f->dir);
	return 0;
}

void fixture_restart(struct fixture *f)
{
	struct os_err err;

	while (f->jobs)
		free(f->job[--f->jobs]);
	mgmt_core_stop(&f->core);
	mgmt_store_close(f->store);
	assert_int_equal(mgmt_store_open(f->dir, &f->store, &err), 0);
	memset(f->fake.log, 0, sizeof(f->fake.log));
	make_core(f);
}
