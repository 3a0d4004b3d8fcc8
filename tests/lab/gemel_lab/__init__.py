# SPDX-License-Identifier: BSD-2-Clause
"""The lab: real daemons, one host per set of namespaces.  See doc/lab.md."""
