#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Makes ./configure from configure.ac.
cd "$(dirname "$0")" && exec autoreconf --install
