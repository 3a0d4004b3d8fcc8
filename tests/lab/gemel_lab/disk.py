# SPDX-License-Identifier: BSD-2-Clause
"""disk -- the process that is one node's way to the shared disk."""

import json
import os
import socket
import subprocess

from . import wait
from .plan import LabError

MODES = ("ok", "fail", "hang", "readonly", "freeze")


class Disk:
    def __init__(self, program, platter, directory, options):
        self.command = [program, "-p", platter, "-m", os.path.join(directory, "fuse"),
                        "-c", os.path.join(directory, "disk.socket")] + options
        self.directory = directory
        self.process = None
        self.device = None
        self.sequence = None

    def start(self, cgroup):
        """Attach it; self.device is then its loop device."""
        os.makedirs(os.path.join(self.directory, "fuse"), exist_ok=True)
        # Its mount is in a namespace of its own and ends with it.
        self.process = subprocess.Popen(cgroup.entering(["unshare", "--mount"] + self.command),
                                        stdout=subprocess.PIPE, text=True)
        self.device = self.process.stdout.readline().strip()
        if not self.device:
            raise LabError("the node's disk does not start; its message is in room.log")
        self.sequence = self._sequence()

    def command_do(self, command):
        """Say one line to it; its answer, or LabError."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            try:
                sock.connect(self.command[6])
                sock.sendall(command.encode() + b"\n")
                sock.shutdown(socket.SHUT_WR)
                answer = sock.makefile().read().strip()
            except OSError as error:
                raise LabError(f"the disk does not answer: {error}") from error
        if answer.startswith("error:"):
            raise LabError(f"disk: {answer[7:]}")
        return answer

    def status(self):
        return json.loads(self.command_do("status"))

    def is_released(self):
        """The dead node's device is detached, so no file system of it is alive either.

        Its number may be in use again, by another lab: the sequence number tells.
        """
        return not os.path.exists(self._attribute("loop/backing_file")) \
            or self._sequence() != self.sequence

    def _attribute(self, name):
        return f"/sys/block/{os.path.basename(self.device)}/{name}"

    def _sequence(self):
        with open(self._attribute("diskseq"), encoding="ascii") as file:
            return file.read()

    def wait_released(self, seconds):
        """Processes have ended: see the device let go, and reap."""
        wait.until(self.is_released, seconds, f"{self.device} is still in use", every=0.001)
        self.process.wait()
        self.process.stdout.close()
        self.process = None


def make_platter(path, mib, options):
    """A sparse image with an empty ext4 on it.  Its journal is small, as the README advises:
    a takeover's mount replays it."""
    with open(path, "wb") as file:
        file.truncate(mib << 20)
    done = subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-E",
                           "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
                           "-J", "size=8"] + options + [path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"mkfs.ext4: {done.stderr.strip()}")
