# SPDX-License-Identifier: BSD-2-Clause
"""disk -- the process that is one node's way to the shared disk: the platter, and the slots beside it."""

import json
import os
import socket
import subprocess

from . import plan, wait
from .plan import LabError

MODES = ("ok", "fail", "hang", "readonly", "freeze")


class Disk:
    def __init__(self, program, platter, directory, initiator, options):
        self.socket = os.path.join(directory, "disk.socket")
        self.command = [program, "-p", platter, "-m", os.path.join(directory, "fuse"),
                        "-c", self.socket, "-i", str(initiator)] + options
        self.directory = directory
        self.process = None
        self.devices = []  # the shared disk, its slots
        self.sequences = []

    def start(self, cgroup):
        """Attach it; self.devices are then its loop devices."""
        os.makedirs(os.path.join(self.directory, "fuse"), exist_ok=True)
        # Its mount is in a namespace of its own and ends with it.
        self.process = subprocess.Popen(cgroup.entering(["unshare", "--mount"] + self.command),
                                        stdout=subprocess.PIPE, text=True)
        devices = [self.process.stdout.readline().strip() for _ in range(2)]
        if not all(devices):
            raise LabError("the node's disk does not start; its message is in room.log")
        self.devices = devices
        self.sequences = [sequence(device) for device in devices]

    def command_do(self, command):
        """Say one line to it; its answer, or LabError."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            try:
                sock.connect(self.socket)
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
        """The dead node's devices are detached, so no file system of it is alive either.

        Their numbers may be in use again, by another lab: the sequence numbers tell.
        """
        return all(not os.path.exists(attribute(device, "loop/backing_file"))
                   or sequence(device) != before
                   for device, before in zip(self.devices, self.sequences))

    def wait_released(self, seconds):
        """Processes have ended: see the device let go, and reap."""
        wait.until(self.is_released, seconds, f"{' or '.join(self.devices)} is still in use", every=0.001)
        self.process.wait()
        self.process.stdout.close()
        self.process = None


def attribute(device, name):
    return f"/sys/block/{os.path.basename(device)}/{name}"


def sequence(device):
    with open(attribute(device, "diskseq"), encoding="ascii") as file:
        return file.read()


def make_platter(path, mib, options):
    """A sparse image with an empty ext4 on it, empty slots, and no reservations.  Its journal is
    small, as the README advises: a takeover's mount replays it."""
    for name, size in ((path, mib << 20), (f"{path}.slots", plan.SLOTS_BYTES),
                       (f"{path}.reservations", 0)):
        with open(name, "wb") as file:
            file.truncate(size)
    done = subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-E",
                           "nodiscard,lazy_itable_init=1,lazy_journal_init=1",
                           "-J", "size=8"] + options + [path],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"mkfs.ext4: {done.stderr.strip()}")
