#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test-agent -- what gemel-agentd does for a pair, on real nodes, as TAP.

Needs root; GEMEL_BUILD names the build folder.
"""

import json
import os
import sys
import time
import xml.etree.ElementTree

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ["LAB"] = f"agent-{os.getpid()}"

from gemel_lab import client, cluster, faults, laws, plan, wait  # noqa: E402
from gemel_lab.laws import on  # noqa: E402

LEASE_S = 1
LOG = "/var/log/gemel/gemel-agentd.log"


# -- what is seen --

def reports(node):
    """How often the agent there has told Pacemaker of a failure."""
    done = on(node, "gemel agent status --json")
    return json.loads(done.stdout)["core"]["reports"]


def told_failures(node):
    """Failures that somebody told Pacemaker, as against those that a monitor found."""
    text = on(node, "crm_mon -1 --output-as=xml").stdout
    return [failure.get("node") for failure in
            xml.etree.ElementTree.fromstring(text).iter("failure")
            if failure.get("task") == "asyncmon"]


def all_reports():
    return [reports(node) for node in plan.region_nodes("hq")]


def whole_pair():
    faults.wait_whole("hq")
    return faults.Pair("hq")


def findings(node):
    """What gemel doctor says there: ids and sentences, by severity."""
    said = json.loads(on(node, "gemel doctor --json", check=False).stdout)
    return [(one["severity"], one["id"], one["sentence"]) for one in said["findings"]]


def refused(node):
    return [sentence for severity, _, sentence in findings(node) if severity == "refuse"]


def has_compared_files(node):
    return "file-uncompared" not in [name for _, name, _ in findings(node)]


# -- laws --

def is_reported(name):
    pair = whole_pair()
    before = reports(pair.active)
    fault = faults.FAULTS[name]
    faults.wait_effect(fault, fault.do(pair))
    assert pair.is_taken_over(), "the core was restarted where it failed"
    assert reports(pair.active) == before + 1
    assert told_failures(pair.standby) == [pair.active], "a monitor found it, not the agent"
    faults.heal(fault, pair)


def killed_core_is_reported():
    is_reported("kill-core")


def stopped_core_is_reported():
    is_reported("stop-core")


def orderly_changes_are_no_failures():
    before = all_reports()
    for name in ("standby", "move-crm"):
        pair, fault = whole_pair(), faults.FAULTS[name]
        faults.wait_effect(fault, fault.do(pair))
        faults.heal(fault, pair)
    assert all_reports() == before, f"{all_reports()}, not {before}"
    assert told_failures("hq-1") == []


def maintenance_is_left_in_peace():
    pair = whole_pair()
    before = reports(pair.active)
    on(pair.active, "crm_attribute --name maintenance-mode --update true")
    said = on(pair.active, f"wc -l <{LOG}").stdout.strip()
    pair.run(pair.active, "kill", "-KILL", pair.core_pid(pair.active))
    wait.until(lambda: "was not told" in on(pair.active, f"tail -n +{said} {LOG}").stdout, 10,
               "the agent does not say that it kept silent")
    assert reports(pair.active) == before
    assert told_failures(pair.standby) == []
    # A person repairs it and says so.
    on(pair.active, "crm_attribute --name maintenance-mode --delete; crm_resource --refresh")
    faults.wait_whole("hq")


def killed_agent_moves_nothing():
    pair = whole_pair()
    on(pair.active, "pkill -KILL -x gemel-agentd")
    on(pair.active, "setsid gemel-agentd >/var/log/gemel/gemel-agentd.out 2>&1 &")
    wait.until(lambda: client.run(pair.active, ["gemel", "agent", "status"], check=False).returncode == 0,
               10, "the agent does not answer again")
    assert cluster.active("hq") == pair.active
    assert reports(pair.active) == 0


def doctor_is_content_and_sees_a_difference():
    pair, conf = whole_pair(), "/etc/gemel/gemel.conf"
    wait.until(lambda: has_compared_files(pair.active), 60, "the peer has not said what it has")
    assert refused(pair.active) == []
    on(pair.standby, f"cp -a {conf} {conf}.kept; echo '# one more' >>{conf}")
    wait.until(lambda: refused(pair.active), 60, "the doctor sees no difference")
    assert [sentence.split(":")[0] for sentence in refused(pair.active)] == ["gemel.conf"]
    on(pair.standby, f"mv {conf}.kept {conf}; pkill -HUP -x gemel-agentd")
    wait.until(lambda: refused(pair.active) == [], 60, "the doctor sees a difference still")


def standby_that_ends_in_order_leaves_the_service():
    """The cluster goes first, the agent last, as at a shut-down."""
    pair = whole_pair()
    pair.run(pair.standby, "pkill", "-f", "while :; do")  # who would start the agent again
    on(pair.standby, "pkill -TERM -x pacemakerd; while pgrep -x pacemakerd; do sleep 0.1; done; "
       "corosync-cfgtool -H; pkill -TERM -x gemel-agentd")
    wait.until(lambda: on(pair.standby, "pgrep -x gemel-agentd", check=False).returncode != 0, 10,
               "the agent does not end")
    end = time.monotonic() + 2 * LEASE_S
    while time.monotonic() < end:
        said = json.loads(on(pair.active, "gemel status --json").stdout)
        assert said["lease"] == "holds", f"the lease {said['lease']}"
    client.ask("poweroff", host=pair.standby)
    client.ask("poweron", host=pair.standby)
    faults.wait_whole("hq")


LAWS = [
    killed_core_is_reported,
    stopped_core_is_reported,
    orderly_changes_are_no_failures,
    maintenance_is_left_in_peace,
    killed_agent_moves_nothing,
    standby_that_ends_in_order_leaves_the_service,
    doctor_is_content_and_sees_a_difference,
]


if __name__ == "__main__":
    sys.exit(laws.main(LAWS))
