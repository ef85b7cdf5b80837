#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# ring.sh: instructions a packet of our receive and transmit bursts beside DPDK's igb driver, on
# descriptors in RAM, by callgrind. Table on stdout, build/report/bench-ring.json. About a minute.
#   DPDK_SOURCE=DIR   an unpacked DPDK source tree to take instead of Debian's source package
#   BENCH_JSON=FILE   where the rows go
set -euo pipefail
cd "$(dirname "$0")/../.."
top=$PWD
here=tests/bench
out=build/bench/ring
report=${BENCH_JSON:-build/report/bench-ring.json}
cc=${CC:-cc}
packets=16384
# The same for both sides.
opt=(-O3 -march=x86-64-v2 -g -ffunction-sections -fdata-sections '-Wl,--gc-sections')
inc=(-I. -Iinclude -I"$here")

die() {
	printf 'ring: %s\n  mend: %s\n' "$1" "$2" >&2
	exit 1
}

say() { echo "ring: $1" >&2; }

need() { command -v "$1" >/dev/null || die "$1 is not installed" "install the package $2"; }

# ---- DPDK's source ------------------------------------------------------------------------------

# The machine's own entries for Debian, as sources of source packages, into $1: same place, same key.
source_entries() {
	local entry file n
	# shellcheck disable=SC2016 # apt's own variable
	apt-get indextargets --format '$(SOURCESENTRY)' 'Created-By: Packages' 'Origin: Debian' |
		sort -u | while read -r entry; do
		file=${entry%:*} n=${entry##*:}
		case $file in
		*.sources)
			awk -v RS= -v n="$n" 'NR == n' "$file" | sed 's/^Types:.*/Types: deb-src/' |
				grep -v '^#' >"$1/$n-$(basename "$file")"
			;;
		*)
			sed -n "${n}s/^deb\(-src\)\?[ \t]/deb-src /p" "$file" \
				>>"$1/$(basename "$file" .list).list"
			;;
		esac
	done
}

# apt-get with the lists and caches of build/, and those entries alone.
apt_own() {
	local apt=$top/$out/apt
	apt-get -q -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$apt/parts" \
		-o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" \
		-o APT::Sandbox::User="$(id -un)" "$@"
}

fetch_source() {
	local version
	version=$(dpkg-query -W -f '${source:Version}' libdpdk-dev)
	say "fetching Debian's source package dpdk $version, once"
	rm -rf "$out/apt" "$out/fetch"
	mkdir -p "$out/apt/parts" "$out/apt/lists/partial" "$out/apt/cache/archives/partial" "$out/fetch"
	source_entries "$out/apt/parts"
	apt_own update >"$out/apt.log" 2>&1 || die "apt cannot read the source index" "see $out/apt.log"
	(cd "$out/fetch" && apt_own source --download-only "dpdk=$version") >>"$out/apt.log" 2>&1 ||
		die "apt has no source of dpdk $version" "see $out/apt.log; or set DPDK_SOURCE"
	mkdir "$out/fetch/tree"
	tar -xf "$out"/fetch/dpdk_*.orig.tar.* -C "$out/fetch/tree" --strip-components=1 --wildcards \
		'*/drivers/net/e1000' '*/drivers/bus/pci' '*/lib/ethdev' '*/lib/eal/include'
	rm -rf "$out/dpdk-src"
	mv "$out/fetch/tree" "$out/dpdk-src"
}

# ---- programs -----------------------------------------------------------------------------------

build_ours() {
	"$cc" -std=c11 -D_GNU_SOURCE "${opt[@]}" "${inc[@]}" -Ivf-driver -Wall -Wextra -o "$out/ours" \
		$here/ring_loop.c $here/ring_ours.c vf-driver/{rx,tx,ring,pool}.c
}

