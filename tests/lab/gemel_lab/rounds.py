# SPDX-License-Identifier: BSD-2-Clause
"""rounds -- a fault under load, healed and judged; again and again.

Three witnesses are asked after each round: the judge (what was acknowledged, in
this round and all before), the watch on the cable, and Pacemaker, that the pair
is whole again.
"""

import math
import os
import re
import sys
import time

from . import client, cluster, faults, load, wait, watch
from .plan import LabError

SERVICE_S = 60
CAUSE_S = 5
LINGER_S = 0.5
# Of each log, the last so many lines that tell what was decided and what went wrong.
STORY_LINES = 20
TELLING = re.compile(r"\[(TOTEM|QUORUM)|was not scheduled|(error|warning|notice): (?!Initiating|Requesting|State)")


class Series:
    """All rounds of one fault on one region."""

    def __init__(self, fault, folder, region="hq", rate=200, probe_rate=100, with_reader=False):
        self.fault = fault
        self.region = region
        self.folder = folder
        self.accounts = os.path.join(folder, "accounts")
        self.load = load.Load(region, load.flow_program(), folder, rate, probe_rate)
        self.with_reader = with_reader
        self.acked = 0

    def prepare(self):
        faults.wait_whole(self.region)
        load.make_accounts(self.region, self.accounts)

    def strike(self, name):
        """One fault under load; the pair as it was, the captured frames, what the client saw."""
        pair = faults.Pair(self.region)
        mac = faults.hardware_address(pair.active)
        seen = watch.Watch(self.region, self.folder)
        reader = load.Reader(pair.active) if self.with_reader else None
        try:
            seen.start()
            self.load.start(name)
            struck_at = time.time()
            faults.wait_effect(self.fault, self.fault.do(pair))
            self.load.wait_acked(100, SERVICE_S, "after the fault")
            logs = self.load.stop()
        finally:
            self.load.abandon()
            seen.stop()
            if reader:
                reader.stop()
        return pair, mac, seen, struck_at, logs

    def round(self, number):
        """One round; (figures to print, sentences of what was wrong)."""
        pair, mac, seen, struck_at, logs = self.strike(f"round{number}")
        wrong = faults_on_cable(seen, self.fault, mac, struck_at, powered_on_at(pair.active, struck_at))
        verdict, told = self.heal_and_judge(pair)
        gaps = self.load.gaps(logs)
        if not verdict["clean"]:
            wrong += told.splitlines()
        figures = {"acked": verdict["acked"] - self.acked, "gap_ms": round(gaps["longest_gap_ms"]),
                   **{key: verdict[key] for key in ("lost", "duplicated", "unexpected", "changed",
                                                    "unknown")},
                   "from": pair.active}
        self.acked = verdict["acked"]
        return figures, wrong

    def heal_and_judge(self, pair):
        """Sub-second tokens do not survive every pause of the machine that runs the lab: the nodes
        lose sight of each other, one is fenced, or they find together again and the service moves.
        Where that disturbs the healing or the judge, it is said, and both are done once more, on
        the pair as it is then: what was lost or doubled stays so. Whatever else stops them breaks
        the round off."""
        began_at = time.time()
        try:
            verdict, told = self.try_heal_and_judge(pair)
            seen = [] if verdict["clean"] else unasked(self.region, began_at)
        except LabError as error:
            told = str(error)
            seen = wait.until(lambda: unasked(self.region, began_at), CAUSE_S,
                              f"{told}; and no node lost sight of its peer")
        if not seen:
            return verdict, told
        for line in (*told.splitlines(), *seen):
            print(f"# {line}", flush=True)
        faults.power_on(pair)
        faults.wait_whole(self.region)
        return self.try_heal_and_judge(pair)

    def try_heal_and_judge(self, pair):
        faults.heal(self.fault, pair)
        return self.load.judge(self.accounts, self.acked + 1)


def unasked(region, since):
    """Whom the nodes lost and fenced after that moment, a line each. It is after the fault, so
    nobody asked for it (but where healing is to power a node off)."""
    return [line for line in story(region, since) if line.endswith("fenced") or "Members left" in line]


def powered_on_at(node, since):
    """When it was first given power again (its new life may say what it likes), or infinity."""
    return min((event["asked_at"] for event in client.ask("events")
                if event["what"] == "poweron" and event["host"] == node
                and event["asked_at"] >= since), default=math.inf)


def faults_on_cable(seen, fault, mac, struck_at, revived_at):
    """What a watch showed that must not be, one sentence each. mac: of the machine that was active; if
    the fault cuts power it had none between those two moments."""
    claims = seen.overlaps()
    grace_s = LINGER_S if fault.lingers and claims else 0
    sentences = [f"{claim.mac} claimed {claim.address} again at {clock(claim.at)}, "
                 "after another had taken it" for claim in claims if claim.at >= claims[0].at + grace_s]
    sentences += [f"{rival.mac} acknowledged a message at {clock(rival.at)}, "
                  "after another had begun to" for rival in seen.rivals()]
    if fault.cuts_power:
        sentences += [f"{bye.flag} from the dead node to {bye.peer} at {clock(bye.at)}"
                      for bye in seen.farewells(mac) if struck_at <= bye.at < revived_at]
    return sentences


def run(series, times, first=1):
    """Every round as a line of TAP, numbered from first on; how many failed. LabError: the pair
    cannot be healed, and the round that found it is among the lines."""
    failed = 0
    for number in range(1, times + 1):
        began_at = time.time()
        try:
            figures, wrong = series.round(number)
        except LabError as error:
            say_round(first + number - 1, series.fault.text, {}, [str(error), *story(series.region, began_at)])
            raise LabError("a round was broken off") from error
        if wrong:
            wrong += story(series.region, began_at)
        say_round(first + number - 1, series.fault.text, figures, wrong)
        failed += bool(wrong)
    return failed


def story(region, since):
    """What the machine room and the nodes' logs tell of the time since then, a line each: for
    whoever must find out why a round failed, when the lab is gone."""
    stamp = time.strftime("%b %d ", time.localtime(since)) + clock(since)  # as both logs begin a line
    lines = [f"room, {clock(event['at'])}: {event['host']} {event['what']}"
             for event in client.ask("events") if event["at"] >= since]
    for node in cluster.powered(region):
        for log in ("corosync/corosync.log", "pacemaker/pacemaker.log"):
            said = client.run(node, ["tail", "-n", "2000", f"/var/log/{log}"], check=False).stdout
            told = [line for line in said.splitlines() if line >= stamp and TELLING.search(line)]
            lines += [f"{node}, {line}" for line in told[-STORY_LINES:]]
    return lines


def say_round(number, text, figures, wrong):
    words = ", ".join(f"{key} {value}" for key, value in figures.items())
    print(f"{'not ok' if wrong else 'ok'} {number} - {text}: {words or 'broken off'}")
    for sentence in wrong:
        print("\n".join(f"# {line}" for line in sentence.splitlines()))
    sys.stdout.flush()


def clock(at):
    return time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at * 1000) % 1000:03d}"
