#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# test_guests.sh [--svm]: guests of several virtual CPUs, more virtual CPUs than CPUs, and guests that come to another CPU;
# on machines of one CPU and of two. With --svm, where it is quick, a stock Linux too. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh
opts=() suffix=
if [ "${1:-}" = --svm ]; then opts=(--svm) suffix=-svm; fi

# Machines: of one CPU, and of two. Arguments that differ are given at a start.
one='vfs 0
guest cpus image=guest.bin args="cpus" cpus=4 manual
guest a image=guest.bin args="spin" manual
guest b image=guest.bin args="spin" manual
guest d image=guest.bin args="spin" manual
guest nap image=guest.bin args="nap" manual'
two='vfs 0
guest pinned image=guest.bin args="cpus" cpus=2 cpu=1 manual
guest cpus image=guest.bin args="cpus" cpus=4 manual
guest lone image=guest.bin args="spin" cpu=1 manual
guest fill image=guest.bin args="spin" cpu=1 manual
guest keep image=guest.bin args="keep" manual
guest wakes image=guest.bin args="sink irq=1 count=400 nic=virtio" cpu=1 nic=bridge manual
guest flood image=guest.bin cpu=1 nic=bridge manual'

up() { # NAME CONF CPUS
	core_up "$1$suffix" "$2" --cpus "$3" "${opts[@]}" && core_alive || { fail "the core does not come up"; core_tail 25; return 1; }
	see "$(c info | grep -E 'back end|cpus' | tr -s ' \n' ' ')"
}
one_up() { up guests-1 "$one" 1; }
two_up() { up guests-2 "$two" 2; }
down() { core_down || { fail "the core ended with $?"; core_tail; return 1; }; }

begin() { # GUEST [ARGUMENTS]
	local out
	out=$(c start "$@" 2>&1) || { fail "start $*: $out"; core_tail; return 1; }
}

# cpus_end GUEST ARGUMENTS STATE: the role "cpus" to its end, which is STATE.
cpus_end() {
	local l
	mark
	begin "$1" "$2" || return
	until_true 60 guest_ends "$1" || { c stop "$1" >/dev/null; fail "it does not end: $2"; core_tail 20; return 1; }
	while IFS= read -r l; do see "${l#*cpus: }"; done < <(since | grep -a "\[$1\].*cpus: ")
	guest_is "$1" "$3" && says 'cpus: 0 bad' || { fail "$1 is $(guest "$1" state): $(guest "$1" why)"; core_tail; return 1; }
	see "$2: $(guest "$1" why)"
}
cpus_ends() { # GUEST: by another than the first CPU; and by none of them
	cpus_end "$1" "cpus end=ap" stopped && cpus_end "$1" "cpus end=dead" failed || return
	guest "$1" why | grep -q 'halted for good' || { fail "$(guest "$1" why)"; return 1; }
}
one_cpus() { cpus_end cpus cpus stopped; }
one_ends() { cpus_ends cpus; }
two_pinned() { cpus_end pinned cpus stopped; }
two_spread() { cpus_end cpus cpus stopped; }
two_ends() { cpus_ends pinned; }

# facts: name, ticks in the guest, what it counted, beats and exits of each guest that runs; a line each.
facts() { cj guests | jq -r '.[] | select(.state == "running") | "\(.name) \(.ticks_guest) \(.beat_value) \(.beats) \(.exits)"'; }
more() { [ "$(guest "$1" beats)" -ge "$2" ]; }

# window GUEST BEATS: facts before and after so many beats of GUEST; the differences are in $shares.
window() {
	local before l
	until_true 30 more "$1" 3 || { fail "$1 does not beat"; core_tail; return 1; }
	before=$(facts)
	until_true 60 more "$1" $(($(guest "$1" beats) + $2)) || { fail "$1 does not go on"; core_tail; return 1; }
	shares=$(join <(sort <<<"$before") <(facts | sort) | awk '{ printf "%s %.0f %.0f %.0f %.0f\n", $1, $6 - $2, $7 - $3, $8 - $4, $9 - $5 }')
	while read -r l; do note "guest, ticks, counts, beats, exits: $l"; done <<<"$shares"
}
share() { awk -v g="$1" -v f="$2" '$1 == g { print $f }' <<<"$shares"; }

# AMD-V's ticks are real time, and the host takes some from the one or the other. Half as much would be a slice left out.
alike() { [ $(($1 * 100)) -ge $(($2 * 60)) ] || { fail "the shares are not alike: $1 and $2"; return 1; }; }

