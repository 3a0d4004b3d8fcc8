# SPDX-License-Identifier: BSD-2-Clause
"""room -- the machine room: the one process that owns cables, power and disks.

It runs in a mount and a network namespace of its own, so that nothing of the
lab shows in those of the machine, and answers on two Unix sockets:

    room.sock    the lab tool: one JSON object asks, one answers
    switch       fence agents, from inside the nodes: "ACTION PLUG"

Each request has a thread, each machine a lock: a fencing waits for nobody else.
"""

import json
import os
import socketserver
import subprocess
import sys
import threading
import time
import traceback

from . import cgroup, disk, files, machine, plan, serial, switchboard, watchdog
from .plan import LabError


class Room:
    def __init__(self, settings):
        self.settings = settings
        self.cgroup = cgroup.of_lab(settings["name"])
        self.switchboard = switchboard.Switchboard()
        self.serial = serial.Serial()
        self.machines = {
            host.name: machine.Machine(host, settings, self.switchboard, self.serial, self.cgroup)
            for host in plan.HOSTS.values()}
        self.events = []
        self.started = time.monotonic()

    def build(self):
        # In memory: a node's own disk answers at once, and the shared one
        # is judged by what was flushed, which the machine's own disk cannot spoil.
        for name, size in (("hosts", "2G"), ("platters", f"{self.settings['disk_mib'] * 2}M")):
            where = os.path.join(self.settings["state"], name)
            os.makedirs(where, exist_ok=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"mode=755,size={size}", "lab", where],
                           check=True)
        self.switchboard.build()
        self.serial.build(os.path.join(self.settings["state"], "serial"))
        disk.make_platter(self.settings["platter"], self.settings["disk_mib"], [])
        for one in self.machines.values():
            os.makedirs(one.directory)
            files.write(one.host, one.directory, self.settings)
        dogs = [one.watchdog for one in self.machines.values() if one.watchdog]
        for dog in dogs:
            dog.build()
        threading.Thread(target=watchdog.watch, args=(dogs, self.watchdog_fires), daemon=True).start()

    def machine(self, name):
        if name not in self.machines:
            raise LabError(f"{name}: no such host; there are {', '.join(self.machines)}")
        return self.machines[name]

    def event(self, what, name, **more):
        self.events.append(dict(at=time.time(), what=what, host=name, **more))

    # -- the fence agent's requests --

    def switch_do(self, action, plug):
        """What the fence agent is told."""
        if action == "monitor":
            return "ok"
        if action == "list":
            return "ok\n" + "".join(f"{name}\n" for name in plan.NODES)
        one = self.machine(plug)
        if action == "status":
            return "ok" if one.is_on() else "is-off"
        if action == "on":
            if not one.is_on():
                one.power_on()
            return "ok"
        begin = time.time()
        one.power_off()
        self.event("fenced", plug, action=action, asked_at=begin)
        if action == "reboot" and self.settings["auto_poweron"]:
            threading.Thread(target=self.power_on_again, args=(one,)).start()
        return "ok"

    @staticmethod
    def power_on_again(one):
        try:
            one.power_on()
        except LabError as error:
            print(f"room: {error}", flush=True)

    def watchdog_fires(self, one, boot_id):
        begin = time.time()
        with one.lock:
            if not one.is_on() or one.boot_id != boot_id:
                return
            one.power_off()
        self.event("watchdog", one.host.name, asked_at=begin)

    # -- the lab tool's requests; each answers what can be said in JSON --

    def do_status(self):
        return [one.status() for one in self.machines.values()]

    def do_pid(self, host):
        one = self.machine(host)
        with one.lock:
            one.check_on()
            return {"pid": one.pid, "cgroup": one.cgroup.child("os").path}

    def do_poweroff(self, host):
        begin = time.time()
        self.machine(host).power_off()
        self.event("poweroff", host, asked_at=begin)
        return {"asked_at": begin, "off_at": time.time()}

    def do_poweron(self, host):
        begin = time.time()
        self.machine(host).power_on()
        self.event("poweron", host, asked_at=begin)

    def do_pause(self, host):
        self.machine(host).pause()

    def do_resume(self, host):
        self.machine(host).resume()

    def do_disk(self, host, mode):
        one = self.machine(host)
        with one.lock:
            one.check_on()
            if not one.disk:
                raise LabError(f"{host} has no shared disk")
            way = one.disk
        return way.command_do(mode)

    def lines(self, host, line, direction):
        """The lines that are meant; the disk's is no one's half."""
        cables = {cable.line: cable for cable in host.cables}
        known = list(cables) + (["witness", "serial", "disk"] if host.kind == "node" else [])
        if line == "all":
            return cables, [one for one in known if one != "disk" or not direction]
        if line not in known:
            raise LabError(f"{line}: no such line at {host.name}; there are {', '.join(known)}")
        if line == "disk" and direction:
            raise LabError("the way to the disk is cut in both directions or in none; "
                           "for reads without writes: disk NODE readonly")
        return cables, [line]

    def do_cut(self, host, line, direction):
        one = self.machine(host)
        with one.lock:
            one.check_on()
            cables, lines = self.lines(one.host, line, direction)
            for name in lines:
                if name == "disk":
                    one.disk.command_do("fail")
                elif name == "serial":
                    self.serial.cut(host, direction)
                elif name in cables and not direction:
                    self.switchboard.cut(one.host, cables[name])
                else:
                    for way in [direction] if direction else ["in", "out"]:
                        self.switchboard.block(one.host, name, way, True)

    def do_heal(self, host, line, direction):
        one = self.machine(host)
        with one.lock:
            one.check_on()
            cables, lines = self.lines(one.host, line, direction)
            for name in lines:
                if name == "disk":
                    one.disk.command_do("ok")
                elif name == "serial":
                    self.serial.heal(host, direction)
                else:
                    for way in [direction] if direction else ["in", "out"]:
                        self.switchboard.block(one.host, name, way, False)
                    if name in cables and not direction:
                        self.switchboard.heal(one.host, cables[name])

    def do_garbage(self, host, count):
        one = self.machine(host)
        with one.lock:
            one.check_on()
            self.serial.garbage(host, count)

    def do_events(self):
        return self.events

    def ask(self, request):
        verb = getattr(self, "do_" + request.pop("verb"))
        return verb(**request)


