# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sluice: one Makefile, everything it makes is under build/. `make help` lists the targets.

CC	?= cc
B	:= build
PREFIX	?= /usr/local
V	?= 0
Q	:= $(if $(filter 1,$(V)),,@)

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

# ---- what there is ----------------------------------------------------------------------------

drv_src	   := $(wildcard vmdq/*.c pf-driver/*.c vf-driver/*.c)
vtd_src	   := $(wildcard hv-glue/vtd/*.c)
cpu_src	   := $(wildcard hv-glue/cpu/*.c hv-glue/vtx/*.c hv-glue/svm/*.c)
core_src   := $(wildcard hv-glue/core/*.c)
bare_src   := $(wildcard hv-glue/host/bare/*.c)
core_asm   := $(wildcard hv-glue/core/*.S hv-glue/vtx/*.S hv-glue/svm/*.S)
err_src	   := $(wildcard hv-glue/host/common/*.c)
vfio_src   := $(wildcard hv-glue/host/vfio/*.c) $(err_src)
qemu_src   := $(wildcard hv-glue/host/qemu/*.c) $(err_src)
vm_src	   := $(wildcard hv-glue/vm/*.c)
backend_src := $(wildcard mgmt/backend/*.c)
daemon_src := $(wildcard mgmt/daemon/*.c)
cli_src	   := $(wildcard mgmt/cli/*.c)
unit_src   := $(wildcard tests/unit/test_*.c)
device_src := $(wildcard tests/device/test_*.c)
tool_src   := $(wildcard tests/lab/tools/*.c)
image_src  := $(wildcard tests/core/unit/vtx_*.c)
guest_src  := $(wildcard tests/core/guest/*.c)
bench_src  := $(wildcard tests/bench/*.c)

# ---- how it is compiled -----------------------------------------------------------------------

warn	:= -Wall -Wextra -Wshadow -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
CFLAGS	?= -O2 -g
base	:= -std=c11 -D_GNU_SOURCE -Iinclude -MMD -MP $(warn)
pkgs	= $(shell pkg-config --cflags $(1) 2>/dev/null)
libs	= $(shell pkg-config --libs $(1) 2>/dev/null)

# Freestanding parts: no libc behind their back, and every narrowing is written down.
free	:= -ffreestanding -fno-builtin -Wconversion -fno-stack-protector
free_dirs := vmdq pf-driver vf-driver

mgmt_pkgs := libnl-3.0 libpci jansson sqlite3

dir_flags_mgmt/backend	= -Imgmt/backend $(call pkgs,$(mgmt_pkgs))
dir_flags_mgmt/daemon	= -Imgmt/daemon -Imgmt/backend $(call pkgs,$(mgmt_pkgs))
dir_flags_mgmt/cli	= -Imgmt/cli $(call pkgs,libnl-3.0 jansson zlib)
dir_flags_hv-glue/vm	= -Ihv-glue/vm $(call pkgs,jansson)
dir_flags_hv-glue/host/vfio = -Ihv-glue/host/vfio
dir_flags_hv-glue/host/qemu = -Ihv-glue/host/qemu
dir_flags_vmdq		= $(free) -Ivmdq
dir_flags_pf-driver	= $(free) -Ipf-driver
dir_flags_hv-glue/vtd	= $(free) -Ihv-glue/vtd
dir_flags_hv-glue/cpu	= $(free)
dir_flags_hv-glue/vtx	= $(free) -Ihv-glue/vtx
dir_flags_hv-glue/svm	= $(free) -Ihv-glue/svm
dir_flags_hv-glue/core	= $(free) -Ihv-glue/core -Ihv-glue/vtd -Ihv-glue/vtx -Ihv-glue/svm
dir_flags_hv-glue/host/bare = $(free)
dir_flags_tests/core/unit  = $(free) -I. -Ihv-glue/core -Ihv-glue/vtx -Ihv-glue/svm -Itests/core/unit -Wno-missing-prototypes
dir_flags_tests/core/svm   = $(free) -I. -Ihv-glue/svm -Itests/core/svm -Wno-missing-prototypes
dir_flags_tests/core/guest = $(free) -Itests/core/guest
dir_flags_vf-driver	= $(free) -Ivf-driver
dir_flags_tests/unit	= -I. -Itests/unit -Ihv-glue/core -Ihv-glue/vtd -Ihv-glue/vtx -Ihv-glue/svm -Wno-missing-prototypes $(call pkgs,cmocka $(mgmt_pkgs))
dir_flags_tests/device	= -I. -Itests/device -Ihv-glue/vtd -Wno-missing-prototypes $(call pkgs,cmocka)

flags	= $(base) $(CFLAGS) $(dir_flags_$(patsubst %/,%,$(dir $<)))
san	:= -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

$(B)/obj/%.o: %.c | $(B)/.deps.build
	@mkdir -p $(@D) && echo "  cc   $<"
	$(Q)$(CC) $(flags) -c -o $@ $<

$(B)/asan/%.o: %.c | $(B)/.deps.build $(B)/.deps.test
	@mkdir -p $(@D) && echo "  asan $<"
	$(Q)$(CC) $(flags) $(san) -c -o $@ $<

# The bare machine: one to one, below 2 GiB, no SSE in the core (a guest's stays in the registers).
bare_flags := $(base) -O3 -g -fno-pic -fno-pie -mno-red-zone -mgeneral-regs-only -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -flto=auto -ffat-lto-objects
$(B)/bare/%.o: %.c | $(B)/.deps.build
	@mkdir -p $(@D) && echo "  bare $<"
	$(Q)$(CC) $(bare_flags) $(dir_flags_$(patsubst %/,%,$(dir $<))) -c -o $@ $<

$(B)/bare/%.S.o: %.S | $(B)/.deps.build
	@mkdir -p $(@D) && echo "  bare $<"
	$(Q)$(CC) -Iinclude -MMD -MP -g $(dir_flags_$(patsubst %/,%,$(dir $<))) -c -o $@ $<

bare	= $(patsubst %.S,$(B)/bare/%.S.o,$(patsubst %.c,$(B)/bare/%.o,$(1)))
obj	= $(patsubst %.c,$(B)/obj/%.o,$(1))
asan	= $(patsubst %.c,$(B)/asan/%.o,$(1))
link	= @mkdir -p $(@D) && echo "  link $@" && $(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^)

# ---- programs ---------------------------------------------------------------------------------

bins := $(if $(daemon_src),$(B)/bin/sluiced) $(if $(cli_src),$(B)/bin/sluice)

.PHONY: all
all: $(bins)

$(B)/bin/sluiced: $(call obj,$(daemon_src) $(backend_src) $(vm_src) $(vfio_src) $(drv_src))
	$(Q)$(link) $(call libs,$(mgmt_pkgs)) -lpthread

# `sluice doctor` looks at the machine itself, hence libpci and the host's sysfs calls.
$(B)/bin/sluice: $(call obj,$(cli_src) $(backend_src) $(vfio_src))
	$(Q)$(link) $(call libs,libnl-3.0 libpci jansson zlib)

# Packet tools of the lab: static where they go into a guest's initramfs.
tools := $(patsubst tests/lab/tools/%.c,$(B)/bin/%,$(filter-out tests/lab/tools/vf_%,$(tool_src)))
vf_tools := $(patsubst tests/lab/tools/%.c,$(B)/bin/%,$(filter tests/lab/tools/vf_%,$(tool_src)))
$(tools): $(B)/bin/%: $(B)/obj/tests/lab/tools/%.o
	$(Q)$(link) -static
$(vf_tools): $(B)/bin/%: $(B)/obj/tests/lab/tools/%.o $(call obj,$(vfio_src) $(drv_src))
	$(Q)$(link) -lpthread
.PHONY: tools
tools: $(tools) $(vf_tools)

# ---- the hypervisor core ----------------------------------------------------------------------

# A flat image with multiboot's address fields: QEMU's loader takes no 64-bit ELF. Optimised as a whole, since an
# exit goes through several files; the other images are linked from the same objects as they are.
core_objs := $(call bare,$(core_asm) $(core_src) $(cpu_src) $(vtd_src) $(bare_src) $(drv_src))
core_ld	  := hv-glue/core/core.ld
$(B)/core/core.elf: $(core_ld) $(core_objs)
	@mkdir -p $(@D) && echo "  link $@" && $(CC) $(filter-out -MMD -MP,$(bare_flags)) -ffreestanding -nostdlib -static \
		-Wl,-n,-z,noexecstack,--no-warn-rwx-segments,--build-id=none -T $(core_ld) -o $@ $(core_objs)
$(B)/core/%.bin: $(B)/core/%.elf
	$(Q)objcopy -O binary $< $@

# The bare guest: one image, chosen what to do by its arguments.
guest_objs := $(call bare,$(wildcard tests/core/guest/*.S) $(guest_src) $(bare_src) $(wildcard vf-driver/*.c))
$(B)/core/guest.elf: tests/core/guest/guest.ld $(guest_objs)
	@mkdir -p $(@D) && echo "  link $@" && ld -n -z noexecstack --no-warn-rwx-segments -T $< -o $@ $(guest_objs)

svm_unit := $(call bare,$(wildcard tests/core/svm/*.S tests/core/svm/*.c hv-glue/svm/*.S hv-glue/svm/*.c hv-glue/cpu/*.c))
$(B)/core/svm.elf: tests/core/svm/svm.ld $(svm_unit)
	@mkdir -p $(@D) && echo "  link $@" && ld -n -z noexecstack --no-warn-rwx-segments -T $< -o $@ $(svm_unit)

# Test images of the VT-x back end: one a file, on Bochs alone.
unit_images := $(patsubst tests/core/unit/%.c,$(B)/core/unit/%.bin,$(image_src))
image_rest  := $(call bare,tests/core/unit/start.S tests/core/unit/tap.c tests/core/unit/guest.c \
	$(wildcard hv-glue/vtx/*.S hv-glue/vtx/*.c hv-glue/cpu/*.c))
$(B)/core/unit/%.elf: tests/core/unit/image.ld $(B)/bare/tests/core/unit/%.o $(image_rest)
	@mkdir -p $(@D) && echo "  link $@" && ld -n -z noexecstack --no-warn-rwx-segments -T $< -o $@ $(filter %.o,$^)
.PRECIOUS: $(B)/core/unit/%.elf $(B)/bare/%.o

$(B)/bin/wire: $(B)/obj/tests/core/tools/wire.o
	$(Q)$(link)

.PHONY: core
core: $(B)/core/core.bin $(B)/core/guest.bin $(B)/bin/wire

# ---- tests ------------------------------------------------------------------------------------

unit_bins   := $(patsubst tests/unit/%.c,$(B)/test/unit/%,$(unit_src))
device_bins := $(patsubst tests/device/%.c,$(B)/test/device/%,$(device_src))
unit_common := $(filter-out $(unit_src),$(wildcard tests/unit/*.c))
device_common := $(filter-out $(device_src),$(wildcard tests/device/*.c))

# An archive, so that a test pulls in what it tests and no other host's os_ calls.
$(B)/asan/libunit.a: $(call asan,$(drv_src) $(vtd_src) $(cpu_src) $(core_src) $(vfio_src) $(vm_src) $(backend_src) $(filter-out %/main.c,$(daemon_src)))
	$(Q)rm -f $@ && ar rcs $@ $^

$(unit_bins): $(B)/test/unit/%: $(B)/asan/tests/unit/%.o $(call asan,$(unit_common)) $(B)/asan/libunit.a
	$(Q)$(link) $(san) $(call libs,cmocka $(mgmt_pkgs)) -lpthread

$(device_bins): $(B)/test/device/%: $(B)/asan/tests/device/%.o $(call asan,$(device_common) $(qemu_src) $(drv_src) $(vtd_src))
	$(Q)$(link) $(san) $(call libs,cmocka) -lpthread

.PHONY: unit device
unit: $(unit_bins)
device: $(device_bins)

comma := ,
empty :=
space := $(empty) $(empty)
list  = $(subst $(space),$(comma),$(strip $(1)))

# Suites can be chosen: make test SUITES="unit device"
SUITES ?= unit device lab core
suite_unit   = unit=$(call list,$(unit_bins))
suite_device = device=$(call list,$(device_bins))
suite_lab    = lab=$(call list,$(lab_tests))
lab_tests    := $(wildcard tests/lab/test_all.sh)
suite_core   = core=$(call list,$(core_tests))
core_tests   := $(wildcard tests/core/test_*.sh)
need_core    := image $(unit_images) $(B)/core/svm.bin $(B)/core/core.bin $(B)/core/guest.bin $(B)/bin/wire $(B)/bin/sluice
need_unit    := $(unit_bins)
need_device  := $(device_bins)
need_lab     := $(bins) $(tools) $(vf_tools)

.PHONY: test
test: $(foreach s,$(SUITES),$(need_$(s))) | $(B)/.deps.test $(if $(filter-out unit,$(SUITES)),$(B)/.deps.lab) $(if $(filter core,$(SUITES)),$(B)/.deps.core)
	$(Q)tests/run.sh $(foreach s,$(SUITES),$(suite_$(s)))

# ---- the main job, and a shell beside it ------------------------------------------------------

.PHONY: run lab image
image: $(tools) | $(B)/.deps.lab
	$(Q)tests/lab/image.sh

run: $(bins) $(tools) $(vf_tools) image
	$(Q)tests/lab/run.sh

lab: $(bins) $(tools) $(vf_tools) image
	$(Q)tests/lab/shell.sh

# ---- the hypervisor core, run -----------------------------------------------------------------

.PHONY: core-run core-linux core-test iso
core-run: core $(B)/bin/sluice image | $(B)/.deps.core $(B)/.deps.lab
	$(Q)tests/core/run.sh

core-linux: core $(B)/bin/sluice image | $(B)/.deps.core $(B)/.deps.lab
	$(Q)tests/core/linux.sh

core-test: $(need_core) | $(B)/.deps.core $(B)/.deps.lab
	$(Q)REPORT=core-test tests/run.sh $(suite_core)

# For a real machine's boot loader: GRUB with the core, the bare guest and a configuration to begin with.
iso: core | $(B)/.deps.core
	$(Q)hv-glue/core/iso.sh $(B)/core/core.iso

# ---- figures ----------------------------------------------------------------------------------

# Measured code has no sanitizer, and the same instruction set on both sides.
bench_flags := -O3 -march=x86-64-v2
.PHONY: bench
bench: image | $(B)/.deps.build $(B)/.deps.lab $(B)/.deps.test $(B)/.deps.bench
	$(Q)tests/bench/run.sh

# ---- what a text search, a linter and a compiler can hold -------------------------------------

all_c := $(drv_src) $(vtd_src) $(cpu_src) $(core_src) $(bare_src) $(vfio_src) $(qemu_src) $(vm_src) $(backend_src) $(daemon_src) $(cli_src)
all_h := $(shell find include vmdq pf-driver vf-driver hv-glue mgmt tests -name '*.h' 2>/dev/null)
formatted := $(filter-out include/hw/%,$(sort $(all_c) $(all_h) $(wildcard tests/*/*.c tests/*/*/*.c)))

