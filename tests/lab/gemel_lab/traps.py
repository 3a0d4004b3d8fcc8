# SPDX-License-Identifier: BSD-2-Clause
"""traps -- a manager on the client host: net-snmp's snmptrapd, and what it has been told.

The names are those of doc/GEMEL-MIB.txt, which is read here: no MIB is needed on the machine.
"""

import os
import re
import subprocess
from collections import namedtuple

from . import plan, wait, wire
from .plan import LabError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
MIB = os.path.join(TOP, "doc", "GEMEL-MIB.txt")
ROOT = ".1.3.6.1.4.1.8072.9999.9999.4570"
TRAP_OID = ".1.3.6.1.6.3.1.1.4.1.0"
UNKNOWN = 2147483647
READY_S = 10

# name: without "gemel"; node: whom it is about; by: who told it; more: its other objects.
Trap = namedtuple("Trap", "name node by text more")


def oids(kind, folder):
    """OID -> name of what the MIB defines in a folder."""
    with open(MIB, encoding="utf-8") as file:
        text = file.read()
    found = re.findall(rf"^gemel(\w+)\s+{kind}\b.*?::= {{ {folder} (\d+) }}", text, re.DOTALL | re.MULTILINE)
    return {number: name for name, number in found}


NOTIFICATIONS = {f"{ROOT}.0.{number}": name
                 for number, name in oids("NOTIFICATION-TYPE", "gemelNotifications").items()}
OBJECTS = {f"{ROOT}.1.{number}.0": name for number, name in oids("OBJECT-TYPE", "gemelObjects").items()}


def value(text):
    return text[1:-1] if text.startswith('"') else int(text) if re.fullmatch(r"-?\d+", text) else text


def parse(line):
    """A line of the log, OID = VALUE between tabs, as a Trap; None if it is none of ours."""
    pairs = dict(word.split(" = ", 1) for word in line.split("\t") if " = " in word)
    name = NOTIFICATIONS.get(pairs.get(TRAP_OID))
    if not name:
        return None
    seen = {OBJECTS[oid]: value(text) for oid, text in pairs.items() if oid in OBJECTS}
    return Trap(name, seen.pop("Node"), seen.pop("Reporter"), seen.pop("Text"), seen)


class Manager:
    """One snmptrapd, from start() to stop(); its log outlasts that."""

    def __init__(self, folder):
        self.folder = folder
        self.log = os.path.join(folder, "traps")
        self.process = None
        self.past = 0

    def start(self):
        conf = os.path.join(self.folder, "snmptrapd.conf")
        with open(conf, "w", encoding="utf-8") as file:
            file.write(f"authCommunity log {plan.TRAP_COMMUNITY}\n")
        said = self.size()
        self.process = wire.start(
            "client", ["snmptrapd", "-f", "-A", "-C", "-c", conf, "-n", "-m", "", "-On", "-OQ", "-Oe",
                       "-F", r"%v\n", "-Lf", self.log, f"udp:{plan.TRAP_PORT}"],
            env=dict(os.environ, SNMP_PERSISTENT_DIR=self.folder), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        wait.until(lambda: self.size() > said, READY_S, "snmptrapd does not begin")

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.process = None

    def size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def told(self):
        """What has come since the last forget()."""
        with open(self.log, encoding="utf-8") as file:
            file.seek(self.past)
            text = file.read()
        return [trap for trap in map(parse, text[:text.rfind("\n") + 1].splitlines()) if trap]

    def forget(self):
        self.past = self.size()

    def wait_names(self, wanted, seconds):
        """Until each of the names has come, as often as it is wanted."""
        def missing():
            names = [trap.name for trap in self.told()]
            return [name for name in set(wanted) if names.count(name) < wanted.count(name)]

        try:
            wait.until(lambda: not missing(), seconds, "traps")
        except LabError as error:
            raise LabError(f"after {seconds} s {', '.join(missing())} was not told, but "
                           f"{[trap.text for trap in self.told()]}") from error
