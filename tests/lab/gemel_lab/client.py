# SPDX-License-Identifier: BSD-2-Clause
"""client -- ask the machine room, and run programs on its hosts."""

import json
import os
import socket
import subprocess

from . import cgroup, plan
from .plan import LabError


def ask(verb, **arguments):
    path = os.path.join(plan.state_dir(), "room.sock")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(60)
        try:
            sock.connect(path)
        except OSError as error:
            raise LabError(f"lab {plan.lab_name()} is not up") from error
        try:
            sock.sendall(json.dumps(dict(arguments, verb=verb)).encode() + b"\n")
            answer = json.loads(sock.makefile().read())
        except (OSError, ValueError) as error:
            raise LabError(f"the machine room did not answer {verb}: {error}") from error
    if "error" in answer:
        raise LabError(answer["error"])
    return answer["ok"]


def entry(host):
    """(argv prefix, preexec) that put a command onto the host."""
    place = ask("pid", host=host)
    folder = os.getcwd()
    if folder.split("/")[1] in plan.HIDDEN_FOLDERS:
        folder = "/"
    prefix = ["nsenter", "--target", str(place["pid"]), "--mount", "--uts", "--ipc", "--net",
              "--pid", f"--wdns={folder}", "--"]
    return prefix, cgroup.Cgroup(place["cgroup"]).enter


def run(host, argv, timeout=60, check=True, **more):
    """A command on a host: its CompletedProcess, as text.  LabError if it fails and check."""
    prefix, enter = entry(host)
    try:
        done = subprocess.run(prefix + argv, preexec_fn=enter, text=True, timeout=timeout,
                              capture_output=True, check=False, **more)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{host}: {' '.join(argv)}: no end after {timeout} s") from error
    if check and done.returncode != 0:
        raise LabError(f"{host}: {' '.join(argv)}: status {done.returncode}: "
                       f"{(done.stderr or done.stdout).strip()}")
    return done


def become(host, argv):
    """Turn into a command on a host."""
    prefix, enter = entry(host)
    enter()
    os.execvp(prefix[0], prefix + argv)
