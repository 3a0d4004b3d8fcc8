# SPDX-License-Identifier: BSD-2-Clause
"""servers -- the mail servers that a benchmark compares, each started on its own.

A server lives in a folder and a cgroup of its own, listens on loopback, syncs
what it acknowledges, and delivers for one address into one Maildir. Call
start(), then stop(); nothing is left but the folder.
"""

import json
import os
import pwd
import socket
import subprocess
import time

from gemel_lab import files

ADDRESS = "u@example.com"
START_S = 20
STOP_S = 20
SPARE_S = 120


class ServerError(Exception):
    """A server did not do what it must; one sentence."""


def until(condition, seconds, what):
    """Wait for a condition; ServerError when it does not come."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise ServerError(f"waited {seconds} s in vain: {what}")
        time.sleep(0.05)
    return value


class Server:
    """What both have in common: a cgroup, a port, a Maildir."""

    name = ""
    port = 0

    def __init__(self, folder, group):
        self.folder = folder
        self.group = group

    @property
    def maildir(self):
        raise NotImplementedError

    def run(self, command, **options):
        """Run a command in the server's cgroup; its output, or ServerError."""
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              preexec_fn=self.group.enter, **options)
        if done.returncode != 0:
            raise ServerError(f"{' '.join(command)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def greets(self):
        """True once it says 220."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as conn:
                return conn.recv(512).startswith(b"220")
        except OSError:
            return False

    def delivered(self):
        """How many messages are in the Maildir."""
        count = 0
        for folder in ("new", "cur"):
            try:
                with os.scandir(os.path.join(self.maildir, folder)) as entries:
                    count += sum(1 for _ in entries)
            except FileNotFoundError:
                pass
        return count

    def stop(self):
        """End every process of it."""
        self.group.kill_and_wait(STOP_S)

    def cpu_s(self):
        """Processor time of all its processes so far, those that ended included."""
        with open(os.path.join(self.group.path, "cpu.stat"), encoding="ascii") as file:
            return int(dict(line.split() for line in file)["usage_usec"]) / 1e6


MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log/maillog
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = bench.example.com
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = static:u/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
default_process_limit = 150
smtpd_client_connection_count_limit = 0
smtpd_peername_lookup = no
smtp_host_lookup = native
in_flow_delay = 0
"""

MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix(Server):
    """A private instance that delivers to a Maildir, with its syncs as they are by default."""

    name = "postfix"
    port = 2526

    def __init__(self, folder, group):
        super().__init__(folder, group)
        self.etc = os.path.join(folder, "etc")

    @property
    def maildir(self):
        return os.path.join(self.folder, "mail", "u")

    def start(self):
        user, mail = pwd.getpwnam("postfix"), pwd.getpwnam("nobody")
        for name in ("etc", "spool", "data", "mail", "log"):
            os.makedirs(os.path.join(self.folder, name))
        os.chown(os.path.join(self.folder, "data"), user.pw_uid, -1)
        os.chown(os.path.join(self.folder, "mail"), mail.pw_uid, mail.pw_gid)
        names = {"folder": self.folder, "port": self.port, "uid": mail.pw_uid, "gid": mail.pw_gid}
        for name, text in (("main.cf", MAIN_CF), ("master.cf", MASTER_CF)):
            with open(os.path.join(self.etc, name), "w", encoding="utf-8") as file:
                file.write(text.format(**names))
        self.run(["postfix", "-c", self.etc, "check"])
        self.run(["postfix", "-c", self.etc, "start"])
        until(self.greets, START_S, f"postfix does not greet; see {self.folder}/log/maillog")


class PostfixAgain(Postfix):
    """The control: what is measured when both are the same."""

    name = "postfix again"
    port = 2527


GEMEL_CONF = """\
domain = "example.com"
hostname = "bench.example.com"
run_directory = "{folder}/run"
log_file = "{folder}/log/mailcored.log"
standalone = {standalone}
store {{
	directory = "{folder}/store"
	require_mount = false
}}
smtp {{
	listen = {{"127.0.0.1:{port}"}}
}}
"""


class Mailcored(Server):
    """Ours, alone: no cluster, promoted by hand. Settings are the defaults."""

    name = "mailcored"
    port = 2525
    standalone = "true"

    @classmethod
    def install(cls, build, folder):
        """Install what was built into a folder and lay it over this namespace's /usr, with the
        users that it runs as, so that nothing is installed on the machine."""
        done = subprocess.run(["make", "-C", build, "install", f"DESTDIR={folder}"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerError(f"make install: {done.stderr.strip()[-500:]}")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"ro,lowerdir={folder}/usr:/usr", "/usr"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/dev/shm"], check=True)
        for name, text in (("passwd", files.passwd()), ("group", files.group())):
            path = os.path.join(folder, name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            subprocess.run(["mount", "--bind", path, f"/etc/{name}"], check=True)

    def __init__(self, folder, group):
        super().__init__(folder, group)
        self.conf = os.path.join(folder, "gemel.conf")
        self.mailbox = None

    @property
    def maildir(self):
        return self.mailbox

    def launch(self):
        """Start the process, again too; it waits to be promoted."""
        for name in ("run", "log", "store"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
            os.chown(os.path.join(self.folder, name), *files.number_of("gemel"))
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(GEMEL_CONF.format(folder=self.folder, port=self.port,
                                         standalone=self.standalone))
        with open(os.path.join(self.folder, "log", "stderr"), "wb") as log:
            subprocess.Popen(["mailcored", "--config", self.conf], stdin=subprocess.DEVNULL,
                             stdout=log, stderr=log, preexec_fn=self.group.enter)
        until(lambda: self.asks("status"), START_S, "mailcored does not answer")

    def add_account(self):
        self.run(["gemel", "account", "add", ADDRESS, "--no-password"])
        shown = json.loads(self.run(["gemel", "account", "show", ADDRESS, "--json"]))
        self.mailbox = shown["mailbox"]

    def start(self):
        self.launch()
        self.run(["gemel", "core", "promote"])
        self.settle()
        self.add_account()
        until(self.greets, START_S, "mailcored does not greet")

    def settle(self):
        """The segment that a new store begins with has blocks that were never written, and each sync
        of it costs a commit of the file system's as well. A server that has run for a while uses
        others, which were written before, and has one in store. Begin with that."""
        journal = os.path.join(self.folder, "store", "journal")

        def has_spare():
            return any(name.startswith("spare-") for name in os.listdir(journal))

        until(has_spare, SPARE_S, "mailcored makes no spare segment")
        self.run(["gemel", "core", "demote"])
        self.run(["gemel", "core", "promote"])
        until(has_spare, SPARE_S, "mailcored makes no second spare segment")

    def asks(self, *words):
        return subprocess.run(["gemel", *words], capture_output=True, check=False).returncode == 0
