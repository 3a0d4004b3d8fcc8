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
import tempfile
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
        assert on(peer(node), "pgrep -f gemel-agent[d]", check=False).returncode == 1, "none is installed"
    finally:
        os.environ["LAB"] = own
        lab("down", name=name)


def answer_of(node, command):
    """Its exit status, or None if there is none in time."""
    done = on(node, f"({command}) >/dev/null 2>&1 & p=$!; for i in $(seq 40); do "
                    "kill -0 $p 2>/dev/null || { wait $p; exit; }; sleep 0.05; done; exit 99", check=False)
    return None if done.returncode == 99 else done.returncode


def disk_fails_as_told():
    node = peer(all_on())
    #         mode         can write, can read; None: no answer; exit status of a reservation command
    rows = [("fail", False, False, 35), ("readonly", False, True, 0), ("freeze", None, True, 0),
            ("hang", None, None, None), ("ok", True, True, 0)]
    for mode, can_write, can_read, reserves in rows:
        for device in (plan.SHARED_DEVICE, plan.SLOTS_DEVICE):
            write = (f"dd if=/dev/zero of={device} bs=4096 count=1 seek=200 oflag=direct "
                     "conv=fsync status=none")
            read = f"dd if={device} of=/dev/null bs=4096 count=1 iflag=direct status=none"
            for command, expected in ((write, can_write), (read, can_read)):
                lab("disk", node, mode)
                status = answer_of(node, command)
                got = None if status is None else status == 0
                assert got == expected, f"{mode}: {command}: {got}, not {expected}"
                lab("disk", node, "ok")
        lab("disk", node, mode)
        got = answer_of(node, f"sg_persist -n --in --read-keys {plan.SLOTS_DEVICE}")
        assert got == reserves, f"{mode}: sg_persist: {got}, not {reserves}"
        lab("disk", node, "ok")


def way_to_the_disk_that_is_cut_fails_at_once():
    node = peer(all_on())
    lab("cut", node, "disk")
    for device in (plan.SHARED_DEVICE, plan.SLOTS_DEVICE):
        assert answer_of(node, f"dd if={device} bs=4096 count=1 iflag=direct") == 1
        assert answer_of(node, f"sg_persist -n --in --read-keys {device}") == 35
    lab("heal", node, "disk")
    assert read_slot(node, 7) == read_slot(peer(node), 7)


# -- the slots --

def write_slot(node, number, word, *flags):
    return on(node, f"yes {word} | dd of={plan.SLOTS_DEVICE} bs=4096 count=1 seek={number} "
                    f"iflag=fullblock oflag=direct status=none {' '.join(flags)}", check=False).returncode


def read_slot(node, number):
    return on(node, f"dd if={plan.SLOTS_DEVICE} bs=4096 count=1 skip={number} iflag=direct status=none "
                    "| tr -d '\\0' | head -c 4").stdout


def slots_are_one_for_both_nodes():
    """Without a flush, and whatever becomes of who wrote; and a flush of them flushes nothing else."""
    node = all_on()
    assert on(node, f"blockdev --getsize64 {plan.SLOTS_DEVICE}").stdout.strip() == str(plan.SLOTS_BYTES)
    write_flushed_and_not(node)
    for word in ("one_", "two_"):
        assert write_slot(node, 7, word) == 0
        assert read_slot(peer(node), 7) == word
    assert write_slot(node, 255, "last", "conv=fsync") == 0
    lab("poweroff", node)
    assert read_slot(peer(node), 7) == "two_"
    assert read_slot(peer(node), 255) == "last"
    assert read_block(peer(node), UNFLUSHED) == "", "a flush of the slots flushed the disk"


# -- reservations --

KEYS = {"hq-1": "0xa1", "hq-2": "0xa2"}
TYPE = "--prout-type=5"


def persist(node, *words):
    return on(node, f"sg_persist --no-inquiry {' '.join(words)} {plan.SHARED_DEVICE}", check=False)


def ordered(node, *words):
    done = persist(node, "--out", *words)
    assert done.returncode == 0, done.stderr


