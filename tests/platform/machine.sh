#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Runs a multiboot image on the joined machine (Bochs' CPU with VT-x, QEMU's chipset with VT-d and the
# 82576), or with --svm on QEMU alone (AMD-V). README.md says how the one is joined, and what neither is.
set -euo pipefail

usage() {
	cat <<-'END'
	machine.sh [OPTION...] [--] KERNEL ["MODULE ARGUMENTS"...]
	  --svm            QEMU alone, a CPU with AMD-V
	  --cpus N         1 to 8 CPUs (1)
	  --ram MiB        memory, 16 to 2048 (512)
	  --seconds N      real time until the machine is given up (60)
	  --dir DIR        where the logs and sockets go (without: in build/platform/run, COM1 is printed
	                   at the end, and all is removed after status 0)
	  --append STRING  the kernel's command line
	  --cpu MODEL      Bochs' or QEMU's CPU model (corei7_skylake_x, EPYC-v4,+svm,+npt)
	  --mips N         Bochs: millions of instructions to a second of virtual time (100; several CPUs: 50)
	  --iommu ARGS     of -device intel-iommu (intremap=on,caching-mode=off); "none": without
	  --nic DEVICE     the card behind the root port (igb,mac=52:54:00:00:00:01); "none": without
	  --qemu "ARGS"    more words for QEMU's command line; may be repeated
	Exits with the status that the kernel wrote to port 0xf4; 124: time was up; 125: the machine did not
	start, or ended without a status. A kernel keeps to 0-123 (--svm has 7 bits for it).
	In DIR: console.log (COM1), control.sock (COM2; accepts one client at a time), wire.sock (the card's
	wire: frames behind a 32-bit big-endian length; accepts one client at a time), monitor.sock (QEMU's),
	qemu.log, bochs.log, bridge.log.
	END
	exit "${1:-2}"
}

# complain TEXT MEND: the machine did not start, or ended as it should not.
complain() {
	printf 'machine: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 125
}

svm=0 cpus=1 ram=512 seconds=60 dir='' append='' cpu='' mips=''
iommu=intremap=on,caching-mode=off nic=igb,mac=52:54:00:00:00:01 more=()
while [ $# -gt 0 ]; do
	case $1 in
	--svm) svm=1; shift; continue ;;
	-h | --help) usage 0 ;;
	--) shift; break ;;
	--*) [ $# -ge 2 ] || usage ;;
	*) break ;;
	esac
	case $1 in
	--cpus) cpus=$2 ;;
	--ram) ram=$2 ;;
	--seconds) seconds=$2 ;;
	--dir) dir=$2 ;;
	--append) append=$2 ;;
	--cpu) cpu=$2 ;;
	--mips) mips=$2 ;;
	--iommu) iommu=$2 ;;
	--nic) nic=$2 ;;
	--qemu) read -r -a words <<<"$2"; more+=("${words[@]}") ;;
	*) usage ;;
	esac
	shift 2
