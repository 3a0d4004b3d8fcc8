# SPDX-License-Identifier: BSD-2-Clause
"""timeline -- when each step of a takeover was done, from the logs of who did it.

The steps, as far as they occur: silence (Corosync misses the other node),
membership, fenced, store, promoted, address, greeted (a client's connection got
220), acknowledged (a message got 250). Reading the lines is pure; of() fetches them.
"""

import re
import time
from collections import namedtuple

from . import client

Step = namedtuple("Step", "name at")

COROSYNC_LOG = "/var/log/corosync/corosync.log"
PACEMAKER_LOG = "/var/log/pacemaker/pacemaker.log"

# The first line after the fault that matches is the step.
COROSYNC_STEPS = (
    ("silence", r"A processor failed"),
    ("membership", r"A new membership .* was formed"),
)
PACEMAKER_STEPS = (
    ("fenced", r"Operation '(?:reboot|off)' targeting \S+ .*: OK"),
    ("store", r"Result of (?:promote|start) operation for (?:gemel|stock)-store on \S+: ok"),
    ("promoted", r"Result of (?:promote operation for gemel-core|start operation for stock-mail) "
                 r"on \S+: ok"),
    ("address", r"Result of start operation for gemel-ip4 on \S+: ok"),
)
FLOW_STEPS = (("greeted", "back"), ("acknowledged", "acked"))

STAMP = re.compile(r"([A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d)\.(\d{3}) ")


def stamp(line, since):
    """When a line was written, in seconds since 1970; the logs leave out the year."""
    found = STAMP.match(line)
    if not found:
        return None
    year = time.localtime(since).tm_year
    moment = time.strptime(f"{year} {found[1]}", "%Y %b %d %H:%M:%S")
    return time.mktime(moment) + int(found[2]) / 1000


def steps_in_log(text, steps, since):
    """The first match of each step at or after since."""
    found = {}
    for line in text.splitlines():
        for name, pattern in steps:
            if name not in found and re.search(pattern, line):
                at = stamp(line, since)
                if at is not None and at >= since:
                    found[name] = Step(name, at)
    return list(found.values())


def steps_in_flow(lines, since):
    """The first 220 after an outage, and the first 250 after that."""
    found = {}
    for line in lines:
        words = line.split("\t")
        for name, kind in FLOW_STEPS:
            if words[0] == kind and name not in found and int(words[2]) / 1e9 >= since \
                    and (name == "greeted" or "greeted" in found):
                found[name] = Step(name, int(words[2]) / 1e9)
    return list(found.values())


def of(survivor, since, flow_log):
    """Every step since the fault (seconds since 1970), as the surviving node and the client saw it."""
    steps = []
    for path, table in ((COROSYNC_LOG, COROSYNC_STEPS), (PACEMAKER_LOG, PACEMAKER_STEPS)):
        text = client.run(survivor, ["tail", "-n", "2000", path], check=False).stdout
        steps += steps_in_log(text, table, since)
    with open(flow_log, encoding="utf-8") as file:
        steps += steps_in_flow(file, since)
    return sorted(steps, key=lambda step: step.at)
