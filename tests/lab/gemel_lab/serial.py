# SPDX-License-Identifier: BSD-2-Clause
"""serial -- the cable between the serial ports of a region's two nodes.

A node's port is the far end of a pseudo-terminal, raw, without a speed; its
near end is here, and one thread carries bytes from one node's to the other's.
It never waits: what a port cannot take (its node is paused, or reads too
slowly) is lost, as in a UART that overruns; what comes from a port whose
cable is cut, or goes to a node that is off, is lost as well. The room keeps
each port open itself, so nobody hears the other one close it.
"""

import array
import fcntl
import os
import select
import struct
import subprocess
import termios
import threading
import tty

from . import plan

CHUNK = 4096
TIOCSPTLCK = 0x40045431
TIOCGPTN = 0x80045430


class Port:
    def __init__(self, folder):
        self.near = os.open(os.path.join(folder, "ptmx"), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        fcntl.ioctl(self.near, TIOCSPTLCK, struct.pack("i", 0))
        number = array.array("i", [0])
        fcntl.ioctl(self.near, TIOCGPTN, number)
        self.path = os.path.join(folder, str(number[0]))
        self.far = os.open(self.path, os.O_RDWR | os.O_NOCTTY)
        self.is_on = False
        self.cut = set()  # of "in", "out"

    def forget(self):
        """What is under way is lost; the port is as new."""
        tty.setraw(self.far)
        for end in (self.near, self.far):
            termios.tcflush(end, termios.TCIOFLUSH)

    def take(self):
        """What the node has sent."""
        try:
            data = os.read(self.near, CHUNK)
        except BlockingIOError:
            return b""
        return data if self.is_on and "out" not in self.cut else b""

    def give(self, data):
        if data and self.is_on and "in" not in self.cut:
            try:
                os.write(self.near, data)
            except BlockingIOError:
                pass  # it overruns


class Serial:
    def __init__(self):
        self.ports = {}
        self.lock = threading.Lock()

    def build(self, folder):
        os.makedirs(folder)
        subprocess.run(["mount", "-t", "devpts", "-o", "newinstance,mode=600,ptmxmode=600", "lab", folder],
                       check=True)
        self.ports = {name: Port(folder) for name in plan.NODES}
        threading.Thread(target=self._carry, daemon=True).start()

    def _carry(self):
        poll = select.poll()
        far = {}
        for region in plan.REGIONS:
            one, other = (self.ports[name] for name in plan.region_nodes(region))
            far.update({one.near: (one, other), other.near: (other, one)})
        for near in far:
            poll.register(near, select.POLLIN)
        while True:
            for near, _ in poll.poll():
                one, other = far[near]
                with self.lock:
                    other.give(one.take())

    def plug_in(self, name):
        """The node gets power; its device's path here."""
        with self.lock:
            port = self.ports[name]
            port.forget()
            port.is_on = True
            return port.path

    def unplug(self, name):
        with self.lock:
            self.ports[name].is_on = False

    def cut(self, name, direction):
        with self.lock:
            self.ports[name].cut |= {direction} if direction else {"in", "out"}

    def heal(self, name, direction):
        with self.lock:
            self.ports[name].cut -= {direction} if direction else {"in", "out"}

    def garbage(self, name, count):
        """Random bytes reach the node, as by a bad cable."""
        with self.lock:
            self.ports[name].give(os.urandom(count))

    def cuts(self, name):
        return self.ports[name].cut