def registered(node):
    return persist(node, "--in", "--read-keys").stdout.split()[3:]


class Reserved:
    """Both nodes are registered and the active one holds the reservation; afterwards nobody is."""

    def __enter__(self):
        self.node = all_on()
        self.victim = peer(self.node)
        for name, key in KEYS.items():
            ordered(name, "--register-ignore", f"--param-sark={key}")
        ordered(self.node, "--reserve", f"--param-rk={KEYS[self.node]}", TYPE)
        return self

    def preempt(self):
        ordered(self.node, "--preempt-abort", f"--param-rk={KEYS[self.node]}",
                f"--param-sark={KEYS[self.victim]}", TYPE)

    def __exit__(self, *_):
        node = self.node if power(self.node) == "on" else self.victim
        ordered(node, "--register-ignore", "--param-sark=0xc")
        ordered(node, "--clear", "--param-rk=0xc")


def preempted_node_writes_no_more():
    with Reserved() as pair:
        node, victim = pair.node, pair.victim
        write_flushed_and_not(victim)
        assert write_slot(victim, 9, "slot") == 0
        pair.preempt()
        flush = f"python3 -c 'import os; os.fsync(os.open(\"{plan.SHARED_DEVICE}\", os.O_RDWR))'"
        for what in ("a flush of what is lost", "a flush of nothing"):
            assert "Input/output error" in on(victim, flush, check=False).stderr, what
        assert write_slot(victim, 9, "more") != 0
        assert on(victim, f"dd if=/dev/zero of={plan.SHARED_DEVICE} bs=4096 count=1 seek={UNFLUSHED} "
                          "oflag=direct", check=False).returncode == 1
        for name in (node, victim):
            assert read_slot(name, 9) == "slot"
            assert read_block(name, FLUSHED) == "flushed" and read_block(name, UNFLUSHED) == ""
        # Registered again, it has still lost what it had not flushed.
        ordered(victim, "--register", f"--param-sark={KEYS[victim]}")
        assert write_slot(victim, 9, "back", "conv=fsync") == 0
        assert on(victim, flush, check=False).returncode == 0
        assert read_block(node, UNFLUSHED) == ""
        assert write_slot(node, 9, "good", "conv=fsync") == 0


def node_that_was_barred_for_a_moment_is_told_at_its_next_flush():
    with Reserved() as pair:
        write_flushed_and_not(pair.victim)
        pair.preempt()
        ordered(pair.victim, "--register", f"--param-sark={KEYS[pair.victim]}")
        flush = f"python3 -c 'import os; os.fsync(os.open(\"{plan.SHARED_DEVICE}\", os.O_RDWR))'"
        assert on(pair.victim, flush, check=False).returncode == 1, "what it lost was called durable"
        assert on(pair.victim, flush, check=False).returncode == 0
        assert read_block(pair.node, UNFLUSHED) == ""


WRITE = f"""
import mmap, os
fd = os.open("{plan.SHARED_DEVICE}", os.O_RDWR | os.O_DIRECT | os.O_DSYNC)
page = mmap.mmap(-1, 4096)
page[:8] = b"flushed\\n"
print("begun", flush=True)
os.pwrite(fd, page, {FLUSHED} * 4096)
"""


def writes_that_hang_are_refused_once_the_node_is_preempted():
    """The disk of a node that is stuck may come back when it has long been fenced."""
    for mode in ("hang", "freeze"):
        with Reserved() as pair:
            on(pair.victim, f"dd if=/dev/zero of={plan.SHARED_DEVICE} bs=4096 count=1 seek={FLUSHED} "
                            "oflag=direct conv=fsync status=none")
            lab("disk", pair.victim, mode)
            writer = start(pair.victim, "python3", "-c", WRITE, word="begun")
            wait.until(lambda: "D" in on(pair.victim, "ps -C python3 -o stat=", check=False).stdout, 5,
                       "the write does not hang")
            pair.preempt()
            assert writer.poll() is None, f"{mode}: it was answered"
            lab("disk", pair.victim, "ok")
            assert "Input/output error" in writer.communicate(timeout=5)[0], mode
            assert read_block(pair.node, FLUSHED) == "", mode


