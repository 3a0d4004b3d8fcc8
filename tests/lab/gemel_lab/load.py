# SPDX-License-Identifier: BSD-2-Clause
"""load -- the generator and the judge of flow, as a lab uses them.

Two generators run on the client host (or another one): the *load* keeps its sessions, as a busy
sender does; the *probe* opens a new connection every hundredth of a second for one message,
so that an outage is measured to a hundredth of a second whatever the load is
waiting for. The judge runs on the active node, where the mail is mounted, and
gets the logs of all rounds: what was delivered in an early one must outlast the
later ones.
"""

import json
import os
import signal
import subprocess

from . import client, cluster, plan, wait, wire
from .plan import LabError

USERS = 20
END_S = 30


def addresses():
    return [f"user{number}@{plan.DOMAIN}" for number in range(1, USERS + 1)]


PATTERN = f"user{{1-{USERS}}}@{plan.DOMAIN}"

LOAD = ["--connections", "8", "--pipelining", "--size", "300-8192", "--large-every", "200"]
PROBE = ["--connections", "64", "--per-connection", "1", "--connect-timeout", "300",
         "--answer-timeout", "1500", "--size", "300-600", "--large-every", "0"]


def flow_program():
    """The built program."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tries = [os.environ.get("GEMEL_BUILD", ""), os.path.dirname(os.path.dirname(here))]
    for folder in filter(None, tries):
        path = os.path.join(folder, "tests", "lab", "flow")
        if os.access(path, os.X_OK):
            return os.path.abspath(path)
    raise LabError("no tests/lab/flow; run make, and name its folder with GEMEL_BUILD")


class Generator:
    """One `flow send` on a host."""

    def __init__(self, host, flow, log, target, words):
        self.log = log
        argv = [flow, "send", "--to", f"{target}:25", "--log", log, "--recipients", PATTERN,
                "--json", *words]
        self.process = wire.start(host, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True)
        self.place = 0
        self.count = 0
        self.last_ns = 0

    def acked(self):
        """How many 250 it has written down so far."""
        if self.process.poll() is not None:
            raise LabError(f"the load ended by itself: {self.process.stderr.read().strip()}")
        try:
            with open(self.log, "rb") as file:
                file.seek(self.place)
                data = file.read()
        except FileNotFoundError:
            return 0
        whole = data[:data.rfind(b"\n") + 1]
        self.place += len(whole)
        for line in whole.splitlines():
            if line.startswith(b"acked\t"):
                self.count += 1
                self.last_ns = int(line.split(b"\t", 2)[1])
        return self.count

    def stop(self):
        """End it and return what it says of itself."""
        self.process.send_signal(signal.SIGTERM)
        try:
            out, error = self.process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired as late:
            self.process.kill()
            self.process.wait()
            raise LabError("the load does not end") from late
        if self.process.returncode != 0:
            raise LabError(f"the load failed: {error.strip()}")
        return json.loads(out)


def ended(done):
    """How a program without a word ended; a judge does so when its node gives up the store."""
    return f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"


class Load:
    """Load and probe on one region, from start() to stop()."""

    def __init__(self, region, flow, folder, load_rate=200, probe_rate=100, host="client"):
        self.region = region
        self.host = host
        self.flow = flow
        self.folder = folder
        self.rates = {"load": load_rate, "probe": probe_rate}
        self.generators = {}
        self.logs = []

    def start(self, name):
        """Begin a round of that name; returns once both got a good many answers."""
        target = plan.floating(self.region)[0]
        for kind, words in (("load", LOAD), ("probe", PROBE)):
            if not self.rates[kind]:
                continue
            log = os.path.join(self.folder, f"{name}.{kind}.log")
            self.logs.append(log)
            self.generators[kind] = Generator(
                self.host, self.flow, log, target, [*words, "--rate", str(self.rates[kind])])
        self.wait_acked(50, 30, "before the fault")

    def wait_acked(self, more, seconds, when):
        """Wait until each generator got so many more 250."""
        for kind, generator in self.generators.items():
            wanted = generator.acked() + more
            wait.until(lambda g=generator, w=wanted: g.acked() >= w, seconds,
                       f"the {kind} got no {more} answers {when}")

    def stop(self):
        """End the round; the logs of this round."""
        current, self.generators = self.generators, {}
        for generator in current.values():
            generator.stop()
        return [generator.log for generator in current.values()]

    def abandon(self):
        """End what runs, whatever it says."""
        for generator in self.generators.values():
            generator.process.kill()
            generator.process.wait()
        self.generators = {}

    def gaps(self, logs, over_ms=100):
        done = subprocess.run([self.flow, "gaps", "--over", str(over_ms), "--json", "--log", *logs],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(done.stderr.strip())
        return json.loads(done.stdout)

    def judge(self, accounts, min_acked, wait_s=30):
        """The verdict over all rounds so far, and what it had to say of single messages."""
        node = cluster.active(self.region)
        done = client.run(
            node, [self.flow, "judge", "--maildirs", f"{plan.MOUNT_POINT}/mail", "--accounts",
                   accounts, "--min-acked", str(min_acked), "--wait", str(wait_s), "--whole",
                   "--ignore-other-runs", "--json", "--log", *self.logs], timeout=wait_s + 120, check=False)
        if not done.stdout.startswith("{"):
            raise LabError(f"the judge on {node} could not judge: {done.stderr.strip() or ended(done)}")
        return json.loads(done.stdout), done.stderr


class Reader:
    """Somebody who looks at every new message at once: what is in new/ moves to cur/, as an IMAP
    server does it. It ends with its node."""

    def __init__(self, node):
        prefix, enter = client.entry(node)
        self.process = subprocess.Popen(prefix + ["python3", "-c", READ, f"{plan.MOUNT_POINT}/mail"],
                                        preexec_fn=enter, stdin=subprocess.PIPE)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


# Run on the node until its standard input ends.
READ = """
import glob, os, select, sys
while not select.select([sys.stdin], [], [], 0.005)[0]:
    for new in glob.glob(sys.argv[1] + "/*/Maildir/new"):
        for entry in os.scandir(new):
            try:
                os.rename(entry.path, new[:-3] + "cur/" + entry.name + ":2,S")
            except FileNotFoundError:
                pass
"""


# -- accounts --

def make_accounts(region, path):
    """Make the accounts where they are missing and write the judge's map of them."""
    places = dict.fromkeys(addresses(), "all") if stack(region) == "stock" else our_accounts(region)
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{address} {place}\n" for address, place in places.items())


def our_accounts(region):
    node = cluster.active(region)
    have = list_accounts(node)
    for address in addresses():
        if address not in have:
            client.run(node, ["gemel", "account", "add", address, "--no-password"])
    have = list_accounts(node)
    return {address: have[address] for address in addresses()}


def mailbox(region, address):
    """The path of its Maildir."""
    done = client.run(cluster.active(region), ["gemel", "account", "show", address, "--json"])
    return json.loads(done.stdout)["mailbox"]


def list_accounts(node):
    answer = json.loads(client.run(node, ["gemel", "account", "list", "--json"]).stdout)
    return {account["address"]: account["id"] for account in answer["accounts"]}


def stack(region):
    """Which mail server runs there: "gemel", or "stock" with one mailbox for all."""
    seen = cluster.state(cluster.active(region))
    ids = {resource["id"] for resource in seen["resources"]}
    return "stock" if "stock-mail" in ids else "gemel"
