#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause
# 50 starts in a row of the joined machine, on 1 and 2 CPUs in turn, each to its test kernel's end. TAP.
exec "$(dirname "$0")/../platform/starts.sh" 50
