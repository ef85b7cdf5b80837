# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced in the lab: virtual machines (nested KVM, Debian's kernel, stock igbvf), and commands run in them over a
# serial port. init-guest is the other side. A place is a VM's name, or "wire": the far end of the card's port.

vm_dir=/run/vm
vm_images=build/lab
# lastbus=0: no search for host bridges that ACPI does not name, 2 s here. No IPv6: only our own frames are sent.
# Periodic ticks by the local APIC come again by themselves: see README.md on what the emulator loses.
vm_cmdline="console=ttyS0 quiet nohz=off highres=off lapic=notscdeadline tsc=reliable no_timer_check mitigations=off nokaslr ipv6.disable=1 panic=-1 pci=lastbus=0"
# Without kvm-pv-eoi an interrupt's handler leaves the guest at once, to acknowledge it; see README.md on interrupts
# that the emulator delivers twice.
vm_cpu="max,kvm-pv-eoi=off"
# Never the first processor: see README.md on the flags that the emulator loses there.
vm_cpus=1-$(($(nproc) - 1))
declare -A vm_pid vm_in vm_out

# How many times slower than an idle machine of today this one boots the lab: what bounds are stretched by.
lab_slow=$(awk '{ n = int($1 / 3 + 0.5); print n < 1 ? 1 : n > 5 ? 5 : n }' /lab/up 2>/dev/null)
lab_slow=${lab_slow:-1}

# vm_start NAME [QEMU ARGUMENT...]: starts it; vm_ready waits for it. Two empty hot-plug ports are in it, and a
# QMP socket in $vm_dir/NAME/qmp.
vm_start() {
	local name=$1 d=$vm_dir/$1 fd
	shift
	rm -rf "$d"
	mkdir -p "$d"
	mkfifo "$d/ctl.in" "$d/ctl.out" "$d/mon.in" "$d/mon.out"
	taskset -c "$vm_cpus" qemu-system-x86_64 -name "$name" -accel kvm \
		-M q35,i8042=off,hpet=off,smbus=off,sata=off,vmport=off,usb=off -cpu "$vm_cpu" -m 192M -nodefaults \
		-display none -no-reboot \
		-kernel $vm_images/vmlinux -initrd $vm_images/guest.gz \
		-append "$vm_cmdline name=$name" \
		-chardev "file,id=con,path=$d/console.log" -serial chardev:con \
		-chardev "pipe,id=ctl,path=$d/ctl" -serial chardev:ctl -qmp "unix:$d/qmp,server=on,wait=off" \
		-chardev "pipe,id=mon,path=$d/mon" -mon chardev=mon \
		-device pcie-root-port,id=hp0,slot=10,chassis=10 -device pcie-root-port,id=hp1,slot=11,chassis=11 \
		"$@" >"$d/qemu.log" 2>&1 </dev/null &
	vm_pid[$name]=$!
	exec {fd}<>"$d/ctl.in"
	vm_in[$name]=$fd
	exec {fd}<>"$d/ctl.out"
	vm_out[$name]=$fd
}

# vm_started NAME: starts it, unless it has been already, whether or not it has ended since.
vm_started() { [ -n "${vm_pid[$1]:-}" ] || vm_start "$1"; }

vm_alive() { [ -n "${vm_pid[$1]:-}" ] && kill -0 "${vm_pid[$1]}" 2>/dev/null; }

# vm_read NAME SECONDS: its next line, to $vm_line_text; fails when it dies or says nothing.
vm_read() {
	local t=0 part
	vm_line_text=
	# A read that times out has taken the part of the line that was there.
	until IFS= read -r -t 1 -u "${vm_out[$1]}" part; do
		vm_line_text+=$part
		t=$((t + 1))
		vm_alive "$1" && [ "$t" -lt "$2" ] || return 1
	done
	vm_line_text+=$part
}

# vm_ready NAME: waits for its init; its uptime goes to $vm_said. Shows why when it does not come. A guest that says
# nothing for a while is looked at, so that one that stands still is not waited for.
vm_ready() {
	local t=0
	while [ "$t" -lt $((240 * lab_slow)) ]; do
		while vm_read "$1" 30; do
			case $vm_line_text in "::ready "*) vm_said=${vm_line_text#* }; return 0 ;; esac
		done
		t=$((t + 30))
		vm_stuck "$1" && break
	done
	vm_where "$1"
	return 1
}

# vm_look NAME: its processor's registers and interrupt controllers, by QEMU's monitor, to $vm_looks.
vm_look() {
	local d=$vm_dir/$1 in out line
	vm_looks=
	vm_alive "$1" || return
	exec {in}<>"$d/mon.in" {out}<>"$d/mon.out"
	printf 'info registers\ninfo pic\n' >&"$in"
	while IFS= read -r -t 2 -u "$out" line; do
		case $line in RIP=* | EIP=* | *irr=*) vm_looks+="${line%$'\r'}"$'\n' ;; esac
	done
	exec {in}>&- {out}>&-
}

