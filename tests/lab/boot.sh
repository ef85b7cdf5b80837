#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# boot.sh SCRIPT [ARG...]: boots the lab, runs SCRIPT (a path in the checkout) in it, exits with its status.
# SCRIPT sees this machine's files, may write to /lab/report, which lands in build/report, and speaks to this
# terminal. LAB_SHELL=1: keys go to it, too. LAB_SECONDS bounds the whole. ACCEL=kvm uses the machine's own KVM.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$top/tests/setup/progress.sh"

images=$top/build/lab
report=$top/build/report
bound=${LAB_SECONDS:-900}

die() {
	printf 'lab: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 1
}

[ $# -gt 0 ] || { sed -n '3,5p' "${BASH_SOURCE[0]}" >&2; exit 2; }
for f in vmlinux host.gz guest.gz; do
	[ -e "$images/$f" ] || die "no build/lab/$f" "tests/lab/image.sh"
done
qemu=$(command -v qemu-system-x86_64) || die "no qemu-system-x86_64" "tests/setup/install lab"
"$qemu" -device help 2>/dev/null | grep -q '"igb"' ||
	die "this QEMU has no 82576 (igb)" "QEMU 8.1 or later: tests/setup/install lab"

mkdir -p "$report"
run=$(mktemp -d "$images/run.XXXXXX") || die "build/lab cannot be written" "check its owner"
mkdir -p "$run/out/report"
pid= watcher=
finish() {
	progress_stop
	[ -z "$watcher" ] || kill "$watcher" 2>/dev/null
	[ -z "$pid" ] || { kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; }
	cp "$run/console.log" "$report/lab-console.log" 2>/dev/null
	cp -r "$run/out/report/." "$report/" 2>/dev/null
	rm -rf "$run"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# KVM is believed when a kernel has run under it to its end: that /dev/kvm is there proves nothing.
kvm_works() {
	[ -w /dev/kvm ] && grep -qs '[1Y]' /sys/module/kvm_{intel,amd}/parameters/nested &&
		timeout 30 "$qemu" -M q35,kernel-irqchip=split -accel kvm -cpu host -m 256M -nodefaults -display none \
			-no-reboot -kernel "$images/vmlinux" -append "quiet panic=-1" >"$run/probe.log" 2>&1 </dev/null
}

machine=(-accel tcg,thread=multi -cpu EPYC-v4,+svm,+npt)
if [ "${ACCEL:-tcg}" = kvm ]; then
	if kvm_works; then
		machine=(-accel kvm -cpu host)
	else
		echo "ACCEL=kvm: KVM with nesting does not work on this machine; going on with emulation" >&2
	fi
fi

quote() { printf '%q ' "$@"; }
{
	echo "export PATH=$(quote "$top/build/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")"
	echo "export HOME=/root LC_ALL=C.UTF-8 TERM=$(quote "${TERM:-dumb}") LAB=1 PROGRESS=$PROGRESS"
	for v in ${!LAB_@} ${!JOB_@}; do echo "export $v=$(quote "${!v}")"; done
	echo "stty -opost $([ -t 1 ] && stty size </dev/tty 2>/dev/null | awk '$1 > 0 { print "rows", $1, "cols", $2 }')"
	echo "cd $(quote "$top") && exec bash $([ "${LAB_SHELL:-0}" != 1 ] || echo --rcfile) $(quote "$@")"
} >"$run/out/start"

# LAB_UNFIT: a machine that a card must be refused on, for tests.
iommu=on card=(-device pcie-root-port,id=rp0,slot=1 -device igb,netdev=n0,bus=rp0,mac=52:54:00:aa:00:01)
case ${LAB_UNFIT:-} in
no_iommu) iommu=off ;;
shared_group)
	# A root port without ACS isolates nothing below it; Linux knows that the 82576 itself does, so that is not enough.
	card=(-device pcie-root-port,id=rp0,slot=1,disable-acs=on
		-device e1000e,bus=rp0,addr=0.0,multifunction=on,romfile=
		-device igb,netdev=n0,bus=rp0,addr=0.1,mac=52:54:00:aa:00:01)
	;;