.PHONY: check check-format check-lint check-sparse check-clang
check: check-format check-lint check-sparse check-clang $(call obj,$(drv_src) $(vtd_src)) | $(B)/.deps.check
	$(Q)tests/check/text.sh
	$(Q)tests/check/brackets.sh
	$(Q)tests/check/headers.sh
	$(Q)tests/check/freestanding.sh $(call obj,$(drv_src) $(vtd_src))
	@echo "check: ok"

check-format: | $(B)/.deps.build $(B)/.deps.check
	$(Q)clang-format --dry-run -Werror $(formatted) && echo "format: ok"

check-lint: | $(B)/.deps.build $(B)/.deps.check
	$(Q)cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,performance,portability \
		--inline-suppr --suppress=missingIncludeSystem --suppress=normalCheckLevelMaxBranches \
		-Iinclude -D__cppcheck__=1 -D__x86_64__=1 -D__STDC_HOSTED__=1 -j2 $(sort $(all_c)) && echo "cppcheck: ok"

# Endianness of descriptors and messages.
check-sparse: | $(B)/.deps.build $(B)/.deps.check
	$(Q)for f in $(drv_src) $(vtd_src); do sparse -Wbitwise -Wno-decl -Wsparse-error -std=c11 -ffreestanding -Iinclude \
		-I$$(dirname $$f) $$f || exit 1; done && echo "sparse: ok"

