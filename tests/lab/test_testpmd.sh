#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Our PF with DPDK's igbvf PMD: testpmd on two VFs forwards between the wire and itself; all frames are counted.
. "$(dirname "$0")/inside.sh"

log=/run/testpmd.log
packets() { vf "$1" '.stats | "\(.rx_packets) \(.tx_packets)"'; }

pmd_start() {
	rm -f /run/testpmd.in
	mkfifo /run/testpmd.in
	exec {pmd_in}<>/run/testpmd.in
	stdbuf -oL dpdk-testpmd -l 0-1 -n 1 --in-memory -a "$(vf_bdf 0)" -a "$(vf_bdf 1)" --vfio-vf-token "$token" -- \
		--forward-mode=mac --eth-peer=0,$WIRE_MAC --eth-peer=1,$WIRE_MAC --total-num-mbufs=4096 \
		<&"$pmd_in" >$log 2>&1 &
	pmd_pid=$!
}
pmd_forwards() { grep -q 'Press enter to exit' $log || ! kill -0 "$pmd_pid" 2>/dev/null; }

up() {
	local args
	command -v dpdk-testpmd >/dev/null || { fail "no dpdk-testpmd: tests/setup/install test"; return; }
	host_up && sluiced_start --vfs 7 || { fail "sluiced did not start: $(tail -n 5 "$sluiced_log")"; return; }
	# What a cold attach prints for QEMU holds the token, which testpmd wants in its own way.
	args=$(sluice attach testpmd 0 --cold && sluice attach testpmd 1 --cold) || { fail "sluice attach: $args"; return; }
	token=$(grep -o 'vf-token=[0-9a-f-]*' <<<"$args" | head -n 1)
	token=${token#*=}
	[ -n "$token" ] || { fail "no token in $args"; return; }
	MAC0=$(vf 0 .mac) MAC1=$(vf 1 .mac)
	see "$(grep '^sluiced: ready' "$sluiced_log"); VF 0 $MAC0, VF 1 $MAC1 reserved"
}

no_token() {
	local text
	echo 192 >/proc/sys/vm/nr_hugepages
	text=$(echo | timeout 60 dpdk-testpmd -l 0-1 -n 1 --in-memory -a "$(vf_bdf 0)" -- --total-num-mbufs=4096 2>&1)
	grep -q 'No probed ethernet devices' <<<"$text" || { fail "testpmd without the token: $(tail -n 5 <<<"$text")"; return; }
	see "$(grep 'cannot be used' <<<"$text"); no probed ethernet devices"
}

start() {
	pmd_start
	until_true 60 pmd_forwards && kill -0 "$pmd_pid" 2>/dev/null || { fail "testpmd: $(tail -n 5 $log)"; return; }
	grep -qi "$MAC0" $log && grep -qi "$MAC1" $log || { fail "testpmd's ports have other addresses: $(grep -i 'Port [01]:' $log)"; return; }
	see "$(grep -c 'net_e1000_igb_vf' $log) probes by net_e1000_igb_vf; $(grep -i '^Port [01]:' $log | tr '\n' ' ')"
}

# through VF MAC TAG COUNT SIZE: in by VF, back to the wire by the other.
through() {
	local n=$1 o=$((1 - $1)) mac=$2 tag=$3 count=$4 size=$5 b0 b1 a0 a1 json
	read -ra b0 <<<"$(packets "$n")"
	read -ra b1 <<<"$(packets "$o")"
	json=$(wire pkt loop "$WIRE_IF" --dst "$mac" --tag "$tag" --count "$count" --size "$size" --wait 60000 2>&1)
	sent=$(head -n 1 <<<"$json" | jq .sent) heard_json=$(tail -n 1 <<<"$json")
	heard=$(jq .distinct <<<"$heard_json")
	see "$size bytes, in by VF $n, out by VF $o: $sent sent, $heard delivered, $(jq .bad <<<"$heard_json") damaged"
	[ "$sent" = "$count" ] && [ "$heard" = "$count" ] && [ "$(jq .bad <<<"$heard_json")" = 0 ] || { fail "$json"; return; }
	read -ra a0 <<<"$(packets "$n")"
	read -ra a1 <<<"$(packets "$o")"
	see "counters: VF $n received $((a0[0] - b0[0])), VF $o sent $((a1[1] - b1[1]))"
	[ $((a0[0] - b0[0])) = "$count" ] && [ $((a1[1] - b1[1])) = "$count" ]
}

small() { through 0 "$MAC0" 1 2000 64; }
large() { through 1 "$MAC1" 2 1000 1514; }

not_theirs() {
	listen wire 3 --until 4 --wait 60000 || return
	send wire 02:00:00:00:00:77 3 100 && send wire "$MAC0" 4 1 || { fail "the wire sent $sent"; return; }
	heard wire 3
	see "100 frames for another address: $heard came back, then one for VF 0 did ($(jq -r .stop <<<"$heard_json"))"
	[ "$heard" = 0 ] && [ "$(jq -r .stop <<<"$heard_json")" = until ]
}

stop() {
	local rc=0
	echo >&"$pmd_in"
	wait "$pmd_pid" || rc=$?
	see "testpmd ended with status $rc; $(grep -A3 'Accumulated forward statistics' $log | grep -oE '(RX|TX)-packets: [0-9]+' | tr '\n' ' ')"
	[ "$rc" = 0 ] || return
	sluice detach testpmd 0 >/run/sluice.out 2>&1 && sluice detach testpmd 1 >>/run/sluice.out 2>&1 ||
		{ fail "sluice detach: $(cat /run/sluice.out)"; return; }
	[ "$(vf 0 .state) $(vf 1 .state)" = "free free" ] || { fail "the VFs are $(vf 0 .state), $(vf 1 .state)"; return; }
	see "both VFs scrubbed and free"
}

step "our PF; two VFs reserved for testpmd" up
step "testpmd without the token is refused" no_token
step "DPDK's igbvf PMD comes up on both, with --vfio-vf-token" start
step "2000 small frames from the wire forwarded, nothing lost" small
step "1000 large frames the other way" large
step "frames for others are not forwarded" not_theirs
step "testpmd ends, the VFs are given back" stop
steps_run /lab/report/lab-testpmd.json
rc=$?
[ "$rc" = 0 ] || { cp $log /lab/report/lab-testpmd.out; cp "$sluiced_log" /lab/report/lab-testpmd.sluiced.log; } 2>/dev/null
[ -z "${pmd_pid:-}" ] || kill "$pmd_pid" 2>/dev/null
echo 0 >/proc/sys/vm/nr_hugepages
host_reset
exit $rc
