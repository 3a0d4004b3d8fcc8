#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test-traps -- what a manager is told of real faults, and that a dead one costs nothing, as TAP.

The manager is net-snmp's snmptrapd on the client host. Each fault is told once: not once a node, and
nothing else with it. What a dead manager costs is measured only when that law is named. Needs root; GEMEL_BUILD names the build folder.
"""

import itertools
import os
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ.setdefault("LAB", f"traps-{os.getpid()}")

from gemel_lab import client, cluster, faults, laws, load, plan, traps, wait  # noqa: E402
from gemel_lab.laws import on  # noqa: E402

ALERT = "/usr/lib/gemel/alert-snmp"
AS_CLUSTER = "setpriv --reuid=hacluster --regid=haclient --clear-groups"
RELEASED, BARRED, POWER = 2, 4, 7
TOLD_S = 20
SERVICE_S = 60
PHASES = [f"Takeover{phase}" for phase in ("Silence", "Fenced", "Store", "Promoted", "Address")]

TAKEOVER = ["TakeoverBegan", "TakeoverFinished"]
LOSS = ["NodeLost", "ClusterNode", "FencingBegan", "FencingSucceeded", "ClusterFencing"]
RETURN = ["NodeBack", "ClusterNode"]

folder = tempfile.mkdtemp(prefix="gemel-traps-")
manager = traps.Manager(folder)
marks = itertools.count()


# -- what is seen --

def alert(host, **fields):
    """As Pacemaker tells of it, in its user's name."""
    words = " ".join(f"CRM_alert_{name}='{text}'" for name, text in fields.items())
    return on(host, f"{AS_CLUSTER} env {words} {ALERT}")


def is_mark(trap):
    return trap.more.get("Attribute", "").startswith("mark-")


def settle():
    """Whatever the agents had to send was sent before these."""
    for node in cluster.powered("hq"):
        mark = f"mark-{next(marks)}"
        alert(node, kind="attribute", node=node, attribute_name=mark, attribute_value="")
        wait.until(lambda m=mark: any(trap.more.get("Attribute") == m for trap in manager.told()), TOLD_S,
                   f"{node} sends nothing")


def told():
    return [trap for trap in manager.told() if not is_mark(trap)]


def only(name):
    found = [trap for trap in told() if trap.name == name]
    assert len(found) == 1, f"{name}: {[trap.text for trap in found]}"
    return found[0]


def exactly(*names):
    manager.wait_names(names, TOLD_S)
    settle()
    assert sorted(trap.name for trap in told()) == sorted(names), [trap.text for trap in told()]


def about(name, node, by):
    trap = only(name)
    assert (trap.node, trap.by) == (node, by), f"{name}: of {trap.node} by {trap.by}"
    return trap


def whole_pair():
    faults.wait_whole("hq")
    settle()
    manager.forget()
    return faults.Pair("hq")


def strike(name, pair):
    fault = faults.FAULTS[name]
    faults.wait_effect(fault, fault.do(pair))
    return fault


def durations(known):
    """Those of the only takeover; all that are known add up to the whole."""
    more = only("TakeoverFinished").more
    seen = {phase: more[phase] for phase in PHASES}
    assert [phase for phase in PHASES if seen[phase] != traps.UNKNOWN] == known, seen
    assert sum(seen[phase] for phase in known) == more["TakeoverTotal"], more
    print("# " + ", ".join(f"{phase[8:].lower()} {seen[phase]}" for phase in known)
          + f": {more['TakeoverTotal']} ms")
    return seen


# -- laws --

def a_pair_that_is_well_tells_nothing():
    pair = whole_pair()
    for node in (pair.active, pair.standby):
        on(node, "pkill -KILL -x gemel-agentd")
        wait.until(lambda n=node: pair.run(n, "gemel", "agent", "status", check=False).returncode == 0,
                   10, f"the agent of {node} does not answer again")
    exactly()


def a_line_is_told_by_one_end():
    whole_pair()
    for verb, name in (("cut", "LineDown"), ("heal", "LineUp")):
        client.ask(verb, host="hq-2", line="udp", direction=None)
        manager.wait_names([name], TOLD_S)
        assert "10.77.121.1" in about(name, "hq-2", "hq-1").more["Line"]
    exactly("LineDown", "LineUp")


def a_failed_core_is_told_by_its_node():
    pair = whole_pair()
    fault = strike("kill-core", pair)
    exactly("CoreFailed", *TAKEOVER)
    about("CoreFailed", pair.active, pair.active)
    about("TakeoverBegan", pair.standby, pair.standby)
    durations(PHASES[3:])
    faults.heal(fault, pair)


def a_planned_move_is_a_takeover_and_no_failure():
    pair = whole_pair()
    fault = strike("move-crm", pair)
    exactly(*TAKEOVER)
    about("TakeoverFinished", pair.standby, pair.standby)
    durations(PHASES[3:])
    faults.heal(fault, pair)


def a_power_cut_is_told_with_all_durations():
    pair = whole_pair()
    fault = strike("poweroff", pair)
    exactly(*LOSS, *TAKEOVER)
    for name in LOSS:
        about(name, pair.active, pair.standby)
    assert only("FencingSucceeded").more["Proof"] == BARRED
    assert only("ClusterNode").more["ClusterState"] == "lost"
    assert only("ClusterFencing").more["Task"] == "reboot"
    seen = durations(PHASES)
    # The agents' silence_ms, less a beat.
    assert seen["TakeoverSilence"] >= 200, seen
    manager.forget()
    faults.heal(fault, pair)
    exactly(*RETURN)
    about("NodeBack", pair.active, pair.standby)
    assert about("ClusterNode", pair.active, pair.standby).more["ClusterState"] == "member"


