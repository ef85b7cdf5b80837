#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# run.sh: what is behind `make core-run`: the hypervisor core on the joined machine, two bare guests with a VF each
# and a stock Linux, traffic among them and the wire, and the table of what a packet costs. Leaves
# build/report/core-run.json.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/core/lib.sh
report=build/report/core-run.json
mkdir -p build/report
rm -f "$report"
figures=build/core/figures
: >"$figures"

linux_args="console=ttyS0 quiet reboot=t panic=1 clocksource=tsc tsc=reliable mitigations=off nokaslr no_timer_check ipv6.disable=1 vf_ip=10.9.0.31 virtio_ip=10.8.0.31"
conf="vfs 4
guest one image=guest.bin args=\"echo ip=0x0a09000b\" nic=vf:0
guest two image=guest.bin args=\"echo ip=0x0a09000c\" nic=vf:1
guest vf image=guest.bin nic=vf:2 manual
guest vmdq image=guest.bin nic=vmdq manual
guest bridge image=guest.bin nic=bridge manual
guest linux image=vmlinux initrd=core.gz mem=160M nic=vf:3 nic=bridge args=\"$linux_args\" manual"

# figure NAME UNIT OURS [PEER PEER-NAME] METHOD: a row of the report.
figure() { printf '%s\037%s\037%s\037%s\037%s\037%s\n' "$1" "$2" "$3" "${4:-}" "${5:-}" "${6:-}" >>"$figures"; }

# The value of KEY in a figure line of the console.
value() { sed -n "s/.*[ =]$2=\([0-9]*\).*/\1/p; s/.* $2=\([0-9]*\).*/\1/p" <<<"$1" | head -n 1; }
per() { awk -v a="$1" -v n="$2" 'BEGIN { printf "%.4g", n ? a / n : 0 }'; }

run_up() {
	CORE_SECONDS=900 core_up run "$conf" --ram 768 -- build/lab/vmlinux build/lab/core.gz && core_alive ||
		{ fail "the core does not come up"; core_tail 25; return 1; }
	until_true 60 both_ready || { fail "the bare guests do not come up"; core_tail 25; return 1; }
	see "$(c info | grep -E 'back end|cpus|vfs' | tr -s ' \n' ' ')"
	while IFS= read -r l; do note "$l"; done < <(grep -aE 'VT-x|VT-d|82576|ACPI' "$core_log" | cut -c1-110 | head -n 8)
}
both_ready() { [ "$(grep -ac 'echo ready' "$core_log")" -ge 2 ]; }

run_vfs() {
	local l
	while IFS= read -r l; do note "$l"; done < <(c guests)
	while IFS= read -r l; do note "$l"; done < <(c vfs)
	[ "$(cj vfs | jq '[.[] | select(.owner == "one" or .owner == "two")] | length')" = 2 ] || { fail "not two VFs with an owner"; return 1; }
	see "one has VF $(vf_of one vf), two has VF $(vf_of two vf)"
}

# once GUEST ARGUMENTS...: starts it, waits for its end; its console lines are in $said.
once() {
	local name=$1 out
	shift
	mark
	out=$(c start "$name" "$@" 2>&1) || { fail "start $name: $out"; return 1; }
	until_true 90 guest_ends "$name" || { c stop "$name" >/dev/null; fail "$name does not end: $*"; core_tail; return 1; }
	said=$(since | grep -a "\[$name\]")
	guest_is "$name" stopped || { fail "$name: $(guest "$name" why)"; return 1; }
}

run_switch() {
	local mac
	mac=$(vf_of one mac)
	once vf "ping dst=$mac count=200" || return
	grep -q 'sent 200 back 200' <<<"$said" || { fail "$(grep 'ping:' <<<"$said")"; return 1; }
	see "bare guest to bare guest by the card's own switch: $(grep -o 'sent .*' <<<"$said" | head -n 1)"
}

run_wire() {
	local g out
	for g in one two; do
		out=$(wire ask --dst "$(vf_of $g mac)" --count 100 --wait 10000) || { fail "$g: $out"; core_tail; return 1; }
		see "$g and the wire: $out"
	done
	out=$(wire ping --ip 10.9.0.11 --count 5 --wait 10000) || { fail "ping: $out"; return 1; }
	see "ping of one from the wire: $out"
}

