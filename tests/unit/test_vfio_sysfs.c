/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of what the VFIO host reads from sysfs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfio_tree.h"

static void test_func_pf(void **state)
{
	struct os_err err = {0};
	struct vfio_func f;

	(void)state;
	assert_int_equal(vfio_func_read(PF, &f, &err), 0);
	assert_string_equal(f.bdf, PF);
	assert_int_equal(f.vendor, 0x8086);
	assert_int_equal(f.device, 0x10c9);
	assert_string_equal(f.driver, "igb");
	assert_string_equal(f.override, "");
	assert_int_equal(f.group, 14);
	assert_int_equal(f.group_size, 1);
	assert_int_equal(f.total_vfs, 7);
	assert_int_equal(f.num_vfs, 0);
	assert_string_equal(f.physfn, "");
}

static void test_func_short_and_upper_case_address(void **state)
{
	struct vfio_func f;

	(void)state;
	assert_int_equal(vfio_func_read("01:00.0", &f, NULL), 0);
	assert_string_equal(f.bdf, PF);
	assert_int_equal(vfio_func_read("0000:00:1F.2", &f, NULL), 0);
	assert_string_equal(f.bdf, "0000:00:1f.2");
}

static void test_func_address_malformed(void **state)
{
	static const char *const bad[] = {
		"",	   "x",		 "01:00",	"1:00.0",   "01:20.0",
		"01:00.8", "01:00.0 ",	 "01:00.00",	"::",	    "0000:0000:01:00.0",
		"../etc",  "01:00.0/..", "0000:01:00.", ":01:00.0", "00000:01:00.0"};
	struct os_err err;
	struct vfio_func f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(vfio_func_read(bad[i], &f, &err), -EINVAL);
		assert_int_equal(err.no, -EINVAL);
		assert_true(err.what[0] && err.rule[0] && err.mend[0]);
	}
}

static void test_func_absent(void **state)
{
	struct os_err err = {0};
	struct vfio_func f;

	(void)state;
	assert_int_equal(vfio_func_read("0000:7f:00.0", &f, &err), -ENODEV);
	assert_non_null(strstr(err.what, "0000:7f:00.0"));
	assert_non_null(strstr(err.mend, "lspci"));
}

static void test_func_no_iommu(void **state)
{
	struct os_err err = {0};
	char others[32];
	struct vfio_func f;

	(void)state;
	tree_func("0000:02:00.0", "0x10c9", "0x020000", -1);
	assert_int_equal(vfio_func_read("0000:02:00.0", &f, NULL), 0);
	assert_int_equal(f.group, -1);
	assert_int_equal(vfio_group_others("0000:02:00.0", others, sizeof(others), &err), -ENODEV);
	assert_non_null(strstr(err.rule, "IOMMU"));
	assert_non_null(strstr(err.mend, "intel_iommu=on"));
}

static void test_func_group_of_noiommu_mode_counts_as_none(void **state)
{
	struct vfio_func f;

	(void)state;
	tree_put("vfio-noiommu", "sys/kernel/iommu_groups/14/name");
	assert_int_equal(vfio_func_read(PF, &f, NULL), 0);
	assert_int_equal(f.group, -1);
}

static void test_vf_names(void **state)
{
	struct os_err err = {0};
	char bdf[VFIO_BDF_LEN];
	struct vfio_func f;

	(void)state;
	tree_vfs(PF, 3, "vfio-pci");
	assert_int_equal(vfio_vf_bdf(PF, 2, bdf, NULL), 0);
	assert_string_equal(bdf, "0000:01:10.4");
	assert_int_equal(vfio_func_read(bdf, &f, NULL), 0);
	assert_string_equal(f.physfn, PF);
	assert_int_equal(vfio_vf_bdf(PF, 3, bdf, &err), -ENODEV);
	assert_non_null(strstr(err.rule, "3 of 7"));
	assert_int_equal(vfio_vf_bdf("0000:00:1f.2", 0, bdf, &err), -ENODEV);
	assert_non_null(strstr(err.rule, "not an SR-IOV device"));
}

