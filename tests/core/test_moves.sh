#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# test_moves.sh [--svm]: a VF from guest to guest. Every step of the handover is done in its order and proved;
# what the former owner had does not reach the next, memory least of all. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh
patience=240 # as in test_attacks.sh
export CORE_SECONDS=1800
opts=() suffix=
if [ "${1:-}" = --svm ]; then opts=(--svm) suffix=-svm; fi

conf='vfs 3
guest one image=guest.bin args="echo ip=0x0a09000b" nic=vf:0
guest two image=guest.bin args="echo ip=0x0a09000c" nic=vf:1 manual
guest three image=guest.bin args="zero" mem=32M manual'

ready() { until_true $patience says 'echo ready' || { fail "the guest does not come up"; core_tail; return 1; }; }
echoes() { # GUEST: frames from the wire come back
	local out
	out=$(wire ask --dst "$(vf_of "$1" mac)" --count 64 --wait 60000) || { fail "$1: $out"; core_tail; return 1; }
	see "$1 by VF $(vf_of "$1" vf): $out"
}

move_up() {
	core_up "moves$suffix" "$conf" "${opts[@]}" && core_alive && ready || { core_tail 30; return 1; }
	echoes one
}

move_taken() {
	local out
	out=$(c attach two vf:0 2>&1) && { fail "a stopped guest got a VF"; return 1; }
	see "stopped guest: $out"
	mark
	out=$(c start two echo 2>&1) || { fail "start: $out"; return 1; }
	ready || return
	out=$(c attach two vf:0 2>&1) && { fail "two guests at one VF"; return 1; }
	grep -q one <<<"$out" || { fail "the refusal does not name the owner: $out"; return 1; }
	see "second guest: $out"
}

# The console shows each step once, in the order of the enum.
in_order() {
	local vf=$1 step last=0 at
	shift
	for step; do
		at=$(since | grep -an "VF $vf: $step" | head -n 1 | cut -d: -f1)
		[ -n "$at" ] && [ "$at" -gt "$last" ] || { fail "step '$step' of VF $vf is not shown in its place"; core_tail 20; return 1; }
		see "$(since | grep -a -m1 "VF $vf: $step" | sed 's/^\[[^]]*\] *//' | cut -c1-110)"
		last=$at
	done
}

move_steps() {
	local mac out
	mac=$(vf_of one mac)
	mark
	out=$(c stop one 2>&1) || { fail "stop: $out"; return 1; }
	in_order 0 quiesced reset scrubbed interrupts unmapped flushed || return
	[ "$(vf_fact 0 owner)" = "" ] || { fail "VF 0 has an owner still"; return 1; }
	c stop two >/dev/null
	mark
	out=$(c start two "echo nic=vf" 2>&1) || { fail "start: $out"; return 1; }
	ready || return
	c detach 1 >/dev/null 2>&1
	mark
	out=$(c attach two vf:0 2>&1) || { fail "attach: $out"; core_tail 20; return 1; }
	in_order 0 mapped given || return
	[ "$(vf_fact 0 owner)" = two ] || { fail "VF 0 is owned by '$(vf_fact 0 owner)'"; return 1; }
}

# The guest that is started anew finds the VF that was moved to its place, and works with it.
move_works() {
	local out before
	c stop two >/dev/null
	mark
	out=$(c start two "echo" 2>&1) || { fail "start: $out"; return 1; }
	ready && echoes two || return
	before=$(vf_fact 1 handovers)
	c stop two && c start two "echo" >/dev/null && mark && until_true $patience guest_is two running
	[ "$(vf_fact 1 handovers)" -gt "$before" ] || { fail "the handover was not counted"; return 1; }
}

move_many() {
	local i out
	for i in 1 2 3 4 5 6 7 8; do
		c stop two >/dev/null 2>&1
		mark
		out=$(c start two "echo" 2>&1) || { fail "start $i: $out"; return 1; }
		ready || return
	done
	echoes two || return
	see "8 handovers more; memory free: $(cj info | jq .mem_free) of $(cj info | jq .mem_total)"
}

# The same memory is given again and again: what a guest left must not be there.
move_zero() {
	local i free
	free=$(cj info | jq .mem_free)
	for i in 1 2 3; do
		mark
		c start three >/dev/null 2>&1
		until_true $patience guest_ends three || { fail "it does not end"; return 1; }
		says 'zero: 0 words of somebody' || { fail "$(since | grep -a 'zero:')"; return 1; }
	done
	see "32 MiB filled and given again, three times: no word of the former owner"
	[ "$(cj info | jq .mem_free)" = "$free" ] || { fail "memory stayed behind"; return 1; }
}

move_down() { core_down || { fail "the core ended with $?"; core_tail; return 1; }; }

step "the core is up, VF 0 works in a guest" move_up
step "a VF that has an owner is refused to others, by name" move_taken
step "a handover goes step by step, each proved" move_steps
step "the next owner works with it" move_works
step "many handovers, nothing is left behind" move_many
step "memory is zeroed between owners" move_zero
step "the machine is given back" move_down
steps_run build/report/core-moves$suffix.json