# vm_stuck NAME: true when three looks, 2 s apart, find the processor at the same instruction, not halted and with
# interrupts off: no guest comes back from there. Or when QEMU has ended and had no reason to give: the guest ended it.
vm_stuck() {
	local i first= at flags
	for i in 1 2 3; do
		vm_look "$1"
		if ! at=$(grep -m 1 '^[RE]IP=' <<<"$vm_looks"); then
			! vm_alive "$1" && ! grep -qv 'warning:' "$vm_dir/$1/qemu.log"
			return
		fi
		flags=0x${at#*RFL=}
		flags=${flags%% *}
		[ "${first:=$at}" = "$at" ] && [[ $at != *HLT=1* ]] && (((flags & 0x200) == 0)) || return 1
	done
}

# vm_where NAME: what is known of a guest that says nothing, as notes.
vm_where() {
	local line
	while IFS= read -r line; do [ -z "$line" ] || note "$1: ${line:0:150}"; done < <(
		tail -qn 2 "$vm_dir/$1/qemu.log" 2>/dev/null
		{ grep -m 1 -E 'BUG:|Oops|Kernel panic' "$vm_dir/$1/console.log"; tail -n 3 "$vm_dir/$1/console.log"; } 2>/dev/null |
			tr -cd '[:print:]\n'
		vm_alive "$1" || echo "its QEMU has ended"
		vm_look "$1"
		printf '%s' "$vm_looks"
	)
}

# vm_boot NAME START: runs START, which starts it, and waits for it. When QEMU's emulator has broken the guest's kernel
# before its init (see README.md; shown by vm_stuck), it is started afresh, once, and that is said. For booting only.
vm_boot() {
	local name=$1
	shift
	"$@" || return
	vm_ready "$name" && return
	vm_stuck "$name" || return
	note "$name: its kernel stands still or its QEMU has ended before init, as above; started afresh, this once"
	vm_kill "$name" KILL
	unset "vm_pid[$name]"
	"$@" && vm_ready "$name"
}

# vm NAME COMMAND: runs it in the guest; its output goes to $vm_said, its status is the result. $IF is the VF's
# interface there. vm_seconds bounds the wait.
vm_seconds=$((180 * lab_slow))
vm() {
	local name=$1
	shift
	vm_said=
	vm_alive "$name" || { vm_said="VM $name is not running"; return 1; }
	printf '%s\n' "$*" >&"${vm_in[$name]}"
	while vm_read "$name" "$vm_seconds"; do
		case $vm_line_text in
		"::end "*) return "${vm_line_text#* }" ;;
		*) vm_said+="${vm_said:+$'\n'}$vm_line_text" ;;
		esac
	done
	vm_said="VM $name did not answer: $*"
	return 1
}

# until_true SECONDS COMMAND...: polls until it holds. The bound is stretched on a slow machine, and never below a
# number of tries: there one alone may take seconds.
until_true() {
	local end=$((SECONDS + $1 * lab_slow)) left=10
	shift
	until "$@"; do
		left=$((left - 1))
		[ "$SECONDS" -lt "$end" ] || [ "$left" -gt 0 ] || return 1
		progress_pause 0.2
	done
}

vm_gone() { ! vm_alive "$1"; }

# vm_kill NAME [SIGNAL]: ends its QEMU; by SIGKILL it dies as in a crash.
vm_kill() {
	vm_alive "$1" || return 0
	kill "-${2:-TERM}" "${vm_pid[$1]}" 2>/dev/null
	wait "${vm_pid[$1]}" 2>/dev/null
	unset "vm_pid[$1]"
	return 0
}

vm_kill_all() {
	local n
	for n in "${!vm_pid[@]}"; do vm_kill "$n"; done
}

# ---- traffic ------------------------------------------------------------------------------------

# listen PLACE TAG [OPTION...]: starts counting frames of TAG there; returns when it does.
listen() {
	local at=$1 tag=$2
	shift 2
	if [ "$at" = wire ]; then
		: >"/run/wire.$tag"
		wire pkt recv "$WIRE_IF" --tag "$tag" "$@" >"/run/wire.$tag" 2>&1 &
		vm_pid_wire=$!
		until_true 20 grep -q ready "/run/wire.$tag"
	else
		vm "$at" "listen $tag $*"
	fi
}

# heard PLACE TAG [FIELD]: waits for that count to end; $heard is a field of it, by default distinct frames.
heard() {
	local json
	if [ "$1" = wire ]; then
		wait "$vm_pid_wire"
		json=$(tail -n 1 "/run/wire.$2")
	else
		vm "$1" "heard $2"
		json=$vm_said
	fi
	heard_json=$json
	heard=$(jq -r ".${3:-distinct}" <<<"$json" 2>/dev/null) && [ -n "$heard" ]
}

# send PLACE MAC TAG COUNT [OPTION...]: sends numbered frames; $sent is how many left.
send() {
	local at=$1 mac=$2 tag=$3 count=$4 json
	shift 4
	if [ "$at" = wire ]; then
		json=$(wire pkt send "$WIRE_IF" --dst "$mac" --tag "$tag" --count "$count" "$@" 2>&1)
	else
		vm "$at" "pkt send \$IF --dst $mac --tag $tag --count $count $*" || :
		json=$vm_said
	fi
	sent=$(jq -r .sent <<<"$json" 2>/dev/null) || sent="nothing: $json"
	[ "$sent" = "$count" ]
}
