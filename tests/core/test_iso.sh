#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# test_iso.sh: the image that `make iso` makes, started as a CD by a BIOS and by UEFI on an emulated machine with
# AMD-V, up to a guest whose VF answers the wire. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh

iso=build/core/test.iso

iso_made() {
	local out
	out=$(hv-glue/core/iso.sh $iso 2>&1) || { fail "$out"; return 1; }
	grep -q 'by: BIOS UEFI' <<<"$out" || { fail "$out"; return 1; }
	see "$out"
}

up_or_not() { core_answers || grep -aqs "core: refused" "$core_log"; }

# by KIND [OPTION... of QEMU]
by() {
	local out rc=0
	core_dir=$PWD/build/core/run/iso-$1
	core_log=$core_dir/console.log core_mark=0
	shift
	rm -rf "$core_dir"
	mkdir -p "$core_dir"
	setpriv --pdeathsig KILL qemu-system-x86_64 -machine q35,accel=tcg -cpu EPYC-v4,+svm,+npt -m 512 -smp 2 -nodefaults \
		-no-user-config -display none -no-reboot \
		-chardev "file,id=com1,path=$core_log" -serial chardev:com1 \
		-chardev "socket,id=com2,path=$core_dir/control.sock,server=on,wait=off" -serial chardev:com2 \
		-device intel-iommu,intremap=on,caching-mode=off -device pcie-root-port,id=rp0,slot=1 \
		-netdev "stream,id=n0,server=on,addr.type=unix,addr.path=$core_dir/wire.sock" \
		-device igb,mac=52:54:00:00:00:01,netdev=n0,bus=rp0,romfile= \
		-cdrom $iso "$@" </dev/null >"$core_dir/machine.log" 2>&1 &
	core_pid=$!
	until_true 120 up_or_not && core_alive && ! says "core: refused" || { fail "the core does not come up"; core_tail 20; return 1; }
	until_true 20 says '\[one\] echo ready' || { fail "the guest does not come up"; core_tail; return 1; }
	out=$(wire ask --dst "$(vf_of one mac)" --count 64 --wait 8000) || { fail "the wire: $out"; core_tail; return 1; }
	see "$(grep -ao 'ACPI: .*' "$core_log" | tr -d '\r'); $out"
	c shutdown >/dev/null 2>&1
	until_true 20 says 'halted: reset the machine' || { fail "it does not halt"; rc=1; }
	core_kill
	return $rc
}

by_bios() { by bios; }
by_uefi() { by uefi -drive if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd; }

step "the image is made" iso_made
step "it starts by BIOS, and a guest has its VF" by_bios
step "it starts by UEFI, and a guest has its VF" by_uefi
steps_run build/report/core-iso.json
