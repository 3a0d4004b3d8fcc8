# SPDX-License-Identifier: BSD-2-Clause
"""sender -- a real Postfix on a host, which relays what it gets to an address."""

import os
import pwd
import re

from . import client

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = loopback-only
inet_protocols = all
myhostname = relay.outside.example
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
relayhost = [{target}]
smtp_host_lookup = native
smtp_tls_security_level = none
# One message after the other, on a connection that is kept.
smtp_destination_concurrency_limit = 1
smtp_connection_cache_destinations = {target}
smtp_connection_cache_time_limit = 60s
"""

MASTER = """\
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
relay     unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """An instance with a folder of its own; it runs as long as a `with` lasts."""

    def __init__(self, host, target, folder):
        self.host = host
        self.target = target
        self.folder = folder
        self.etc = os.path.join(folder, "etc")

    def __enter__(self):
        os.makedirs(self.folder)
        for name in ("etc", "spool", "data", "log"):
            os.mkdir(os.path.join(self.folder, name))
        # Its processes are no root, and must get there.
        os.chmod(os.path.dirname(self.folder), 0o755)
        os.chown(os.path.join(self.folder, "data"), pwd.getpwnam("postfix").pw_uid, -1)
        for name, text in (("main.cf", MAIN), ("master.cf", MASTER)):
            with open(os.path.join(self.etc, name), "w", encoding="utf-8") as file:
                file.write(text.format(folder=self.folder, target=self.target))
        client.run(self.host, ["postfix", "-c", self.etc, "start"])
        return self

    def __exit__(self, *_):
        client.run(self.host, ["postfix", "-c", self.etc, "stop"], check=False)

    def submit(self, reverse_path, to, data):
        """Put a message into its queue, as a local program does."""
        client.run(self.host, ["sendmail", "-C", self.etc, "-i", "-f", reverse_path, to],
                   input=data.decode().replace("\r\n", "\n"))

    def sent(self):
        """For each message that the target has taken, the how-manieth its connection carried."""
        with open(os.path.join(self.folder, "log", "mail.log"), encoding="utf-8") as file:
            lines = [line for line in file if "status=sent" in line]
        return [int((re.search(r"conn_use=(\d+)", line) or [0, 1])[1]) for line in lines]
