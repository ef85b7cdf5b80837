#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# device.sh: the benchmark of the device server: VF to VF rates beside the device's bound, and a VF reset's cost
# beside stock igbvf's. Table on stdout, build/report/bench-device.json. Without the lab's images the stock
# column stays empty. Takes about 45 s.
set -euo pipefail
cd "$(dirname "$0")/../.."
report=build/report/bench-device.json
mkdir -p build/bench "$(dirname "$report")"

objects=()
for s in vmdq/*.c pf-driver/*.c vf-driver/*.c hv-glue/host/qemu/*.c hv-glue/host/common/*.c tests/device/raw.c; do
	objects+=("build/obj/${s%.c}.o")
done
make -s "${objects[@]}"
${CC:-cc} -O2 -g -std=c11 -D_GNU_SOURCE -I. -Iinclude -Itests/device -Wall -Wextra -Werror \
	-o build/bench/device tests/bench/device.c "${objects[@]}"

stock=()
if [ -e build/lab/vmlinux ] && [ -e build/lab/host.gz ]; then
	echo "device: tracing stock igbvf in a Debian guest (15 s)" >&2
	read -r -a stock < <(tests/bench/device_stock.sh) || true
else
	echo "device: no build/lab images (make image): stock igbvf is not counted" >&2
fi
echo "device: measuring rates (20 s)" >&2
timeout 300 build/bench/device "$report" "${stock[@]}"
