# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Sourced in the lab: virtual machines (nested KVM, Debian's kernel, stock igbvf), and commands run in them over a
# serial port. init-guest is the other side. A place is a VM's name, or "wire": the far end of the card's port.

vm_dir=/run/vm
vm_images=build/lab
# lastbus=0: no search for host bridges that ACPI does not name, 2 s here. No IPv6: only our own frames are sent.
# Periodic ticks by the local APIC: see boot.sh on lost timers.
vm_cmdline="console=ttyS0 quiet nohz=off highres=off lapic=notscdeadline tsc=reliable no_timer_check mitigations=off nokaslr ipv6.disable=1 panic=-1 pci=lastbus=0"
declare -A vm_pid vm_in vm_out

# vm_start NAME [QEMU ARGUMENT...]: starts it; vm_ready waits for it. Two empty hot-plug ports are in it, and a
# QMP socket in $vm_dir/NAME/qmp.
vm_start() {
	local name=$1 d=$vm_dir/$1 fd
	shift
	rm -rf "$d"
	mkdir -p "$d"
	mkfifo "$d/ctl.in" "$d/ctl.out" "$d/mon.in" "$d/mon.out"
	qemu-system-x86_64 -name "$name" -accel kvm \
		-M q35,i8042=off,hpet=off,smbus=off,sata=off,vmport=off,usb=off -cpu max -m 192M -nodefaults -display none -no-reboot \
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

# vm_ready NAME: waits for its init; its uptime goes to $vm_said. Shows why when it does not come.
vm_ready() {
	while vm_read "$1" 120; do
		case $vm_line_text in "::ready "*) vm_said=${vm_line_text#* }; return 0 ;; esac
	done
	tail -n 5 "$vm_dir/$1/qemu.log" "$vm_dir/$1/console.log" 2>/dev/null
	vm_where "$1"
	return 1
}

# vm_where NAME: where a guest that says nothing is: three looks at its registers, by QEMU's monitor.
vm_where() {
	local d=$vm_dir/$1 in out i line
	vm_alive "$1" || { echo "$1's QEMU has ended"; return; }
	exec {in}<>"$d/mon.in" {out}<>"$d/mon.out"
	for i in 1 2 3; do
		printf 'info registers\ninfo pic\n' >&"$in"
		while IFS= read -r -t 2 -u "$out" line; do
			case $line in RIP=* | EIP=* | *irr=* | *"HLT="*) printf '  %s: %s\n' "$1" "${line%$'\r'}" ;; esac
		done
	done
	exec {in}>&- {out}>&-
}

# vm NAME COMMAND: runs it in the guest; its output goes to $vm_said, its status is the result. $IF is the VF's
# interface there. vm_seconds bounds the wait.
vm_seconds=60
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

# until_true SECONDS COMMAND...: polls until it holds.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
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
