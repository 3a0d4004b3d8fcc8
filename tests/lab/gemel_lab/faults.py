# SPDX-License-Identifier: BSD-2-Clause
"""faults -- what is done to a pair, how it is seen to have happened, how it is undone.

A fault is a row of FAULTS: a function that does it to the active node (and may
return a function that tells when it has had its effect), and one that undoes
it. After heal() the pair is as before: both nodes members, every resource where
it belongs, nothing failed, no constraint of a move left.
"""

import random
import time
import xml.etree.ElementTree
from collections import namedtuple

from . import client, cluster, load, plan, wait
from .plan import LabError

# Where the first process of the mail server says who it is.
PID_FILES = {"gemel": "/run/gemel/mailcored.pid", "stock": f"{plan.MOUNT_POINT}/postfix/pid/master.pid"}
EFFECT_S = 60
FREEZE_S = 0.2
FLAP_S = 0.3
PAUSE_S = 10
AGENT_KILLS = 6
STARVE_S = 60
HEALTHY_S = 90
# What a move names, by stack.
CORES = {"gemel": "gemel-core-clone", "stock": "stock"}


class Pair:
    """The region's two nodes at the moment of a fault."""

    def __init__(self, region):
        self.region = region
        self.stack = load.stack(region)
        self.core = CORES[self.stack]
        self.active = cluster.active(region)
        self.standby = next(name for name in plan.region_nodes(region) if name != self.active)

    def run(self, node, *argv, check=True):
        return client.run(node, list(argv), check=check)

    def core_pid(self, node):
        """The pid of the core on that node, as the node counts, or None."""
        done = self.run(node, "cat", PID_FILES[self.stack], check=False)
        return done.stdout.strip() or None

    def is_taken_over(self):
        """The floating address is where it was not, and only there."""
        return cluster.holders(self.region) == [self.standby]


# -- what is done; each returns a function that is true once it has had its effect --

def cut_power(pair):
    client.ask("poweroff", host=pair.active)
    return pair.is_taken_over


def cut_power_unflushed(pair):
    """The disk holds back what is written and flushed for a moment, then the power goes: whoever
    says 250 without having waited for the disk is found out."""
    client.ask("disk", host=pair.active, mode="freeze")
    time.sleep(FREEZE_S)
    return cut_power(pair)


def cut_power_stopped(pair):
    """The core stands still, all that it has written reaches the disk, then the power goes: whoever
    has done more than its journal says, and does it again, is found out."""
    pair.run(pair.active, "kill", "-STOP", pair.core_pid(pair.active))
    time.sleep(FREEZE_S)
    pair.run(pair.active, "sync", "--file-system", plan.MOUNT_POINT)
    return cut_power(pair)


def fail_disk(pair):
    """Whatever the node reads from the shared disk or writes to it is an I/O error."""
    client.ask("disk", host=pair.active, mode="fail")
    return pair.is_taken_over


def signal_core(pair, signal):
    """The core gives way to a new one, here or there."""
    before = pair.core_pid(pair.active)
    if before is None:
        raise LabError(f"{pair.active}: no mail server to send {signal} to")
    pair.run(pair.active, "kill", f"-{signal}", before)
    return lambda: pair.is_taken_over() or pair.core_pid(pair.active) not in (None, before)


def kill_core(pair):
    return signal_core(pair, "KILL")


def stop_core(pair):
    return signal_core(pair, "STOP")


def move_with_crm(pair):
    pair.run(pair.active, "crm", "resource", "move", pair.core, pair.standby)
    return pair.is_taken_over


def move_with_pcs(pair):
    # Without --promoted: what the core wishes for its role alone, the store that it needs is not told.
    pair.run(pair.active, "pcs", "resource", "move", pair.core, pair.standby)
    return pair.is_taken_over


def put_on_standby(pair):
    pair.run(pair.active, "crm", "--wait", "node", "standby", pair.active)
    return pair.is_taken_over


def kill_corosync(pair):
    pair.run(pair.active, "pkill", "-KILL", "-x", "corosync")
    return pair.is_taken_over