COUNT = f"""
import mmap, os
fd = os.open("{plan.SHARED_DEVICE}", os.O_RDWR | os.O_DIRECT)
page = mmap.mmap(-1, 4096)
n = 0
while True:
    n += 1
    page[:8] = n.to_bytes(8, "big")
    os.pwrite(fd, page, {UNFLUSHED} * 4096)
    os.fsync(fd)
    if n == 1:
        print("counting", flush=True)
"""


def counted(node):
    return on(node, f"dd if={plan.SHARED_DEVICE} bs=4096 count=1 skip={UNFLUSHED} iflag=direct status=none "
                    "| head -c 8 | od -An -tx8").stdout.strip()


def preempt_stops_a_node_in_the_midst_of_its_writes():
    with Reserved() as pair:
        writer = start(pair.victim, "python3", "-c", COUNT, word="counting")
        first = counted(pair.node)
        wait.until(lambda: counted(pair.node) != first, 5, "nothing is counted")
        begin = time.monotonic()
        pair.preempt()
        seconds = time.monotonic() - begin
        then = counted(pair.node)
        assert writer.wait(5) != 0
        assert counted(pair.node) == then, "it has written since"
        print(f"# a preempt of a node that writes, with the start of the tool: {seconds:.3f} s")
        assert seconds < 1


def registrations_outlast_power():
    with Reserved() as pair:
        lab("poweroff", pair.node)
        assert registered(pair.victim) and "0xa1" in registered(pair.victim)
        ordered(pair.victim, "--preempt", f"--param-rk={KEYS[pair.victim]}",
                f"--param-sark={KEYS[pair.node]}", TYPE)
        all_on()
        assert write_slot(pair.node, 3, "none") != 0, "the reservation ended with the power"
        pair.node, pair.victim = pair.victim, pair.node


def reservations_are_said_as_sg3_utils_does():
    node = all_on()
    for words, out in ((("--in", "--read-keys"), "  PR generation=0x{}, there are NO registered reservation keys\n"),
                       (("-i", "-r"), "  PR generation=0x{}, there is NO reservation held\n")):
        said = persist(node, *words).stdout
        assert re.fullmatch(out.format("[0-9a-f]+"), said), said
    with Reserved() as pair:
        assert re.fullmatch("  PR generation=0x[0-9a-f]+, 2 registered reservation keys follow:\n"
                            "    0xa1\n    0xa2\n", persist(node, "--in", "--read-keys").stdout)
        said = persist(node, "--in", "--read-reservation").stdout
        assert said.endswith(f", Reservation follows:\n    Key={KEYS[pair.node]}\n    scope: LU_SCOPE,  "
                             "type: Write Exclusive, registrants only\n"), said
        for status, words in (
                (24, ("--out", "--reserve", f"--param-rk={KEYS[pair.victim]}", TYPE)),
                (24, ("--out", "--preempt", "--param-rk=0xbad", f"--param-sark={KEYS[pair.node]}", TYPE)),
                (24, ("--out", "--register", "--param-rk=1", "--param-sark=2")),
                (5, ("--out", "--release", f"--param-rk={KEYS[pair.victim]}", "--prout-type=1")),
                (0, ("--out", "--release", f"--param-rk={KEYS[pair.victim]}", TYPE)),
                (1, ("--out", "--read-keys")), (1, ("--in", "--reserve")), (1, ("--out",)),
                (1, ("--out", "--register-move"))):
            done = persist(pair.victim, *words)
            assert done.returncode == status, (words, done)
    assert on(node, "sg_persist -i -k /dev/nowhere", check=False).returncode == 52
    assert on(node, "sg_persist -i -k /dev/null", check=False).returncode == 75
    assert on(node, f"sg_persist -d {plan.SLOTS_DEVICE}").stdout.startswith("  GEMEL ")


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
    for device in (row["disk"]["device"], row["disk"]["slots"]):
        assert not os.path.exists(f"/sys/block/{device[5:]}/loop/backing_file")


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