static void test_group_others_without_bridges(void **state)
{
	char others[64];

	(void)state;
	assert_int_equal(vfio_group_others("0000:00:1f.2", others, sizeof(others), NULL), 1);
	assert_string_equal(others, "0000:00:1f.0");
	assert_int_equal(vfio_group_others(PF, others, sizeof(others), NULL), 0);
	assert_string_equal(others, "");
}

static void test_group_others_cut_at_a_name(void **state)
{
	char others[16];

	(void)state;
	tree_func("0000:00:1f.3", "0x2930", "0x0c0500", 5);
	assert_int_equal(vfio_group_others("0000:00:1f.2", others, sizeof(others), NULL), 2);
	assert_int_equal(strlen(others), 12);
	assert_int_equal(vfio_group_others("0000:00:1f.2", NULL, 0, NULL), 2);
}

static void test_intremap_on(void **state)
{
	(void)state;
	assert_int_equal(vfio_intremap(NULL), 1);
}

static void test_intremap_off(void **state)
{
	(void)state;
	tree_put("IO-APIC", "sys/kernel/irq/9/chip_name");
	tree_mkdir("sys/kernel/irq/24");
	tree_put("PCI-MSI", "sys/kernel/irq/24/chip_name");
	assert_int_equal(vfio_intremap(NULL), 0);
}

static void test_intremap_unknown(void **state)
{
	struct os_err err = {0};

	(void)state;
	tree_put("", "sys/kernel/irq/9/chip_name");
	assert_int_equal(vfio_intremap(&err), -ENOENT);
	assert_true(err.rule[0] != 0);
}

static void test_in_use(void **state)
{
	struct os_err err = {0};

	(void)state;
	tree_vfs(PF, 1, "vfio-pci");
	assert_int_equal(vfio_in_use(VF0, NULL), 0);
	tree.busy_group = 20;
	assert_int_equal(vfio_in_use(VF0, NULL), 1);
	tree_bind(VF0, "igbvf"); /* VFIO is out of it then */
	assert_int_equal(vfio_in_use(VF0, NULL), 0);
	assert_int_equal(vfio_in_use("0000:7f:00.0", &err), -ENODEV);
}

static int open_denied(const char *path)
{
	(void)path;
	return -EACCES;
}

static void test_in_use_no_permission(void **state)
{
	struct os_err err = {0};

	(void)state;
	tree_vfs(PF, 1, "vfio-pci");
	vfio_paths.open_group = open_denied;
	assert_int_equal(vfio_in_use(VF0, &err), -EACCES);
	assert_non_null(strstr(err.mend, "root"));
}

static void test_open_without_iommu(void **state)
{
	struct vfio_args args = {.bdf = "0000:02:00.0"};
	struct os_err err = {0};
	struct os_dev *dev = NULL;

	(void)state;
	tree_func("0000:02:00.0", "0x10c9", "0x020000", -1);
	assert_int_equal(vfio_open(&args, &dev, &err), -ENODEV);
	assert_null(dev);
	assert_non_null(strstr(err.rule, "IOMMU"));
}

static void test_open_without_vfio(void **state)
{
	struct vfio_args args = {.bdf = PF};
	struct os_err err = {0};
	struct os_dev *dev = NULL;

	(void)state;
	assert_int_equal(vfio_open(&args, &dev, &err), -ENOENT);
	assert_null(dev);
	assert_non_null(strstr(err.mend, "modprobe"));
	vfio_close(NULL);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_func_pf),
		TREE_TEST(test_func_short_and_upper_case_address),
		TREE_TEST(test_func_address_malformed),
		TREE_TEST(test_func_absent),
		TREE_TEST(test_func_no_iommu),
		TREE_TEST(test_func_group_of_noiommu_mode_counts_as_none),
		TREE_TEST(test_vf_names),
		TREE_TEST(test_group_others_without_bridges),
		TREE_TEST(test_group_others_cut_at_a_name),
		TREE_TEST(test_intremap_on),
		TREE_TEST(test_intremap_off),
		TREE_TEST(test_intremap_unknown),
		TREE_TEST(test_in_use),
		TREE_TEST(test_in_use_no_permission),
		TREE_TEST(test_open_without_iommu),
		TREE_TEST(test_open_without_vfio),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
