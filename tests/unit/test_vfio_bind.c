/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of binding, restoring, resetting and of the number of VFs, on a fabricated sysfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfio_tree.h"

static void assert_told(const struct os_err *err, int no, const char *rule, const char *mend)
{
	assert_int_equal(err->no, no);
	assert_true(err->what[0] != 0);
	assert_non_null(strstr(err->rule, rule));
	assert_non_null(strstr(err->mend, mend));
}

static void test_bind_and_restore(void **state)
{
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind("01:00.0", &was, NULL), 0);
	assert_string_equal(tree_driver(PF), "vfio-pci");
	assert_string_equal(tree_get(PF, "driver_override"), "vfio-pci");
	assert_string_equal(was.driver, "igb");
	assert_int_equal(vfio_restore(&was, NULL), 0);
	assert_string_equal(tree_driver(PF), "igb");
	assert_string_equal(tree_get(PF, "driver_override"), "(null)");
}

static void test_bind_of_nothing_restores_nothing(void **state)
{
	struct vfio_func was;

	(void)state;
	tree_unbind(PF);
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_string_equal(tree_driver(PF), "vfio-pci");
	assert_int_equal(vfio_restore(&was, NULL), 0);
	assert_string_equal(tree_driver(PF), "");
	assert_string_equal(tree_get(PF, "driver_override"), "(null)");
}

static void test_bind_twice_writes_nothing(void **state)
{
	struct vfio_func was;

	(void)state;
	tree_bind(PF, "vfio-pci");
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_int_equal(tree.writes, 0);
	assert_int_equal(vfio_restore(&was, NULL), 0);
	assert_string_equal(tree_driver(PF), "vfio-pci");
}

static void test_bind_with_kernel_vfs(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	tree_vfs(PF, 3, "igbvf");
	assert_int_equal(vfio_bind(PF, &was, &err), -EBUSY);
	assert_told(&err, -EBUSY, "the kernel driver igb has 3 VFs", "sriov_numvfs");
	assert_int_equal(tree.writes, 0);
	assert_string_equal(tree_driver(PF), "igb");
}

static void test_bind_without_iommu(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	tree_func("0000:02:00.0", "0x10c9", "0x020000", -1);
	assert_int_equal(vfio_bind("02:00.0", &was, &err), -ENODEV);
	assert_told(&err, -ENODEV, "IOMMU", "intel_iommu=on");
	assert_int_equal(tree.writes, 0);
}

static void test_bind_no_permission(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	tree.fail_attr = "driver_override";
	tree.fail_no = -EACCES;
	assert_int_equal(vfio_bind(PF, &was, &err), -EACCES);
	assert_told(&err, -EACCES, "ermission", "root");
	assert_string_equal(tree_driver(PF), "igb");
}

static void test_bind_probe_refused_is_undone(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	tree.fail_attr = "drivers_probe";
	tree.fail_no = -EINVAL;
	assert_int_equal(vfio_bind(PF, &was, &err), -EINVAL);
	assert_told(&err, -EINVAL, "nvalid", "dmesg");
	assert_string_equal(tree_driver(PF), "igb");
	assert_string_equal(tree_get(PF, "driver_override"), "(null)");
}

static void test_bind_kernel_does_nothing(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	tree.lazy = true;
	assert_int_equal(vfio_bind(PF, &was, &err), -ETIMEDOUT);
	assert_told(&err, -ETIMEDOUT, "time limit", "dmesg");
	assert_string_equal(tree_get(PF, "driver_override"), "(null)");
}

/* A modprobe that makes the driver's directory appear, or does not. */
static void put_modprobe(const char *script)
{
	static char path[192];

	tree_put(script, "modprobe");
	snprintf(path, sizeof(path), "%s/modprobe", tree.root);
	assert_int_equal(chmod(path, 0700), 0);
	vfio_paths.modprobe = path;
	vfio_paths.wait_ms = 10000;
}

static void remove_vfio_pci(void)
{
	tree_link(NULL, "sys/bus/pci/drivers/vfio-pci/bind");
	tree_link(NULL, "sys/bus/pci/drivers/vfio-pci/unbind");
	char path[192];

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/vfio-pci", tree.sysfs);
	assert_int_equal(rmdir(path), 0);
}

static void test_bind_loads_the_module(void **state)
{
	struct vfio_func was;

	(void)state;
	remove_vfio_pci();
	put_modprobe("#!/bin/sh\ntest \"$2\" = vfio-pci && mkdir ${0%/*}/sys/bus/pci/drivers/$2");
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_string_equal(tree_driver(PF), "vfio-pci");
}

