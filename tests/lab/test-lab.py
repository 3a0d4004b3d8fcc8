#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test-lab -- the lab does what it says: laws of its power, cables and disks, as TAP.

Needs root; GEMEL_BUILD names the build folder.  Each law is shown on real
nodes with dummy resources; where a law could hold by accident, the test is
shown to fail on a lab that is made wrong.
"""

import os
import re
import statistics
import subprocess
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ["LAB"] = f"test-{os.getpid()}"

from gemel_lab import cgroup, client, cluster, laws, plan, wait  # noqa: E402
from gemel_lab.laws import fences, lab, on, peer, power  # noqa: E402

VIP = plan.floating("hq")[0]
FLUSHED, UNFLUSHED = 1000, 2000  # blocks of the shared disk; no file system is mounted


def is_known_to_be_off(node):
    """A node that boots before the other has noticed its death is fenced once more."""
    seen = cluster.state(peer(node)) if power(peer(node)) == "on" else None
    return not seen or (not seen["nodes"][node]["online"] and not seen["nodes"][node]["unclean"])


def all_on():
    """Both nodes up, members, and one of them active."""
    for node in plan.region_nodes("hq"):
        if power(node) == "off":
            wait.until(lambda name=node: is_known_to_be_off(name), 20, f"{node} is not known to be off")
            client.ask("poweron", host=node)
        client.ask("heal", host=node, line="all", direction=None)
    cluster.wait_settled("hq", 30)
    wait.until(lambda: cluster.pings("hq"), 30, "the address does not answer")
    return cluster.active("hq")


# -- the disk --

def write_flushed_and_not(node):
    on(node, f"yes flushed | dd of=/dev/shared bs=4096 count=1 seek={FLUSHED} iflag=fullblock "
             "oflag=direct conv=fsync status=none")
    on(node, f"yes unflushed | dd of=/dev/shared bs=4096 count=1 seek={UNFLUSHED} iflag=fullblock "
             "oflag=direct status=none")


def read_block(node, number):
    return on(node, f"dd if=/dev/shared bs=4096 count=1 skip={number} iflag=direct status=none "
                    "| tr -d '\\0' | head -c 7").stdout


def power_cut_loses_exactly_what_was_not_flushed():
    node = all_on()
    write_flushed_and_not(node)
    assert read_block(node, UNFLUSHED) == "unflush", "the node does not read what it wrote"
    lab("poweroff", node)
    assert read_block(peer(node), FLUSHED) == "flushed", "what was flushed is gone"
    assert read_block(peer(node), UNFLUSHED) == "", "what was not flushed is there"
    all_on()
    assert read_block(node, UNFLUSHED) == ""


def disk_that_does_not_lose_is_noticed():
    """The same on a wrong disk, in a second lab beside the first."""
    name = os.environ["LAB"] + "-wrong"
    lab("up", "--stack", "dummy", "--disk-option=-k", name=name)
    own, os.environ["LAB"] = os.environ["LAB"], name
    try:
        node = cluster.active("hq")
        write_flushed_and_not(node)
        lab("poweroff", node)
        assert read_block(peer(node), UNFLUSHED) == "unflush"
    finally:
        os.environ["LAB"] = own
        lab("down", name=name)


def disk_fails_as_told():
    node = peer(all_on())
    write = "dd if=/dev/zero of=/dev/shared bs=4096 count=1 seek=3000 oflag=direct conv=fsync status=none"
    read = "dd if=/dev/shared of=/dev/null bs=4096 count=1 iflag=direct status=none"
    #         mode         can write, can read; None: no answer
    rows = [("fail", False, False), ("readonly", False, True), ("freeze", None, True),
            ("hang", None, None), ("ok", True, True)]
    for mode, can_write, can_read in rows:
        lab("disk", node, mode)
        for command, expected in ((write, can_write), (read, can_read)):
            process = on(node, f"({command}) 2>/dev/null & p=$!; for i in $(seq 40); do "
                               "kill -0 $p 2>/dev/null || { wait $p; exit; }; sleep 0.05; done; exit 99",
                         check=False)
            got = None if process.returncode == 99 else process.returncode == 0
            assert got == expected, f"{mode}: {command}: {got}, not {expected}"
            lab("disk", node, "ok")
            lab("disk", node, mode)
    lab("disk", node, "ok")


# -- power --

SERVER = """
import socket
s = socket.create_server(("0.0.0.0", 7777))
print("listening", flush=True)
c, _ = s.accept()
c.recv(1)
"""
CONNECT = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 7777))
print("connected", flush=True)
s.settimeout(3)
try:
    s.recv(1)
except OSError:
    pass
"""


