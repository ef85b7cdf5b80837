/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* Tests of plugging a VF into a QEMU by QMP and of taking it out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>

#include "vm_server.h"

#define TOKEN "bd8d9d2b-5a5f-4f5a-a211-f591514ba1f3"

static struct vm_nic nic_new(void)
{
	struct vm_nic nic = {.id = "sluice-vf3", .bdf = "0000:01:10.6"};

	assert_int_equal(vfio_token_parse(TOKEN, &nic.token, NULL), 0);
	return nic;
}

static void expect_plug(int no, const char *rule, const char *mend)
{
	struct vm_nic nic = nic_new();
	struct os_err err = {0};
	pid_t pid = 0;

	assert_int_equal(vm_plug(srv.path, &nic, &pid, &err), no);
	assert_int_equal(err.no, no);
	if (!no)
		return;
	assert_int_equal(pid, 0);
	assert_true(err.what[0] != 0);
	assert_non_null(strstr(err.rule, rule));
	assert_non_null(strstr(err.mend, mend));
}

static void test_plug_takes_the_first_free_port(void **state)
{
	struct vm_nic nic = nic_new();
	pid_t pid = 0;

	(void)state;
	assert_int_equal(vm_plug(srv.path, &nic, &pid, NULL), 0);
	assert_int_equal(pid, getpid());
	assert_string_equal(srv.bus, "rp2");
	assert_string_equal(srv.host, "0000:01:10.6");
	assert_string_equal(srv.token, TOKEN);
}

static void test_plug_without_token_needs_no_new_qemu(void **state)
{
	struct vm_nic nic = nic_new();

	(void)state;
	memset(&nic.token, 0, sizeof(nic.token));
	srv.major = 7;
	assert_int_equal(vm_plug(srv.path, &nic, NULL, NULL), 0);
	assert_string_equal(srv.token, "");
}

static void test_plug_uses_a_port_without_id(void **state)
{
	(void)state;
	memset(srv.ports, 0, sizeof(srv.ports));
	srv.anon[0] = (struct port){"device[0]", "child<pcie-root-port>", "pcie.1", false, false};
	expect_plug(0, NULL, NULL);
	assert_string_equal(srv.bus, "pcie.1");
}

static void test_plug_skips_ports_that_cannot(void **state)
{
	(void)state;
	srv.ports[2].no_hotplug = true;
	srv.ports[3] = (struct port){"rp0", "child<e1000e>", "rp0", false, false};
	expect_plug(0, NULL, NULL);
	assert_string_equal(srv.bus, "rp3");
}

static void test_plug_no_free_port(void **state)
{
	(void)state;
	srv.ports[1].occupied = true;
	srv.ports[2].occupied = true;
	expect_plug(-ENOSPC, "root port", "-device pcie-root-port");
	assert_int_equal(srv.adds, 0);
}

static void test_plug_qemu_too_old(void **state)
{
	(void)state;
	srv.major = 8;
	expect_plug(-EOPNOTSUPP, "8.0", "8.1");
	srv.major = 7;
	srv.minor = 2;
	expect_plug(-EOPNOTSUPP, "7.2", "8.1");
	assert_int_equal(srv.adds, 0);
}

static void test_plug_qemu_without_vf_token(void **state)
{
	(void)state;
	srv.no_token = true;
	expect_plug(-EOPNOTSUPP, "vf-token", "QEMU");
	assert_int_equal(srv.adds, 0);
}

static void test_plug_twice(void **state)
{
	(void)state;
	srv.device = "sluice-vf3";
	expect_plug(-EEXIST, "once", "detach");
	assert_int_equal(srv.adds, 0);
}

static void test_plug_qemu_refuses(void **state)
{
	(void)state;
	srv.add_error = "vfio 0000:01:10.6: failed to open /dev/vfio/20: Permission denied";
	expect_plug(-EACCES, "QEMU says: vfio", "/dev/vfio");
	srv.add_error = "vfio 0000:01:10.6: error getting device from group 20: Permission denied";
	expect_plug(-EACCES, "getting device", "token");
	srv.add_error = "vfio 0000:01:10.6: device is already attached";
	expect_plug(-EBUSY, "already attached", "detach");
	srv.add_error = "vfio 0000:01:10.6: failed to open /dev/vfio/20: Device or resource busy";
	expect_plug(-EBUSY, "busy", "uses the VF");
	srv.add_error = "vfio 0000:01:10.6: no such host device: No such file or directory";
	expect_plug(-ENODEV, "no such host device", "vfio-pci");
	srv.add_error =
		"memory listener initialization failed: vfio_dma_map: Cannot allocate memory";
	expect_plug(-ENOMEM, "allocate", "ulimit");
	srv.add_error = "something\nelse entirely";
	expect_plug(-EIO, "something else", "log");
}