def boot_cold(pair):
    """Both nodes lose power, and both get it back."""
    nodes = plan.region_nodes(pair.region)
    for node in nodes:
        client.ask("poweroff", host=node)
    for node in nodes:
        client.ask("poweron", host=node)
    return lambda: len(cluster.holders(pair.region)) == 1


# -- what parts the nodes, or stops what watches over them --

def cut(node, *lines, direction=None):
    for line in lines:
        client.ask("cut", host=node, line=line, direction=direction)


def is_off(node):
    """It has ended itself, or was powered off."""
    return lambda: any(row["host"] == node and row["power"] == "off" for row in client.ask("status"))


def split_rings(pair):
    cut(pair.active, "ring0", "ring1")
    return is_off(pair.standby)


def split_but_serial(pair):
    """The disk slots go with the standby's way to the disk."""
    cut(pair.standby, "disk")
    cut(pair.active, "ring0", "ring1", "udp")
    return is_off(pair.standby)


def split_but_disk(pair):
    cut(pair.active, "ring0", "ring1", "udp", "serial")
    return is_off(pair.standby)


def isolate_active(pair):
    cut(pair.active, "all")
    return pair.is_taken_over


def isolate_standby(pair):
    cut(pair.standby, "all")
    return lambda: is_known_gone(pair.active, pair.standby)


def split_one_way(pair):
    """The standby hears nothing of the active's rings, and the active does."""
    cut(pair.active, "ring0", "ring1", direction="out")
    return is_off(pair.standby)


def split_one_way_but_disk(pair):
    cut(pair.active, "ring0", "ring1", "udp", "serial", direction="in")
    return is_off(pair.standby)


def flap_rings(pair):
    """The rings come and go every 300 ms."""
    for _ in range(8):
        cut(pair.active, "ring0", "ring1")
        time.sleep(FLAP_S)
        for line in ("ring0", "ring1"):
            client.ask("heal", host=pair.active, line=line, direction=None)
        time.sleep(FLAP_S)
    return lambda: len(cluster.holders(pair.region)) == 1


def pause_node(pair):
    """It stands still for longer than every time-out, and goes on where it was."""
    client.ask("pause", host=pair.active)
    begin = time.monotonic()
    wait.until(pair.is_taken_over, EFFECT_S, "the standby does not take over")
    time.sleep(max(0, begin + PAUSE_S - time.monotonic()))
    client.ask("resume", host=pair.active)
    return is_off(pair.active)


def stop_agent(pair):
    pair.run(pair.active, "pkill", "-STOP", "-x", "gemel-agentd")
    return pair.is_taken_over


def stop_corosync(pair):
    pair.run(pair.active, "pkill", "-STOP", "-x", "corosync")
    return pair.is_taken_over


def kill_agents(pair):
    """Again and again, on both; nothing may move."""
    for _ in range(AGENT_KILLS):
        pair.run(random.choice((pair.active, pair.standby)), "pkill", "-KILL", "-x", "gemel-agentd",
                 check=False)
        time.sleep(random.uniform(0, 2 * FLAP_S))
    return lambda: all(pair.run(node, "gemel", "agent", "status", check=False).returncode == 0
                       for node in (pair.active, pair.standby)) \
        and cluster.holders(pair.region) == [pair.active]


def fence_each_other(pair):
    """Both are told to reset the other in the same moment."""
    for node, other in ((pair.active, pair.standby), (pair.standby, pair.active)):
        pair.run(node, "bash", "-c", f"stonith_admin --reboot {other} --timeout 30 >/dev/null 2>&1 &")
    return lambda: len(cluster.holders(pair.region)) == 1 and any(
        row["power"] == "off" for row in client.ask("status")
        if row["host"] in (pair.active, pair.standby))


def boot_ids(pair):
    return [row["boot_id"] for row in client.ask("status")
            if row["host"] in (pair.active, pair.standby)]


def starve(pair):
    """Eight busy loops and a program that syncs all it writes, for a minute; nothing may move."""
    before = boot_ids(pair)
    load_up = ("for i in 1 2 3 4 5 6 7 8; do timeout {s} bash -c 'while :; do :; done' & done; "
               "timeout {s} bash -c 'while :; do dd if=/dev/zero of=/var/tmp/sync bs=4k count=64 "
               "oflag=sync status=none; done' & wait")
    client.run(pair.active, ["bash", "-c", load_up.format(s=STARVE_S)], timeout=2 * STARVE_S, check=False)
    return lambda: cluster.holders(pair.region) == [pair.active] and boot_ids(pair) == before


