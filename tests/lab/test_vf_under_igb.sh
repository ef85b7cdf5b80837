#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Our VF driver under the stock igb PF: addresses, frames by the switch and the wire, VLANs, a reset of the PF.
. "$(dirname "$0")/inside.sh"

MAC0=02:00:00:00:00:10
MAC1=02:00:00:00:00:11
pf_if=

# A VF's place in traffic: vf_listen VF TAG [OPTION...], vf_heard VF TAG, vf_send VF MAC TAG COUNT [OPTION...].
declare -A vf_pids
vf_listen() {
	local n=$1 tag=$2
	shift 2
	: >"/run/vf$n.$tag"
	vf_pkt recv "$(vf_bdf "$n")" --tag "$tag" --wait 60000 "$@" >"/run/vf$n.$tag" 2>&1 &
	vf_pids[$n]=$!
	until_true 30 vf_ready_or_dead "$n" "$tag" && grep -q '^ready' "/run/vf$n.$tag" || fail "VF $n: $(cat "/run/vf$n.$tag")"
}
vf_ready_or_dead() { grep -q '^ready' "/run/vf$1.$2" || ! kill -0 "${vf_pids[$1]}" 2>/dev/null; }
vf_heard() {
	wait "${vf_pids[$1]}"
	heard_json=$(tail -n 1 "/run/vf$1.$2")
	heard=$(jq -r .distinct <<<"$heard_json" 2>/dev/null)
}
vf_send() {
	local n=$1 mac=$2 tag=$3 count=$4
	shift 4
	sent_text=$(vf_pkt send "$(vf_bdf "$n")" --dst "$mac" --tag "$tag" --count "$count" "$@" 2>&1)
	sent=$(tail -n 1 <<<"$sent_text" | jq -r .sent 2>/dev/null) || sent="nothing: $sent_text"
	[ "$sent" = "$count" ]
}

up() {
	local n
	host_up && modprobe igb && bind "$PF" igb || { fail "the stock igb did not take the PF"; return; }
	for n in "/sys/bus/pci/devices/$PF/net/"*; do pf_if=${n##*/}; done
	ip link set "$pf_if" up && echo 2 >"/sys/bus/pci/devices/$PF/sriov_numvfs" || { fail "no VFs"; return; }
	ip link set "$pf_if" vf 0 mac $MAC0 && ip link set "$pf_if" vf 1 mac $MAC1 || return
	bind "$(vf_bdf 0)" vfio-pci && bind "$(vf_bdf 1)" vfio-pci || { fail "the VFs did not go to vfio-pci"; return; }
	until_true 20 wire_up || { fail "no link"; return; }
	see "PF $PF driver $(driver_of "$PF"), 2 VFs on $(driver_of "$(vf_bdf 0)")"
}

handshake() {
	vf_listen 0 1 --expect 50 || return
	see "VF 0: $(grep ^ready /run/vf0.1)"
	grep -q "$MAC0" /run/vf0.1 || fail "not the address that the PF gave"
	send wire $MAC0 1 50 || { fail "the wire sent $sent of 50"; return; }
	vf_heard 0 1
	see "from the wire: 50 sent, $heard delivered"
	[ "$heard" = 50 ]
}

# Frames go in rounds that fit into the receiver's ring, so that a loss is the card's or the driver's.
to_wire() {
	local round all=0
	for round in 20 21 22 23 24; do
		listen wire $round --expect 200 --wait 60000 || return
		vf_send 0 $WIRE_MAC $round 200 --size 512 || { fail "sent $sent of 200"; return; }
		heard wire $round
		[ "$heard" = 200 ] && [ "$(jq .bad <<<"$heard_json")" = 0 ] || { fail "$heard_json"; return; }
		all=$((all + heard))
	done
	see "VF 0 to the wire, 512 bytes: 1000 sent, $all delivered, 0 damaged"
}

switch() {
	vf_listen 1 3 --expect 1000 || return
	vf_send 0 $MAC1 3 1000 --size 1000 || { fail "sent $sent of 1000"; return; }
	vf_heard 1 3
	see "VF 0 to VF 1, 1000 bytes: $sent sent, $heard delivered, $(jq .bad <<<"$heard_json") damaged"
	[ "$heard" = 1000 ] && [ "$(jq .bad <<<"$heard_json")" = 0 ]
}

not_for_us() {
	vf_listen 1 4 --until 5 || return
	send wire $MAC0 4 50 && send wire 02:00:00:00:00:77 4 50 || { fail "the wire sent $sent of 50"; return; }
	send wire $MAC1 5 1 || return
	vf_heard 1 4
	see "100 frames for others, then one for VF 1: $heard of the 100 seen, ended by $(jq -r .stop <<<"$heard_json")"
	[ "$heard" = 0 ] && [ "$(jq -r .stop <<<"$heard_json")" = until ]
}

vlan() {
	vf_listen 0 6 --vlan-add 300 --until 7 || return
	send wire $MAC0 6 40 --vlan 300 && send wire $MAC0 6 40 --vlan 301 --size 128 && send wire $MAC0 7 1 --vlan 300 ||
		{ fail "the wire sent $sent"; return; }
	vf_heard 0 6
	see "40 frames on VLAN 300, which VF 0 asked for, and 40 on 301: $heard_json"
	[ "$heard" = 40 ] && [ "$(jq '.frames == 40 and .vlan_min == 300 and .vlan_max == 300' <<<"$heard_json")" = true ]
}

pf_reset() {
	vf_listen 0 8 --resets 1 --expect 30 || return
	ip link set "$pf_if" down && ip link set "$pf_if" up && until_true 20 wire_up || { fail "the PF did not come back"; return; }
	until_true 30 grep -q 'resets":1' /run/vf0.8 || { fail "VF 0 did not recover: $(cat /run/vf0.8)"; return; }
	see "the PF went down and up: $(grep 'resets":1' /run/vf0.8)"
	send wire $MAC0 8 30 || { fail "the wire sent $sent"; return; }
	vf_heard 0 8
	see "afterwards, in the same process: 30 sent, $heard delivered"
	[ "$heard" = 30 ]
}

step "stock igb PF, two VFs on vfio-pci" up
step "our VF driver comes up under it, and receives from the wire" handshake
step "it sends to the wire, nothing lost or damaged" to_wire
step "VF to VF by the card's switch" switch
step "frames for others are not seen" not_for_us
step "a VLAN that it asks for, and no other" vlan
step "it recovers from a reset of the PF" pf_reset
steps_run /lab/report/lab-vf_under_igb.json
rc=$?
host_reset
exit $rc