one_share() {
	local least most
	begin a && begin b && begin d && window a 150 || return
	least=$(cut -d' ' -f2 <<<"$shares" | sort -n | head -n 1) most=$(cut -d' ' -f2 <<<"$shares" | sort -n | tail -n 1)
	[ "$(wc -l <<<"$shares")" = 3 ] && [ "$least" -gt 0 ] || { fail "a guest got nothing"; return 1; }
	see "three that spin on one CPU: $(share a 2), $(share b 2), $(share d 2) ticks each in the same time"
	alike "$least" "$most"
}

# Beside one that sleeps nearly always, two have the CPU for themselves; and it wakes in its time.
one_nap() {
	local all late
	c stop d >/dev/null
	begin nap && window nap 300 || return
	all=$(($(share a 2) + $(share b 2) + $(share nap 2))) late=$(guest nap beat_value)
	see "two that spin and one that sleeps: $(share a 2), $(share b 2), $(share nap 2) ticks; it wakes $late us late at most"
	[ $(($(share nap 2) * 10)) -lt "$all" ] || { fail "it does not leave its time to others"; return 1; }
	alike "$(share a 2)" "$(share b 2)" && alike "$(share b 2)" "$(share a 2)" || return
	c stop a >/dev/null; c stop b >/dev/null; c stop nap >/dev/null
}

# A beat is an exit; there is no other.
two_lone() {
	local l
	begin lone && window lone 100 || return
	see "alone on CPU 1: $(share lone 4) beats, $(share lone 5) exits"
	while IFS= read -r l; do note "exits: $l"; done < <(c exits lone)
	[ "$(share lone 5)" -le $(($(share lone 4) + 1)) ] || { fail "it exits for something else"; c audit lone | tail -n 6; return 1; }
	c stop lone >/dev/null
}

# A frame that one sends wakes the other on the same CPU, and the sender gives way, whatever it goes on to do.
two_flood() {
	local mac said
	mark
	begin wakes && until_true 20 says 'sink ready' || { core_tail; return 1; }
	mac=$(since | grep -a '\[wakes\].*mac' | sed 's/.*mac //' | tr -d '\r' | awk -F: '{ for (i = 1; i <= 6; i++) printf "%s%2s", (i > 1 ? ":" : ""), $i }' | tr ' ' 0)
	begin flood "source nic=virtio dst=$mac count=4000000 burst=1" || return
	until_true 30 guest_ends wakes || { fail "the one that is woken does not come to its frames"; core_tail; return 1; }
	guest_is flood running || { fail "flood is $(guest flood state): $(guest flood why)"; return 1; }
	said=$(since | grep -ao 'sink: got.*')
	see "beside one that sends without end: $said"
	guest_is wakes stopped && grep -q 'got [4-9]' <<<"$said" || { fail "$(guest wakes why)"; core_tail; return 1; }
	c stop flood >/dev/null
}

# From CPU to CPU: the one that "fill" is not on. It looks for what a former guest left, and leaves something.
two_keep() {
	local i cpu want cpus=
	for i in 1 2 3 4 5 6; do
		want=1
		c stop fill >/dev/null 2>&1
		[ $((i % 3)) != 2 ] || { begin fill && want=0 || return; }
		mark
		begin keep || return
		until_true 30 says 'keep: 0 found' || { fail "start $i: $(since | grep -a 'keep:')"; core_tail; return 1; }
		until_true 30 more keep 20 || { fail "it does not go on"; core_tail; return 1; }
		cpu=$(since | grep -ao 'first on CPU [0-9]*' | grep -o '[0-9]*$')
		[ "$cpu" = $want ] || { fail "it is on CPU $cpu, not $want"; return 1; }
		cpus+="$cpu "
		c stop keep >/dev/null || { fail "stop"; return 1; }
	done
	c stop fill >/dev/null 2>&1
	see "on CPUs ${cpus}one after another: registers, MSRs, APIC, translations of before: none"
}

step "a machine of one CPU" one_up
step "four virtual CPUs on it: started, counting, interrupts of every kind, halted and woken" one_cpus
step "ends: by another than the first, by a halt of all" one_ends
step "guests that spin get a share each" one_share
step "one that halts leaves its time to others" one_nap
step "the machine is given back" down
step "a machine of two CPUs" two_up
step "two virtual CPUs, one on each" two_pinned
step "four on the two" two_spread
step "ends there" two_ends
step "a lone guest on a CPU of its own meets no timer" two_lone
step "one that is woken by its neighbour's frames gets its time" two_flood
step "a guest that comes to another CPU brings and finds nothing" two_keep
step "that machine is given back" down
steps_run build/report/core-guests$suffix.json || exit
[ -z "$suffix" ] || { echo "# suite core/linux-svm" && exec tests/core/linux.sh --svm; }