HEAR = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 7778))
s.settimeout(float(sys.argv[1]))
print("listening", flush=True)
try:
    print("heard", s.recv(9))
except TimeoutError:
    print("silence")
"""
SAY = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
for _ in range(3):
    s.sendto(b"word", (sys.argv[1], 7778))
"""


def is_heard(speaker, listener, address, seconds):
    process = start(listener, "python3", "-c", HEAR, str(seconds), word="listening")
    client.run(speaker, ["python3", "-c", SAY, address])
    return "heard" in process.communicate()[0]


def each_line_can_be_cut_in_one_direction():
    node = all_on()
    other = {"ring0": (peer(node), "10.77.101.255", "10.77.101.255"),
             "ring1": (peer(node), "10.77.111.255", "10.77.111.255"),
             "udp": (peer(node), "10.77.121.255", "10.77.121.255"),
             "witness": ("witness", plan.address("witness"), plan.address(node))}
    for line, (far, to_far, to_node) in other.items():
        for way in ("--in", "--out"):
            lab("cut", node, line, way)
            goes_in = is_heard(far, node, to_node, 0.5 if way == "--in" else 5)
            goes_out = is_heard(node, far, to_far, 0.5 if way == "--out" else 5)
            lab("heal", node, line, way)
            assert (goes_in, goes_out) == (way == "--out", way == "--in"), (line, way, goes_in, goes_out)
        assert is_heard(far, node, to_node, 5) and is_heard(node, far, to_far, 5), line


def witness_is_cut_alone():
    node = all_on()
    lab("cut", node, "witness")
    for address in (plan.address("witness"), plan.address6("witness")):
        assert on(node, f"ping -c 1 -W 0.5 {address}", check=False).returncode == 1
    assert on(node, f"ping -c 3 -W 1 {plan.address('client')}", check=False).returncode == 0
    lab("heal", node, "witness")
    assert on(node, f"ping -c 3 -W 1 {plan.address6('witness')}", check=False).returncode == 0


def row_of(node):
    return next(row for row in client.ask("status") if row["host"] == node)


def all_lines_are_cut_together():
    node = peer(all_on())
    client.ask("cut", host=node, line="all", direction=None)
    row = row_of(node)
    client.ask("heal", host=node, line="all", direction=None)
    assert {line.split()[0] for line in row["cut"]} == {"lan", "ring0", "ring1", "udp", "serial", "witness"}
    assert row["disk"]["mode"] == "fail"
    row = row_of(node)
    assert row["cut"] == [] and row["disk"]["mode"] == "ok", row


# -- the serial cable --

# Sends argv[1] bytes that count from argv[2] on, and prints what has come, up to the byte "." twice.
TALK = f"""
import os, select, sys
fd = os.open("{plan.SERIAL_DEVICE}", os.O_RDWR | os.O_NOCTTY)
data = bytes((int(sys.argv[2]) + i) % 256 for i in range(int(sys.argv[1])))
print("talking", flush=True)
got = b""
while data or len(got) < int(sys.argv[3]):
    ready = select.select([fd], [fd] if data else [], [], 10)
    if ready[0]:
        got += os.read(fd, 4096)
    elif ready[1]:
        data = data[os.write(fd, data[:200]):]
    else:
        break
print(got.hex())
"""


def talk(node, send, begin, expect):
    return start(node, "python3", "-c", TALK, str(send), str(begin), str(expect), word="talking")


def said_by(process):
    return bytes.fromhex(process.communicate(timeout=20)[0])


def counting(begin, length):
    return bytes((begin + i) % 256 for i in range(length))


def serial_cable_carries_every_byte_both_ways():
    all_on()
    one, other = talk("hq-1", 8192, 0, 8192), talk("hq-2", 8192, 100, 8192)
    assert said_by(one) == counting(100, 8192), "what hq-1 got"
    assert said_by(other) == counting(0, 8192), "what hq-2 got"