def refuse_writes(pair):
    """The disk reads well, and takes no write."""
    client.ask("disk", host=pair.active, mode="readonly")
    return pair.is_taken_over


# -- how it is undone; given the pair as it was --

def power_on(pair):
    for node in plan.region_nodes(pair.region):
        if node not in cluster.powered(pair.region):
            client.ask("poweron", host=node)


def is_known_gone(observer, gone):
    seen = cluster.state(observer)
    node = seen and seen["nodes"][gone]
    return node and not node["online"] and not node["unclean"]


def is_known_dead(pair):
    """The other node has seen the one that was active go."""
    return is_known_gone(pair.standby, pair.active)


def heal_cables(pair):
    """Of those that have power; those of the others stay cut until they have it."""
    for node in cluster.powered(pair.region):
        client.ask("heal", host=node, line="all", direction=None)


def mend_cables(pair):
    """Whoever was fenced meanwhile finds out now, and ends itself, if it has not yet."""
    heal_cables(pair)
    wait.until(lambda: any(is_off(node)() for node in plan.region_nodes(pair.region)), EFFECT_S,
               "no node has ended itself, or was powered off")
    power_on(pair)
    heal_cables(pair)


def mend_flapping(pair):
    """Perhaps a node was fenced, perhaps none."""
    heal_cables(pair)
    wait.until(lambda: whole_or_off(pair), EFFECT_S, "the pair is neither whole nor is a node off")
    power_on(pair)
    heal_cables(pair)


def whole_or_off(pair):
    return illness(pair.region) is None or any(
        is_off(node)() for node in plan.region_nodes(pair.region))


def replace_disk(pair):
    """As a person would: off, another disk, on. It may have been fenced already, or be about to."""
    client.ask("poweroff", host=pair.active)
    wait.until(lambda: is_known_dead(pair), EFFECT_S, f"{pair.active} is not known to be off")
    forget_failures(pair)


def clear_move_crm(pair):
    pair.run(pair.standby, "crm", "resource", "clear", pair.core)


def need_nothing(_):
    """pcs has taken its constraint away itself."""


def take_off_standby(pair):
    pair.run(pair.standby, "crm", "node", "online", pair.active)


def forget_failures(pair):
    power_on(pair)
    # A node that has just been powered on knows nothing of the cluster yet.
    pair.run(pair.standby, "crm_resource", "--cleanup")


# cuts_power: of the active node. lingers: it is there for a moment when another has its place
# already, since it stood still, or since its kernel answers for the address while it resets.
Fault = namedtuple("Fault", "name text do undo cuts_power lingers", defaults=(False,))

FAULTS = {fault.name: fault for fault in (
    Fault("poweroff", "power cut of the active node", cut_power, power_on, True),
    Fault("poweroff-frozen", "power cut of the active node while its disk holds writes back",
          cut_power_unflushed, power_on, True),
    Fault("poweroff-stopped", "power cut of the active node whose core stands still",
          cut_power_stopped, power_on, True),
    Fault("fail-disk", "I/O errors on the active node's way to the disk", fail_disk, replace_disk, False),
    Fault("kill-core", "SIGKILL of the mail core", kill_core, forget_failures, False),
    Fault("stop-core", "SIGSTOP of the mail core", stop_core, forget_failures, False),
    Fault("move-crm", "planned move with crm", move_with_crm, clear_move_crm, False),
    Fault("move-pcs", "planned move with pcs", move_with_pcs, need_nothing, False),
    Fault("standby", "standby of the active node", put_on_standby, take_off_standby, False),
    Fault("kill-corosync", "SIGKILL of corosync on the active node", kill_corosync,
          forget_failures, False, True),
    Fault("split-rings", "both rings cut", split_rings, mend_cables, False),
    Fault("split-but-serial", "all lines but the serial cable cut", split_but_serial, mend_cables, False),
    Fault("split-but-disk", "all lines but the disk slots cut", split_but_disk, mend_cables, False),
    Fault("isolate-active", "everything cut at the active node", isolate_active, mend_cables, False),
    Fault("isolate-standby", "everything cut at the standby node", isolate_standby, mend_cables, False),
    Fault("split-one-way", "both rings cut in one direction", split_one_way, mend_cables, False),
    Fault("split-one-way-but-disk", "all lines but the disk slots cut in one direction",
          split_one_way_but_disk, mend_cables, False),
    Fault("flap-rings", "both rings flapping", flap_rings, mend_flapping, False),
    Fault("pause", "the active node paused for 10 s", pause_node, power_on, False, True),
    Fault("stop-agent", "SIGSTOP of the agent on the active node", stop_agent, power_on, False),
    Fault("kill-agents", "SIGKILL of the agents, at random", kill_agents, need_nothing, False),
    Fault("stop-corosync", "SIGSTOP of corosync on the active node", stop_corosync, power_on, False,
          True),
    Fault("fence-both", "both nodes fence at once", fence_each_other, power_on, False),
    Fault("starve", "8 busy loops and synced writes for 60 s", starve, need_nothing, False),
    Fault("refuse-writes", "a disk that reads and does not write", refuse_writes, replace_disk, False),
    Fault("cold-boot", "both nodes lose power and boot", boot_cold, power_on, True),
)}


