#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# image.sh: makes build/lab/{vmlinux,host.gz,guest.gz,core.gz} from Debian's kernel package and busybox; only what changed.
# The kernel is unpacked, not installed. build/bin/pkt must be there (make tools).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
. "$top/tests/setup/progress.sh"

out=$top/build/lab
kernel=$out/kernel
# A module that is built into the kernel, or that a later kernel has merged, is not missed.
host_modules="virtio_pci 9pnet_virtio 9p overlay igb e1000e vfio-pci vfio_iommu_type1 kvm_amd kvm_intel"
guest_modules="igbvf 8021q"
core_modules="igbvf virtio_net virtio_pci"

die() {
	printf 'image: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 1
}

# The newest kernel that linux-image-amd64 stands for.
kernel_package() {
	apt-cache show --no-all-versions linux-image-amd64 2>/dev/null |
		grep -oE 'linux-image-[0-9][^ ,()]*-amd64' | grep -vE -- '-(rt|cloud)-' | sort -V | tail -n 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# download: the newest kernel's package to the current folder.
download() {
	local pkg
	pkg=$(kernel_package)
	[ -n "$pkg" ] && progress_run "downloading $pkg" "$out/download.log" apt-get -q download "$pkg"
}

fetch_kernel() {
	rm -rf "$kernel.new"
	mkdir -p "$kernel.new/deb"
	cd "$kernel.new/deb"
	# A package that is named in the lists and no longer there: the lists are old.
	download 2>/dev/null || { progress_run "package lists" "$out/download.log" as_root apt-get -q update && download; } ||
		die "no linux-image-amd64 could be downloaded" "see that apt-get update works, and run this again"
	progress_run "unpacking it" "$out/unpack.log" dpkg -x ./*.deb "$kernel.new"
	cd "$top"
	rm -rf "$kernel.new/deb" "$kernel"
	# Where /usr is merged in the package too, the tools look for the other name.
	[ -d "$kernel.new/lib/modules" ] || ln -s usr/lib "$kernel.new/lib"
	mv "$kernel.new" "$kernel"
}

# The uncompressed kernel inside a bzImage: booted directly (PVH), it saves a virtual machine under
# emulation the seconds of unpacking itself. Fails for a compression that is not known here.
unpack_kernel() {
	local off
	for c in 'xz:\xfd7zXZ\x00:xz -dc' 'zst:\x28\xb5\x2f\xfd:zstd -qdc' 'gz:\x1f\x8b\x08\x00:gzip -dc'; do
		IFS=: read -r _ magic unpack <<<"$c"
		for off in $(LC_ALL=C grep -aboP "$magic" "$1" | head -n 8 | cut -d: -f1); do
			# Trailing bytes behind the stream make the unpacker complain; the ELF magic decides.
			tail -c "+$((off + 1))" "$1" | $unpack >"$2.new" 2>/dev/null || :
			if [ "$(head -c 4 "$2.new" | tr -d '\177')" = ELF ]; then
				mv "$2.new" "$2"
				return 0
			fi
		done
	done
	rm -f "$2.new"
	return 1
}

# modules DIR NAME...: copies the modules, with what they need, uncompressed, to the image in DIR.
modules() {
	local dir=$1 m f
	shift
	for m; do
		modprobe -d "$kernel" -S "$version" --show-depends "$m" 2>/dev/null || echo "skip $m"
	done | sed -n 's/^insmod \(.*[^ ]\) *$/\1/p' | sort -u |
	while read -r f; do
		m=$dir/lib/modules/$version/kernel/$(basename "$f")
		case $f in
		*.xz) xz -dc "$f" >"${m%.xz}" ;;
		*.zst) zstd -qdc "$f" >"${m%.zst}" ;;
		*) cp "$f" "$m" ;;
		esac
	done
	depmod -b "$dir" "$version" 2>/dev/null
	[ -s "$dir/lib/modules/$version/modules.dep" ]
}

# image NAME MODULES FILE...: build/lab/NAME.gz with init-NAME as init and the FILEs in /bin.
image() {
	local name=$1 mods=$2 dir=$out/tree.$1 bb
	shift 2
	bb=$(command -v busybox) || die "no busybox" "tests/setup/install lab"
	if [ -e "$out/$name.gz" ] && [ -z "$(find "$here/init-$name" "$here/image.sh" "$bb" "$@" \
		"$kernel/.ready" -newer "$out/$name.gz" 2>/dev/null)" ]; then
		return 0
	fi
	rm -rf "$dir"
	mkdir -p "$dir"/{bin,proc,sys,dev,tmp,run,host,root,out,etc} "$dir/lib/modules/$version/kernel"
	cp "$bb" "$dir/bin/busybox"
	ln -s busybox "$dir/bin/sh"
	[ $# -eq 0 ] || cp "$@" "$dir/bin/"
	cp "$kernel/lib/modules/$version"/modules.builtin* "$kernel/lib/modules/$version/modules.order" \
		"$dir/lib/modules/$version/"
	# shellcheck disable=SC2086
	modules "$dir" $mods
	cp "$here/init-$name" "$dir/init"
	chmod +x "$dir/init"
	(cd "$dir" && find . | cpio -o -H newc --quiet -R 0:0 | gzip -1 >"$out/$name.gz.new")
	mv "$out/$name.gz.new" "$out/$name.gz"
	rm -rf "$dir"
	echo "  image $name.gz: $(du -k "$out/$name.gz" | cut -f1) KiB"
}

mkdir -p "$out"
exec 9>"$out/.lock"
flock 9
pkt=$top/build/bin/pkt
[ -x "$pkt" ] || die "no build/bin/pkt" "make tools"
file_is_static() { ! LC_ALL=C grep -aq '/lib64/ld-linux' "$1"; }
file_is_static "$(command -v busybox)" || die "busybox is not static" "tests/setup/install lab (busybox-static)"

[ -e "$kernel/.ready" ] || [ -d "$kernel/lib/modules" ] || fetch_kernel
version=$(ls "$kernel/lib/modules")
if [ ! -e "$kernel/.ready" ]; then
	[ -d "$kernel/lib/modules/$version/kernel" ] || die "the kernel package is not what was expected" "rm -r $kernel"
	progress_run "finding its modules" "$out/depmod.log" depmod -b "$kernel" "$version"
	if ! unpack_kernel "$kernel/boot/vmlinuz-$version" "$out/vmlinux"; then
		cp "$kernel/boot/vmlinuz-$version" "$out/vmlinux"
		echo "  the kernel stays compressed: booting takes longer"
	fi
	ln -sf "kernel/boot/vmlinuz-$version" "$out/vmlinuz"
	touch "$kernel/.ready"
fi
image host "$host_modules"
image guest "$guest_modules" "$pkt"
image core "$core_modules"
