/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* A card and VMs that are plain memory, for the manager's tests. */
#include "mgmt_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct fake *the_fake; /* the VM calls have no context */

static void fake_note(char what)
{
	size_t n = strlen(the_fake->log);

	if (n < sizeof(the_fake->log) - 1)
		the_fake->log[n] = what;
}

static int fake_pf_read(void *ctx, struct mgmt_pf_now *out)
{
	struct fake *f = ctx;

	memset(out, 0, sizeof(*out));
	out->mac = f->pf_mac;
	out->link = (struct pf_link){true, true, 1000};
	return 0;
}

static int fake_vf_read(void *ctx, unsigned int vf, struct mgmt_vf_now *out)
{
	struct fake *f = ctx;

	memset(out, 0, sizeof(*out));
	if (vf >= FAKE_VFS)
		return -EINVAL;
	out->policy = f->policy[vf];
	out->info.mac = mac_is_zero(&f->policy[vf].mac) ? f->vf_mac[vf] : f->policy[vf].mac;
	out->stats.rx_packets = 100 + vf;
	return 0;
}

static int fake_policy_set(void *ctx, unsigned int vf, const struct pf_vf_policy *pol,
			   enum pf_rule *rule)
{
	struct fake *f = ctx;
	unsigned int i;

	if ((int)vf == f->refuse_vf) {
		*rule = PF_RULE_VLAN_FULL;
		return -ENOSPC;
	}
	for (i = 0; i < FAKE_VFS; i++) {
		if (i != vf && !mac_is_zero(&pol->mac) && mac_equal(&pol->mac, &f->policy[i].mac)) {
			*rule = PF_RULE_MAC_TAKEN;
			return -EADDRINUSE;
		}
	}
	f->policy[vf] = *pol;
	f->sets++;
	return 0;
}

static int fake_scrub(void *ctx, unsigned int vf, uint32_t *reg)
{
	struct fake *f = ctx;

	(void)vf;
	fake_note('s');
	*reg = 0xc028;
	return f->scrub_ret;
}

static int fake_fail(int ret, struct os_err *err)
{
	return ret ? os_err_set(err, ret, "a rule", "a remedy", "it was refused") : 0;
}

static int fake_host_check(const char *bdf, bool unsafe_irq, struct os_err *err)
{
	(void)bdf;
	(void)unsafe_irq;
	fake_note('h');
	return fake_fail(the_fake->host_ret, err);
}

static int fake_reset(const char *bdf, struct os_err *err)
{
	(void)bdf;
	fake_note('r');
	return fake_fail(the_fake->reset_ret, err);
}

static int fake_args(const struct vm_nic *nic, const char *qmp, char args[VM_ARGS_LEN],
		     struct os_err *err)
{
	(void)err;
	fake_note('a');
	snprintf(args, VM_ARGS_LEN, "-device vfio-pci,host=%s,id=%s -qmp unix:%s", nic->bdf,
		 nic->id, qmp);
	return 0;
}

static int fake_probe(const char *qmp, const char *id, pid_t *pid, bool *has, struct os_err *err)
{
	(void)qmp;
	(void)id;
	fake_note('p');
	if (pid)
		*pid = the_fake->pid;
	if (has)
		*has = the_fake->has || (the_fake->has_after_plug && strchr(the_fake->log, '+'));
	return fake_fail(the_fake->probe_ret, err);
}

static int fake_plug(const char *qmp, const struct vm_nic *nic, pid_t *pid, struct os_err *err)
{
	(void)qmp;
	(void)nic;
	fake_note('+');
	if (the_fake->plug_gate) {
		sem_post(the_fake->plugging);
		sem_wait(the_fake->plug_gate);
	}
	*pid = the_fake->pid;
	return fake_fail(the_fake->plug_ret, err);
}

static int fake_unplug(const char *qmp, const char *id, unsigned int ms, struct os_err *err)
{
	(void)qmp;
	(void)id;
	(void)ms;
	fake_note('-');
	return fake_fail(the_fake->unplug_ret, err);
}

static const struct mgmt_card_ops fake_card_ops = {fake_pf_read, fake_vf_read, fake_policy_set,
						   fake_scrub};
static const struct mgmt_vm_ops fake_vm_ops = {fake_host_check, fake_reset, fake_args,
					       fake_probe,	fake_plug,  fake_unplug};

void fake_init(struct fake *f, pid_t pid)
{
	unsigned int i;

	memset(f, 0, sizeof(*f));
	f->refuse_vf = -1;
	f->pid = pid;
	f->pf_mac = (struct mac){{2, 0xff, 0, 0, 0, 0}};
	for (i = 0; i < FAKE_VFS; i++) {
		pf_vf_policy_default(&f->policy[i]);
		f->vf_mac[i] = (struct mac){{2, 0xff, 0, 0, 1, (uint8_t)i}};
	}
	the_fake = f;
}

void fake_core(struct mgmt_core *c, struct fake *f, struct mgmt_store *store)
{
	unsigned int i;

	memset(c, 0, sizeof(*c));
	c->env.card = (struct mgmt_card){&fake_card_ops, f};
	c->env.vm = &fake_vm_ops;
	c->store = store;
	c->num_vfs = FAKE_VFS;
	strcpy(c->link.bdf, "0000:01:00.0");
	for (i = 0; i < FAKE_VFS; i++) {
		snprintf(c->lease[i].bdf, sizeof(c->lease[i].bdf), "0000:01:%02x.%u", 0x10 + i / 4,
			 i % 4 * 2);
		c->lease[i].group = 10 + (int)i;
		c->lease[i].pidfd = -1;
	}
}

pid_t fake_vm_start(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

void fake_vm_end(pid_t *pid)
{
	if (*pid > 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

void fake_dir_make(char *dir)
{
	strcpy(dir, "/tmp/sluice-mgmt-XXXXXX");
	if (!mkdtemp(dir))
		abort();
}

void fake_dir_remove(const char *dir)
{
	static const char *const names[] = {"sluice.db", "sluice.db-journal", "sluiced.lock", "s"};
	char path[128];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}
