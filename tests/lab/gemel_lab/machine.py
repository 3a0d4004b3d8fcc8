# SPDX-License-Identifier: BSD-2-Clause
"""machine -- one host: its life from power on to power off.

A host is a process with namespaces of its own (mount, network, PID, UTS, IPC)
whose first process is `host-init`.  Its files are the machine's, with overlays
on /etc and /var that live in a folder of the host and outlast its power.
"""

import os
import subprocess
import threading
import uuid

from . import disk, plan, wait, watchdog
from .plan import LabError

INIT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "host-init")
KILL_S = 10


class Machine:
    def __init__(self, host, settings, switchboard, serial, cgroup):
        self.host = host
        self.settings = settings
        self.switchboard = switchboard
        self.serial = serial
        self.cgroup = cgroup.child(host.name)
        self.directory = os.path.join(settings["state"], "hosts", host.name)
        self.lock = threading.RLock()
        self.process = None
        self.pid = None
        self.boot_id = None
        self.disk = None
        self.is_paused = False
        self.watchdog = watchdog.Watchdog(self) if host.kind == "node" else None

    def is_on(self):
        return self.process is not None

    def power_on(self):
        with self.lock:
            if self.is_on():
                raise LabError(f"{self.host.name} is on already")
            for part in ("os", "disk"):
                self.cgroup.child(part).make()
            self.cgroup.child("os").freeze(False)  # it may have been paused when its power went
            try:
                self._boot()
            except (LabError, OSError) as error:
                self._end()
                raise LabError(f"{self.host.name} does not boot: {error}; its last words: "
                               f"{self._last_words()}") from error

    def _boot(self):
        self.boot_id = str(uuid.uuid4())
        environment = dict(os.environ, HOST=self.host.name, KIND=self.host.kind,
                           DIRECTORY=self.directory, BOOT_ID=self.boot_id,
                           STATE=self.settings["state"], EXTRA=self.settings["extra"],
                           DESTDIR=self.settings.get("destdir") or "",
                           GATEWAYS=" ".join(self.host.gateways),
                           ADDRESSES=" ".join(f"{cable.interface}={address}"
                                              for cable in self.host.cables
                                              for address in cable.addresses))
        if self.host.kind == "node":
            environment.update(self._boot_devices())
        # --kill-child: were unshare to die alone, its host would go on headless.
        with open(os.path.join(self.directory, "console"), "ab") as console:
            self.process = subprocess.Popen(
                self.cgroup.child("os").entering(
                    ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork",
                     "--kill-child", "--propagation", "private", INIT]),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=console, env=environment)
        self.pid = wait.until(self._find_init, 5, f"{self.host.name}: no first process")
        self.switchboard.plug_in_host(self.host, self.pid)
        self.process.stdin.write(b"plugged in\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != b"up\n":
            raise LabError("its first process ended")
        threading.Thread(target=self._watch, args=(self.process,), daemon=True).start()

    def _boot_devices(self):
        """A node's own devices: its part of host-init's environment."""
        self.disk = disk.Disk(self.settings["disk_program"], self.settings["platter"],
                              self.directory, plan.NODES.index(self.host.name),
                              self.settings["disk_options"])
        self.disk.start(self.cgroup.child("disk"))
        self.watchdog.reset()
        return {"SHARED": self.disk.devices[0], "SLOTS": self.disk.devices[1],
                "SCSI": self.disk.socket + ".scsi", "WATCHDOG": self.watchdog.path,
                "SERIAL": self.serial.plug_in(self.host.name)}

    def _last_words(self):
        try:
            with open(os.path.join(self.directory, "console"), encoding="utf-8",
                      errors="replace") as file:
                return " / ".join(file.read().splitlines()[-3:]) or "none"
        except OSError:
            return "none"

    def _find_init(self):
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                      encoding="ascii") as file:
                return int(file.read().split()[0])
        except (OSError, IndexError):
            return None

    def _watch(self, process):
        """A node that resets itself ends its first process: the rest of it follows."""
        process.wait()
        with self.lock:
            if self.process is process:
                self.power_off()

    def power_off(self):
        """Cables, then processes, then proof.  Idempotent; LabError: it can't be shown to be off."""
        with self.lock:
            if not self.is_on():
                return
            for cable in self.host.cables:
                self.switchboard.cut(self.host, cable)
            if self.host.kind == "node":
                self.serial.unplug(self.host.name)
            if self.disk and self.settings["scramble"]:
                self.disk.command_do(f"cut {self.settings['scramble']} {uuid.uuid4().int >> 64}")
            self._end()

    def _end(self):
        self.cgroup.kill_and_wait(KILL_S)
        if self.disk:
            if self.disk.devices:
                self.disk.wait_released(KILL_S)
            self.disk = None
        process, self.process, self.pid, self.is_paused = self.process, None, None, False
        if process:
            threading.Thread(target=self._tidy, args=(process,)).start()

    def _tidy(self, process):
        """What nobody needs to wait for."""
        process.wait()
        process.stdin.close()
        process.stdout.close()

    def pause(self):
        with self.lock:
            self.check_on()
            self.cgroup.child("os").freeze(True)
            for cable in self.host.cables:
                self.switchboard.cut(self.host, cable)
            self.is_paused = True

    def resume(self):
        with self.lock:
            self.check_on()
            if not self.is_paused:
                raise LabError(f"{self.host.name} is not paused")
            for cable in self.host.cables:
                self.switchboard.heal(self.host, cable)
            self.cgroup.child("os").freeze(False)
            self.is_paused = False

    def check_on(self):
        if not self.is_on():
            raise LabError(f"{self.host.name} is off")

    def _cuts(self):
        cut = [cable.line for cable in self.host.cables
               if not self.switchboard.is_plugged(self.host, cable)]
        ways = self.switchboard.blocks(self.host)
        if self.host.kind == "node":
            ways += [("serial", way) for way in self.serial.cuts(self.host.name)]
        return cut + [f"{line} --{way}" for line, way in sorted(ways)]

    def status(self):
        with self.lock:
            row = {"host": self.host.name, "kind": self.host.kind, "pid": self.pid,
                   "power": "paused" if self.is_paused else "on" if self.is_on() else "off",
                   "addresses": [address for cable in self.host.cables
                                 for address in cable.addresses],
                   "boot_id": self.boot_id, "directory": self.directory}
            if self.is_on():
                row["cut"] = self._cuts()
            if self.disk:
                row["disk"] = self.disk.status()
            return row
