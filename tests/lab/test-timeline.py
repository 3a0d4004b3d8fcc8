#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The steps of a takeover are read from the lines that Corosync, Pacemaker and flow write."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from gemel_lab import timeline  # noqa: E402

SINCE = time.mktime(time.strptime("2026 Nov 23 19:13:27", "%Y %b %d %H:%M:%S"))

COROSYNC = """\
Nov 23 19:13:20.000 [50] hq-1 corosync notice  [TOTEM ] A new membership (1.2) was formed. Members
Nov 23 19:13:27.475 [50] hq-1 corosync notice  [TOTEM ] A processor failed, forming new configuration
Nov 23 19:13:27.575 [50] hq-1 corosync notice  [TOTEM ] A new membership (1.28) was formed. Members left: 2
Nov 23 19:13:37.347 [50] hq-1 corosync notice  [TOTEM ] A new membership (1.2d) was formed. Members joined: 2
"""

PACEMAKER = """\
Nov 23 19:13:27.600 hq-1 pacemaker-fenced [9] (finalize_op) notice: Operation 'reboot' targeting hq-2 by hq-1 for pacemaker-controld.7@hq-1: OK (complete)
no time here: Result of promote operation for gemel-core on hq-1: ok
Nov 23 19:13:27.700 hq-1 pacemaker-controld [7] notice: Result of promote operation for gemel-store on hq-1: ok | CIB
Nov 23 19:13:27.800 hq-1 pacemaker-controld [7] notice: Result of promote operation for gemel-core on hq-1: error | CIB
Nov 23 19:13:27.850 hq-1 pacemaker-controld [7] notice: Result of promote operation for gemel-core on hq-1: ok | CIB
Nov 23 19:13:27.900 hq-1 pacemaker-controld [7] notice: Result of start operation for gemel-ip4 on hq-1: ok | CIB
"""


def flow_line(kind, second):
    return f"{kind}\t1\t{int((SINCE + second) * 1e9)}\tid\tto\t0\t-"


def milliseconds(steps):
    return {step.name: round((step.at - SINCE) * 1000) for step in steps}


def the_first_line_after_the_fault_is_the_step():
    steps = timeline.steps_in_log(COROSYNC, timeline.COROSYNC_STEPS, SINCE)
    assert milliseconds(steps) == {"silence": 475, "membership": 575}, steps


def what_failed_is_no_step():
    steps = timeline.steps_in_log(PACEMAKER, timeline.PACEMAKER_STEPS, SINCE)
    wanted = {"fenced": 600, "store": 700, "promoted": 850, "address": 900}
    assert milliseconds(steps) == wanted, steps


def the_stock_stack_has_the_same_steps():
    text = PACEMAKER.replace("promote operation for gemel-core", "start operation for stock-mail") \
        .replace("promote operation for gemel-store", "start operation for stock-store")
    steps = timeline.steps_in_log(text, timeline.PACEMAKER_STEPS, SINCE)
    assert set(milliseconds(steps)) == {"fenced", "store", "promoted", "address"}, steps


def an_answer_counts_only_after_a_new_greeting():
    lines = [flow_line("back", -1), flow_line("acked", 0.001), flow_line("back", 0.5),
             flow_line("try", 0.6), flow_line("acked", 0.7), flow_line("acked", 0.8)]
    assert milliseconds(timeline.steps_in_flow(lines, SINCE)) == {"greeted": 500, "acknowledged": 700}


TESTS = (the_first_line_after_the_fault_is_the_step, what_failed_is_no_step,
         the_stock_stack_has_the_same_steps, an_answer_counts_only_after_a_new_greeting)


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, test in enumerate(TESTS, 1):
        try:
            test()
            print(f"ok {number} - {test.__name__.replace('_', ' ')}")
        except AssertionError as error:
            failed += 1
            print(f"not ok {number} - {test.__name__.replace('_', ' ')}\n# {error}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
