# SPDX-License-Identifier: BSD-2-Clause
"""cluster -- what Corosync, Pacemaker and the floating address say."""

import json
import xml.etree.ElementTree

from . import client, plan, wait
from .plan import LabError


def powered(region):
    on = {row["host"] for row in client.ask("status") if row["power"] == "on"}
    return [name for name in plan.region_nodes(region) if name in on]


def state(node):
    """What Pacemaker on that node believes, or None while it does not answer."""
    try:
        done = client.run(node, ["timeout", "5", "crm_mon", "-1", "-r", "--output-as=xml"])
        root = xml.etree.ElementTree.fromstring(done.stdout)
    except (LabError, xml.etree.ElementTree.ParseError):
        return None
    dc = root.find("./summary/current_dc")
    return {
        "with_quorum": dc is not None and dc.get("with_quorum") == "true",
        "dc": dc.get("name") if dc is not None and dc.get("present") == "true" else None,
        "nodes": {node.get("name"): {
            "online": node.get("online") == "true",
            "standby": node.get("standby") == "true",
            "unclean": node.get("unclean") == "true",
            "pending": node.get("pending") == "true",
        } for node in root.findall("./nodes/node")},
        "resources": [{
            "id": resource.get("id"),
            "agent": resource.get("resource_agent"),
            "role": resource.get("role"),
            "failed": resource.get("failed") == "true",
            "node": resource.find("node").get("name") if resource.find("node") is not None else None,
        } for resource in root.iter("resource")],
    }


def is_settled(region):
    """Every node that is on is a full member, and someone decides."""
    nodes = powered(region)
    seen = state(nodes[0]) if nodes else None
    return seen and seen["dc"] and all(
        name in seen["nodes"] and seen["nodes"][name]["online"]
        and not seen["nodes"][name]["pending"] for name in nodes) and seen


def wait_settled(region, seconds):
    return wait.until(lambda: is_settled(region), seconds,
                      f"region {region}: not all nodes are members", every=0.1)


def holders(region):
    """The nodes that hold the region's floating IPv4 address; more than one is a disaster."""
    found = []
    for node in powered(region):
        try:
            done = client.run(node, ["ip", "-j", "-4", "addr", "show"])
        except LabError:
            continue  # it has just gone off
        if any(entry.get("local") == plan.floating(region)[0]
               for link in json.loads(done.stdout) for entry in link["addr_info"]):
            found.append(node)
    return found


def active(region):
    found = holders(region)
    if len(found) > 1:
        raise LabError(f"region {region}: {' and '.join(found)} both hold {plan.floating(region)[0]}")
    if not found:
        raise LabError(f"region {region}: no node holds {plan.floating(region)[0]}")
    return found[0]


# Run on the client host; the banner of what answers there.
BANNER = """
import socket, sys
with socket.create_connection((sys.argv[1], 25), timeout=2) as s:
    s.settimeout(5)
    print(s.makefile("r", errors="replace").readline().strip())
"""


def banner(region):
    done = client.run("client", ["python3", "-c", BANNER, plan.floating(region)[0]], check=False)
    return done.stdout.strip()


def pings(region):
    """The floating address is alive; for a stack without a mail server."""
    done = client.run("client", ["ping", "-c", "1", "-W", "0.1", plan.floating(region)[0]], check=False)
    return done.returncode == 0
