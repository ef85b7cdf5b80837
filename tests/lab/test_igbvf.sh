#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# Our PF with the stock igbvf in virtual machines: the main job, each step a test.
. "$(dirname "$0")/inside.sh"
export JOB_REPORT=lab-igbvf.json
exec bash tests/lab/job.sh