def serial_cable_can_be_cut_in_one_direction():
    all_on()
    for words, cut_from, whole_from in ((("--in",), "hq-2", "hq-1"), (("--out",), "hq-1", "hq-2")):
        listener = talk(peer(cut_from), 0, 0, 3)
        lab("cut", "hq-1", "serial", *words)
        said_by(talk(cut_from, 3, ord("x"), 0))
        there = talk(peer(whole_from), 0, 0, 3)
        said_by(talk(whole_from, 3, ord("a"), 0))
        assert said_by(there) == b"abc"
        lab("heal", "hq-1", "serial")
        said_by(talk(cut_from, 3, ord("p"), 0))
        assert said_by(listener) == b"pqr", "what was sent into a cut cable came later"


def serial_cable_brings_garbage_when_told():
    all_on()
    lines = [talk("hq-1", 0, 0, 300), talk("hq-2", 0, 0, 3)]
    lab("serial", "hq-1", "garbage", "--bytes", "300")
    assert len(set(said_by(lines[0]))) > 50
    said_by(talk("hq-1", 3, ord("a"), 0))
    assert said_by(lines[1]) == b"abc", "it went to the other one, too"


def serial_cable_waits_for_no_reader():
    """A node that does not read loses what does not fit; one that is off gets nothing later."""
    node = peer(all_on())
    for prepare in (lambda: None, lambda: lab("poweroff", node)):
        prepare()
        begin = time.monotonic()
        said_by(talk(peer(node), 200000, 0, 0))
        assert time.monotonic() - begin < 10
    all_on()
    listener = talk(node, 0, 0, 3)
    said_by(talk(peer(node), 3, ord("a"), 0))
    assert said_by(listener) == b"abc", "it got what was sent to its earlier life"


# -- the watchdog --

# Feeds it until it is ended, or so many times, and then lets go as told.
FEED = f"""
import os, sys, time
fd = os.open("{plan.WATCHDOG_DEVICE}", os.O_WRONLY)
os.write(fd, b"timeout 400\\n")
print("armed", flush=True)
for _ in range(int(sys.argv[1])):
    time.sleep(0.05)
    os.write(fd, b".")
os.write(fd, sys.argv[2].encode())
"""


def feed(node, times, last):
    return start(node, "python3", "-c", FEED, str(times), last, word="armed")


def bites():
    return [event["host"] for event in client.ask("events") if event["what"] == "watchdog"]


def watchdog_that_is_fed_or_let_go_does_not_bite():
    node = peer(all_on())
    before = bites()
    feed(node, 24, "V").wait(10)
    time.sleep(1)
    assert bites() == before and power(node) == "on"


def watchdog_bites_when_its_feeder_dies():
    for last in ("end", "kill"):
        node = peer(all_on())
        before = bites()
        feeder = feed(node, 0 if last == "end" else 10000, ".")
        if last == "kill":
            on(node, "pkill -9 -f lab-watchdog")
        feeder.wait(10)
        wait.until(lambda: power(node) == "off", 5, "it is on")
        wait.until(lambda: bites() == before + [node], 5, "no such event")


def watchdog_of_a_paused_node_stands_still():
    node = peer(all_on())
    before = bites()
    feed(node, 10000, ".")
    lab("pause", node)
    wait.until(lambda: power(node) == "off", 20, "it was not fenced")
    assert bites() == before
    all_on()
    assert bites() == before, "it was armed before anybody opened it"


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
    for argv in (["up"], ["up", "--regions", "2"], ["cut", "hq-1", "wan"], ["cut", "hq-1", "disk", "--in"], ["poweron", "hq-1"],
                 ["wan", "hq", "a"], ["resume", "hq-1"]):
        done = lab(*argv, check=False)
        assert done.returncode == 1 and done.stderr.startswith("lab: "), (argv, done)
    assert lab("run", "hq-1", "--", "sh", "-c", "exit 7", check=False).returncode == 7


# -- what our daemons find --

