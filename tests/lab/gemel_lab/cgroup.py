# SPDX-License-Identifier: BSD-2-Clause
"""cgroup -- a set of processes that can be frozen, ended, and known to be empty.

One cgroup (version 2) per lab, one in it per host, two in each: `os`, and
`disk` for the node's way to the shared disk, which goes on while its node is
paused.  The kernel's cgroup.kill reaches every process, whatever it has done
to its session, its parents or its namespaces.
"""

import os

from . import wait
from .plan import LabError


def root():
    with open("/proc/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, where, kind = line.split()[:3]
            if kind == "cgroup2" and os.access(where, os.W_OK):
                return where
    raise LabError("no writable cgroup2 file system is mounted; the lab ends processes with it")


class Cgroup:
    def __init__(self, path):
        self.path = path

    def child(self, name):
        return Cgroup(os.path.join(self.path, name))

    def make(self):
        os.makedirs(self.path, exist_ok=True)
        return self

    def exists(self):
        return os.path.isdir(self.path)

    def _write(self, name, text):
        with open(os.path.join(self.path, name), "w", encoding="ascii") as file:
            file.write(text)

    def enter(self):
        """Move the calling process here."""
        self._write("cgroup.procs", "0")

    def entering(self, argv):
        """argv, made to run here: for a program with threads, which must not enter after a fork."""
        return ["sh", "-c", 'echo 0 >"$0" && exec "$@"',
                os.path.join(self.path, "cgroup.procs")] + argv

    def freeze(self, on):
        self._write("cgroup.freeze", "1" if on else "0")

    def kill(self):
        """End every process here and below; returns before they have ended."""
        if self.exists():
            self._write("cgroup.kill", "1")

    def is_populated(self):
        try:
            with open(os.path.join(self.path, "cgroup.events"), encoding="ascii") as file:
                return "populated 1" in file.read()
        except FileNotFoundError:
            return False

    def processes(self):
        """Process ids here and below."""
        pids = []
        for path, _, _ in os.walk(self.path):
            try:
                with open(os.path.join(path, "cgroup.procs"), encoding="ascii") as file:
                    pids += [int(line) for line in file]
            except OSError:
                continue
        return pids

    def kill_and_wait(self, seconds):
        self.kill()
        wait.until(lambda: not self.is_populated(), seconds,
                   f"processes left in {self.path}: {self.processes()}", every=0.001)

    def remove(self):
        """Remove it and all below; they must be empty."""
        for path, _, _ in os.walk(self.path, topdown=False):
            os.rmdir(path)


def of_lab(name):
    return Cgroup(os.path.join(root(), f"gemel-lab-{name}"))
