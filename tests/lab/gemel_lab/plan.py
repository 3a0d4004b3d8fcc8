# SPDX-License-Identifier: BSD-2-Clause
"""plan -- which hosts there are, their cables and addresses.  Pure tables."""

import hashlib
import os
import re
from collections import namedtuple

DOMAIN = "example.test"
SWITCH_DIR = "/run/lab"
DOVECOT_USERS = f"{SWITCH_DIR}/dovecot-users"
SHARED_DEVICE = "/dev/shared"
SLOTS_DEVICE = "/dev/shared-slots"
SLOTS_BYTES = 1 << 20
SERIAL_DEVICE = "/dev/ttyGEMEL"
WATCHDOG_DEVICE = "/dev/lab-watchdog"
MOUNT_POINT = "/srv/gemel"
TRAP_PORT = 162  # on the client host, where a test may listen
TRAP_COMMUNITY = "lab"
HIDDEN_FOLDERS = ("run", "dev", "srv", "sys", "proc")  # a host has its own

# A region's number is the third part of its addresses.
REGIONS = {"hq": 1}

# A cable: the host's interface, the bridge that it is plugged into, addresses.
Cable = namedtuple("Cable", "line interface bridge addresses")
Host = namedtuple("Host", "name kind region cables gateways")

OUTSIDE = 100
OUTSIDE_HOSTS = {"client": 10, "witness": 30, "dns": 53}
ROUTER = 254


class LabError(Exception):
    """What went wrong, in a sentence for the person at the keyboard."""


def lab_name():
    """The lab that is meant: $LAB, or "main"."""
    name = os.environ.get("LAB", "main")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", name):
        raise LabError(f"LAB={name!r}: a lab's name is 1 to 32 letters, digits, - or _")
    return name


def state_dir():
    return f"/run/gemel-lab-{lab_name()}"


def lan(net, number):
    return [f"10.77.{net}.{number}/24", f"fd77:{net}::{number}/64"]


def floating(region):
    """The floating addresses of a region: (IPv4, IPv6)."""
    net = REGIONS[region]
    return f"10.77.{net}.10", f"fd77:{net}::10"


def address(host):
    """A host's first IPv4 address, as the others reach it."""
    return HOSTS[host].cables[0].addresses[0].split("/")[0]


def address6(host):
    return HOSTS[host].cables[0].addresses[1].split("/")[0]


def node_host(region, number):
    net = REGIONS[region]
    cables = [
        Cable("lan", "lan0", f"lan-{region}", lan(net, number)),
        Cable("ring0", "ring0", f"ring0-{region}", [f"10.77.{100 + net}.{number}/24"]),
        Cable("ring1", "ring1", f"ring1-{region}", [f"10.77.{110 + net}.{number}/24"]),
        Cable("udp", "udp0", f"udp-{region}", [f"10.77.{120 + net}.{number}/24"]),
    ]
    return Host(f"{region}-{number}", "node", region, cables, gateways(net))


def gateways(net):
    return [f"10.77.{net}.{ROUTER}", f"fd77:{net}::{ROUTER}"]


def outside_host(name):
    cable = Cable("lan", "lan0", "outside", lan(OUTSIDE, OUTSIDE_HOSTS[name]))
    return Host(name, name, None, [cable], gateways(OUTSIDE))


def router_host():
    cables = [Cable("lan", "out0", "outside", lan(OUTSIDE, ROUTER))]
    for region, net in REGIONS.items():
        cables.append(Cable(region, f"lan{net}", f"lan-{region}", lan(net, ROUTER)))
    return Host("router", "router", None, cables, [])


def all_hosts():
    hosts = [router_host()] + [outside_host(name) for name in OUTSIDE_HOSTS]
    for region in REGIONS:
        hosts += [node_host(region, 1), node_host(region, 2)]
    return {host.name: host for host in hosts}


HOSTS = all_hosts()
NODES = [host.name for host in HOSTS.values() if host.kind == "node"]


def region_nodes(region):
    if region not in REGIONS:
        raise LabError(f"{region}: no such region; there is {', '.join(REGIONS)}")
    return [name for name in NODES if HOSTS[name].region == region]


def port(host, cable):
    """The switch room's end of a cable."""
    return f"{host.name}.{cable.line}"


def hardware_address(name):
    """The same at each boot, as a real card's: others go on with what they have in their ARP tables."""
    return ":".join(["02"] + [f"{byte:02x}" for byte in hashlib.sha256(name.encode()).digest()[:5]])


def bridges():
    return sorted({cable.bridge for host in HOSTS.values() for cable in host.cables})
