#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# test_attacks.sh [--svm] [--cpus N] [ATTACK...]: a guest that tries, beside one that works. Each try of the list in
# tests/core/attacks starts the attacker afresh; then: it ended as the list says, the log names it, the other
# guest goes on and its frames arrive, and no memory or VF stayed behind. TAP.
set -uo pipefail
cd "$(dirname "$0")/../.."
export LAB_TAP=1 PROGRESS=plain
. tests/core/lib.sh

# Nothing here takes more than a few seconds on an idle host; a busy one is no failure.
patience=240
export CORE_SECONDS=1800
opts=() suffix=
if [ "${1:-}" = --svm ]; then opts=(--svm) suffix=-svm; shift; fi
if [ "${1:-}" = --cpus ]; then opts+=(--cpus "$2"); shift 2; fi

conf='vfs 4
guest victim image=guest.bin args="echo" nic=vf:0
guest attacker image=guest.bin cpus=2 nic=vf:1 nic=bridge manual'

mapfile -t list < <(grep -vE '^(#|$)' tests/core/attacks)
[ $# -eq 0 ] || mapfile -t list < <(for a; do grep -E "^$a([: ]|$)" tests/core/attacks; done)

victim_goes_on() { [ "$(guest victim beats)" -gt "$1" ]; }

# What a halted guest is asked for touches no other: a VF of another's, and its registers, which another
# CPU may hold. The attacker's code is above 1 MiB, and so is where it halted.
asked_of_it() {
	local out
	out=$(c attach attacker vf:0 2>&1) && { fail "two guests at one VF"; return 1; }
	grep -q victim <<<"$out" || { fail "the refusal does not name the owner: $out"; return 1; }
	until_true $patience dumped || { fail "its registers: $(c dump attacker 2>&1 | head -n 3)"; return 1; }
	see "$out; $dump"
}
dumped() { dump=$(c dump attacker 2>&1 | grep -iE '(^|_| )rip +(0x)?0*1[0-9a-f]{5}\b'); }

# What the other guest sends to the wire's station comes there, not to who took the station's address.
answered() {
	local out
	out=$(wire ask --dst "$(vf_of victim mac)" --count 50 --wait 10000) || { fail "the other guest's frames: $out"; return 1; }
	see "other guest: $out"
}

# feed MAC REGEX: frames for the attacker's VF, a few at a time, since its queue is off now and then; until the log
# says what it has to, or the attacker has ended.
feed() {
	local i
	for i in {1..60}; do
		wire send --dst "$1" --count 20 >/dev/null
		! says "$2" && ! guest_ends attacker || return 0
		progress_pause 0.05
	done
}

# try WHAT HOW REGEX
try() {
	local what=${1%%:*} extra= how=$2 regex=$3 beats out free
	[ "$what" = "$1" ] || extra=${1#*:}
	core_alive || { fail "the core is gone"; return; }
	mark
	free=$(cj info | jq .mem_free)
	# shellcheck disable=SC2086
	out=$(c start attacker attack what="$what" ${extra//:/ } 2>&1) || { fail "start: $out"; return; }
	case $what in
	dma-rx-* | vf-rx-*)
		until_true $patience says 'receiving' || { fail "it did not come to its try"; return; }
		feed "$(vf_of attacker mac)" "$regex" ;;
	asleep)
		until_true $patience says "$regex" || { fail "it did not come to its try"; return; }
		asked_of_it || return ;;
	vf-gone)
		until_true $patience says 'using the VF' || { fail "it did not come to its try"; return; }
		out=$(c detach 1 2>&1) || { fail "detach: $out"; return; } ;;
	esac
	if [ "$how" = running ]; then
		until_true $patience says "$regex" || { fail "it did not begin"; return; }
		guest_is attacker running || { fail "it is $(guest attacker state)"; return; }
		[ "$what" != mac-steal ] || answered || return
		out=$(c stop attacker 2>&1) || { fail "stop: $out"; return; }
	else
		until_true $patience guest_ends attacker || { c stop attacker; fail "it did not end"; return; }
		[ "$how" = any ] || guest_is attacker "$how" ||
			{ fail "it is $(guest attacker state): $(guest attacker why)"; return; }
	fi
	until_true $patience says "$regex" || { fail "the log does not say /$regex/"; return; }
	see "$how; $(since | grep -aE -m1 -- "$regex" | cut -c1-120)"
	beats=$(guest victim beats)
	until_true $patience victim_goes_on "$beats" || { fail "the other guest stands still"; return; }
	c stop attacker >/dev/null 2>&1
	[ "$(cj info | jq .mem_free)" -ge "$free" ] || { fail "memory stayed behind: $free, $(cj info | jq .mem_free)"; return; }
}

attack_step() {
	local name how regex
	read -r name how regex <<<"${list[$attack_next]}"
	attack_next=$((attack_next + 1))
	try "$name" "$how" "$regex" || { core_tail; attack_again; return 1; }
}

# After a try that went wrong the next ones get a fresh core.
attack_again() {
	core_kill
	core_up "attacks$suffix" "$conf" "${opts[@]}" >/dev/null
	until_true 20 says 'echo ready'
}

echo "1..$((${#list[@]} + 2))"
n=1
bad=0
result() {
	if "${@:2}"; then echo "ok $n - $1"; else echo "not ok $n - $1"; bad=1; fi
	n=$((n + 1))
}
boots() {
	core_up "attacks$suffix" "$conf" "${opts[@]}" && core_alive && until_true $patience says 'echo ready' ||
		{ fail "the core or the other guest is not up"; core_tail; return 1; }
}
ends() {
	local out
	out=$(wire ask --dst "$(vf_of victim mac)" --count 50 --wait 60000) || { fail "the other guest's frames: $out"; core_tail; return 1; }
	see "other guest: $out"
	core_down || { fail "the core ended with $?"; core_tail; return 1; }
}
result "the core is up, a guest works" boots || :
attack_next=0
for entry in "${list[@]}"; do
	result "attack ${entry%% *}" attack_step
done
result "the other guest has not noticed" ends
exit $bad
