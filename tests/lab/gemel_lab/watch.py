# SPDX-License-Identifier: BSD-2-Clause
"""watch -- what the cable in front of a pair shows, seen from the client's side.

A watch captures on the router's port in the region's network, where the
sender's hardware address of each frame is still to be seen, and asks all the
time who has the floating address. Afterwards it answers:

    claims()      which machine said that it has the address, and when
    overlaps()    an address that went back to one that had lost it: at some
                  instant two machines answered for it
    rivals()      acknowledgements of a machine after another one had begun to
                  acknowledge in its place: two acknowledge at once
    farewells()   FIN and RST of a machine that no end of a session explains:
                  a machine whose power is cut says nothing
"""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections import namedtuple

from . import plan, wait, wire

ROUTER = "router"
FILTER = "arp or (icmp6 and ip6[40] == 136) or (tcp src port 25)"
SNAP = 192
ASK_S = 0.02

Frame = namedtuple("Frame", "at mac kind body")
Claim = namedtuple("Claim", "at address mac")
Farewell = namedtuple("Farewell", "at mac peer flag")
Segment = namedtuple("Segment", "peer flags sequence payload")

ACKNOWLEDGED = b"250 2.0.0 queued as "

FIN, RST = 1, 4
FLAGS = {FIN: "FIN", RST: "RST"}


def hardware(octets):
    return ":".join(f"{octet:02x}" for octet in octets)


# -- a capture file, read: pure --

def frames(data):
    """Every frame of a pcap file (a last one that was cut is left out)."""
    if len(data) < 24:
        return
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    unit = 1e-9 if data[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d") else 1e-6
    place = 24
    while place + 16 <= len(data):
        seconds, fraction, length, _ = struct.unpack_from(order + "IIII", data, place)
        raw = data[place + 16:place + 16 + length]
        place += 16 + length
        if len(raw) == length and length >= 14:
            kind, = struct.unpack_from(">H", raw, 12)
            yield Frame(seconds + fraction * unit, hardware(raw[6:12]), kind, raw[14:])


def claim_of(frame):
    """The claim in an ARP packet or a neighbour advertisement, or None."""
    body = frame.body
    if frame.kind == 0x0806 and len(body) >= 28:
        sender = body[14:18]
        if sender != bytes(4):
            return Claim(frame.at, socket.inet_ntop(socket.AF_INET, sender), hardware(body[8:14]))
    if frame.kind == 0x86DD and len(body) >= 64 and body[6] == 58 and body[40] == 136:
        return Claim(frame.at, socket.inet_ntop(socket.AF_INET6, body[48:64]), frame.mac)
    return None


def tcp_of(frame):
    """The TCP segment in a frame over IPv4 or IPv6, or None."""
    body = frame.body
    if frame.kind == 0x0800 and len(body) >= 20 and body[9] == 6:
        header, total = (body[0] & 15) * 4, struct.unpack_from(">H", body, 2)[0]
        address = socket.inet_ntop(socket.AF_INET, body[16:20])
    elif frame.kind == 0x86DD and len(body) >= 40 and body[6] == 6:
        header, total = 40, 40 + struct.unpack_from(">H", body, 4)[0]
        address = socket.inet_ntop(socket.AF_INET6, body[24:40])
    else:
        return None
    segment = body[header:total]
    if len(segment) < 20:
        return None
    port, = struct.unpack_from(">H", segment, 2)
    sequence, = struct.unpack_from(">I", segment, 4)
    return Segment(f"{address} port {port}", segment[13], sequence, segment[(segment[12] >> 4) * 4:])


def claims_in(data, addresses):
    """All claims of these addresses, in order of time."""
    found = filter(None, map(claim_of, frames(data)))
    return sorted(claim for claim in found if claim.address in addresses)


def overlaps_in(claims):
    """The claims that prove that two machines answered for one address."""
    holder, lost, found = {}, set(), []
    for claim in claims:
        before = holder.get(claim.address)
        if before == claim.mac:
            continue
        if (claim.address, claim.mac) in lost:
            found.append(claim)
        if before:
            lost.add((claim.address, before))
        holder[claim.address] = claim.mac
    return found


def acknowledgements_in(data):
    """Who said "250 ... queued" and when, as claims of the mail; one that is sent again counts once."""
    seen, found = set(), []
    for frame in frames(data):
        segment = tcp_of(frame)
        if not segment or ACKNOWLEDGED not in segment.payload[:SNAP]:
            continue
        key = (frame.mac, segment.peer, segment.sequence)
        if key not in seen:
            found.append(Claim(frame.at, "the mail", frame.mac))
        seen.add(key)
    return found


def farewells_in(data, mac):
    """FIN and RST from that machine, but for the FIN of a session that had said 221."""
    ended, found = set(), []
    for frame in frames(data):
        segment = tcp_of(frame) if frame.mac == mac else None
        if not segment:
            continue
        peer, flags, _, payload = segment
        if b"221 " in payload[:SNAP]:
            ended.add(peer)
        for flag, name in FLAGS.items():
            if flags & flag and not (flag == FIN and peer in ended):
                found.append(Farewell(frame.at, mac, peer, name))
        if flags & 2:
            ended.discard(peer)
    return found


# -- the capture itself --

class Watch:
    """From start() to stop(); the questions come after it."""

    def __init__(self, region, folder):
        self.addresses = plan.floating(region)
        self.interface = f"lan{plan.REGIONS[region]}"
        self.path = os.path.join(folder, "capture")
        self.processes = []
        self.data = b""

    def start(self):
        """Begin; returns once the capture sees."""
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.processes = [
            wire.start(ROUTER, ["tcpdump", "-i", self.interface, "-s", str(SNAP), "-U", "-n",
                                "--immediate-mode", "-Z", "root", "-w", self.path, FILTER],
                       stderr=subprocess.DEVNULL),
            wire.start(ROUTER, [sys.executable, "-c", ASK, self.interface, self.addresses[0],
                                str(ASK_S)])]
        wait.until(lambda: claims_in(self._read(), self.addresses), 10,
                   f"nobody answers for {self.addresses[0]} in the capture")

    def _read(self):
        try:
            with open(self.path, "rb") as file:
                return file.read()
        except FileNotFoundError:
            return b""

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait()
        self.processes = []
        self.data = self._read()

    def claims(self):
        return claims_in(self.data, self.addresses)

    def overlaps(self):
        return overlaps_in(self.claims())

    def rivals(self):
        return overlaps_in(acknowledgements_in(self.data))

    def farewells(self, mac):
        return farewells_in(self.data, mac)


# Run on the router: ask for the address again and again, with the router's own as the sender.
ASK = """
import fcntl, socket, struct, sys, time
interface, target, every = sys.argv[1], socket.inet_aton(sys.argv[2]), float(sys.argv[3])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((interface, 0))
mac = s.getsockname()[4]
request = struct.pack("16s240x", interface.encode())
own = fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8915, request)[20:24]
frame = (b"\\xff" * 6 + mac + b"\\x08\\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1)
         + mac + own + bytes(6) + target)
while True:
    s.send(frame)
    time.sleep(every)
"""
