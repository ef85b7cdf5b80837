#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# shell.sh: an interactive shell in the lab with sluice on the path and sluiced running; what is behind `make lab`.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
"$here/image.sh" || exit
LAB_SHELL=1 LAB_SECONDS=${LAB_SECONDS:-86400} exec "$here/boot.sh" tests/lab/shell_inside.sh
