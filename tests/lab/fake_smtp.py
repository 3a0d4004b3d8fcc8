# SPDX-License-Identifier: BSD-2-Clause
"""fake_smtp -- a mail server that misbehaves on request.

It takes mail by SMTP into a tree of Maildirs and can be told to commit each
fault that the judge must see. It is the judge's own test, nothing more: no
durability, no strictness.
"""

import itertools
import os
import socketserver
import threading
import time

RECEIVED = b"Return-Path: <x@y>\nReceived: from there\n\tby here\nDelivered-To: somebody\n"


class Fault:
    """Which fault to commit, and on which messages (every n-th)."""

    def __init__(self, name=None, every=7):
        self.name = name
        self.every = every
        self.committed = 0
        self._count = itertools.count(1)
        self._lock = threading.Lock()

    def strikes(self, name):
        """True if this message is to suffer the fault called name."""
        if name != self.name:
            return False
        with self._lock:
            if next(self._count) % self.every:
                return False
            self.committed += 1
            return True


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        try:
            self.dialogue()
        except (ConnectionError, ValueError):
            pass

    def dialogue(self):
        recipients = []
        self.say("220 fake.test ESMTP")
        while True:
            line = self.rfile.readline()
            verb = line[:4].upper()
            if not line:
                return
            if verb == b"EHLO":
                self.say("250-fake.test\r\n250-PIPELINING\r\n250 8BITMIME")
            elif verb == b"MAIL":
                recipients = []
                self.say("250 2.1.0 sender")
            elif verb == b"RCPT":
                address = line[line.index(b"<") + 1 : line.index(b">")].decode()
                if address.startswith("nobody"):
                    self.say("550 5.1.1 nobody of that name")
                else:
                    recipients.append(address)
                    self.say("250 2.1.5 recipient")
            elif verb == b"DATA":
                if not recipients:
                    self.say("554 5.5.1 no recipients")
                    continue
                self.say("354 go on")
                if not self.take(recipients):
                    return
            elif verb == b"RSET":
                self.say("250 2.0.0 reset")
            elif verb == b"QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("500 5.5.2 what?")

    def content(self):
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise ConnectionError
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)

    def take(self, recipients):
        """Read one message and answer it; False ends the session."""
        server, fault = self.server, self.server.fault
        content = self.content()
        if fault.strikes("drop-before-store"):
            return False
        if fault.strikes("refuse"):
            self.say("451 4.3.0 not now")
            return True
        for address in recipients:
            server.deliver(address, content)
        if fault.strikes("drop-after-store"):
            return False
        if fault.strikes("refuse-but-deliver"):
            self.say("451 4.3.0 not now, says he")
            return True
        if fault.strikes("stall"):
            time.sleep(server.stall_s)
        self.say("250 2.0.0 queued")
        return True


class Server(socketserver.ThreadingTCPServer):
    """The server and its mailboxes, under root/ADDRESS/Maildir."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, root, fault, crlf=False, port=0):
        super().__init__(("127.0.0.1", port), Session)
        self.root = root
        self.fault = fault
        self.crlf = crlf
        self.stall_s = 0.6
        self._names = itertools.count(1)
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.server_address[1]

    def mailbox(self, address):
        path = os.path.join(self.root, address, "Maildir")
        for folder in ("new", "cur", "tmp"):
            os.makedirs(os.path.join(path, folder), exist_ok=True)
        return path

    def write(self, address, folder, data):
        name = "%d.fake" % next(self._names)
        suffix = ":2,S" if folder == "cur" else ""
        path = os.path.join(self.mailbox(address), folder, name + suffix)
        with open(path, "wb") as file:
            file.write(data)

    def deliver(self, address, content):
        strikes = self.fault.strikes
        data = RECEIVED.replace(b"\n", b"\r\n") + content
        if not self.crlf:
            data = data.replace(b"\r\n", b"\n")
        if strikes("lose"):
            return
        if strikes("empty"):
            data = b""
        if strikes("truncate"):
            data = data[:-20]
        if strikes("flip"):
            data = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
        if strikes("strip-dot"):
            data = data + b".\n"
        if strikes("mix-line-ends"):
            data = data.replace(b"\n", b"\r\n" if not self.crlf else b"\n", 1)
            data = data[:-2] + (b"\r\n" if not self.crlf else b"\n")
        if strikes("misplace"):
            address = "elsewhere@fake.test"
        self.write(address, "new", data)
        if strikes("double"):
            self.write(address, "cur", data)
        if strikes("invent"):
            self.write(address, "new", b"X-Flow-Id: nobody-sent-this\n\nbody\n")