# In the place of the daemons.
STAND_IN = """#!/bin/sh
echo begun
while :; do sleep 1000; done
"""
STAND_INS = {"hq-1": "gemel-agentd", "hq-2": "gemel-agentd", "witness": "gemel-witnessd"}


def make_stand_ins(folder):
    sbin = os.path.join(folder, "usr", "sbin")
    os.makedirs(sbin)
    for name in set(STAND_INS.values()):
        with open(os.path.join(sbin, name), "w", encoding="ascii") as file:
            file.write(STAND_IN)
        os.chmod(os.path.join(sbin, name), 0o755)


def agent_and_witness_are_started_before_pacemaker():
    all_on()
    for host, program in STAND_INS.items():
        assert on(host, f"tail -n 1 /var/log/gemel/{program}.out").stdout == "begun\n", host
        number = int(on(host, f"pgrep -of {program[:-1]}[{program[-1]}]").stdout)
        if plan.HOSTS[host].kind == "node":  # process numbers begin anew at each boot
            assert number < int(on(host, "pgrep -ox pacemakerd").stdout), "it came after Pacemaker"
    assert on("client", "ls /var/log/gemel").stdout == ""


def hosts_have_keys_and_certificates():
    all_on()
    keys = {on(node, "cat /etc/gemel/heartbeat.keys").stdout for node in plan.region_nodes("hq")}
    assert len(keys) == 1 and re.fullmatch("1 [0-9a-f]{64}\n", keys.pop())
    names = {"hq-1": "URI:gemel:pair/hq/node/0", "hq-2": "URI:gemel:pair/hq/node/1",
             "witness": f"DNS:witness, IP Address:{plan.address('witness')}"}
    for host, name in names.items():
        here = "cd /etc/gemel/tls && "
        on(host, here + "openssl verify -x509_strict -CAfile ca.pem node.pem")
        assert name in on(host, here + "openssl x509 -in node.pem -noout -ext subjectAltName").stdout
        assert on(host, here + "openssl pkey -in node.key -pubout").stdout == \
            on(host, here + "openssl x509 -in node.pem -noout -pubkey").stdout
        assert on(host, here + "stat -c '%a %U' node.key").stdout == "600 root\n"


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
    devices = [row["disk"][name] for row in client.ask("status") if "disk" in row
               for name in ("device", "slots")]
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
    way_to_the_disk_that_is_cut_fails_at_once,
    slots_are_one_for_both_nodes,
    preempted_node_writes_no_more,
    node_that_was_barred_for_a_moment_is_told_at_its_next_flush,
    writes_that_hang_are_refused_once_the_node_is_preempted,
    preempt_stops_a_node_in_the_midst_of_its_writes,
    registrations_outlast_power,
    reservations_are_said_as_sg3_utils_does,
    nothing_leaves_a_node_whose_power_is_cut,
    power_off_ends_every_process_and_detaches_the_disk,
    node_that_resets_itself_is_off,
    address_is_back_within_seconds_of_a_power_cut,
    split_pair_is_fenced_to_one_node,
    fence_agent_keeps_to_its_interface,
    one_ring_is_enough,
    one_direction_can_be_cut,
    each_line_can_be_cut_in_one_direction,
    witness_is_cut_alone,
    all_lines_are_cut_together,
    serial_cable_carries_every_byte_both_ways,
    serial_cable_can_be_cut_in_one_direction,
    serial_cable_brings_garbage_when_told,
    serial_cable_waits_for_no_reader,
    watchdog_that_is_fed_or_let_go_does_not_bite,
    watchdog_bites_when_its_feeder_dies,
    watchdog_of_a_paused_node_stands_still,
    agent_and_witness_are_started_before_pacemaker,
    hosts_have_keys_and_certificates,
    paused_node_is_silent_and_goes_on,
    node_that_stays_paused_is_fenced,
    pair_boots_cold,
    down_leaves_nothing,
    down_leaves_nothing_after_a_crash_of_the_machine_room,
]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="test-lab-") as destdir:
        make_stand_ins(destdir)
        sys.exit(laws.main(LAWS, "--stack", "dummy", "--destdir", destdir))