def wait_effect(fault, is_done):
    """Wait until the fault has had its effect. A node may go off while it is asked."""
    def is_seen():
        try:
            return is_done()
        except LabError:
            return False

    wait.until(is_seen, EFFECT_S, f"{fault.text} had no effect")


# -- whole again --

def left_constraints(node):
    """Constraints that a move or a ban left behind."""
    text = client.run(node, ["cibadmin", "--query", "--xpath", "//constraints"], check=False).stdout
    if not text.startswith("<"):
        return []
    root = xml.etree.ElementTree.fromstring(text)
    return [entry.get("id") for entry in root.iter("rsc_location")
            if entry.get("id", "").startswith(("cli-", "pcs-move"))]


def illness(region):
    """Why the pair is not whole, in a few words; None if it is."""
    nodes = plan.region_nodes(region)
    if cluster.powered(region) != nodes:
        return "a node is off"
    seen = cluster.state(nodes[0])
    if not seen or not seen["dc"]:
        return "the cluster does not answer"
    for name in nodes:
        node = seen["nodes"].get(name, {})
        if not node.get("online") or node.get("pending") or node.get("standby") or node.get("unclean"):
            return f"{name} is no full member"
    for resource in seen["resources"]:
        if resource["failed"] or resource["role"] in (None, "Stopped", "Starting", "Stopping"):
            return f"{resource['id']} is {resource['role']}{', failed' if resource['failed'] else ''}"
    if len(cluster.holders(region)) != 1:
        return f"the floating address is held by {cluster.holders(region) or 'nobody'}"
    if not cluster.banner(region).startswith("220"):
        return "nothing greets"
    return None


def is_idle(region):
    """Pacemaker has nothing under way."""
    node = cluster.powered(region)[0]
    return client.run(node, ["crmadmin", "-S", cluster.state(node)["dc"]],
                      check=False).stdout.find("S_IDLE") >= 0


def wait_whole(region, seconds=HEALTHY_S):
    seen = {}

    def is_whole():
        try:
            seen["why"] = illness(region)
            if seen["why"] is None and not is_idle(region):
                seen["why"] = "Pacemaker is still at work"
        except LabError as error:
            seen["why"] = str(error)
        return seen["why"] is None

    try:
        wait.until(is_whole, seconds, "the pair to be whole", every=0.2)
    except LabError as error:
        raise LabError(f"the pair is not whole after {seconds} s: {seen['why']}") from error


def heal(fault, pair):
    """Undo the fault; returns once the pair is as before."""
    fault.undo(pair)
    wait_whole(pair.region)
    left = left_constraints(pair.standby)
    if left:
        raise LabError(f"constraints are left: {' '.join(left)}")


def hardware_address(node):
    """Of its end of the region's network, as frames carry it."""
    done = client.run(node, ["cat", "/sys/class/net/lan0/address"])
    return done.stdout.strip()