static void test_bind_module_fails(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	remove_vfio_pci();
	put_modprobe("#!/bin/sh\nexit 1");
	assert_int_equal(vfio_bind(PF, &was, &err), -ENODEV);
	assert_told(&err, -ENODEV, "module", "modprobe");
	assert_int_equal(tree.writes, 0);
	assert_string_equal(tree_driver(PF), "igb");
}

static void test_bind_module_hangs(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	remove_vfio_pci();
	put_modprobe("#!/bin/sh\nexec cat /dev/zero >/dev/null");
	vfio_paths.wait_ms = 50;
	assert_int_equal(vfio_bind(PF, &was, &err), -ETIMEDOUT);
	assert_told(&err, -ETIMEDOUT, "module", "modprobe");
}

static void test_restore_while_open(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_int_equal(vfio_sriov_set(PF, 2, NULL), 0);
	tree.busy_group = 14;
	assert_int_equal(vfio_restore(&was, &err), -EBUSY);
	assert_told(&err, -EBUSY, "open", "end");
	assert_string_equal(tree_get(PF, "sriov_numvfs"), "2");
	tree.busy_group = 21; /* VF 1 */
	assert_int_equal(vfio_restore(&was, &err), -EBUSY);
	assert_non_null(strstr(err.what, "VF 1"));
	assert_string_equal(tree_driver(PF), "vfio-pci");
	tree.busy_group = -1;
	assert_int_equal(vfio_restore(&was, NULL), 0);
	assert_string_equal(tree_get(PF, "sriov_numvfs"), "0");
	assert_string_equal(tree_driver(PF), "igb");
}

static void test_sriov_set_makes_all(void **state)
{
	struct vfio_func was, f;
	char bdf[VFIO_BDF_LEN];

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_int_equal(vfio_sriov_set(PF, 7, NULL), 0);
	assert_int_equal(vfio_vf_bdf(PF, 6, bdf, NULL), 0);
	assert_string_equal(tree_driver(bdf), "vfio-pci");
	assert_int_equal(vfio_func_read(PF, &f, NULL), 0);
	assert_int_equal(f.num_vfs, 7);
	assert_int_equal(vfio_sriov_set(PF, 0, NULL), 0);
	assert_int_equal(vfio_vf_bdf(PF, 0, bdf, NULL), -ENODEV);
}

static void test_sriov_set_same_number_writes_nothing(void **state)
{
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_int_equal(vfio_sriov_set(PF, 4, NULL), 0);
	tree.writes = 0;
	tree.busy_group = 20;
	assert_int_equal(vfio_sriov_set(PF, 4, NULL), 0);
	assert_int_equal(tree.writes, 0);
}

static void test_sriov_set_too_many(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	tree.writes = 0;
	assert_int_equal(vfio_sriov_set(PF, 8, &err), -ERANGE);
	assert_told(&err, -ERANGE, "7 VFs", "0 to 7");
	assert_int_equal(tree.writes, 0);
}

static void test_sriov_set_wrong_device(void **state)
{
	struct os_err err = {0};

	(void)state;
	assert_int_equal(vfio_sriov_set("0000:00:1f.2", 1, &err), -ENODEV);
	assert_told(&err, -ENODEV, "not an SR-IOV device", "82576");
	assert_int_equal(vfio_sriov_set(PF, 1, &err), -EBUSY);
	assert_told(&err, -EBUSY, "bound to igb", "bind");
	assert_int_equal(tree.writes, 0);
}

static void test_sriov_set_with_a_vf_in_use(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_int_equal(vfio_sriov_set(PF, 4, NULL), 0);
	tree.busy_group = 23;
	assert_int_equal(vfio_sriov_set(PF, 2, &err), -EBUSY);
	assert_told(&err, -EBUSY, "removes all VFs", "detach");
	assert_non_null(strstr(err.what, "VF 3 (0000:01:10.6)"));
	assert_string_equal(tree_get(PF, "sriov_numvfs"), "4");
}

static void test_sriov_set_parameter_refused(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	tree.fail_attr = "enable_sriov";
	tree.fail_no = -EACCES;
	assert_int_equal(vfio_sriov_set(PF, 1, &err), -EACCES);
	assert_told(&err, -EACCES, "ermission", "enable_sriov");
	assert_string_equal(tree_get(PF, "sriov_numvfs"), "0");
}