# What an exit costs, by the guest's own clock, which counts instructions here: alone on a machine of one CPU.
run_cost() {
	local k v most
	CORE_SECONDS=120 core_up cost 'vfs 2
guest vf image=guest.bin nic=vf:0 manual
guest bridge image=guest.bin nic=bridge manual' && core_alive || { fail "the core does not come up"; core_tail; return 1; }
	once vf cost || return
	for k in cpuid:300 ept:600 call:0 msr:0 port:0; do
		most=${k#*:} k=${k%:*}
		v=$(value "$(grep "cost $k=" <<<"$said")" "$k")
		[ -n "$v" ] || { fail "no figure for $k"; return 1; }
		[ "$most" = 0 ] && most=
		see "$k exit: $v instructions${most:+ (target $most)}"
		figure "root-mode instructions per $k exit" instructions "$v" "$most" "${most:+target}" "TSC of the emulated CPU, which counts instructions; 100 in a row, the least of 20 series"
	done
	once bridge "cost nic=virtio" || return
	v=$(value "$(grep 'cost kick=' <<<"$said")" kick)
	see "virtio kick with a frame: $v instructions (target 1000)"
	figure "root-mode instructions per virtio kick" instructions "${v:-0}" 1000 target "the core's own count over 10 kicks of a frame of 64 B each, the least of 20 series"
	core_down || { fail "the core ended with $?"; core_tail; return 1; }
}

# A polled VF on a CPU of its guest's own: nothing but the guest's calls leaves it.
run_exits() {
	local line
	CORE_SECONDS=120 core_up exits 'vfs 2
guest vf image=guest.bin nic=vf:0 cpu=1 manual' --cpus 2 && core_alive || { fail "the core does not come up"; core_tail; return 1; }
	once vf "source dst=52:54:00:aa:00:02 count=2048 len=64" || return
	line=$(grep 'figure tx' <<<"$said")
	see "polled VF on its own CPU: $(value "$line" packets) packets, $(value "$line" exits) exits"
	figure "exits per packet on a polled VF" exits "$(per "$(value "$line" exits)" "$(value "$line" packets)")" 0 target "2048 packets of 64 B in bursts of 32, two CPUs, the guest on the second"
	[ "$(value "$line" exits)" = 0 ] || while IFS= read -r l; do note "exit: $l"; done < <(c audit vf | tail -n 12)
	core_down || { fail "the core ended with $?"; core_tail; return 1; }
}

# tier LEN: transmit and receive of one tier, polled.
tier() {
	local g=$1 len=$2 n=512 m=128 mac tx rx out
	once "$g" "source dst=52:54:00:aa:00:02 count=$n len=$len" || return
	tx=$(grep 'figure tx' <<<"$said")
	mark
	out=$(c start "$g" "sink count=$m len=$len" 2>&1) || { fail "start: $out"; return 1; }
	until_true 30 says 'sink ready' || { fail "$g: no sink"; core_tail; return 1; }
	mac=$(since | grep -a "\[$g\].*mac" | sed 's/.*mac //' | awk -F: '{ for (i = 1; i <= 6; i++) printf "%s%2s", (i > 1 ? ":" : ""), $i }' | tr ' ' 0)
	wire send --dst "$mac" --count $m --size "$len" >/dev/null || { fail "the wire"; return 1; }
	until_true 60 guest_ends "$g" || { c stop "$g" >/dev/null; fail "$g: sink does not end"; core_tail; return 1; }
	rx=$(since | grep -a 'figure rx')
	[ -n "$tx" ] && [ -n "$rx" ] || { fail "$g $len: no figures"; core_tail; return 1; }
	table+=("$g $len tx $(per "$(value "$tx" exits)" "$(value "$tx" packets)") $(per "$(value "$tx" guest)" "$(value "$tx" packets)") $(per "$(value "$tx" root)" "$(value "$tx" packets)") $(per "$(value "$tx" copies)" "$(value "$tx" packets)")")
	table+=("$g $len rx $(per "$(value "$rx" exits)" "$(value "$rx" packets)") $(per "$(value "$rx" guest)" "$(value "$rx" packets)") $(per "$(value "$rx" root)" "$(value "$rx" packets)") $(per "$(value "$rx" copies)" "$(value "$rx" packets)")")
	[ "$g" != vf ] || vf_exits=$(($(value "$tx" exits) + $(value "$rx" exits) + ${vf_exits:-0}))
}

run_table() {
	local g len row t l d e gi ro co
	table=() vf_exits=0
	for len in 64 1500; do
		for g in vf vmdq bridge; do tier $g $len || return; done
	done
	note "$(printf '%-7s %5s %3s %12s %12s %12s %12s' tier bytes '' exits/pkt guest/pkt root/pkt copies/pkt)"
	for row in "${table[@]}"; do
		read -r t l d e gi ro co <<<"$row"
		note "$(printf '%-7s %5s %3s %12s %12s %12s %12s' $t $l $d $e $gi $ro $co)"
		figure "$t $l B $d: exits per packet" exits "$e" "" "" "bursts of 32, polled"
		figure "$t $l B $d: guest instructions per packet" instructions "$gi" "" "" "the core's count of TSC ticks in the guest"
		figure "$t $l B $d: root-mode instructions per packet" instructions "$ro" "" "" "the core's count of TSC ticks outside of it"
		figure "$t $l B $d: copies per packet" copies "$co" "" "" "counted where they are made"
	done
	see "exits of the polled VF over $((2 * (512 + 128))) packets: $vf_exits"
}

run_irq() {
	local line b exits batches
	mark
	c start vf "sink irq=1 count=96" >/dev/null 2>&1
	until_true 30 says 'sink ready' || { fail "no sink"; core_tail; return 1; }
	for b in 1 2 3; do wire send --dst "$(vf_of vf mac)" --count 32 >/dev/null; done
	until_true 60 guest_ends vf || { c stop vf >/dev/null; fail "it does not end"; core_tail; return 1; }
	line=$(since | grep -a 'sink: got') || { fail "no count"; return 1; }
	exits=$(value "$(since | grep -a 'figure rx-irq')" exits)
	batches=$(sed -n 's/.*in \([0-9]*\) batches.*/\1/p' <<<"$line")
	[ -n "$exits" ] && [ "${batches:-0}" -gt 0 ] || { fail "no figures: $line"; core_tail; return 1; }
	see "${line##*] }; $exits exits in all"
	figure "exits per batch with interrupts" exits "$(per "$exits" "$batches")" 1 target "96 packets of 64 B in 3 bursts from the wire, the guest asleep between them"
}

# linux_ping DRIVER IP: answered, and by the NIC that has the address.
linux_ping() {
	local out mac
	out=$(wire ping --ip "$2" --count 4 --wait 20000) || { fail "ping of its $1: $out"; core_tail; return 1; }
	mac=$(sed -n "s/.* driver $1 mac \([^ ]*\) .*/\1/p" <<<"$nics")
	[ -n "$mac" ] && [ "$(jq -r .mac <<<"$out")" = "$mac" ] || { fail "$1 has MAC '$mac', and the answer came from another: $out"; return 1; }
	see "ping of its $1 from the wire: $out"
}

run_linux() {
	local out nics l
	mark
	out=$(c start linux 2>&1) || { fail "start: $out"; core_tail; return 1; }
	until_true 400 linux_ready || { fail "no shell"; core_tail 30; return 1; }
	see "$(since | grep -ao 'linux ready:.*')"
	nics=$(since | grep -ao 'nic [a-z0-9]* driver.*')
	while IFS= read -r l; do see "$l"; done <<<"$nics"
	linux_ping igbvf 10.9.0.31 && linux_ping virtio_net 10.8.0.31 || return
	mark
	c type linux 'echo shell says $((6 * 7))' >/dev/null
	until_true 60 says 'shell says 42' || { fail "the shell does not answer"; core_tail; return 1; }
	see "its shell answers"
	c type linux 'ping -c 3 -W 10 10.9.0.12' >/dev/null
	until_true 60 says '3 packets transmitted, 3 packets received' || { fail "no ping from Linux to two"; core_tail; return 1; }
	see "ping of two from Linux, by the card's own switch: 3 of 3"
}
linux_ready() { says 'linux ready' || guest_ends linux; says 'linux ready'; }

run_move() {
	local out
	c stop vf >/dev/null 2>&1
	mark
	c detach 0 >/dev/null 2>&1 || { fail "detach"; core_tail; return 1; }
	out=$(c attach two vf:0 2>&1) || { fail "attach: $out"; core_tail; return 1; }
	see "VF 0 from one to two: $(since | grep -ac 'VF 0: ') steps proved"
	see "the others go on: $(cj guests | jq -r '[.[] | select(.state == "running") | .name] | join(" ")')"
}

lines() { cat "$1"/*.[chS] 2>/dev/null | tests/core/sloc.sh; }
run_down() {
	local loc first part
	first=$(cj info | jq .first_packet)
	figure "reset of the core to the first packet of the first guest" instructions "$first" "" "" "TSC at the first service round that saw a VF's transmit counter move"
	for part in core cpu vtx svm host/bare; do
		loc=$((${loc:-0} + $(lines hv-glue/$part)))
		figure "lines of code of hv-glue/$part" lines "$(lines hv-glue/$part)" "" "" "neither blank nor comment alone"
	done
	figure "lines of code of the core without drivers" lines "$loc" 6000 target "the sum of these"
	see "first packet of the first guest $first instructions after reset; $loc lines of code"
	core_down || { fail "the core ended with $?"; core_tail; return 1; }
}

rows() {
	jq -Rs 'split("\n")[:-1] | map(split("\u001f") | {name: .[0], unit: .[1], ours: (.[2] | tonumber? // .),
		peer: (.[3] | tonumber? // null), peer_name: .[4], method: .[5]})' "$figures"
}

step "what an exit costs" run_cost
step "exits of a polled VF" run_exits
step "the core is up on the joined machine, two bare guests with it" run_up
step "a VF each" run_vfs
step "guest to guest" run_switch
step "guests and the wire" run_wire
step "what a packet costs: vf, vmdq, bridge" run_table
step "with interrupts" run_irq
step "a stock Linux with igbvf and virtio_net" run_linux
step "a VF moves" run_move
step "the end" run_down
steps_run "$report.steps"
rc=$?
jq --argjson rows "$(rows)" '. + {rows: $rows}' "$report.steps" >"$report" && rm -f "$report.steps"
exit $rc