static void test_plug_id_malformed(void **state)
{
	static const char *const bad[] = {"", "3vf", "vf 3", "vf,bus=x", "vf/3"};
	struct vm_nic nic = nic_new();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(nic.id, bad[i]);
		assert_int_equal(vm_plug(srv.path, &nic, NULL, NULL), -EINVAL);
	}
	memset(nic.id, 'a', sizeof(nic.id)); /* no end */
	assert_int_equal(vm_plug(srv.path, &nic, NULL, NULL), -EINVAL);
}

static void test_probe(void **state)
{
	pid_t pid = 0;
	bool has = true;

	(void)state;
	assert_int_equal(vm_probe(srv.path, "sluice-vf3", &pid, &has, NULL), 0);
	assert_int_equal(pid, getpid());
	assert_false(has);
	srv.device = "sluice-vf3";
	assert_int_equal(vm_probe(srv.path, "sluice-vf3", NULL, &has, NULL), 0);
	assert_true(has);
	assert_int_equal(vm_probe(srv.path, NULL, NULL, NULL, NULL), 0);
}

static void test_probe_nobody(void **state)
{
	struct os_err err = {0};

	(void)state;
	assert_int_equal(vm_probe("/nonexistent/vm.qmp", NULL, NULL, NULL, &err), -ENOENT);
	assert_true(err.rule[0] && err.mend[0]);
}

static void expect_unplug(enum del_mode mode, unsigned int ms, int no)
{
	struct os_err err = {0};

	srv.device = "sluice-vf3";
	srv.del = mode;
	srv.dels = 0;
	assert_int_equal(vm_unplug(srv.path, "sluice-vf3", ms, &err), no);
	assert_int_equal(err.no, no);
	if (no)
		assert_true(err.what[0] && err.rule[0] && err.mend[0]);
}

static void test_unplug(void **state)
{
	(void)state;
	expect_unplug(DEL_OK, 10000, 0);
	assert_int_equal(srv.dels, 1);
	expect_unplug(DEL_EVENT_FIRST, 10000, 0);
	assert_int_equal(srv.dels, 1);
}

static void test_unplug_guest_is_deaf(void **state)
{
	(void)state;
	expect_unplug(DEL_SILENT, 80, -ETIMEDOUT);
	assert_true(srv.dels >= 2);
}

static void test_unplug_guest_refuses(void **state)
{
	(void)state;
	expect_unplug(DEL_GUEST_ERROR, 10000, -EBUSY);
}

static void test_unplug_already_under_way(void **state)
{
	(void)state;
	expect_unplug(DEL_PENDING, 400, 0);
	assert_int_equal(srv.dels, 2);
}

static void test_unplug_event_was_missed(void **state)
{
	(void)state;
	expect_unplug(DEL_LOST, 400, 0);
	assert_int_equal(srv.dels, 2);
}

static void test_unplug_qemu_dies(void **state)
{
	(void)state;
	expect_unplug(DEL_HANGUP, 10000, -ECONNRESET);
}

static void test_unplug_not_there(void **state)
{
	struct os_err err = {0};

	(void)state;
	assert_int_equal(vm_unplug(srv.path, "sluice-vf3", 10000, &err), -ENOENT);
	assert_int_equal(srv.dels, 1);
	assert_non_null(strstr(err.what, "sluice-vf3"));
}

#define SERVER_TEST(f) cmocka_unit_test_setup_teardown(f, server_setup, server_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVER_TEST(test_plug_takes_the_first_free_port),
		SERVER_TEST(test_plug_without_token_needs_no_new_qemu),
		SERVER_TEST(test_plug_uses_a_port_without_id),
		SERVER_TEST(test_plug_skips_ports_that_cannot),
		SERVER_TEST(test_plug_no_free_port),
		SERVER_TEST(test_plug_qemu_too_old),
		SERVER_TEST(test_plug_qemu_without_vf_token),
		SERVER_TEST(test_plug_twice),
		SERVER_TEST(test_plug_qemu_refuses),
		SERVER_TEST(test_plug_id_malformed),
		SERVER_TEST(test_probe),
		SERVER_TEST(test_probe_nobody),
		SERVER_TEST(test_unplug),
		SERVER_TEST(test_unplug_guest_is_deaf),
		SERVER_TEST(test_unplug_guest_refuses),
		SERVER_TEST(test_unplug_already_under_way),
		SERVER_TEST(test_unplug_event_was_missed),
		SERVER_TEST(test_unplug_qemu_dies),
		SERVER_TEST(test_unplug_not_there),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