class Handler(socketserver.StreamRequestHandler):
    def reply(self, text):
        self.wfile.write(text.encode() + b"\n")


class ToolHandler(Handler):
    def handle(self):
        try:
            answer = {"ok": self.server.room.ask(json.loads(self.rfile.readline()))}
        except LabError as error:
            answer = {"error": str(error)}
        except Exception as error:  # a fault of the lab's own: say it, and go on
            traceback.print_exc()
            answer = {"error": f"the lab has a fault: {error!r}; see room.log"}
        self.reply(json.dumps(answer))


class SwitchHandler(Handler):
    def handle(self):
        words = self.rfile.readline().decode().split()
        try:
            self.reply(self.server.room.switch_do(words[0], words[1] if len(words) > 1 else ""))
        except (LabError, IndexError) as error:
            self.reply(f"failed: {error}")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 32


def serve(path, handler, room):
    server = Server(path, handler)
    server.room = room
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(settings_path):
    """Build the room, say "ready" (or why not) on standard output, and serve for ever."""
    with open(settings_path, encoding="utf-8") as file:
        settings = json.load(file)
    try:
        room = Room(settings)
        room.build()
        os.makedirs(os.path.join(settings["state"], "switch"), exist_ok=True)
        with open(os.path.join(settings["state"], "switch", "dovecot-users"), "wb"):
            pass  # dovecot wants it to be there; lab account fills it
        serve(os.path.join(settings["state"], "switch", "switch"), SwitchHandler, room)
        serve(os.path.join(settings["state"], "room.sock"), ToolHandler, room)
    except (LabError, OSError, subprocess.SubprocessError) as error:
        print(f"failed: {error}", flush=True)
        return 1
    print("ready", flush=True)
    # The tool that started us goes away; its pipe with it.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    threading.Event().wait()
    return 0
