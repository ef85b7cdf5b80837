#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# build.sh [hello]: builds what the machine scripts need in build/platform, where it is older than its source:
# the bridge and the ROMs; or the platform's own test kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/build/platform
mkdir -p "$out/plugins"
exec 9>"$out/.lock"
flock 9

# stale TARGET SOURCE...: is the target missing, or older than one of them?
stale() {
	local target=$1 f
	shift
	for f in "$@"; do
		[ "$target" -nt "$f" ] || return 0
	done
	return 1
}

# rom SOURCE TARGET: firmware of 64 KiB, linked to end at 4 GiB.
rom() {
	stale "$2" "$1" "$here/build.sh" || return 0
	gcc -m32 -c -o "$2.o" "$1"
	ld -m elf_i386 -Ttext=0xffff0000 --oformat binary -o "$2.new" "$2.o"
	mv "$2.new" "$2"
}

machine() {
	local bridge=$out/plugins/libbx_bridge.so
	if stale "$bridge" "$here/bridge.cc" "$here/bochs.hh" "$here/build.sh"; then
		g++ -std=c++17 -O2 -Wall -Wextra -Wshadow -Werror -shared -fPIC -o "$bridge.new" "$here/bridge.cc"
		mv "$bridge.new" "$bridge"
	fi
	rom "$here/relay.S" "$out/relay.rom"
	rom "$here/unit_rom.S" "$out/unit.rom"
}

hello() {
	local hello=$out/hello.bin
	if stale "$hello" "$here/hello.c" "$here/hello.S" "$here/build.sh"; then
		gcc -m32 -c -o "$hello.S.o" "$here/hello.S"
		gcc -m32 -std=c11 -O2 -ffreestanding -fno-pic -fno-pie -fno-stack-protector -mgeneral-regs-only \
			-fno-asynchronous-unwind-tables -fcf-protection=none -Wall -Wextra -Werror \
			-I"$here/../../include" -c -o "$hello.c.o" "$here/hello.c"
		ld -m elf_i386 -N -z noexecstack --no-warn-rwx-segments -Ttext=0x100000 --oformat binary \
			-o "$hello.new" "$hello.S.o" "$hello.c.o"
		mv "$hello.new" "$hello"
	fi
}

"${1:-machine}"
