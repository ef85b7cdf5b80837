#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# iso.sh OUT [CONF [MODULE...]]: a bootable image, GRUB with the core, for a CD or a USB stick. CONF instead
# of sluice.conf beside this file; MODULEs are what it names beside the bare guest. The console is COM1,
# 115200 8n1. `make core` comes first.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
built=$(cd "$here/../.." && pwd)/build/core

complain() {
	printf 'iso: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 1
}

[ $# -ge 1 ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 2; }
out=$1 conf=${2:-$here/sluice.conf}
shift $(($# > 1 ? 2 : 1))
command -v grub-mkrescue >/dev/null || complain "there is no grub-mkrescue" "tests/setup/install core"
for f in "$built/core.bin" "$built/guest.bin" "$conf" "$@"; do
	[ -r "$f" ] || complain "there is no $f" "make core, and name files that are there"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$tree/boot/grub"
cp "$built/core.bin" "$tree/boot/core.bin"
modules=
for f in "$conf" "$built/guest.bin" "$@"; do
	name=$(basename "$f")
	[[ $name =~ ^[A-Za-z0-9._+-]{1,31}$ ]] ||
		complain "$name is no name for a module" "at most 31 letters, digits and ._+-"
	[ ! -e "$tree/boot/$name" ] || complain "two files are called $name" "rename one"
	cp "$f" "$tree/boot/$name"
	# GRUB does not pass a module's file name on: it comes once more, as an argument.
	modules+="	module2 /boot/$name $name"$'\n'
done

# entry TITLE OPTIONS
entry() {
	printf "menuentry '%s' {\n\tmultiboot2 /boot/core.bin %s\n%s}\n" "$1" "$2" "$modules"
}
{
	cat <<-'END'
		serial --unit=0 --speed=115200
		terminal_input console serial
		terminal_output console serial
		set timeout=5
	END
	entry 'Sluice core' ''
	entry 'Sluice core; the machine is reset when it ends' 'reboot'
} >"$tree/boot/grub/grub.cfg"

# For each kind of firmware of which GRUB's files are there; the core needs to be told by version 2 of multiboot
# where ACPI's tables are, when the firmware is UEFI.
grub-mkrescue -o "$out" "$tree" >"$work/log" 2>&1 ||
	{ tail -n 5 "$work/log" >&2; complain "grub-mkrescue failed" "tests/setup/install core"; }
kinds=
[ ! -d /usr/lib/grub/i386-pc ] || kinds+=' BIOS'
[ ! -d /usr/lib/grub/x86_64-efi ] || kinds+=' UEFI'
echo "iso: $out, $(du -h "$out" | cut -f1), starts by:$kinds"
