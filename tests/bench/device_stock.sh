#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# device_stock.sh [KEPT]: what stock igbvf under stock igb asks of its VF from reset to first frame; prints
# "reads writes requests". A Debian kernel takes the interface down, which resets the VF (CTRL.RST), and up
# again; QEMU traces every access to the VF's registers; counted is from the last CTRL.RST to the first
# doorbell of a transmit queue that has a frame, so waiting and idle time add nothing but what the driver
# itself polls. To the peer's favour the PF gives the VF its address beforehand and IPv6, which would join
# multicast groups, is off. Needs the lab's images (make image). KEPT keeps the trace there.
set -euo pipefail
cd "$(dirname "$0")/../.."
lab=build/lab
bound=${STOCK_SECONDS:-120}

die() {
	printf 'device_stock: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 1
}

for f in "$lab/vmlinux" "$lab/host.gz"; do
	[ -e "$f" ] || die "no $f" "make image"
done
igbvf=$(find "$lab/kernel/" -name 'igbvf.ko*' | head -n 1)
[ -n "$igbvf" ] || die "the lab's kernel has no igbvf" "rm -r $lab/kernel && make image"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A second archive behind the lab's own adds the VF driver and replaces init.
mkdir "$tmp/tree"
case $igbvf in
*.xz) xz -dc "$igbvf" >"$tmp/tree/igbvf.ko" ;;
*.zst) zstd -qdc "$igbvf" >"$tmp/tree/igbvf.ko" ;;
*) cp "$igbvf" "$tmp/tree/igbvf.ko" ;;
esac
cat >"$tmp/tree/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
mount -t proc p /proc
mount -t sysfs s /sys
mount -t devtmpfs d /dev
say() { echo "stock: $*" >/dev/ttyS0; }
stop() { say "$*"; poweroff -f; }
# The interface of driver $1, within 10 s.
iface() {
	for i in $(seq 100); do
		for n in /sys/class/net/*/device/driver; do
			case $(readlink "$n") in
			*/"$1") n=${n#/sys/class/net/}; echo "${n%%/*}"; return 0 ;;
			esac
		done
		usleep 100000
	done
	return 1
}
# $2 reaches $3 within 10 s.
carrier() {
	for i in $(seq 100); do
		[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ] && return 0
		usleep 100000
	done
	return 1
}
sent() { cat "/sys/class/net/$1/statistics/tx_packets"; }

for m in igb virtio_pci 9pnet_virtio 9p; do modprobe $m; done
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
mount -t 9p -o trans=virtio,version=9p2000.L,ro hostroot /host || stop "no host files"
pf=$(iface igb) || stop "no igb interface"
ip link set "$pf" up
carrier "$pf" || stop "no link on the PF"
echo 1 >"/sys/class/net/$pf/device/sriov_numvfs"
chroot /host /bin/ip link set "$pf" vf 0 mac 02:00:00:00:00:10 2>/tmp/err || stop "no VF address: $(cat /tmp/err)"
insmod /igbvf.ko
vf=$(iface igbvf) || stop "no igbvf interface"
ip link set "$vf" up
carrier "$vf" || stop "no link on the VF"
ip addr add 10.9.0.1/24 dev "$vf"
ip link set "$vf" down
before=$(sent "$vf")
ip link set "$vf" up
carrier "$vf" || stop "no link on the VF after its reset"
arping -c 2 -I "$vf" 10.9.0.2 >/dev/null 2>&1
[ "$(sent "$vf")" -gt "$before" ] || stop "no frame was sent"
stop done
INIT
chmod +x "$tmp/tree/init"
(cd "$tmp/tree" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1) >"$tmp/extra.gz"
cat "$lab/host.gz" "$tmp/extra.gz" >"$tmp/initrd"

# The trace goes by a pipe: of all that the machine does, only the VF's registers are kept.
mkfifo "$tmp/pipe"
grep --line-buffered "name 'igbvf-mmio'" <"$tmp/pipe" >"$tmp/trace" &
filter=$!
status=0
timeout "$bound" "${QEMU:-qemu-system-x86_64}" -M q35 -accel tcg -m 512M -nodefaults -display none -no-reboot \
	-kernel "$lab/vmlinux" -initrd "$tmp/initrd" -append "console=ttyS0 quiet panic=-1" \
	-chardev "file,id=con,path=$tmp/console" -serial chardev:con \
	-device pcie-root-port,id=rp0,slot=1 -netdev hubport,hubid=1,id=n0 -device igb,netdev=n0,bus=rp0 \
	-fsdev local,id=fs0,path=/,security_model=none,readonly=on,multidevs=remap \
	-device virtio-9p-pci,fsdev=fs0,mount_tag=hostroot \
	-trace 'enable=memory_region_ops_read' -trace 'enable=memory_region_ops_write' \
	</dev/null 2>"$tmp/pipe" || status=$?
wait "$filter" || true
[ -z "${1:-}" ] || cp "$tmp/trace" "$1"
grep -q 'stock: done' "$tmp/console" ||
	die "the guest did not come to its end: $(grep 'stock:' "$tmp/console" || echo "status $status")" \
		"look at what it does with QEMU=... and a longer STOCK_SECONDS"

# CTRL at 0, RST bit 26; TDT of queue 0 at 0x3818; V2PMAILBOX at 0xc40, REQ bit 0. A VF's registers are
# 16 KiB, so of the address's last four digits the first counts by its two low bits.
awk '
	function digit(hex, n) {
		return index("0123456789abcdef", substr(hex, length(hex) - n, 1)) - 1
	}
	function has(hex, n, bit) {
		return length(hex) - 2 > n && int(digit(hex, n) / bit) % 2
	}
	{
		write = /memory_region_ops_write/
		for (i = 1; i < NF; i++) {
			if ($i == "addr") addr = $(i + 1)
			if ($i == "value") value = $(i + 1)
		}
		off = digit(addr, 3) % 4 substr(addr, length(addr) - 2)
	}
	write && off == "0000" && has(value, 6, 4) { counting = 1; reads = writes = requests = 0 }
	counting && write { writes++ }
	counting && !write { reads++ }
	counting && write && off == "0c40" && has(value, 0, 1) { requests++ }
	counting && write && off == "3818" && value != "0x0" {
		counting = 0
		result = reads " " writes " " requests
	}
	END {
		if (result == "") exit 1
		print result
	}
' "$tmp/trace" || die "the trace has no frame after a reset" "keep the trace and look at it"
