# SPDX-License-Identifier: BSD-2-Clause
"""laws -- functions that hold or fail, shown one after the other on one lab, as TAP.

A law is a function without arguments, named for the sentence that it states. It
fails by an AssertionError, or by an error of the lab. Its doc string, if any,
says why it is so.
"""

import os
import subprocess
import sys
import time
import traceback

from . import client, own, plan

FAULTS = (AssertionError, OSError, plan.LabError, subprocess.SubprocessError)


def lab(*argv, name=None, check=True, timeout=120):
    """A verb of the lab, by its command line."""
    env = dict(os.environ, LAB=name or os.environ["LAB"])
    done = subprocess.run([own.LAB, *argv], env=env, text=True, capture_output=True, timeout=timeout,
                          check=False)
    if check:
        assert done.returncode == 0, f"lab {' '.join(argv)}: {done.stderr}"
    return done


def on(host, script, **more):
    """A line of shell on a host."""
    return client.run(host, ["bash", "-c", script], **more)


def peer(node):
    return next(name for name in plan.region_nodes("hq") if name != node)


def power(host):
    return next(row["power"] for row in client.ask("status") if row["host"] == host)


def fences():
    """What the power switch was asked to cut so far."""
    return [event for event in client.ask("events") if event["what"] == "fenced"]


# -- showing them --

def told(error):
    """An error and where in the program it was, as comments."""
    where = [frame for frame in traceback.extract_tb(error.__traceback__)
             if os.path.abspath(frame.filename) == os.path.abspath(sys.argv[0])]
    lines = f"{type(error).__name__}: {error}".splitlines()
    return lines + [f"line {frame.lineno}: {frame.line}" for frame in where]


def show(number, law):
    """One line of TAP; whether it holds."""
    begin = time.monotonic()
    try:
        law()
    except FAULTS as error:
        print(f"not ok {number} - {law.__name__}")
        print("\n".join(f"# {line}" for line in told(error)), flush=True)
        return False
    print(f"ok {number} - {law.__name__}  # {time.monotonic() - begin:.1f} s", flush=True)
    return True


def main(laws, *up, prepare=lambda: None):
    """Show the laws that the command line names, or all, on a lab that was brought up with these
    words; the program's exit status."""
    wanted = [law for law in laws if not sys.argv[1:] or law.__name__ in sys.argv[1:]]
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    print(f"1..{len(wanted)}", flush=True)
    own.end_on_sigterm()
    try:
        lab("up", *up)
        prepare()
        held = [show(number, law) for number, law in enumerate(wanted, 1)]
    finally:
        lab("down", check=False)
    return 0 if all(held) else 1