# The flags that pkg-config gives name an older instruction set: ours replaces it.
build_dpdk() {
	local flags libs
	read -r -a flags <<<"$(pkg-config --cflags libdpdk | sed 's/-march=[^ ]*//')"
	read -r -a libs <<<"$(pkg-config --libs libdpdk)"
	"$cc" -std=gnu11 "${opt[@]}" "${flags[@]}" -DALLOW_INTERNAL_API -DALLOW_EXPERIMENTAL_API \
		-I"$src/drivers/net/e1000" -I"$src/lib/ethdev" -I"$src/lib/eal/include" \
		-I"$src/drivers/bus/pci" "${inc[@]}" -w -o "$out/dpdk" \
		$here/ring_loop.c $here/ring_dpdk.c "${libs[@]}"
}

# ---- measuring ----------------------------------------------------------------------------------

# measure PROGRAM VARIANT TRAFFIC BURST: instructions a packet.
measure() {
	local log=$out/callgrind.log got
	got=$(timeout 300 valgrind --tool=callgrind --callgrind-out-file=/dev/null --log-file="$log" \
		--toggle-collect=bench_rx --toggle-collect=bench_tx "$out/$1" "$2" "$3" "$4" $packets) ||
		die "$1 $2 $3 $4 failed" "see $log"
	[ "$got" = "$packets" ] || die "$1 $2 $3 $4 delivered $got of $packets" "mend the driver"
	awk -v n=$packets '/Collected/ { c = $4 } END { if (c <= 0) exit 1; printf "%.1f", c / n }' "$log" ||
		die "callgrind counted nothing" "see $log"
}

# row NAME TRAFFIC OURS PEER BURST
row() {
	local ours peer name="ring rx+tx, $1, burst $5" fn=eth_igb_recv_pkts
	[ "$4" = simple ] || fn=eth_igb_recv_scattered_pkts
	ours=$(measure ours "$3" "$2" "$5")
	peer=$(measure dpdk "$4" "$2" "$5")
	printf '%-34s %5s %8s %8s %7s\n' "$1" "$5" "$ours" "$peer" \
		"$(awk -v a="$ours" -v b="$peer" 'BEGIN { printf "%.2f", b / a }')"
	jq -n --arg name "$name" --argjson ours "$ours" --argjson peer "$peer" \
		--arg peer_name "$peer_name, $fn + eth_igb_xmit_pkts" --arg method "$method" \
		'{$name, unit: "instructions/packet", $ours, $peer, $peer_name, $method}' >>"$out/rows"
}

need valgrind valgrind
need jq jq
need "$cc" gcc
pkg-config --exists libdpdk || die "DPDK's headers are not installed" "install the package libdpdk-dev"
mkdir -p "$out" "$(dirname "$report")"
src=${DPDK_SOURCE:-$out/dpdk-src}
[ -e "$src/drivers/net/e1000/igb_rxtx.c" ] || [ -n "${DPDK_SOURCE:-}" ] || fetch_source
[ -e "$src/drivers/net/e1000/igb_rxtx.c" ] || die "no DPDK source in $src" "unset DPDK_SOURCE"

say "building both sides"
build_ours
build_dpdk
peer_name="DPDK $(pkg-config --modversion libdpdk) igb"
method="callgrind, $("$cc" --version | head -n 1), ${opt[*]:0:2}, descriptors in RAM, rings of 512, $packets packets after a warm-up, delivered = sent"
say "measuring (40 s)"
rm -f "$out/rows"
echo "Instructions a packet, receive and transmit together, on descriptors in RAM ($peer_name)"
printf '%-34s %5s %8s %8s %7s\n' row burst ours DPDK ratio
for burst in 1 8 32 128; do row "bare" plain bare simple $burst; done
for burst in 1 8 32 128; do row "feature-matched" plain full scattered $burst; done
row "feature-matched, offloads asked" offload full scattered 32
row "feature-matched, 2-buffer frames" chain full scattered 32
jq -s . "$out/rows" >"$report"