# The other compiler, warnings only.
check-clang: | $(B)/.deps.build $(B)/.deps.check
	$(Q)set -e; $(foreach f,$(sort $(all_c)),clang -fsyntax-only $(filter-out -MMD -MP,$(base)) \
		$(dir_flags_$(patsubst %/,%,$(dir $(f)))) $(f);) echo "clang: ok"

# ---- the rest ---------------------------------------------------------------------------------

# Packages, by name, from one list, a group a stamp; does nothing when they are there.
.PRECIOUS: $(B)/.deps.%
$(B)/.deps.%: tests/setup/packages
	@mkdir -p $(@D)
	$(Q)flock $(B)/.deps.lock tests/setup/install $*
	@touch $@

.PHONY: install
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(B)/bin/sluiced $(DESTDIR)$(PREFIX)/sbin/sluiced
	install -m 755 $(B)/bin/sluice $(DESTDIR)$(PREFIX)/bin/sluice

.PHONY: help
help:
	@echo "all        sluiced and sluice, in $(B)/bin"
	@echo "run        boots the lab and does the main job, step by step"
	@echo "lab        an interactive shell in the lab, sluiced running"
	@echo "test       all tests (SUITES=\"unit device lab core\")"
	@echo "core-run   the hypervisor core on an emulated machine: guests, traffic, what a packet costs"
	@echo "core-linux a stock Linux under it, packed as it comes, and with two CPUs; minutes"
	@echo "core-test  all its tests: unit images, the attack list, VF moves, virtual CPUs, 50 starts"
	@echo "iso        the core as a bootable image, with GRUB"
	@echo "check      format, linters, headers alone, include brackets, freestanding symbols"
	@echo "bench      instructions per packet and rates, beside their peers"
	@echo "install    into PREFIX ($(PREFIX)), DESTDIR heeded"
	@echo "clean      removes $(B)/"

.PHONY: clean
clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
