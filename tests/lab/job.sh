#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# The main job, in the lab: sluiced takes the card, partitions it, hands VFs to virtual machines and takes them
# back; every claim is counted. JOB_REPORT names the report.
. "$(dirname "$0")/inside.sh"

VFS=7
NEW_MAC=02:5a:00:00:0b:02	# for the VF's second owner
GROUP_MAC=01:00:5e:01:02:03	# what the first owner listens to, and leaves behind

mac_of() { vf "$1" .mac; }
vf_is() { [ "$(vf "$1" .state)" = "$2" ]; }

# ---- the card -----------------------------------------------------------------------------------

job_host() {
	local groups
	host_up || { fail "the modules or the wire are not there"; return; }
	vm_start vm2
	groups=(/sys/kernel/iommu_groups/*)
	see "Linux $(uname -r), $(nproc) CPUs; card $PF $(cat "/sys/bus/pci/devices/$PF/vendor"):$(cat "/sys/bus/pci/devices/$PF/device")"
	dmesg | grep -q 'DMAR: IOMMU enabled' || { fail "the kernel did not enable the IOMMU"; return; }
	dmesg | grep -q 'DMAR-IR: Enabled IRQ remapping' || { fail "no interrupt remapping"; return; }
	see "VT-d on, interrupt remapping on, ${#groups[@]} IOMMU groups"
	[ -e "/sys/bus/pci/devices/$PF/iommu_group" ] || { fail "the card is in no IOMMU group"; return; }
}

job_pf() {
	local text
	sluiced_start --vfs $VFS || { fail "sluiced did not start: $(tail -n 5 "$sluiced_log")"; return; }
	see "$(grep '^sluiced: ready' "$sluiced_log")"
	[ "$(driver_of "$PF")" = vfio-pci ] || { fail "the PF is on $(driver_of "$PF")"; return; }
	# Without the token, VFIO does not open a VF: QEMU says so and ends.
	text=$(timeout 60 qemu-system-x86_64 -M q35 -accel tcg -nodefaults -display none -S \
		-device vfio-pci,host="$(vf_bdf 6)" 2>&1 </dev/null) && { fail "a VF was opened without the token"; return; }
	grep -qi 'permission denied' <<<"$text" || { fail "opening a VF without the token: $text"; return; }
	see "driver vfio-pci; QEMU without the token: permission denied"
}

job_vfs() {
	local n all
	all=$(sluice -j vf) || { fail "sluice vf: $all"; return; }
	while read -r n; do note "$n"; done < <(sluice vf)
	# Unique pools, queues, addresses and groups; pool n has queues n and n + 8.
	jq -e --argjson n $VFS 'length == $n
		and (map(.pool) | unique | length) == $n
		and (map(.queues) | flatten | unique | length) == 2 * $n
		and (map(.mac) | unique | length) == $n and all(.[]; .mac != "00:00:00:00:00:00")
		and (map(.group) | unique | length) == $n and all(.[]; .group >= 0)' <<<"$all" >/dev/null ||
		{ fail "not $VFS VFs with pools, queues, addresses and groups of their own"; return; }
	for ((n = 0; n < VFS; n++)); do
		[ "$(ls "/sys/bus/pci/devices/$(vf_bdf "$n")/iommu_group/devices" | wc -l)" = 1 ] ||
			{ fail "VF $n is not alone in its group"; return; }
	done
	see "$VFS VFs: $VFS pools, $((2 * VFS)) queues, $VFS addresses, $VFS IOMMU groups of one function each"
}

# ---- the machines -------------------------------------------------------------------------------

# The guest's own view of its VF NAME VF ADDRESS: stock igbvf, the address that the policy says, the link.
guest_has() {
	local name=$1 n=$2 said
	vm "$name" "until_ok 30 here" || { fail "$name has no VF: $vm_said"; return; }
	vm "$name" igbvf || { fail "$name: igbvf says: $vm_said"; return; }
	said=$vm_said
	grep -qi "Address: $(mac_of "$n")" <<<"$said" || { fail "$name: igbvf says: $said, VF $n is $(mac_of "$n")"; return; }
	vm "$name" "up $3" || { fail "$name: no link: $vm_said"; return; }
	until_true 10 vf_is "$n" attached || { fail "VF $n is $(vf "$n" .state)"; return; }
	[ "$(vf "$n" .owner)" = "$name" ] || { fail "VF $n is owned by $(vf "$n" .owner)"; return; }
}

start_cold() {
	local args
	# A VM that ended has given its VF back a moment later.
	until_true 30 vf_is 0 free || { fail "VF 0 is $(vf 0 .state)"; return; }
	args=$(sluice attach vm1 0 --cold 2>/run/sluice.out) || { fail "sluice attach: $(cat /run/sluice.out)"; return; }
	note "sluice attach vm1 0 --cold: $args"
	eval "vm_start vm1 $args"
}

job_cold() {
	vm_boot vm1 start_cold || { fail "vm1 did not boot"; return; }
	guest_has vm1 0 10.9.0.11 || return
	MAC1=$(mac_of 0)
	see "vm1 up with VF 0: igbvf, address $MAC1, link up"
}

job_hot() {
	vm_boot vm2 vm_started vm2 || { fail "vm2 did not boot"; return; }
	vm_start vm3
	vm vm2 'gone' || { fail "vm2 has a VF already"; return; }
	sluice attach vm2 1 --qmp $vm_dir/vm2/qmp >/run/sluice.out 2>&1 || { fail "sluice attach: $(cat /run/sluice.out)"; return; }
	guest_has vm2 1 10.9.0.12 || return
	MAC2=$(mac_of 1)
	vm vm2 'cut -d" " -f1 /proc/uptime'
	see "vm2, running for $vm_said s, got VF 1 by QMP: igbvf, address $MAC2, link up"
}

# ---- traffic ------------------------------------------------------------------------------------

# exact FROM TO MAC TAG COUNT [OPTION...]: all of COUNT frames arrive, undamaged, once.
exact() {
	local from=$1 to=$2 mac=$3 tag=$4 count=$5
	shift 5
	listen "$to" "$tag" --expect "$count" || { fail "$to does not listen: $vm_said"; return; }
	send "$from" "$mac" "$tag" "$count" "$@" || { fail "$from sent $sent of $count"; return; }
	heard "$to" "$tag"
	[ "$heard" = "$count" ] || { fail "$from to $to: $count sent, $heard_json"; return; }
	traffic="$from to $to: $count sent, $heard delivered"
}

ping_of() { vm "$1" "ping -c 2 -W 10 $2" && grep -o '[0-9]* packets transmitted, [0-9]* packets received' <<<"$vm_said"; }

job_switch() {
	local line
	listen wire 10 --promisc --until 11 --wait 60000 || return
	exact vm1 vm2 "$MAC2" 10 200 || return
	see "$traffic"
	send vm1 $WIRE_MAC 11 1 || { fail "vm1 sent $sent"; return; }
	heard wire 10
	see "of these the wire saw $heard"
	[ "$heard" = 0 ] && [ "$(jq -r .stop <<<"$heard_json")" = until ] || { fail "the wire: $heard_json"; return; }
	exact vm2 vm1 "$MAC1" 12 200 || return
	see "$traffic"
	line=$(ping_of vm1 10.9.0.12) || { fail "ping: $vm_said"; return; }
	see "ping vm1 to vm2: $line"
}

job_wire() {
	local line tag=20 v
	for v in vm1 vm2; do
		exact $v wire $WIRE_MAC $((tag++)) 100 || return
		see "$traffic"
		[ $v = vm1 ] && line=$MAC1 || line=$MAC2
		exact wire $v "$line" $((tag++)) 100 || return
		see "$traffic"
	done
	line=$(ping_of vm2 10.9.0.2) || { fail "ping: $vm_said"; return; }
	see "ping vm2 to the wire: $line"
}

# unseen BY TO MAC FROM TAG: 100 frames for TO are counted there and not by BY, which listens promiscuously and
# stops at a frame for itself that is sent after them.
unseen() {
	local by=$1 to=$2 mac=$3 from=$4 tag=$5 own
	[ "$by" = vm1 ] && own=$MAC1 || own=$MAC2
	listen "$by" $((tag + 1)) --promisc --until $((tag + 2)) --wait 60000 || { fail "$by: $vm_said"; return; }
	listen "$to" "$tag" --expect 100 || { fail "$to: $vm_said"; return; }
	send "$from" "$mac" "$tag" 100 && send "$from" "$mac" $((tag + 1)) 100 && send wire "$own" $((tag + 2)) 1 ||
		{ fail "$from sent $sent"; return; }
	heard "$to" "$tag"
	[ "$heard" = 100 ] || { fail "$to: $heard_json"; return; }
	heard "$by" $((tag + 1))
	[ "$heard" = 0 ] && [ "$(jq -r .stop <<<"$heard_json")" = until ] || { fail "$by: $heard_json"; return; }
	see "200 frames $from to $to: $by, promiscuous, saw $heard"
}

job_private() {
	unseen vm2 vm1 "$MAC1" wire 30 && unseen vm1 vm2 "$MAC2" wire 33
}

# ---- counters -----------------------------------------------------------------------------------

counters() { vf "$1" '.stats | "\(.rx_packets) \(.tx_packets) \(.rx_bytes) \(.tx_bytes)"'; }
# counted VF RX TX RX_BYTES TX_BYTES: what the counters of VF have gone up by since $before.
counted() {
	local b a
	read -ra b <<<"${before[$1]}"
	read -ra a <<<"$(counters "$1")"
	[ "$((a[0] - b[0])) $((a[1] - b[1])) $((a[2] - b[2])) $((a[3] - b[3]))" = "$2 $3 $4 $5" ]
}

job_counters() {
	local v before=()
	for v in vm1 vm2; do vm $v 'ip link set $IF arp off' || return; done
	wire ip link set "$WIRE_IF" arp off
	before=("$(counters 0)" "$(counters 1)")
	exact vm1 vm2 "$MAC2" 40 150 --size 128 && exact vm2 vm1 "$MAC1" 41 90 && exact vm1 wire $WIRE_MAC 42 60 &&
		exact wire vm1 "$MAC1" 43 70 || return
	# Bytes are counted with the 4 of the frame check sequence: 132 for a frame of 128, 68 for one of 64.
	until_true 5 counted 0 $((90 + 70)) $((150 + 60)) $((160 * 68)) $((150 * 132 + 60 * 68)) ||
		{ fail "VF 0: ${before[0]}, then $(counters 0); sent 150 of 128 and 60 of 64 bytes, delivered 160 of 64"; return; }
	see "VF 0: 210 sent, 160 delivered; its counters went up by 210 and 160, $((150 * 132 + 60 * 68)) and $((160 * 68)) bytes"
	until_true 5 counted 1 150 90 $((150 * 132)) $((90 * 68)) ||
		{ fail "VF 1: ${before[1]}, then $(counters 1); sent 90 of 64 bytes, delivered 150 of 128"; return; }
	see "VF 1: 90 sent, 150 delivered; its counters went up by 90 and 150, $((90 * 68)) and $((150 * 132)) bytes"
	for v in vm1 vm2; do vm $v 'ip link set $IF arp on' || return; done
	wire ip link set "$WIRE_IF" arp on
}

# ---- policy -------------------------------------------------------------------------------------

set_vf() { sluice vf set "$@" >/run/sluice.out 2>&1 || fail "sluice vf set $*: $(cat /run/sluice.out)"; }

job_vlans() {
	set_vf 0 vlan 100 && set_vf 1 vlan 200 || return
	listen vm2 50 --promisc --until 51 --wait 60000 || return
	send vm1 "$MAC2" 50 50 && send wire "$MAC2" 51 1 --vlan 200 || { fail "sent $sent"; return; }
	heard vm2 50
	[ "$heard" = 0 ] && [ "$(jq -r .stop <<<"$heard_json")" = until ] || { fail "vm2: $heard_json"; return; }
	see "VLANs 100 and 200: 50 frames vm1 to vm2, $heard delivered"
	vm vm1 'ping -c 1 -W 2 10.9.0.12' && { fail "ping between VLANs was answered"; return; }
	see "ping: $(grep -o '[0-9]* packets received' <<<"$vm_said")"
	listen wire 52 --expect 50 || return
	send vm1 $WIRE_MAC 52 50 || { fail "vm1 sent $sent"; return; }
	heard wire 52
	[ "$heard" = 50 ] && [ "$(jq .vlan_min <<<"$heard_json")" = 100 ] && [ "$(jq .vlan_max <<<"$heard_json")" = 100 ] ||
		{ fail "the wire: $heard_json"; return; }
	see "vm1 to the wire: 50 sent, $heard delivered, tagged 100"
	set_vf 1 vlan 100 || return
	exact vm1 vm2 "$MAC2" 53 50 || return
	see "both on 100: $traffic"
	set_vf 0 vlan 0 && set_vf 1 vlan 0
}

# ---- giving back --------------------------------------------------------------------------------

# The traces of the first owner: a group address, a VLAN; shown to work, then left behind.
job_taken_back() {
	vm vm2 'ip link add link $IF name v300 type vlan id 300 && ip link set v300 up' &&
		vm vm2 "(pkt recv \$IF --join $GROUP_MAC --tag 69 --wait 600000 >/dev/null &)" || { fail "vm2: $vm_said"; return; }
	listen vm2 60 --expect 20 || return
	send wire $GROUP_MAC 60 20 || return
	heard vm2 60
	[ "$heard" = 20 ] || { fail "multicast to vm2: $heard_json"; return; }
	exact wire vm2 "$MAC2" 61 20 --vlan 300 || return
	see "vm2 joined $GROUP_MAC and VLAN 300: 20 of 20 frames each"
	sluice detach vm2 >/run/sluice.out 2>&1 || { fail "sluice detach: $(cat /run/sluice.out)"; return; }
	vm vm2 'until_ok 10 gone' || { fail "vm2 still has an interface"; return; }
	until_true 10 vf_is 1 free || { fail "VF 1 is $(vf 1 .state)"; return; }
	[ "$(vf 1 '.owner // ""')" = "" ] || { fail "VF 1 is owned by $(vf 1 .owner)"; return; }
	see "detached, vm2 runs on without it; VF 1 reset, scrubbed, $(vf 1 .state)"
}

job_new_owner() {
	set_vf 1 mac $NEW_MAC || return
	vm_boot vm3 vm_started vm3 || { fail "vm3 did not boot"; return; }
	sluice attach vm3 1 --qmp $vm_dir/vm3/qmp >/run/sluice.out 2>&1 || { fail "sluice attach: $(cat /run/sluice.out)"; return; }
	guest_has vm3 1 10.9.0.13 || return
	see "vm3 got VF 1, address $(mac_of 1)"
	listen vm3 70 --promisc --until 71 --wait 60000 || return
	send wire "$MAC2" 70 20 && send wire $GROUP_MAC 70 20 && send wire $NEW_MAC 70 20 --vlan 300 && send vm1 "$MAC2" 70 20 &&
		send wire $NEW_MAC 71 1 || { fail "sent $sent"; return; }
	heard vm3 70
	[ "$heard" = 0 ] && [ "$(jq -r .stop <<<"$heard_json")" = until ] || { fail "vm3: $heard_json"; return; }
	see "20 frames each to the old address from the wire and from vm1, to the old group, on the old VLAN: $heard of 80 seen"
	exact wire vm3 $NEW_MAC 72 100 || return
	see "$traffic"
	exact vm3 vm1 "$MAC1" 73 100 || return
	see "$traffic"
}

job_death() {
	local t0=$EPOCHREALTIME
	vm_kill vm3 KILL
	until_true 30 vf_is 1 free || { fail "VF 1 is $(vf 1 .state)"; return; }
	see "vm3 killed: VF 1 free by itself after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $t0 }") s"
	exact wire vm1 "$MAC1" 80 50 || return
	see "VF 0 undisturbed: $traffic"
}

job_end() {
	local v
	for v in vm1 vm2; do vm $v igbvf || { fail "$v: $vm_said"; return; }; done
	sluice detach vm1 >/run/sluice.out 2>&1 || { fail "sluice detach: $(cat /run/sluice.out)"; return; }
	sluiced_stop || { fail "sluiced ended with status $?: $(tail -n 3 "$sluiced_log")"; return; }
	see "no guest ever saw its PF in reset; VF 0 taken back, sluiced ended with status 0"
}

step "the host is up, with VT-d" job_host
step "sluiced takes the PF by VFIO, with a VF token" job_pf
step "$VFS VFs, each with pool, queues, address, IOMMU group" job_vfs
step "a VM starts with a VF" job_cold
step "a VF is hot-plugged by QMP into a running VM" job_hot
step "the VMs reach each other through the card's own switch" job_switch
step "the VMs and the wire reach each other through the uplink" job_wire
step "a frame for one is not seen by the other" job_private
step "per-VF counters agree with what was sent" job_counters
step "on different VLANs they do not reach each other" job_vlans
step "a VF is taken back and scrubbed" job_taken_back
step "another VM gets it, and sees nothing of the former owner" job_new_owner
step "a VM that dies gives its VF back" job_death
step "everything is given back" job_end
steps_run "/lab/report/${JOB_REPORT:-run.json}"
rc=$?
if [ "$rc" != 0 ]; then
	kept=/lab/report/${JOB_REPORT:-run.json}
	cp "$sluiced_log" "${kept%.json}.sluiced.log" 2>/dev/null
	for name in "${!vm_pid[@]}"; do
		tail -n 50 "$vm_dir/$name/qemu.log" "$vm_dir/$name/console.log" >"${kept%.json}.$name.log" 2>/dev/null
	done
fi
host_reset
exit $rc
