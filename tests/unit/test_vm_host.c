/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of the host's fitness and of QEMU's arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "glue/vm.h"
#include "vfio_tree.h"

#define TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"

static int setup(void **state)
{
	int ret = tree_setup(state);

	tree_vfs(PF, 2, "vfio-pci");
	return ret;
}

static void expect_fit(bool unsafe_irq, int no, const char *rule, const char *mend)
{
	struct os_err err = {0};

	assert_int_equal(vm_host_check(VF0, unsafe_irq, &err), no);
	assert_int_equal(err.no, no);
	if (!no)
		return;
	assert_non_null(strstr(err.what, VF0));
	assert_non_null(strstr(err.rule, rule));
	assert_non_null(strstr(err.mend, mend));
}

static void test_check_fit(void **state)
{
	(void)state;
	expect_fit(false, 0, NULL, NULL);
	assert_int_equal(tree.writes, 0);
}

static void test_check_group_shared(void **state)
{
	(void)state;
	tree_func("0000:00:1b.0", "0x293e", "0x040300", 20);
	expect_fit(false, -EBUSY, "IOMMU group 20 holds 0000:00:1b.0 as well", "ACS");
}

static void test_check_no_iommu(void **state)
{
	(void)state;
	tree_link(NULL, "sys/bus/pci/devices/%s/iommu_group", VF0);
	expect_fit(true, -ENODEV, "IOMMU", "intel_iommu=on");
}

static void test_check_no_intremap(void **state)
{
	(void)state;
	tree_put("IO-APIC", "sys/kernel/irq/9/chip_name");
	expect_fit(false, -EPERM, "interrupts", "--unsafe-interrupts");
	expect_fit(true, 0, NULL, NULL);
}

static void test_check_other_driver(void **state)
{
	(void)state;
	tree_bind(VF0, "igbvf");
	expect_fit(false, -EBUSY, "bound to igbvf", "bind");
	tree_unbind(VF0);
	expect_fit(false, -EBUSY, "bound to no driver", "bind");
}

static void test_check_in_use(void **state)
{
	(void)state;
	tree.busy_group = 20;
	expect_fit(false, -EBUSY, "open", "VM");
}

static void test_check_not_a_vf(void **state)
{
	struct os_err err = {0};

	(void)state;
	assert_int_equal(vm_host_check(PF, false, &err), -EINVAL);
	assert_non_null(strstr(err.rule, "virtual functions"));
	assert_int_equal(vm_host_check("0000:7f:00.0", false, &err), -ENODEV);
}

static struct vm_nic nic_new(void)
{
	struct vm_nic nic = {.id = "sluice-vf3", .bdf = "0000:01:10.6"};

	assert_int_equal(vfio_token_parse(TOKEN, &nic.token, NULL), 0);
	return nic;
}

static void test_args(void **state)
{
	struct vm_nic nic = nic_new();
	char args[VM_ARGS_LEN];

	(void)state;
	assert_int_equal(vm_qemu_args(&nic, "/run/sluice/vm1.qmp", args, NULL), 0);
	assert_string_equal(args,
			    "-device pcie-root-port,id=sluice-vf3-port,chassis=1,slot=4230 "
			    "-device vfio-pci,id=sluice-vf3,bus=sluice-vf3-port,host=0000:01:10.6,"
			    "vf-token=" TOKEN " -qmp unix:/run/sluice/vm1.qmp,server=on,wait=off");
	memset(&nic.token, 0, sizeof(nic.token));
	assert_int_equal(vm_qemu_args(&nic, "/run/sluice/vm1.qmp", args, NULL), 0);
	assert_null(strstr(args, "vf-token"));
}

/* What a shell makes of it is what QEMU is to get. */
static void test_args_survive_a_shell(void **state)
{
	static const char path[] = "/run/a b,c'd$(e)/\"x\".qmp";
	struct vm_nic nic = nic_new();
	char args[VM_ARGS_LEN], cmd[VM_ARGS_LEN + 64], out[256] = "", *nl;
	FILE *p;

	(void)state;
	assert_int_equal(vm_qemu_args(&nic, path, args, NULL), 0);
	snprintf(cmd, sizeof(cmd), "set -- %s; echo $#; printf '%%s' \"$6\"", args);
	p = popen(cmd, "r");
	assert_non_null(p);
	assert_true(fread(out, 1, sizeof(out) - 1, p) > 0);
	assert_int_equal(pclose(p), 0);
	nl = strchr(out, '\n');
	assert_non_null(nl);
	*nl = '\0';
	assert_string_equal(out, "6");
	assert_string_equal(nl + 1, "unix:/run/a b,,c'd$(e)/\"x\".qmp,server=on,wait=off");
}

static void test_args_refused(void **state)
{
	struct vm_nic nic = nic_new();
	char args[VM_ARGS_LEN], path[200];
	struct os_err err = {0};

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(vm_qemu_args(&nic, path, args, &err), -ENAMETOOLONG);
	assert_string_equal(args, "");
	assert_true(err.mend[0] != 0);
	memset(path, '\'', 107);
	path[107] = '\0';
	assert_int_equal(vm_qemu_args(&nic, path, args, &err), -ENAMETOOLONG);
	assert_int_equal(vm_qemu_args(&nic, "", args, &err), -ENAMETOOLONG);
	strcpy(nic.bdf, "01:10.0;reboot");
	assert_int_equal(vm_qemu_args(&nic, "/q", args, &err), -EINVAL);
	nic = nic_new();
	strcpy(nic.id, "a b");
	assert_int_equal(vm_qemu_args(&nic, "/q", args, &err), -EINVAL);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_check_fit),
		TREE_TEST(test_check_group_shared),
		TREE_TEST(test_check_no_iommu),
		TREE_TEST(test_check_no_intremap),
		TREE_TEST(test_check_other_driver),
		TREE_TEST(test_check_in_use),
		TREE_TEST(test_check_not_a_vf),
		TREE_TEST(test_args),
		TREE_TEST(test_args_survive_a_shell),
		TREE_TEST(test_args_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
