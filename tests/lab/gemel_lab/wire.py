# SPDX-License-Identifier: BSD-2-Clause
"""wire -- a program of this machine on the network of a host.

It shares nothing else with the host: it sees the machine's files, and a signal
to it reaches it. It ends with the host's power all the same.
"""

import subprocess

from . import cgroup, client


def start(host, argv, **more):
    """Begin it; its Popen."""
    place = client.ask("pid", host=host)
    prefix = ["nsenter", "--net", "--target", str(place["pid"]), "--"]
    return subprocess.Popen(prefix + argv, preexec_fn=cgroup.Cgroup(place["cgroup"]).enter,
                            stdin=subprocess.DEVNULL, **more)