esac

# An interrupt that the emulator loses is raised again by the next tick; see README.md. One-shot ticks would end with it.
# A busy machine fails the kernel's test of its timer, which counts ticks, and the kernel gives up.
ticks="nohz=off highres=off no_timer_check"
# Guests run on the second and third processor only, so that three keep two of this machine's busy; see README.md.
# At most 2 GiB: with more, the firmware puts the VFs' BARs above 4 GiB, where QEMU 10 does not decode them.
machine=("$qemu" -M q35,kernel-irqchip=split "${machine[@]}" -smp 3 -m 2G -nodefaults -display none -no-reboot
	-kernel "$images/vmlinux" -initrd "$images/host.gz"
	-append "console=ttyS0 quiet intel_iommu=$iommu iommu=pt mitigations=off panic=-1 $ticks"
	-chardev "file,id=con,path=$run/console.log" -serial chardev:con
	-device intel-iommu,intremap=on,caching-mode=on
	-netdev hubport,hubid=1,id=n0 "${card[@]}"
	-netdev hubport,hubid=1,id=n1 -device e1000e,netdev=n1,mac=52:54:00:aa:00:02,romfile=
	-fsdev local,id=fs0,path=/,security_model=none,readonly=on,multidevs=remap
	-device virtio-9p-pci,fsdev=fs0,mount_tag=hostroot
	-fsdev "local,id=fs1,path=$run/out,security_model=none"
	-device virtio-9p-pci,fsdev=fs1,mount_tag=labout
	-chardev "pipe,id=mon,path=$run/mon" -mon chardev=mon)
mkfifo "$run/mon.in" "$run/mon.out"

# watch: when the time is over, asks the machine where its processors are, and ends it.
watch() {
	local in out line i
	progress_pause "$bound"
	exec {in}<>"$run/mon.in" {out}<>"$run/mon.out"
	for i in 0 1 2; do
		printf 'info registers -a\ninfo lapic %s\n' "$i" >&"$in"
		while IFS= read -r -t 1 -u "$out" line; do
			case $line in *RIP=* | *EIP=* | CPU#* | *IRR* | *ISR* | *initial_count*) printf '%s\n' "${line%$'\r'}" ;; esac
		done
	done >"$run/late"
	kill "$pid"
	progress_pause 5
	kill -KILL "$pid" 2>/dev/null
}

# The lab's own words replace the ticking line as soon as it is up.
progress_start "booting the lab" "" "$run/out/up"
if [ "${LAB_SHELL:-0}" = 1 ]; then
	timeout --foreground "$bound" "${machine[@]}" -chardev stdio,id=job,signal=off,mux=on -serial chardev:job \
		-mon chardev=job 2>"$run/qemu.log"
else
	"${machine[@]}" -chardev stdio,id=job -serial chardev:job </dev/null 2>"$run/qemu.log" &
	pid=$!
	watch &
	watcher=$!
	wait "$pid"
fi
rc=$?
pid=
[ -z "$watcher" ] || { kill "$watcher" && wait "$watcher"; } 2>/dev/null
watcher=
progress_stop
if [ -s "$run/out/status" ]; then
	exit "$(cat "$run/out/status")"
fi
if [ "$rc" = 124 ] || [ -e "$run/late" ]; then
	why="not done within $bound s"
else
	why="the machine ended before its script did (status $rc)"
fi
# As comments too: a transcript in TAP is all that some machines keep.
{
	echo "lab: $why"
	tail -n 15 "$run/late"
	grep -v 'warning:' "$run/qemu.log" | tail -n 3
	grep -m 1 -A 4 -E 'BUG:|Oops|general protection|rcu:.*(stall|kthread)|soft lockup' "$run/console.log"
	grep -E 'RIP: 0010|Kernel panic' "$run/console.log" | tail -n 2
	tail -n 3 "$run/console.log"
} 2>/dev/null | cut -c1-180 | if [ "${LAB_TAP:-0}" = 1 ]; then sed 's/^/#    | /'; else cat >&2; fi
exit 1
