#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The load generator and the judge against a server that commits each fault.

A judge that cannot see a fault is worth nothing, so every fault is committed
once on purpose and must be found in the number in which it was committed.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
from fake_smtp import Fault, Server  # noqa: E402

FLOW = os.environ.get("FLOW", "tests/lab/flow")
USERS = "user{1-5}@fake.test"


def flow(*arguments, expect=0):
    """Run the program and return its JSON."""
    done = subprocess.run([FLOW, *map(str, arguments)], capture_output=True, text=True, timeout=60)
    if expect is not None and done.returncode != expect:
        raise AssertionError("flow %s: status %d, not %d: %s" % (
            " ".join(map(str, arguments)), done.returncode, expect, done.stderr))
    return json.loads(done.stdout) if done.stdout.startswith("{") else done


class Run:
    """One load against one server."""

    def __init__(self, folder, fault=None, every=7, crlf=False, **options):
        self.folder = folder
        self.fault = Fault(fault, every)
        self.root = os.path.join(folder, "mail")
        self.log = os.path.join(folder, "log")
        self.accounts = os.path.join(folder, "accounts")
        os.mkdir(self.root)
        self.server = Server(self.root, self.fault, crlf)
        addresses = ["user%d@fake.test" % n for n in range(1, 6)] + ["elsewhere@fake.test"]
        addresses += ["nobody%d@fake.test" % n for n in range(1, 3)]
        with open(self.accounts, "w") as file:
            for address in addresses:
                file.write("%s %s\n" % (address, address))
        options = {"count": 140, "connections": 4, "recipients": USERS, "size": "300-3000",
                   "large-every": 50, **options}
        words = []
        for name, value in options.items():
            words += ["--" + name] if value is True else ["--" + name, value]
        self.sent = flow("send", "--to", self.server.address, "--log", self.log, "--json", *words)

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def judge(self, *words, expect=0):
        return flow("judge", "--log", self.log, "--maildirs", self.root, "--accounts",
                    self.accounts, "--json", *words, expect=expect)


TESTS = []


def law(function):
    TESTS.append(function)
    return function


def expect_counts(verdict, **counts):
    for key in ("lost", "duplicated", "unexpected", "changed"):
        wanted = counts.get(key, 0)
        assert verdict[key] == wanted, "%s: %d, not %d: %s" % (key, verdict[key], wanted, verdict)


@law
def an_honest_server_is_found_clean(folder):
    run = Run(folder)
    verdict = run.judge("--min-acked", 140, "--whole")
    expect_counts(verdict)
    assert verdict["acked"] == verdict["found"] == run.sent["acked"] == 140
    run.close()


@law
def crlf_in_the_mailbox_is_no_change(folder):
    run = Run(folder, crlf=True)
    expect_counts(run.judge("--min-acked", 140))
    run.close()


@law
def pipelining_several_recipients_and_one_message_a_connection_are_clean(folder):
    run = Run(folder, **{"pipelining": True, "copies": 3, "per-connection": 1})
    verdict = run.judge("--min-acked", 420)
    expect_counts(verdict)
    run.close()


@law
def refused_recipients_are_refused_and_the_others_acknowledged(folder):
    for pipelining in ({}, {"pipelining": True}):
        sub = os.path.join(folder, "p%d" % len(pipelining))
        os.mkdir(sub)
        names = os.path.join(sub, "names")
        with open(names, "w") as file:
            file.write("user{1-3}@fake.test\n# a comment\nnobody{1-2}@fake.test\n")
        run = Run(sub, recipients=names, copies=2, **pipelining)
        verdict = run.judge()
        expect_counts(verdict)
        assert verdict["refused"] > 0 and verdict["acked"] > 0
        assert verdict["refused"] + verdict["acked"] == 280
        run.close()


def fault_is_found(fault, kind, **options):
    def test(folder):
        run = Run(folder, fault=fault, **options)
        assert run.fault.committed > 0, "the fault was never committed"
        verdict = run.judge(expect=1)
        wanted = {name: run.fault.committed for name in kind.split("+")}
        expect_counts(verdict, **wanted)
        assert verdict["clean"] is False
        run.close()
    test.__name__ = "a server that commits %r is found out" % fault
    TESTS.append(test)


fault_is_found("lose", "lost")
fault_is_found("double", "duplicated")
fault_is_found("flip", "changed")
fault_is_found("truncate", "changed")
fault_is_found("strip-dot", "changed")
fault_is_found("mix-line-ends", "changed")
fault_is_found("mix-line-ends", "changed", crlf=True)
fault_is_found("empty", "lost+unexpected")
fault_is_found("misplace", "lost+unexpected")
fault_is_found("invent", "unexpected")
fault_is_found("refuse-but-deliver", "unexpected")