done
[ $# -ge 1 ] || usage
number='^[1-9][0-9]*$'
for n in "$cpus" "$ram" "$seconds" "${mips:-1}"; do
	[[ $n =~ $number ]] || usage
done
[ "$cpus" -le 8 ] || complain "$cpus CPUs are asked for" "at most 8"
{ [ "$ram" -ge 16 ] && [ "$ram" -le 2048 ]; } || complain "memory of $ram MiB is asked for" "16 to 2048 MiB"

here=$(cd "$(dirname "$0")" && pwd)
built=$(cd "$here/../.." && pwd)/build/platform
"$here/build.sh" || complain "the bridge does not build" "see above; tests/setup/install core"
. "$here/bochs.sh"
kernel=$(realpath -e -- "$1" 2>/dev/null) || complain "there is no kernel $1" "make core"
shift
# QEMU takes modules as "file arguments,file arguments": a comma in one is written twice.
modules=
for m; do
	file=$(realpath -e -- "${m%% *}" 2>/dev/null) || complain "there is no module ${m%% *}" "name a file that is there"
	args=
	[ "$m" = "${m%% *}" ] || args=" ${m#* }"
	m=$file$args
	modules+=${modules:+,}${m//,/,,}
done

own=
if [ -z "$dir" ]; then
	own=1
	mkdir -p "$built/run"
	dir=$(mktemp -d "$built/run/XXXXXX")
fi
mkdir -p "$dir"
dir=$(realpath "$dir")
cd "$dir"
rm -f exit exit.new qtest msi? control.sock wire.sock monitor.sock console.log qemu.log bochs.log bridge.log

qemu_pid='' ram_file=''
stop() {
	trap - EXIT
	# shellcheck disable=SC2086
	end_all $timer_pid $bochs_pid $qemu_pid
	[ -z "$ram_file" ] || rm -f "$ram_file"
	rm -f qtest msi? control.sock wire.sock monitor.sock exit exit.new
	[ -n "$own" ] || return 0
	[ ! -e console.log ] || cat console.log
	[ "$1" != 0 ] || rm -rf "$dir"
}
trap 'stop $?' EXIT
trap 'exit 125' HUP INT TERM

# The chipset and its devices are the same for both machines. Nothing that no one uses: it costs the
# firmware time.
machine=q35,accel=tcg,smm=off,sata=off,smbus=off,hpet=off,usb=off
common=(-nodefaults -no-user-config -display none -no-reboot -boot menu=off -m "$ram" -smp "$cpus"
	-chardev file,id=com1,path=console.log -serial chardev:com1
	-chardev socket,id=com2,path=control.sock,server=on,wait=off -serial chardev:com2
	-chardev socket,id=mon,path=monitor.sock,server=on,wait=off -mon chardev=mon,mode=readline
	-kernel "$kernel" -append "$append")
[ -z "$modules" ] || common+=(-initrd "$modules")
[ "$iommu" = none ] || common+=(-device "intel-iommu,$iommu")
common+=(-device pcie-root-port,id=rp0,slot=1)
[ "$nic" = none ] || common+=(-netdev stream,id=n0,server=on,addr.type=unix,addr.path=wire.sock
	-device "$nic,netdev=n0,bus=rp0,romfile=")
common+=("${more[@]}")

start_svm() {
	$leash qemu-system-x86_64 -machine "$machine" -cpu "${cpu:-EPYC-v4,+svm,+npt}" \
		-device isa-debug-exit,iobase=0xf4,iosize=4 "${common[@]}" </dev/null >qemu.log 2>&1 &
	qemu_pid=$!
}

start_joined() {
	local i args=()
	ram_file=$(mktemp /dev/shm/sluice-platform.XXXXXX)
	truncate -s "${ram}M" "$ram_file"
	# Firmware runs from RAM on Bochs: its copy below 1 MiB is there from the start.
	tail -c 131072 /usr/share/seabios/bios-256k.bin |
		dd of="$ram_file" bs=65536 seek=14 conv=notrunc status=none
	for ((i = 0; i < cpus; i++)); do
		args+=(-chardev "socket,id=msi$i,path=msi$i,server=on,wait=on"
			-device "isa-debugcon,iobase=$((0x403 + i)),chardev=msi$i")
	done
	$leash qemu-system-x86_64 -machine "$machine,memory-backend=ram" -cpu max -bios "$built/relay.rom" \
		-object "memory-backend-file,id=ram,size=${ram}M,mem-path=$ram_file,share=on" \
		"${args[@]}" "${common[@]}" \
		-qtest unix:qtest,server=on,wait=off -qtest-log none </dev/null >qemu.log 2>&1 &
	qemu_pid=$!
	bochs_start /usr/share/seabios/bios-256k.bin "${cpu:-corei7_skylake_x}" "$cpus" "$ram" \
		"${mips:-$(default_mips "$cpus")}" \
		BRIDGE_RAM="$ram_file" BRIDGE_CPUS="$cpus"
}

if [ "$svm" = 1 ]; then start_svm; else start_joined; fi

wait_first "$seconds"
if [ -z "$ended" ]; then
	echo "machine: no exit status within $seconds s" >&2
	exit 124
fi
if [ "$svm" = 1 ]; then
	# isa-debug-exit ends QEMU with twice the value and one; so does a QEMU that did not get as far.
	if [ $((status & 1)) = 1 ] && { [ "$status" != 1 ] || [ -s console.log ]; }; then
		exit $((status >> 1))
	fi
elif [ -s exit ]; then
	exit "$(cat exit)"
fi
who=Bochs
[ "$ended" = "$bochs_pid" ] || who=QEMU
{
	echo "machine: $who ended without an exit status of the kernel (its own: $status)"
	for log in qemu.log bridge.log bochs.log console.log; do
		[ -s "$log" ] || continue
		echo "--- $dir/$log"
		# Without what is always there.
		grep -av -e 'info: QEMU waiting' -e "TCG doesn't support" -e 'i\[KBD' "$log" |
			tail -n 8 | cut -c1-160
	done
} >&2
exit 125
