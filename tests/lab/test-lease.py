#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test-lease -- a real core and its lease, without a cluster, as TAP.

Needs root; GEMEL_BUILD names the build folder. The core runs in namespaces of its own, is promoted by
hand and gets its lease from tests/lab/lease in place of gemel-agentd. Each law begins with a core that
was just promoted and has no lease.
"""

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "bench")]
import servers  # noqa: E402
from gemel_lab import files, laws  # noqa: E402

BUILD = os.path.abspath(os.environ.get("GEMEL_BUILD", "."))
PATIENCE_S = 10
# An answer that must not come is waited for as long as this.
SILENCE_S = 1
LONG_MS = 10000
ENDED = 7  # common/progress.h

laws.FAULTS += (servers.ServerError,)


class Everyone:
    """In place of a cgroup: the namespace of processes ends all."""

    def enter(self):
        pass


class Core(servers.Mailcored):
    """A core that needs a lease, promoted, with one account."""

    standalone = "false"

    def __init__(self, folder):
        super().__init__(folder, Everyone())
        self.lease = os.path.join(folder, "run", "lease")
        self.launch()
        self.run(["gemel", "core", "promote"])
        servers.until(self.greets, PATIENCE_S, "mailcored does not greet")
        self.grant()
        self.add_account()
        self.revoke()

    @property
    def pid(self):
        with open(os.path.join(self.folder, "run", "mailcored.pid"), encoding="ascii") as file:
            return int(file.read())

    def progress_role(self):
        with open(os.path.join(self.folder, "run", "progress"), "rb") as file:
            return struct.unpack_from("=I", file.read(), 8)[0]

    def status(self):
        return json.loads(self.run(["gemel", "status", "--json"]))

    def tell(self, *words):
        self.run([os.path.join(BUILD, "tests/lab/lease"), self.lease, *map(str, words)])

    def grant(self, milliseconds=LONG_MS, generation=None):
        self.tell("grant", generation or self.status()["generation"], milliseconds)

    def revoke(self):
        self.tell("revoke")

    def lives(self):
        return os.path.exists(f"/proc/{self.pid}/exe")

    def stop(self):
        os.kill(self.pid, signal.SIGKILL)
        servers.until(lambda: not self.lives(), PATIENCE_S, "mailcored does not die")

    def waits_for_delivery(self, count):
        servers.until(lambda: self.delivered() == count, PATIENCE_S,
                      f"{self.delivered()} of {count} messages are delivered")


class Client:
    """One SMTP session."""

    def __init__(self, core):
        self.socket = socket.create_connection(("127.0.0.1", core.port), timeout=PATIENCE_S)
        self.file = self.socket.makefile("rb")
        self.expect("220")
        self.say("HELO client.example", "250")
        self.say("MAIL FROM:<a@example.net>", "250")
        self.say(f"RCPT TO:<{servers.ADDRESS}>", "250")
        self.say("DATA", "354")

    def expect(self, code):
        line = self.file.readline().decode()
        assert line.startswith(code + " "), f"{line!r} instead of {code}"

    def say(self, line, code):
        self.socket.sendall(line.encode() + b"\r\n")
        self.expect(code)

    def send(self):
        """The message, and no look at the answer."""
        self.socket.sendall(b"Subject: x\r\n\r\ntext\r\n.\r\n")
        return self

    def hears(self, seconds):
        """What comes within this time; None: nothing, b"": the end."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(512)
        except TimeoutError:
            return None
        except ConnectionResetError:
            return b""

    def hears_nothing(self):
        heard = self.hears(SILENCE_S)
        assert heard is None, f"it heard {heard!r}"

    def hears_250(self):
        heard = self.hears(PATIENCE_S)
        assert heard and heard.startswith(b"250 2.0.0 "), f"it heard {heard!r}"


core = None  # of the law that is being shown


def held(count):
    servers.until(lambda: core.status()["held"] == count, PATIENCE_S,
                  f"{core.status()['held']} replies are held instead of {count}")


def without_a_lease_mail_is_taken_and_the_reply_held():
    client = Client(core).send()
    client.hears_nothing()
    assert core.status()["lease"] == "none" and core.status()["held"] == 1
    # It is taken, and so it is delivered.
    core.waits_for_delivery(1)
    assert core.status()["accepted"] == 0
    core.grant()
    client.hears_250()
    assert core.status()["lease"] == "holds" and core.status()["held"] == 0
    assert core.delivered() == 1


def a_lapsed_lease_holds_every_reply_until_it_is_renewed():
    core.grant(300)
    Client(core).send().hears_250()
    time.sleep(0.4)
    clients = [Client(core).send() for _ in range(20)]
    held(20)
    clients[0].hears_nothing()
    assert core.status()["lease"] == "lapsed"
    core.grant()
    for client in clients:
        client.hears_250()
    core.waits_for_delivery(21)


