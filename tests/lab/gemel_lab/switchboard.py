# SPDX-License-Identifier: BSD-2-Clause
"""switchboard -- the bridges and the ends of all cables, in a network of its own.

A cable is cut by unplugging its end from the bridge: the host sees its carrier
as before, which is the silence of a dead switch and not of a pulled plug
("don't do ifdown", say Corosync's people).  One direction is cut by nftables
on the bridges.  No interface here has an address, so that an unplugged cable
is answered by nobody.
"""

import fcntl
import socket
import struct
import subprocess
import tempfile
import threading

from . import plan, wait
from .plan import LabError

SIOCBRADDIF = 0x89A2
SIOCBRDELIF = 0x89A3
REMOVE_S = 10


def told(argv, text=""):
    """Run a program that is told text; what it says. By files, and not by pipes: a thread was seen
    to wait for ever for the end of a pipe that nobody had open any more."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
        given.write(text.encode())
        given.seek(0)
        status = subprocess.run(argv, stdin=given, stdout=said, stderr=said, timeout=30,
                                check=False).returncode
        said.seek(0)
        words = said.read().decode(errors="replace")
    if status != 0:
        raise LabError(f"{argv[0]}: {words.strip()}")
    return words


def ip_batch(lines):
    told(["ip", "-batch", "-"], "\n".join(lines) + "\n")


def nft(script):
    told(["nft", "-f", "-"], script)


def matches(name, line, way):
    """What a frame that is blocked looks like on a bridge."""
    host = plan.HOSTS[name]
    cable = next(one for one in host.cables if one.line == ("lan" if line == "witness" else line))
    place = f"{'oifname' if way == 'in' else 'iifname'} \"{plan.port(host, cable)}\""
    if line != "witness":
        return [place]
    end = "saddr" if way == "in" else "daddr"
    return [f"{place} ip {end} {plan.address('witness')}",
            f"{place} ip6 {end} {plan.address6('witness')}"]


class Switchboard:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.lock = threading.Lock()
        self.blocked = set()  # (host, line, "in" or "out")

    def build(self):
        with open("/proc/sys/net/ipv6/conf/default/disable_ipv6", "w", encoding="ascii") as file:
            file.write("1")
        lines = ["link set dev lo up"]
        for bridge in plan.bridges():
            lines.append(f"link add name {bridge} type bridge "
                         "forward_delay 0 stp_state 0 mcast_snooping 0")
            lines.append(f"link set dev {bridge} up")
        ip_batch(lines)

    def plug_in_host(self, host, pid):
        """Lay the cables of a host whose network namespace is that of pid."""
        self.remove_host(host)
        lines = []
        for cable in host.cables:
            port = plan.port(host, cable)
            lines.append(f"link add name {port} type veth peer name {cable.interface} "
                         f"address {plan.hardware_address(port)} netns {pid}")
            lines.append(f"link set dev {port} master {cable.bridge} up")
        ip_batch(lines)

    def remove_host(self, host):
        """Take a host's cables away; those of a network that has ended go by themselves, when the
        kernel gets to it."""
        ports = {plan.port(host, cable) for cable in host.cables}

        def is_bare():
            left = ports & {name for _, name in socket.if_nameindex()}
            for port in left:
                try:
                    told(["ip", "link", "del", "dev", port])
                except LabError:
                    pass  # it has just gone
            return not left

        wait.until(is_bare, REMOVE_S, f"{host.name}: its old cables do not go")

    def _bridge_ioctl(self, request, bridge, port):
        index = socket.if_nametoindex(port)
        fcntl.ioctl(self.socket, request, struct.pack("16si20x", bridge.encode(), index))

    def cut(self, host, cable):
        try:
            self._bridge_ioctl(SIOCBRDELIF, cable.bridge, plan.port(host, cable))
        except OSError:
            pass  # unplugged already, or gone with its host

    def heal(self, host, cable):
        try:
            self._bridge_ioctl(SIOCBRADDIF, cable.bridge, plan.port(host, cable))
        except OSError as error:
            if self.is_plugged(host, cable):
                return
            raise LabError(f"{plan.port(host, cable)}: {error.strerror}; is {host.name} on?") from error

    def is_plugged(self, host, cable):
        try:
            seen = told(["ip", "-o", "link", "show", "dev", plan.port(host, cable)])
        except LabError:
            return False  # the host has just gone off
        return f"master {cable.bridge}" in seen

    def block(self, host, line, direction, on):
        """Drop what comes in to, or goes out of, the host: by the cable of that line, or, where the
        line is "witness", all that is from or for the witness."""
        key = (host.name, line, direction)
        with self.lock:
            if on:
                self.blocked.add(key)
            else:
                self.blocked.discard(key)
            rules = "".join(f"add rule bridge lab through {match} drop\n"
                            for key in sorted(self.blocked) for match in matches(*key))
            nft("add table bridge lab\nflush table bridge lab\n"
                "add chain bridge lab through { type filter hook forward priority 0; }\n" + rules)

    def blocks(self, host):
        """(line, direction) of what is blocked at that host."""
        return [(line, way) for name, line, way in self.blocked if name == host.name]
