#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# run.sh: the main job in the lab, step by step; what is behind `make run`, once all is built. Leaves
# build/report/run.json.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
rm -f "$here/../../build/report/run".*
"$here/image.sh" || exit
LAB_SECONDS=${LAB_SECONDS:-600} exec "$here/boot.sh" tests/lab/job.sh