def a_core_that_was_stopped_longer_than_its_lease_gives_no_250():
    """As a node that was paused: its peer has taken over meanwhile."""
    core.grant(LONG_MS)
    client = Client(core)
    core.grant(500)
    os.kill(core.pid, signal.SIGSTOP)
    client.send()
    time.sleep(0.7)
    os.kill(core.pid, signal.SIGCONT)
    client.hears_nothing()
    assert core.status()["held"] == 1
    core.grant()
    client.hears_250()
    core.waits_for_delivery(1)


def a_lease_of_another_generation_gives_no_250():
    before = core.status()["generation"]
    core.run(["gemel", "core", "demote"])
    core.run(["gemel", "core", "promote"])
    core.grant(generation=before)
    client = Client(core).send()
    client.hears_nothing()
    assert core.status()["lease"] == "other"
    core.grant()
    client.hears_250()


def a_lease_that_is_not_roots_gives_no_250():
    core.grant()
    generation = core.status()["generation"]
    shutil.copy(core.lease, core.lease + ".forged")
    os.chown(core.lease + ".forged", *files.number_of("gemel"))
    os.rename(core.lease + ".forged", core.lease)
    core.stop()
    core.launch()
    core.run(["gemel", "core", "promote"])
    # For the generation that this core has now: forged by who owns the directory.
    assert core.status()["generation"] == generation + 1
    with open(core.lease, "r+b") as file:
        file.seek(24)
        file.write(struct.pack("=Q", generation + 1))
    client = Client(core).send()
    client.hears_nothing()
    assert core.status()["lease"] == "none"
    core.grant()
    client.hears_250()


def a_demote_cuts_who_waits_and_the_message_is_there():
    client = Client(core).send()
    held(1)
    core.run(["gemel", "core", "demote"])
    heard = client.hears(PATIENCE_S)
    assert heard == b"", f"it heard {heard!r}"
    core.run(["gemel", "core", "promote"])
    core.waits_for_delivery(1)


def a_lease_that_comes_back_during_a_demote_gives_the_250():
    client = Client(core).send()
    held(1)
    generation = core.status()["generation"]
    demote = subprocess.Popen(["gemel", "core", "demote"])
    servers.until(lambda: core.status()["role"] == "demoting", PATIENCE_S, "no demote")
    core.grant(generation=generation)
    client.hears_250()
    assert demote.wait(PATIENCE_S) == 0


def a_change_of_accounts_is_done_when_the_lease_holds():
    with subprocess.Popen(["gemel", "account", "add", "late@example.com", "--no-password"]) as add:
        held(1)
        assert add.poll() is None
        core.grant()
        assert add.wait(PATIENCE_S) == 0


def an_orderly_end_can_be_told_from_a_death():
    os.kill(core.pid, signal.SIGTERM)
    servers.until(lambda: not core.lives(), PATIENCE_S, "mailcored does not end")
    assert core.progress_role() == ENDED
    core.launch()
    core.stop()
    assert core.progress_role() != ENDED


LAWS = [
    without_a_lease_mail_is_taken_and_the_reply_held,
    a_lapsed_lease_holds_every_reply_until_it_is_renewed,
    a_core_that_was_stopped_longer_than_its_lease_gives_no_250,
    a_lease_of_another_generation_gives_no_250,
    a_lease_that_is_not_roots_gives_no_250,
    a_demote_cuts_who_waits_and_the_message_is_there,
    a_lease_that_comes_back_during_a_demote_gives_the_250,
    a_change_of_accounts_is_done_when_the_lease_holds,
    an_orderly_end_can_be_told_from_a_death,
]


def show(number, law, folder):
    global core
    os.mkdir(folder)
    os.chmod(folder, 0o755)
    core = Core(folder)
    try:
        return laws.show(number, law)
    finally:
        if core.lives():
            core.stop()


def enter_namespaces():
    """Run again where everything ends with the first process."""
    if os.environ.get("TEST_INSIDE"):
        subprocess.run(["ip", "link", "set", "dev", "lo", "up"], check=True)
        return
    os.environ["TEST_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--ipc", "--pid", "--fork", "--mount-proc",
                          "--kill-child", sys.executable, *sys.argv])


def main():
    wanted = [law for law in LAWS if not sys.argv[1:] or law.__name__ in sys.argv[1:]]
    if os.geteuid() != 0:
        print("1..0 # SKIP needs root")
        return 0
    enter_namespaces()
    folder = tempfile.mkdtemp(prefix="gemel-lease-")
    os.chmod(folder, 0o755)
    print(f"1..{len(wanted)}", flush=True)
    try:
        Core.install(BUILD, os.path.join(folder, "installed"))
        shown = [show(number, law, os.path.join(folder, str(number)))
                 for number, law in enumerate(wanted, 1)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(shown) else 1


if __name__ == "__main__":
    sys.exit(main())
