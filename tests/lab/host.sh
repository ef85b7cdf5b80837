# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced in the lab: the card, the wire behind it, and sluiced.

PF=0000:01:00.0
WIRE_MAC=52:54:00:aa:00:02
SLUICE_SOCKET=/run/sluice/sluiced.sock
SLUICE_STATE=/run/sluice-state
export SLUICE_SOCKET

wire() { ip netns exec wire "$@"; }

# Loads what the lab needs; the second card's interface becomes the wire, in a network namespace of its own.
host_up() {
	local m n
	for m in e1000e vfio-pci vfio_iommu_type1; do modprobe "$m" || return; done
	modprobe kvm_amd 2>/dev/null || modprobe kvm_intel || return
	if ip netns list | grep -qw wire; then
		WIRE_IF=$(wire ls /sys/class/net | grep -vx lo)
		return
	fi
	for n in /sys/class/net/*; do
		case $(readlink "$n/device/driver") in */e1000e) WIRE_IF=${n##*/} ;; esac
	done
	# Without IPv6 the wire sends nothing of its own accord.
	ip netns add wire && ip link set "$WIRE_IF" netns wire &&
		wire sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' || return
	ip -n wire addr add 10.9.0.2/24 dev "$WIRE_IF" && ip -n wire link set "$WIRE_IF" up
}

wire_up() { [ "$(wire cat "/sys/class/net/$WIRE_IF/carrier" 2>/dev/null)" = 1 ]; }

# vf_bdf VF: 82576 VFs lie 2 apart from 10.0 on.
vf_bdf() { printf '0000:01:%02x.%x\n' $((0x10 + $1 * 2 / 8)) $(($1 * 2 % 8)); }

driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver" 2>/dev/null)" 2>/dev/null; }

# bind BDF DRIVER: gives a function to a driver; "" takes it from its own.
bind() {
	local d=/sys/bus/pci/devices/$1
	[ "$(driver_of "$1")" != "$2" ] || [ -z "$2" ] || return 0
	[ ! -e "$d/driver" ] || echo "$1" >"$d/driver/unbind"
	echo "$2" >"$d/driver_override"
	[ -z "$2" ] || { echo "$1" >/sys/bus/pci/drivers_probe && [ "$(driver_of "$1")" = "$2" ]; }
}

# sluiced_start [ARGUMENT...]: starts it and waits until it serves; its words are in $sluiced_log.
sluiced_log=/run/sluiced.log
sluiced_start() {
	mkdir -p "$SLUICE_STATE" "${SLUICE_SOCKET%/*}"
	: >"$sluiced_log"
	sluiced --pf "$PF" --socket "$SLUICE_SOCKET" --state "$SLUICE_STATE" "$@" >>"$sluiced_log" 2>&1 &
	sluiced_pid=$!
	until_true 60 sluiced_up_or_dead && kill -0 "$sluiced_pid" 2>/dev/null
}
sluiced_up_or_dead() { grep -q '^sluiced: ready' "$sluiced_log" || ! kill -0 "$sluiced_pid" 2>/dev/null; }

# sluiced_stop: ends it as an administrator does; its exit status is the result.
sluiced_stop() {
	local rc=0
	[ -n "${sluiced_pid:-}" ] || return 0
	kill "$sluiced_pid" 2>/dev/null
	wait "$sluiced_pid" || rc=$?
	sluiced_pid=
	return "$rc"
}

# Leaves the card as it was found, whatever state a test left it in.
host_reset() {
	vm_kill_all
	sluiced_stop
	bind "$PF" vfio-pci
	echo 0 >"/sys/bus/pci/devices/$PF/sriov_numvfs" 2>/dev/null
	bind "$PF" ""
	rm -rf "$SLUICE_STATE"
}

# vf VF EXPRESSION: a fact of a VF, from sluice -j.
vf() { sluice -j vf show "$1" 2>/dev/null | jq -r ".[0] | $2"; }

# steps_why: the ends of what the kernel, sluiced and the guests have said, at most 20 lines: a transcript is all that
# some machines keep.
steps_why() {
	local line name
	while IFS= read -r line; do steps_line "| ${line:0:150}"; done < <(
		echo "lab: up $(cut -d' ' -f1 /proc/uptime) s, booted in $(cat /lab/up 2>/dev/null) s, load $(cut -d' ' -f1-3 /proc/loadavg)"
		dmesg 2>/dev/null | grep -v 'Unhandled WRMSR' | tail -n 5
		[ ! -s "$sluiced_log" ] || tail -n 4 "$sluiced_log" | sed 's/^/sluiced: /'
		[ ! -s /run/sluice.out ] || tail -n 2 /run/sluice.out | sed 's/^/sluice: /'
		for name in "${!vm_pid[@]}"; do
			vm_alive "$name" || echo "$name: its QEMU has ended"
			tail -qn 1 "$vm_dir/$name/qemu.log" "$vm_dir/$name/console.log" 2>/dev/null |
				tr -cd '[:print:]\n' | sed "s/^/$name: /"
		done
	)
}