static void test_sriov_set_vfs_never_come(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	tree.lazy = true;
	assert_int_equal(vfio_sriov_set(PF, 2, &err), -ETIMEDOUT);
	assert_told(&err, -ETIMEDOUT, "bound to nothing", "dmesg");
	assert_string_equal(tree_get(PF, "sriov_numvfs"), "0");
}

static void test_sriov_vf_at_another_driver(void **state)
{
	struct os_err err = {0};
	struct vfio_func was;

	(void)state;
	assert_int_equal(vfio_bind(PF, &was, NULL), 0);
	assert_int_equal(vfio_sriov_set(PF, 3, NULL), 0);
	tree_bind("0000:01:10.2", "igbvf");
	assert_int_equal(vfio_sriov_set(PF, 3, &err), -ETIMEDOUT);
	assert_told(&err, -ETIMEDOUT, "igbvf", "unbind");
	assert_non_null(strstr(err.what, "VF 1"));
}

static void test_reset(void **state)
{
	struct os_err err = {0};

	(void)state;
	tree_vfs(PF, 1, "vfio-pci");
	assert_int_equal(vfio_function_reset(VF0, NULL), 0);
	assert_string_equal(tree_get(VF0, "reset"), "1");
	tree.busy_group = 20;
	assert_int_equal(vfio_function_reset(VF0, &err), -EBUSY);
	assert_told(&err, -EBUSY, "open", "end");
}

static int (*tree_open_group)(const char *path);
static int (*tree_write)(const char *path, const char *text);
static int group_fd;

static int note_open(const char *path)
{
	group_fd = tree_open_group(path);
	return group_fd;
}

/* While the function is reset nobody else can open its group: it is open here. */
static int note_write(const char *path, const char *text)
{
	assert_true(group_fd >= 0);
	assert_int_not_equal(fcntl(group_fd, F_GETFD), -1);
	return tree_write(path, text);
}

static void test_reset_keeps_others_out(void **state)
{
	(void)state;
	tree_vfs(PF, 1, "vfio-pci");
	tree_open_group = vfio_paths.open_group;
	tree_write = vfio_paths.write;
	tree_put("", "dev/20");
	group_fd = -1;
	vfio_paths.open_group = note_open;
	vfio_paths.write = note_write;
	assert_int_equal(vfio_function_reset("01:10.0", NULL), 0);
	assert_string_equal(tree_get(VF0, "reset"), "1");
	assert_int_equal(fcntl(group_fd, F_GETFD), -1);
}

static void test_reset_not_supported(void **state)
{
	struct os_err err = {0};

	(void)state;
	tree_vfs(PF, 1, "vfio-pci");
	tree_link(NULL, "sys/bus/pci/devices/%s/reset", VF0);
	assert_int_equal(vfio_function_reset(VF0, &err), -EOPNOTSUPP);
	assert_told(&err, -EOPNOTSUPP, "reset", "function-level");
}

static void test_unsafe_interrupts(void **state)
{
	char val[8];

	(void)state;
	tree_mkdir("sys/module/vfio_iommu_type1/parameters");
	tree_put("N", "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	assert_int_equal(vfio_unsafe_interrupts(NULL), 0);
	assert_int_equal(
		vfio_sysfs_read("module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", val,
				sizeof(val)),
		0);
	assert_string_equal(val, "Y");
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_bind_and_restore),
		TREE_TEST(test_bind_of_nothing_restores_nothing),
		TREE_TEST(test_bind_twice_writes_nothing),
		TREE_TEST(test_bind_with_kernel_vfs),
		TREE_TEST(test_bind_without_iommu),
		TREE_TEST(test_bind_no_permission),
		TREE_TEST(test_bind_probe_refused_is_undone),
		TREE_TEST(test_bind_kernel_does_nothing),
		TREE_TEST(test_bind_loads_the_module),
		TREE_TEST(test_bind_module_fails),
		TREE_TEST(test_bind_module_hangs),
		TREE_TEST(test_restore_while_open),
		TREE_TEST(test_sriov_set_makes_all),
		TREE_TEST(test_sriov_set_same_number_writes_nothing),
		TREE_TEST(test_sriov_set_too_many),
		TREE_TEST(test_sriov_set_wrong_device),
		TREE_TEST(test_sriov_set_with_a_vf_in_use),
		TREE_TEST(test_sriov_set_parameter_refused),
		TREE_TEST(test_sriov_set_vfs_never_come),
		TREE_TEST(test_sriov_vf_at_another_driver),
		TREE_TEST(test_reset),
		TREE_TEST(test_reset_keeps_others_out),
		TREE_TEST(test_reset_not_supported),
		TREE_TEST(test_unsafe_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