def who_yields_is_fenced_by_its_word():
    pair = whole_pair()
    on(pair.active, f"stonith_admin --reboot {pair.standby} --timeout 30")
    exactly(*LOSS)
    assert about("FencingSucceeded", pair.standby, pair.active).more["Proof"] == RELEASED
    manager.forget()
    wait.until(faults.is_off(pair.standby), SERVICE_S, f"{pair.standby} does not end")
    faults.power_on(pair)
    faults.wait_whole("hq")
    exactly(*RETURN)


def fencing_that_fails_is_told_until_it_succeeds():
    """A healthy active node does not yield; then Pacemaker takes the power switch."""
    pair = whole_pair()
    on(pair.standby, f"stonith_admin --reboot {pair.active} --timeout 40")
    exactly("FencingFailed", *LOSS, *TAKEOVER)
    assert about("FencingFailed", pair.active, pair.standby).more["Severity"] == 3
    assert about("FencingSucceeded", pair.active, pair.standby).more["Proof"] == POWER
    durations(PHASES)
    faults.power_on(pair)


def what_nobody_can_fence_is_told_by_one_node():
    """Both nodes hear of it from Pacemaker."""
    whole_pair()
    assert on("hq-2", "stonith_admin --reboot stranger --timeout 10", check=False).returncode != 0
    exactly("ClusterFencing")
    trap = about("ClusterFencing", "stranger", "hq-1")
    assert trap.more["Severity"] == 3 and trap.more["Task"] == "reboot", trap


def pacemakers_user_may_tell_and_not_fence():
    """It runs alerts in the name of hacluster."""
    pair = whole_pair()
    node = pair.active
    alert(node, kind="resource", node=node, rsc="some-service", task="start", rc="1", target_rc="0",
          status="4", desc="it broke")
    alert(node, kind="attribute", node=node, attribute_name="rack", attribute_value="7")
    exactly("ClusterResource", "ClusterAttribute")
    assert only("ClusterResource").more["Severity"] == 2
    asked = on(node, f"{AS_CLUSTER} fence_gemel --action=off --plug={pair.standby}", check=False)
    assert asked.returncode != 0 and "root" in asked.stderr, asked.stderr
    exactly("ClusterResource", "ClusterAttribute")


# -- what a dead manager costs --

def gap_of_power_cut(name, undo):
    """The gap that a client sees, in ms; the generator is on a host of its own. undo is called
    once it is measured: a pair is whole when the client host is greeted."""
    pair = faults.Pair("hq")
    flow = load.Load("hq", load.flow_program(), folder, load_rate=0, host="witness")
    try:
        flow.start(name)
        struck_ns = time.monotonic_ns()
        fault = strike("poweroff", pair)
        flow.wait_acked(50, SERVICE_S, "after the fault")
        logs = flow.stop()
    finally:
        flow.abandon()
    undo()
    faults.heal(fault, pair)
    return max(gap["ms"] for gap in flow.gaps(logs, over_ms=0)["gaps"]
               if gap["start_mono_ns"] + gap["ms"] * 1e6 >= struck_ns)


def a_takeover_needs_no_manager():
    pair = whole_pair()
    client.ask("poweroff", host="client")
    fault = strike("kill-core", pair)
    power_on_client()
    faults.heal(fault, pair)


def a_dead_manager_costs_the_takeover_nothing():
    """It prints what was measured and judges nothing."""
    load.make_accounts("hq", os.path.join(folder, "accounts"))
    gaps = {}
    for what, prepare, undo in (
            ("it listens", lambda: None, lambda: None),
            ("it does not run", manager.stop, manager.start),
            ("its host is off", lambda: client.ask("poweroff", host="client"), power_on_client)):
        prepare()
        gaps[what] = gap_of_power_cut(what.replace(" ", "-"), undo)
    first = gaps["it listens"]
    for what, gap in gaps.items():
        print(f"# gap of a power cut, {what}: {gap:.0f} ms, ratio {gap / first:.2f}")


def power_on_client():
    client.ask("poweron", host="client")
    manager.stop()
    manager.start()


LAWS = [
    a_pair_that_is_well_tells_nothing,
    a_failed_core_is_told_by_its_node,
    a_planned_move_is_a_takeover_and_no_failure,
    a_power_cut_is_told_with_all_durations,
    who_yields_is_fenced_by_its_word,
    fencing_that_fails_is_told_until_it_succeeds,
    what_nobody_can_fence_is_told_by_one_node,
    pacemakers_user_may_tell_and_not_fence,
    # The other end holds its word for some seconds, and says it if the first one dies: so no death
    # may come after this.
    a_line_is_told_by_one_end,
    a_takeover_needs_no_manager,
]
BY_NAME = [a_dead_manager_costs_the_takeover_nothing]


if __name__ == "__main__":
    if not shutil.which("snmptrapd"):
        print("1..0 # SKIP snmptrapd is not installed")
        sys.exit(0)
    try:
        sys.exit(laws.main(LAWS + BY_NAME if sys.argv[1:] else LAWS, prepare=manager.start))
    finally:
        shutil.rmtree(folder)