def start(host, *argv, word):
    """A program on a host, once it has said that word."""
    prefix, enter = client.entry(host)
    process = subprocess.Popen(prefix + list(argv), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, preexec_fn=enter)
    for line in process.stdout:
        if word in line:
            return process
    raise AssertionError(f"{argv[0]} did not say {word}")


def farewells(node, end):
    """FIN and RST that the client sees from the node when end() ends its server."""
    server = start(node, "python3", "-c", SERVER, word="listening")
    address = plan.address(node)
    capture = start("client", "tcpdump", "-n", "-l", "-i", "lan0", "--immediate-mode",
                    f"src {address} and tcp port 7777", word="listening on")
    connection = start("client", "python3", "-c", CONNECT, address, word="connected")
    end(server)
    connection.wait()
    on("client", "pkill -INT tcpdump")
    trace = capture.stdout.read()
    assert "[S.]" in trace, f"the trace is empty: {trace}"
    return re.findall(r"Flags \[[^\]]*[FR][^\]]*\]", trace)


def nothing_leaves_a_node_whose_power_is_cut():
    node = peer(all_on())
    kill = farewells(node, lambda server: on(node, "pkill -9 -f 7777"))
    assert kill, "the trace does not even show the end of a process"
    cut = farewells(node, lambda server: lab("poweroff", node))
    assert not cut, f"a dead node said {cut}"


def power_off_ends_every_process_and_detaches_the_disk():
    node = peer(all_on())
    row = next(row for row in client.ask("status") if row["host"] == node)
    group = cgroup.of_lab(plan.lab_name()).child(node)
    on(node, "setsid -f sleep 1000 >/dev/null 2>&1; setsid -f nohup sleep 1000 >/dev/null 2>&1")
    on(node, "mount /dev/shared /mnt; sleep 1000 </mnt >/dev/null 2>&1 &")
    assert group.processes()
    lab("poweroff", node)
    assert not group.processes()
    assert not os.path.exists(f"/sys/block/{row['disk']['device'][5:]}/loop/backing_file")


def node_that_resets_itself_is_off():
    node = peer(all_on())
    on(node, "exec python3 -c 'import ctypes; ctypes.CDLL(None).reboot(0x01234567)'", check=False)
    wait.until(lambda: power(node) == "off", 10, "it is on")


def pair_boots_cold():
    all_on()
    for node in plan.region_nodes("hq"):
        lab("poweroff", node)
    all_on()


def address_is_back_within_seconds_of_a_power_cut():
    gaps = []
    for _ in range(3):
        node = all_on()
        lab("poweroff", node)
        cut = [event for event in client.ask("events") if event["what"] == "poweroff"][-1]
        wait.until(lambda: cluster.pings("hq"), 20, "the address does not answer", every=0.005)
        gaps.append(time.time() - cut["asked_at"])
        assert cluster.active("hq") == peer(node)
    print("# power cut to answer: " + ", ".join(f"{gap:.2f}" for gap in gaps)
          + f" s, median {statistics.median(gaps):.2f} s")
    assert statistics.median(gaps) < 5


# -- fencing --

def split_pair_is_fenced_to_one_node():
    node = all_on()
    before = len(fences())
    for line in ("ring0", "ring1"):
        lab("cut", peer(node), line)
    wait.until(lambda: len(fences()) > before, 20, "nobody was fenced")
    wait.until(lambda: sum(power(name) == "off" for name in plan.region_nodes("hq")) == 1, 10,
               "not one of them is off")
    wait.until(lambda: cluster.pings("hq"), 20, "the survivor does not serve")
    assert len(cluster.holders("hq")) == 1


def fence_agent_keeps_to_its_interface():
    node = all_on()
    target = peer(node)
    on(node, "fence_lab -o metadata | xmllint --noout -")
    on(node, "stonith_admin --metadata --agent fence_lab")
    on(node, f"printf 'action=status\\nplug={target}\\nunknown=1\\n# x\\n' | fence_lab")
    assert on(node, "fence_lab -o list").stdout.split() == plan.NODES
    assert on(node, "fence_lab -o off -n nobody", check=False).returncode == 1
    assert on(node, "fence_lab -o off", check=False).returncode == 2
    assert on(node, f"fence_lab -o off -n {target} -s /nowhere", check=False).returncode == 1
    assert power(target) == "on"
    begin = time.monotonic()
    on(node, f"fence_lab -o off -n {target}")
    print(f"# fencing a live node, with the start of the agent: {time.monotonic() - begin:.3f} s")
    assert power(target) == "off"
    assert on(node, f"fence_lab -o status -n {target}", check=False).returncode == 2


# -- cables --

def link_is_connected(node, number):
    text = on(node, "corosync-cfgtool -n").stdout
    return re.search(rf"LINK: {number} .* connected", text) is not None


