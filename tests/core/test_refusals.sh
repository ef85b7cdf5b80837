#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# test_refusals.sh: the core on machines that lack what it needs, with firmware that contradicts itself and with
# configurations that cannot be. Each ends in one sentence that names it, on a machine that can be used. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh

good='vfs 1'
dir=build/core/run/refusals
kernel=$core_bin

# run CONF [OPTION... of machine.sh] [-- MODULE...]: a start to its end; its status in rc. CORE_APPEND: the core's
# words in place of the exit port.
run() {
	local conf=$1 modules=("$dir/sluice.conf" "$core_guest") opts=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do opts+=("$1"); shift; done
	[ $# -eq 0 ] || { shift; modules=("$@"); }
	mkdir -p "$dir"
	rm -f "$dir"/*.log
	printf '%s\n' "$conf" >"$dir/sluice.conf"
	rc=0
	tests/platform/machine.sh --dir "$dir" --seconds 30 --append "${CORE_APPEND-exit=f4}" "${opts[@]}" -- "$kernel" "${modules[@]}" \
		>"$dir/machine.log" 2>&1 || rc=$?
	core_dir=$dir core_log=$dir/console.log
}

# refused PATTERN CONF...: as run; the last line of the console is one sentence with PATTERN, the status is 1. So
# it neither hung (124) nor fell (125).
refused() {
	local pattern=$1 last
	shift
	run "$@"
	last=$(tail -n 1 "$core_log" | tr -d '\r')
	if [ "$rc" != 1 ] || [ "$(grep -ac 'core: refused:' "$core_log")" != 1 ] || ! grep -qE -- "core: refused: .*$pattern" <<<"$last"; then
		fail "status $rc, and not refused for '$pattern'"
		core_tail
		return 1
	fi
	see "${last#*refused: }"
}

# le BYTES VALUE: the value in a table, little-endian.
le() {
	local i
	for ((i = 0; i < $1; i++)); do printf "\\x$(printf %02x $(($2 >> 8 * i & 255)))"; done
}

# dmar HEX...: a table of firmware's in place of QEMU's own: what follows DMAR's flags, in hex digits.
dmar() {
	local hex
	mkdir -p "$dir"
	hex=$(printf %s 2601 00000000000000000000 "$@")
	# shellcheck disable=SC2059
	printf "$(sed 's/../\\x&/g' <<<"$hex")" >"$dir/dmar"
}
by_dmar() { refused "$1" "$good" --svm --iommu none --qemu "-acpitable sig=DMAR,data=dmar"; }
no_virtualisation() {
	refused 'neither VT-x nor AMD-V: enable .*firmware' "$good" --cpu athlon64_clawhammer &&
		refused 'neither VT-x nor AMD-V: enable .*firmware' "$good" --svm --cpu EPYC-v4,-svm
}

# Without 64 bits there is no exit port either: it says so and stands still.
no_64_bits() {
	CORE_APPEND='' run "$good" --svm --cpu EPYC-v4,-lm --seconds 2
	grep -q 'refused: this CPU has no 64-bit mode' "$core_log" && [ "$rc" = 124 ] || { fail "status $rc"; core_tail; return 1; }
	see "$(tail -n 1 "$core_log")"
}

# Firmware that locks VT-x off: 25 bytes in the room behind the text that do it, entered first.
locked_off() {
	local end entry at
	end=0x$(nm build/core/core.elf | sed -n 's/ . core_text_end$//p')
	entry=0x$(nm build/core/core.elf | sed -n 's/ . entry$//p')
	at=$((end - 32))
	mkdir -p "$dir"
	cp "$core_bin" "$dir/locked.bin"
	[ -z "$(tail -c +$((at - 0x100000 + 1)) "$core_bin" | head -c 32 | tr -d '\0')" ] ||
		{ fail "there is no room behind the core's text"; return 1; }
	{ # mov %eax, %esi; mov $0x3a, %ecx; xor %edx, %edx; mov $1, %eax; wrmsr; mov %esi, %eax; jmp entry
		printf '\x89\xc6\xb9\x3a\0\0\0\x31\xd2\xb8\x1\0\0\0\x0f\x30\x89\xf0\xe9'
		le 4 $((entry - at - 23))
	} | dd of="$dir/locked.bin" bs=1 seek=$((at - 0x100000)) conv=notrunc status=none
	le 4 $at | dd of="$dir/locked.bin" bs=1 seek=28 conv=notrunc status=none
	kernel=$dir/locked.bin
	refused 'firmware locked VT-x off: enable .*power off' "$good"
	local ret=$?
	kernel=$core_bin
	return $ret
}

no_second_level() {
	refused 'no extended page tables or no unrestricted guest: .*Westmere' "$good" --cpu core2_penryn_t9600 &&
		refused 'no extended page tables or no unrestricted guest' "$good" --cpu corei5_lynnfield_750 &&
		refused 'no nested paging .*or later is needed' "$good" --svm --cpu EPYC-v4,+svm,-npt
}

no_vtd() {
	refused 'no VT-d \(ACPI has no table DMAR\): enable .*firmware' "$good" --svm --iommu none &&
		refused 'VT-d without interrupt remapping .*: enable' "$good" --svm --iommu intremap=off &&
		refused 'no second-level tables' "$good" --svm --iommu intremap=on,dma-translation=off
}

broken_acpi() {
	dmar 00001000 01000000 0000d9fe00000000 00000000 && by_dmar "table DMAR: an entry's length is not possible" &&
		dmar 0000ffff 01000000 0000d9fe00000000 && by_dmar "table DMAR: an entry's length is not possible" &&
		dmar 00001000 01000000 0000d9fe01000000 && by_dmar 'must lie below 4 GiB' &&
		dmar 00001000 01000000 0000200000000000 && by_dmar 'DMAR puts a unit into RAM.*firmware' &&
		dmar 00001000 01000000 0000d9fe00000000 && by_dmar 'no VT-d unit answers at its address: switch on' &&
		dmar 00001800 01000000 0000d9fe00000000 0105000000000000 && by_dmar "table DMAR: a device scope's length" &&
		dmar 00001800 00000000 0000d9fe00000000 0108000000000500 && by_dmar 'no unit of 1 is in front of the card, .*another slot' &&
		dmar 00001000 01000000 0000d9fe00000000 \
			01002200 00000000 000000e000000000 ffff00e000000000 010a00000000 \
			0100 0000 && by_dmar 'firmware keeps memory at 0xe0000000 for the card'
}

no_card() {
	refused 'no network card with SR-IOV .*plug in' "$good" --svm --nic none &&
		refused 'no 82576 and has no SR-IOV: plug in' "$good" --svm --nic e1000e &&
		refused 'not behind a PCI Express port: ' "$good" --svm --nic none --qemu "-device igb,bus=pcie.0,romfile="
}

# QEMU's switch has no ACS; its root port has, but for one that is told not to.
no_redirect() {
	local card='-device igb,netdev=n0,romfile=,bus'
	refused 'behind the port [0-9a-f:.]+ of a PCI Express switch that does not redirect .*another slot' "$good" --svm --nic none \
		--qemu "-netdev hubport,id=n0,hubid=0 -device x3130-upstream,id=up,bus=rp0" \
		--qemu "-device xio3130-downstream,id=down,bus=up,chassis=9,slot=9 $card=down" || return
	core_up refusals-root "$good" --svm --nic none \
		--qemu "-netdev hubport,id=n0,hubid=0 -device pcie-root-port,id=rp1,chassis=2,slot=2,disable-acs=on $card=rp1" &&
		core_alive || { fail "the core is not up"; core_tail; return 1; }
	grep -aqE 'root port [0-9a-f:.]+ has no ACS' "$core_log" || { fail "no word on the root port"; core_tail; return 1; }
	see "$(grep -aE -m1 'has no ACS' "$core_log" | sed 's/^\[[^]]*\] *//')"
	core_down || { fail "the core ended with $?"; return 1; }
}

no_memory() { refused '[0-9]+ MiB of memory are free .*give the machine more' "$good" --svm --ram 32; }

no_configuration() {
	head -c 4096 "$core_guest" >"$dir/garbage.conf"
	refused 'no configuration: give the boot loader a module NAME.conf' "$good" --svm -- $core_guest &&
		refused 'garbage.conf: line 1: a character that is no printable ASCII' "$good" --svm -- "$dir/garbage.conf" $core_guest &&
		refused "line 1: vms is not a line's first word" 'vms 3' --svm &&
		refused 'line 2: colour=red is not a word of a guest' "$good"$'\nguest a image=guest.bin colour=red' --svm &&
		refused 'line 1: vfs wants 0 to 7' 'vfs 8' --svm &&
		refused 'mem=3000M is no even number from 4M to 2048M' 'guest a image=guest.bin mem=3000M' --svm
}

not_there() {
	refused 'guest a: there is no module gast.bin; give it' 'guest a image=gast.bin' --svm &&
		refused 'guest a: there is no module root.gz; give it' 'guest a image=guest.bin initrd=root.gz' --svm &&
		refused 'guest a: cpu=3, and the last CPU is 0' "$good"$'\nguest a image=guest.bin cpu=3' --svm &&
		refused 'guest a: nic=vf:1, yet there ' "$good"$'\nguest a image=guest.bin nic=vf:1' --svm
}

# What one guest cannot have is its own end, with a sentence, and no other's.
guests_refused() {
	local rc=0
	core_up refusals-guests 'vfs 2
guest good image=guest.bin args="beat" nic=vf:0
guest second image=guest.bin args="beat" nic=vf:0
guest text image=sluice.conf
guest large image=guest.bin mem=2048M' --svm && core_alive || { fail "the core is not up"; core_tail; return 1; }
	until_true 10 says 'guest large: ' || { fail "no word on the last guest"; core_tail; return 1; }
	for p in 'guest second: .*guest good has it: detach it there' 'guest text: module sluice.conf is no kernel' \
		'guest large: its 2048 MiB are not free .*: give it less'; do
		says "$p" || { fail "not said: $p"; core_tail; rc=1; }
		see "$(since | grep -aE -m1 "$p" | sed 's/^\[[^]]*\] *//')"
	done
	guest_is good running && [ "$(guest good beats)" -gt 0 ] || { fail "the good guest does not run"; rc=1; }
	[ "$(cj guests | jq '[.[] | select(.state == "running")] | length')" = 1 ] || { fail "a refused one runs"; rc=1; }
	core_down || { fail "the core ended with $?"; rc=1; }
	return $rc
}

halted() { [ "$(ask 'info registers -a' | grep -c 'HLT=1')" = 2 ]; }

# Two CPUs, the second one started, AMD-V on: then the configuration is found wanting. EFER's bit 12 is AMD-V.
left_usable() {
	local pid rc=0 regs
	rm -rf "$dir"
	monitor_open refusals
	CORE_APPEND='' run 'guest a image=nothing' --svm --cpus 2 --qemu "$monitor" &
	pid=$!
	until_true 20 grep -qs 'halted: reset the machine' "$dir/console.log" || { fail "it does not say that it halts"; rc=1; }
	until_true 5 halted || { fail "not all CPUs are halted"; rc=1; }
	regs=$(ask 'info registers -a' | grep -o -e 'HLT=.' -e 'EFER=[0-9a-f]*')
	see "the CPUs: $(tr '\n' ' ' <<<"$regs")"
	for v in $(sed -n 's/EFER=/0x/p' <<<"$regs"); do
		[ $((v & 0x1000)) = 0 ] || { fail "AMD-V is on"; rc=1; }
	done
	ask quit >/dev/null
	wait $pid
	monitor_close
	return $rc
}

step "no VT-x or AMD-V" no_virtualisation
step "no 64-bit mode" no_64_bits
step "VT-x that firmware locked off" locked_off
step "no EPT, no unrestricted guest, no nested paging" no_second_level
step "no VT-d, or one that cannot do what is needed" no_vtd
step "ACPI tables that contradict themselves" broken_acpi
step "no card with SR-IOV" no_card
step "a switch that does not redirect, a root port without ACS" no_redirect
step "too little memory" no_memory
step "no configuration, or one that says nothing" no_configuration
step "a configuration that names what is not there" not_there
step "guests that cannot be started: the others go on" guests_refused
step "a refused machine is left usable" left_usable
steps_run build/report/core-refusals.json
