#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# linux.sh [--svm] [--cpus N]: a stock Linux under the core: Debian's vmlinuz as it comes, unpacking itself, and its vmlinux
# with two virtual CPUs, both brought up and at work. TAP; the times are shown. On the joined machine it takes minutes.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh
opts=() suffix= wait=600
while [ $# -gt 0 ]; do
	case $1 in
	--svm) opts+=(--svm) suffix=-svm wait=60 ;;
	--cpus) opts+=(--cpus "$2"); shift ;;
	*) echo "linux.sh [--svm] [--cpus N]" >&2; exit 2 ;;
	esac
	shift
done

args="console=ttyS0 quiet reboot=t panic=1 clocksource=tsc tsc=reliable mitigations=off nokaslr no_timer_check ipv6.disable=1 vf_ip=10.9.0.31"
# A module has the name of the file that a link leads to.
vmlinuz=$(realpath build/lab/vmlinuz)
conf="vfs 2
guest packed image=${vmlinuz##*/} initrd=core.gz mem=192M nic=vf:0 args=\"$args\" manual
guest two image=vmlinux initrd=core.gz mem=192M cpus=2 nic=vf:1 args=\"$args\" manual"

linux_up() {
	CORE_SECONDS=$((3 * wait)) core_up "linux$suffix" "$conf" --ram 768 "${opts[@]}" -- build/lab/vmlinux "$vmlinuz" build/lab/core.gz &&
		core_alive || { fail "the core does not come up"; core_tail 25; return 1; }
	see "$(c info | grep -E 'back end|cpus' | tr -s ' \n' ' ')"
}

linux_ready() { says 'linux ready' || guest_ends "$1"; says 'linux ready'; }

# boot GUEST: to its shell.
boot() {
	local out t0=${EPOCHREALTIME/[.,]/} ticks
	mark
	out=$(c start "$1" 2>&1) || { fail "start: $out"; core_tail; return 1; }
	until_true "$wait" linux_ready "$1" || { fail "no shell: $(guest "$1" why)"; core_tail 30; return 1; }
	t0=$(((${EPOCHREALTIME/[.,]/} - t0) / 100000))
	ticks=$(($(guest "$1" ticks_guest) + $(guest "$1" ticks_root)))
	see "$(since | grep -ao 'linux ready:.*'); $((t0 / 10)).$((t0 % 10)) s of real time, $((ticks / 1000000)) million ticks of its CPUs"
	out=$(wire ping --ip 10.9.0.31 --count 4 --wait 20000) || { fail "ping: $out"; core_tail; return 1; }
	[ "$(jq -r .mac <<<"$out")" = "$(vf_of "$1" mac)" ] || { fail "another MAC than its VF's answers: $out"; return 1; }
	see "ping of its igbvf from the wire: $out"
}

# ask GUEST COMMAND PATTERN: typed at its shell; the output has the line.
ask() {
	mark
	c type "$1" "$2" >/dev/null
	until_true "$wait" says "$3" || { fail "the shell does not answer: $2"; core_tail; return 1; }
	see "its shell: $(since | grep -aoE "$3" | head -n 1)"
}

linux_packed() {
	boot packed && ask packed 'echo cpus $(nproc)' 'cpus 1' && c stop packed >/dev/null
}

linux_two() {
	local i
	boot two || return
	ask two 'echo cpus $(nproc) online $(cat /sys/devices/system/cpu/online)' 'cpus 2 online 0-1' || return
	for i in 0 1; do
		ask two "taskset $((1 << i)) sh -c 'echo ran on \$(cut -d\  -f39 /proc/self/stat)'" "ran on $i" || return
	done
	ask two 'grep -E "LOC|RES|CAL" /proc/interrupts | tr -s " "' 'CAL: [0-9]+ [1-9][0-9]*' || return
	# Off and on again: INIT and a start-up interrupt for a CPU that halted for good.
	ask two 'cd /sys/devices/system/cpu/cpu1; echo 0 >online; echo 1 >online; cd; echo again $(nproc)' 'again 2' || return
	c stop two >/dev/null
}

linux_down() { core_down || { fail "the core ended with $?"; core_tail; return 1; }; }

step "the core is up" linux_up
step "Debian's vmlinuz unpacks itself and boots to its shell" linux_packed
step "vmlinux with two CPUs: both are up, take interrupts, run programs" linux_two
step "the machine is given back" linux_down
steps_run build/report/core-linux$suffix.json
