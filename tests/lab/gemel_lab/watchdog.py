# SPDX-License-Identifier: BSD-2-Clause
"""watchdog -- a node's watchdog: /dev/lab-watchdog, a FIFO that ends here.

Any byte that is written arms it, or feeds it when it is armed. When no byte has
come for its time-out (2 s, or what `timeout MS\\n` said, in one write) the node's
power is cut. To write V as the last byte and then close disarms it, as with the
kernel's watchdogs; a close without it, also by a death, does not. ioctl(2) is
not understood (ENOTTY).

A paused node's watchdog stands still, as that of a paused guest does. So does
every one while the machine that all this runs on stands still, for a lab is
to show faults of nodes and not its own.
"""

import os
import re
import select
import threading
import time

DEFAULT_S = 2.0
TICK_S = 0.02
IDLE_S = 0.2
STEP_MAX_S = 0.25  # more at once is a stop of the machine
TIMEOUT = re.compile(rb"timeout (\d{1,6})\n")


class Timer:
    """When it fires. Knows no clock."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.timeout = DEFAULT_S
        self.left = None  # None: not armed
        self.is_released = False

    def feed(self, data):
        """Bytes that were written."""
        found = TIMEOUT.findall(data)
        if found:
            self.timeout = int(found[-1]) / 1000
        self.left = self.timeout
        self.is_released = data.endswith(b"V")

    def close(self):
        if self.is_released:
            self.reset()

    def passes(self, seconds):
        """Time goes by while the node runs; whether it fires."""
        if self.left is None:
            return False
        self.left -= min(seconds, STEP_MAX_S)
        return self.left <= 0


class Watchdog:
    def __init__(self, machine):
        self.machine = machine
        self.path = os.path.join(machine.directory, "watchdog")
        self.timer = Timer()
        self.lock = threading.Lock()
        self.fd = None

    def build(self):
        os.mkfifo(self.path, 0o600)
        self._open()

    def _open(self):
        old, self.fd = self.fd, os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        if old is not None:
            os.close(old)  # only now: who writes must not find nobody that reads

    def reset(self):
        """The node's power is back."""
        with self.lock:
            self._drain()
            self.timer.reset()

    def _drain(self):
        """Take what was written. A closed FIFO is opened anew, or poll would not wait again."""
        while True:
            try:
                data = os.read(self.fd, 4096)
            except BlockingIOError:
                return
            if not data:
                self.timer.close()
                self._open()
                return
            self.timer.feed(data)

    def look(self, is_ready, seconds):
        """Whether it fires now, so many seconds after it was last asked."""
        with self.lock:
            if is_ready:
                self._drain()
            # It has no power of its own: what was armed by the life before does not bite this one.
            if not self.machine.is_on() or self.machine.is_paused or not self.timer.passes(seconds):
                return False
            self.timer.reset()
            return True


def watch(dogs, fire):
    """For ever; calls fire(machine, boot id) for each that fires."""
    last = time.monotonic()
    while True:
        poll = select.poll()
        for dog in dogs:
            poll.register(dog.fd, select.POLLIN)
        is_any_armed = any(dog.timer.left is not None for dog in dogs)
        # Never for ever: a node that boots may open its FIFO anew meanwhile.
        ready = {fd for fd, _ in poll.poll((TICK_S if is_any_armed else IDLE_S) * 1000)}
        now = time.monotonic()
        for dog in dogs:
            boot_id = dog.machine.boot_id
            if dog.look(dog.fd in ready, now - last if is_any_armed else 0):
                threading.Thread(target=fire, args=(dog.machine, boot_id), daemon=True).start()
        last = now
