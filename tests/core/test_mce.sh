#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Machine checks, put into a CPU's banks by QEMU's monitor: on a guest, on a CPU that idles, and such as the core
# cannot go on from. On AMD-V alone: Bochs has no banks. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh

# QEMU brings a guest its machine check and does not look at the intercept; this guest cannot take one: it exits.
conf='vfs 0
guest good image=guest.bin args="beat" cpu=0
guest hit image=guest.bin args="attack what=deaf" cpu=1 manual'

# A bank's status, SDM 3B 16.3.2.2: valid, uncorrected, enabled, with an address; then what differs.
base=0xb400000000000134
pcc=0xb600000000000134	       # the CPU's state is corrupt
required=0xb580000000000134    # signalled, and to be handled before what was interrupted goes on
overflow=0xf400000000000134
ripv=5 lost=4 # MCG_STATUS: in progress, with what was interrupted to be gone on with and without

up() {
	monitor_open mce
	core_up mce "$conf" --svm --cpus 2 --qemu "$monitor" && core_alive && until_true 30 beats 3 ||
		{ fail "the core does not come up"; core_tail 25; return 1; }
}
down() { core_down || { fail "the core ended with $?"; core_tail; return 1; }; monitor_close; }
beats() { [ "$(guest good beats)" -gt "$1" ]; }
goes_on() { until_true 30 beats "$(guest good beats)" || { fail "the other guest does not go on"; core_tail; return 1; }; }
line() { see "$(since | grep -aE -m1 "$1" | sed 's/^\[[^]]*\] *//')"; }

# inject CPU STATUS MCG_STATUS: into bank 3, and from there on the console is looked at. The monitor says nothing
# when it did so.
inject() {
	mark
	inject_next "$@"
}
inject_next() {
	local out
	out=$(ask "mce $1 3 $2 $3 0x12345000 0")
	[ -z "$out" ] || { fail "QEMU: $out"; return 1; }
}
starts() {
	mark
	c start hit >/dev/null && until_true 30 says 'attack deaf' && goes_on || { fail "guest hit does not start"; core_tail; return 1; }
}
ended() { guest_is hit failed && says 'guest hit: machine check on CPU 1: bank 3, status 0xb4'; }

# Twice: with the first one still in progress QEMU, as a CPU, would shut down.
on_guest() {
	for _ in 1 2; do
		starts && inject 1 $base $ripv || return
		until_true 30 ended || { fail "guest hit is $(guest hit state): $(guest hit why)"; core_tail; return 1; }
		[[ $(guest hit why) == "machine check while it ran"* ]] || { fail "why: $(guest hit why)"; return 1; }
		goes_on || return
	done
	line 'guest hit: machine check'
	see "guest hit: $(guest hit why)"
}

in_core() {
	for _ in 1 2 3; do
		inject 1 $base $ripv || return
		until_true 30 says 'core: machine check on CPU 1: bank 3, status 0xb4' || { fail "it says nothing"; core_tail; return 1; }
		goes_on || return
	done
	line 'core: machine check'
	starts && c stop hit >/dev/null || { fail "CPU 1 does not run guests any more"; return 1; }
}

# On both at once, as nearly as a monitor can: it sends to one CPU of AMD's only.
storm() {
	c stop good >/dev/null || return
	for _ in {1..20}; do
		inject 1 $base $ripv && inject_next 0 $base $ripv || return
		until_true 30 both_say || { fail "they say nothing"; core_tail; return 1; }
	done
	line 'core: machine check on CPU 0'
	c start good >/dev/null && until_true 30 beats 3 || { fail "no guest runs any more"; core_tail; return 1; }
}
both_say() { says 'core: machine check on CPU 0: bank 3' && says 'core: machine check on CPU 1: bank 3'; }

# ends STATUS MCG_STATUS: the core, in words.
ends() {
	local rc=0
	up && inject 1 "$1" "$2" || return
	wait "$core_pid" || rc=$?
	core_pid=
	monitor_close
	[ $rc = 3 ] && says 'machine check on CPU 1: bank 3' && says 'core: machine check on CPU 1 that it cannot go on from' ||
		{ fail "status $rc"; core_tail; return 1; }
	line 'cannot go on from'
}
ends_pcc() { ends $pcc $ripv; }
ends_lost() { ends $base $lost; }
ends_over() { ends $overflow $ripv; }
ends_required() { ends $required $ripv; }

step "two CPUs, a guest" up
step "on a guest, twice: it ends, the other goes on" on_guest
step "on a CPU that idles, three times: nobody ends" in_core
step "on both CPUs that idle, twenty times" storm
step "the core ends as told" down
step "the CPU's state is corrupt: the core ends in words" ends_pcc
step "uncorrected, and nothing to go on with: likewise" ends_lost
step "uncorrected, and others were lost: likewise" ends_over
step "consumed by the core itself: likewise" ends_required
steps_run build/report/core-mce.json