@law
def a_dropped_connection_may_have_delivered_or_not(folder):
    for fault in ("drop-before-store", "drop-after-store"):
        sub = os.path.join(folder, fault)
        os.mkdir(sub)
        run = Run(sub, fault=fault)
        verdict = run.judge("--min-acked", 100)
        expect_counts(verdict)
        assert verdict["unknown"] == run.fault.committed == 20
        wanted = verdict["acked"] + (20 if fault == "drop-after-store" else 0)
        assert verdict["found"] == wanted, verdict
        run.close()


@law
def a_refused_message_is_not_lost(folder):
    run = Run(folder, fault="refuse")
    verdict = run.judge()
    expect_counts(verdict)
    assert verdict["refused"] == run.fault.committed
    run.close()


@law
def mail_of_other_runs_is_unexpected_unless_it_is_to_be_ignored(folder):
    run = Run(folder)
    other = os.path.join(folder, "other")
    flow("send", "--to", run.server.address, "--log", other, "--recipients", USERS, "--count", 9)
    expect_counts(run.judge(expect=1), unexpected=9)
    expect_counts(run.judge("--ignore-other-runs"))
    expect_counts(run.judge("--log", other))
    run.close()


@law
def too_few_acknowledged_is_a_failure(folder):
    run = Run(folder)
    expect_counts(run.judge("--min-acked", 141, expect=1))
    run.close()


@law
def a_torn_last_line_is_tolerated_unless_the_log_must_be_whole(folder):
    run = Run(folder)
    with open(run.log, "rb+") as file:
        file.seek(-30, os.SEEK_END)
        file.truncate()
    verdict = run.judge("--min-acked", 100)
    expect_counts(verdict)
    assert verdict["torn_logs"] == 1
    run.judge("--whole", expect=1)
    run.close()


@law
def a_log_damaged_in_the_middle_is_refused(folder):
    run = Run(folder)
    with open(run.log, "rb+") as file:
        data = file.read()
        file.seek(data.index(b"acked"))
        file.write(b"ackedx")
    run.judge(expect=1)
    run.close()


@law
def a_log_on_a_full_disk_fails_the_run(folder):
    server = Server(os.path.join(folder, "mail"), Fault())
    log = os.path.join(folder, "log")
    script = 'ulimit -f 8; trap "" XFSZ; exec "$0" "$@"'
    done = subprocess.run(
        ["bash", "-c", script, FLOW, "send", "--to", server.address, "--log", log, "--count",
         "100", "--recipients", USERS], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "void" in done.stderr, done
    server.shutdown()
    server.server_close()


@law
def a_log_is_never_appended_to_by_a_second_run(folder):
    run = Run(folder)
    flow("send", "--to", run.server.address, "--log", run.log, "--recipients", USERS, expect=1)
    run.close()


@law
def a_silence_of_the_server_is_measured(folder):
    run = Run(folder, fault="stall", every=50, connections=1, rate=200, count=90)
    gaps = flow("gaps", "--log", run.log, "--over", 300, "--json")
    assert 590 < gaps["longest_gap_ms"] < 1500, gaps
    assert len(gaps["gaps"]) == 1
    run.close()


@law
def an_answer_that_does_not_come_in_time_is_unknown_and_the_load_goes_on(folder):
    run = Run(folder, fault="stall", every=20, connections=1, count=50, **{"answer-timeout": 200})
    verdict = run.judge()
    expect_counts(verdict)
    assert verdict["unknown"] == 2 and verdict["acked"] == 48, verdict
    run.close()


@law
def a_stop_file_ends_the_load_with_a_whole_log(folder):
    stop = os.path.join(folder, "stop")
    open(stop, "w").close()
    run = Run(folder, **{"stop-file": stop, "rate": 100, "count": 100000})
    assert run.sent["begun"] < 1000
    expect_counts(run.judge("--whole"))
    run.close()


@law
def a_server_that_is_away_is_found_again_at_once(folder):
    away = socket.create_server(("127.0.0.1", 0))
    address = away.getsockname()
    log = os.path.join(folder, "log")
    load = subprocess.Popen([FLOW, "send", "--to", "%s:%d" % address, "--log", log, "--count",
                             "20", "--rate", "50", "--recipients", USERS], stdout=subprocess.DEVNULL)
    away.accept()[0].close()
    away.close()
    server = Server(os.path.join(folder, "mail"), Fault(), port=address[1])
    assert load.wait(timeout=30) == 0
    with open(log) as file:
        assert any(line.startswith("back\t") for line in file)
    server.shutdown()
    server.server_close()


def main():
    print("1..%d" % len(TESTS))
    failed = 0
    for number, test in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(folder)
                print("ok %d - %s" % (number, test.__name__.replace("_", " ")), flush=True)
            except Exception as error:  # any failure is one "not ok"
                failed += 1
                print("not ok %d - %s\n# %s: %s" % (
                    number, test.__name__, type(error).__name__, str(error).replace("\n", "\n# ")),
                    flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
