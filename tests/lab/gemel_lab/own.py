# SPDX-License-Identifier: BSD-2-Clause
"""own -- a lab that one program brings up for itself, and takes down however it ends."""

import contextlib
import os
import signal
import subprocess
import sys

from . import plan
from .plan import LabError

LAB = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lab")


def call(*words):
    """A verb of the lab that $LAB names; LabError with what it says, if it fails."""
    done = subprocess.run([LAB, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          check=False)
    if done.returncode != 0:
        raise LabError(done.stderr.strip())


def end_on_sigterm():
    """Let SIGTERM and SIGHUP end the program as Ctrl-C does, so that it tidies up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(143))


@contextlib.contextmanager
def lab(name, *words, keep=False):
    """The lab of that name, brought up with these words; it is what $LAB names meanwhile. keep: it
    stays up, unless an error ends the block."""
    before = os.environ.get("LAB")
    os.environ["LAB"] = name
    if os.path.exists(plan.state_dir()):
        raise LabError(f"lab {name} is up, or was left; take it down first")
    is_good = False
    try:
        call("up", *words)
        yield
        is_good = True
    finally:
        # It is brought up in steps: whatever there is of it goes.
        if not (keep and is_good):
            call("down")
        if before is None:
            del os.environ["LAB"]
        else:
            os.environ["LAB"] = before