def one_ring_is_enough():
    node = all_on()
    before = len(fences())
    for number, line in 2 * [(0, "ring0"), (1, "ring1")]:
        lab("cut", node, line)
        wait.until(lambda: not link_is_connected(node, number), 10, f"{line} is said to be connected")
        assert cluster.is_settled("hq")
        lab("heal", node, line)
        wait.until(lambda: link_is_connected(node, number), 20, f"{line} is said to be cut")
    assert len(fences()) == before


def one_direction_can_be_cut():
    node = all_on()
    for way in ("--in", "--out"):
        lab("cut", node, "lan", way)
        assert on("client", f"ping -c 1 -W 1 {plan.address(node)}", check=False).returncode == 1
        lab("heal", node, "lan", way)
        assert on("client", f"ping -c 3 -W 1 {plan.address(node)}", check=False).returncode == 0


def paused_node_is_silent_and_goes_on():
    node = peer(all_on())
    before = len(fences())
    client.ask("pause", host=node)
    silent = power(node) == "paused"
    client.ask("resume", host=node)
    assert silent
    assert on("client", f"ping -c 3 -W 1 {plan.address(node)}", check=False).returncode == 0
    assert len(fences()) == before


def node_that_stays_paused_is_fenced():
    node = peer(all_on())
    lab("pause", node)
    wait.until(lambda: power(node) == "off", 20, "it was not fenced")


# -- names, words --

def name_server_serves_the_domain():
    all_on()
    for host in ("client", "hq-1"):
        assert on(host, "dig +short MX example.test").stdout == "10 mx-hq.example.test.\n"
        assert on(host, "dig +short mx-hq.example.test A mx-hq.example.test AAAA").stdout.split() == \
            list(plan.floating("hq"))
        assert on(host, f"dig +short -x {VIP}").stdout == "mx-hq.example.test.\n"
        assert on(host, f"dig +short -x {plan.floating('hq')[1]}").stdout == "mx-hq.example.test.\n"
        assert "spf1" in on(host, "dig +short TXT example.test").stdout


def verbs_say_what_they_cannot_do():
    for argv in (["up"], ["up", "--regions", "2"], ["cut", "hq-1", "serial"], ["poweron", "hq-1"],
                 ["wan", "hq", "a"], ["resume", "hq-1"]):
        done = lab(*argv, check=False)
        assert done.returncode == 1 and done.stderr.startswith("lab: "), (argv, done)
    assert lab("run", "hq-1", "--", "sh", "-c", "exit 7", check=False).returncode == 7


# -- the end --

def namespaces(pids):
    found = set()
    for pid in pids:
        try:
            found |= {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("mnt", "net", "pid")}
        except OSError:
            continue  # it has just ended
    return found


def leftovers(before, devices):
    """What is still there of a lab: processes by their namespaces, its disks, mounts, folders."""
    own = namespaces([os.getpid()])
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if namespaces([pid]) & (before - own):
            found.append(f"process {pid}")
    for device in devices:
        if os.path.exists(f"/sys/block/{device[5:]}/loop/backing_file"):
            found.append(device)
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        found += [line for line in mounts if plan.state_dir() in line]
    found += [path for path in (plan.state_dir(), cgroup.of_lab(plan.lab_name()).path)
              if os.path.exists(path)]
    return found


def down_leaves_nothing(prepare=lambda: None):
    all_on()
    group = cgroup.of_lab(plan.lab_name())
    before = namespaces(group.processes())
    devices = [row["disk"]["device"] for row in client.ask("status") if "disk" in row]
    assert leftovers(before, devices), "leftovers() sees nothing"
    prepare()
    lab("down")
    assert leftovers(before, devices) == []
    lab("down")  # again: nothing to do


def down_leaves_nothing_after_a_crash_of_the_machine_room():
    lab("up", "--stack", "dummy")
    room = cgroup.of_lab(plan.lab_name()).child("room")
    down_leaves_nothing(lambda: [os.kill(pid, 9) for pid in room.processes()])


LAWS = [
    name_server_serves_the_domain,
    verbs_say_what_they_cannot_do,
    power_cut_loses_exactly_what_was_not_flushed,
    disk_that_does_not_lose_is_noticed,
    disk_fails_as_told,
    nothing_leaves_a_node_whose_power_is_cut,
    power_off_ends_every_process_and_detaches_the_disk,
    node_that_resets_itself_is_off,
    address_is_back_within_seconds_of_a_power_cut,
    split_pair_is_fenced_to_one_node,
    fence_agent_keeps_to_its_interface,
    one_ring_is_enough,
    one_direction_can_be_cut,
    paused_node_is_silent_and_goes_on,
    node_that_stays_paused_is_fenced,
    pair_boots_cold,
    down_leaves_nothing,
    down_leaves_nothing_after_a_crash_of_the_machine_room,
]


if __name__ == "__main__":
    sys.exit(laws.main(LAWS, "--stack", "dummy"))
