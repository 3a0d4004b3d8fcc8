#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""test-mail -- real clients, real readers and a disk that misbehaves, on a running pair, as TAP.

Needs root; GEMEL_BUILD names the build folder. Mail goes to the floating address
by swaks, Python's smtplib and Postfix, and is read by dovecot. Then the disk is
filled, fails, and is damaged behind the pair's back.
"""

import contextlib
import json
import os
import shutil
import sys
import tempfile
import uuid
from email import message_from_bytes

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
os.environ["LAB"] = f"mail-{os.getpid()}"

from gemel_lab import client, cluster, faults, laws, load, plan, sender, wait  # noqa: E402
from gemel_lab.laws import fences, lab, on, peer, power  # noqa: E402
from gemel_lab.rounds import Series  # noqa: E402

VIP = plan.floating("hq")[0]
SENDER = "sender@outside.example"
ANN, PASSWORD = f"ann@{plan.DOMAIN}", "lab"
LATE = f"late@{plan.DOMAIN}"
STORE = plan.MOUNT_POINT
LOG = "/var/log/gemel/mailcored.log"
ADDED = ["Return-Path", "Delivered-To", "Received"]

sent = []  # to ANN so far, as it was sent
folder = tempfile.mkdtemp(prefix="gemel-mail-")


def prepare():
    faults.wait_whole("hq")
    lab("account", "hq", ANN, PASSWORD)
    lab("account", "hq", LATE)
    load.make_accounts("hq", os.path.join(folder, "accounts"))


# -- sending and looking --

def message(*lines):
    """A message with lines of text that is like no other."""
    head = [f"From: <{SENDER}>", f"To: <{ANN}>", "Subject: a test", "Date: Mon, 2 Mar 2026 10:00:00 +0000",
            f"Message-Id: <{uuid.uuid4()}@outside.example>", ""]
    return "".join(line + "\r\n" for line in [*head, *lines]).encode()


def python_on(host, script, *words, **more):
    return client.run(host, ["python3", "-c", script, *words], **more).stdout


# Standard input: from, to, options of MAIL, content. Prints the answer, by the first error or at the end.
SMTP = """
import json, smtplib, sys
job = json.load(sys.stdin)
data = job["data"].encode("latin-1")
with smtplib.SMTP(sys.argv[1], timeout=20, local_hostname="client") as smtp:
    try:
        smtp.sendmail(job["from"], job["to"], data, job["options"])
        print("250")
    except smtplib.SMTPRecipientsRefused as error:
        print(*(f"{code} {text.decode()}" for code, text in error.recipients.values()))
    except smtplib.SMTPResponseException as error:
        print(error.smtp_code, error.smtp_error.decode())
"""


def submit(data, to=ANN, options=(), reverse_path=SENDER):
    """Send it with smtplib; what the server said in the end."""
    job = {"from": reverse_path, "to": [to], "options": list(options), "data": data.decode("latin-1")}
    return python_on("client", SMTP, VIP, input=json.dumps(job)).strip()


# The files of a Maildir.
READ = """
import glob, json, sys
print(json.dumps([open(path, "rb").read().decode("latin-1")
                  for part in ("new", "cur") for path in glob.glob(f"{sys.argv[1]}/{part}/*")]))
"""


def stored(address):
    """The messages in its Maildir, with CRLF."""
    node = cluster.active("hq")
    texts = json.loads(python_on(node, READ, load.mailbox("hq", address)))
    return [text.encode("latin-1").replace(b"\n", b"\r\n") for text in texts]


def arrived(data, address=ANN):
    """The stored message that ends with this; waits until it is there."""
    found = wait.until(lambda: [one for one in stored(address) if one.endswith(data)], 10,
                       f"the message is not in the mailbox of {address}, or not as it was sent")
    assert len(found) == 1, f"it is there {len(found)} times"
    return found[0]


def assert_delivered(data, reverse_path=SENDER, by_sender=()):
    """It is there once, byte for byte, below the headers that a mail server has to add."""
    one = arrived(data)
    above = message_from_bytes(one[:len(one) - len(data)])
    assert above.keys() == [*ADDED, *by_sender], above.keys()
    assert one.startswith(f"Return-Path: <{reverse_path}>\r\n".encode()), one[:80]
    received = " ".join(above["Received"].split())
    assert f"([{plan.address('client')}])" in received, received
    assert f"by mx-hq.{plan.DOMAIN} " in received and f"for <{ANN}>" in received, received
    sent.append(data)


# -- real clients --

def swaks_delivers():
    data = message("a line", ".", ".. and dots", "")
    done = client.run("client", ["swaks", "--server", VIP, "--from", SENDER, "--to", ANN,
                                 "--helo", "client", "--data", "-"],
                      input=data.decode().replace("\r\n", "\n"))
    assert "250 2.0.0" in done.stdout, done.stdout
    assert_delivered(data + b"\r\n")  # the empty line is swaks' own


def smtplib_delivers_dots_and_long_lines():
    data = message(".", "..", ". x", "x" * 998, "", ".")
    assert submit(data) == "250"
    assert_delivered(data)


def smtplib_delivers_smtputf8():
    data = message("Grüße", "日本語").replace(b"a test", "Grüße".encode())
    assert submit(data, options=["SMTPUTF8", "BODY=8BITMIME"], reverse_path="jörg@außen.example") == "250"
    assert_delivered(data, reverse_path="jörg@außen.example")


def postfix_relays_many_on_one_connection():
    batch = [message(f"number {number}", ".dot") for number in range(5)]
    with sender.Postfix("client", VIP, os.path.join(folder, "postfix")) as postfix:
        for data in batch:
            postfix.submit(SENDER, ANN, data)
        wait.until(lambda: len(postfix.sent()) == len(batch), 30, "Postfix has not sent everything")
        uses = postfix.sent()
    assert uses == list(range(1, len(batch) + 1)), f"uses of a connection: {uses}"
    for data in batch:
        assert_delivered(data, by_sender=["Received"])


def nobody_and_another_domain_are_refused():
    data = message("x")
    for address, answer in ((f"nobody@{plan.DOMAIN}", "550 5.1.1 "),
                            ("ann@elsewhere.example", "550 5.7.1 ")):
        said = submit(data, to=address)
        assert said.startswith(answer), f"{address}: {said}"


# -- a real reader --

IMAP = """
import imaplib, json, re, sys
with imaplib.IMAP4(sys.argv[1], timeout=20) as imap:
    imap.login(sys.argv[2], sys.argv[3])
    imap.select(readonly=True)
    validity = imap.response("UIDVALIDITY")[1][0].decode()
    rows = [row for row in imap.uid("FETCH", "1:*", "(BODY.PEEK[])")[1] if isinstance(row, tuple)]
    print(json.dumps([validity, {re.search(rb"UID (\\d+)", row[0])[1].decode(): row[1].decode("latin-1")
                                 for row in rows}]))
"""


def inbox():
    """(UIDVALIDITY, {UID: message}) as dovecot tells it at the floating address."""
    validity, rows = json.loads(python_on("client", IMAP, VIP, ANN, PASSWORD))
    return validity, {uid: text.encode("latin-1") for uid, text in rows.items()}


def dovecot_reads_what_was_sent():
    if not sent:
        smtplib_delivers_dots_and_long_lines()
    _, mails = inbox()
    assert len(mails) == len(sent), f"{len(mails)} of {len(sent)} messages"
    for data in sent:
        assert sum(one.endswith(data) for one in mails.values()) == 1, data
    assert sorted(mails.values()) == sorted(stored(ANN))


def uids_outlast_a_takeover():
    if not sent:
        smtplib_delivers_dots_and_long_lines()
    before, fault, pair = inbox(), faults.FAULTS["move-crm"], faults.Pair("hq")
    faults.wait_effect(fault, fault.do(pair))
    after = wait.until(lambda: attempt(inbox), 20, "dovecot does not answer")
    faults.heal(fault, pair)
    assert after == before, (f"UIDVALIDITY {before[0]}, then {after[0]}; "
                             f"UIDs {list(before[1])}, {list(after[1])}")


def attempt(function):
    """What it returns, or None while the pair cannot say."""
    try:
        return function()
    except plan.LabError:
        return None


# -- under load --

def empty_mailboxes():
    """What the judge does not know would be unexpected."""
    node = cluster.active("hq")
    for address in (ANN, LATE):
        on(node, f"rm -f {load.mailbox('hq', address)}/{{new,cur}}/*")
    sent.clear()


class Flow:
    """Load from its start to the judge's word, with logs of its own."""

    def __init__(self, name):
        self.folder = os.path.join(folder, name)
        os.mkdir(self.folder)
        self.load = load.Load("hq", load.flow_program(), self.folder, 200, 50)
        self.name = name

    def __enter__(self):
        empty_mailboxes()
        self.load.start(self.name)
        return self

    def __exit__(self, error, *_):
        if error:
            self.load.abandon()
            return
        self.load.stop()
        verdict, told = self.load.judge(os.path.join(folder, "accounts"), 100)
        say_figures(verdict)
        assert verdict["clean"], told

    def refusals(self):
        """What the server said no with, in order."""
        lines = []
        for log in self.load.logs:
            with open(log, encoding="utf-8", errors="replace") as file:
                rows = [line.rstrip("\n").split("\t") for line in file if line.startswith("refused\t")]
            lines += [(int(row[1]), f"{row[5]} {row[6]}") for row in rows]
        return [text for _, text in sorted(lines)]

    def wait_refusals(self, why):
        """Some more of the right kind, and none of another."""
        before = len(self.refusals())
        wait.until(lambda: len(self.refusals()) >= before + 20, 20, f"nothing is refused {why}")
        wrong = {text for text in self.refusals() if not text.startswith("452 4.3.1 ")}
        assert not wrong, wrong

    def wait_acked(self, why):
        self.load.wait_acked(100, 30, why)


def say_figures(figures):
    print("# " + ", ".join(f"{key} {figures[key]}" for key in
                           ("acked", "unknown", "lost", "duplicated", "unexpected", "changed")))


def status(node):
    return json.loads(client.run(node, ["gemel", "status", "--json"]).stdout)


def workers(node):
    return set(on(node, "pgrep -x gemel-smtp", check=False).stdout.split())


def killed_worker_costs_its_connections_only():
    node, fenced = cluster.active("hq"), len(fences())
    before = status(node)
    with Flow("workers") as mail:
        for _ in range(5):
            old = workers(node)
            on(node, "pkill -KILL -x gemel-smtp")
            wait.until(lambda: workers(node).isdisjoint(old) and len(workers(node)) == len(old), 10,
                       "the workers are not back")
            mail.load.wait_acked(20, 20, "after the workers were killed")
    after = status(node)
    assert after["worker_deaths"] - before["worker_deaths"] == 5 * before["workers"], after
    assert cluster.active("hq") == node and len(fences()) == fenced
    assert (after["pid"], after["generation"]) == (before["pid"], before["generation"])


# -- a full disk --

FILL = f"""
for size in 1M 4k; do
    ! dd if=/dev/zero of={STORE}/ballast.$size bs=$size conv=fsync 2>{STORE}/../dd.err || exit 1
done
grep -q "No space left" {STORE}/../dd.err
"""


def full_disk_is_said_and_forgotten():
    """452 4.3.1, and when there is space again mail is taken again, by the same process."""
    node = cluster.active("hq")
    before = status(node)
    with Flow("full") as mail:
        on(node, FILL)
        mail.wait_refusals("on a full disk")
        on(node, f"rm {STORE}/ballast.*")
        mail.wait_acked("after there was space again")
    after = status(node)
    assert (after["pid"], after["generation"]) == (before["pid"], before["generation"])


def full_disk_does_not_stop_a_takeover():
    pair, move = faults.Pair("hq"), faults.FAULTS["move-crm"]
    with Flow("full-move") as mail:
        on(pair.active, FILL)
        mail.wait_refusals("on a full disk")
        faults.wait_effect(move, move.do(pair))
        mail.wait_refusals("by the other node")
        on(pair.standby, f"rm {STORE}/ballast.*")
        mail.wait_acked("after there was space again")
    faults.heal(move, pair)


# -- a disk that fails --

def journal_that_cannot_be_synced_moves():
    old = cluster.active("hq")
    empty_mailboxes()
    series = Series(faults.FAULTS["fail-disk"], folder, probe_rate=50)
    series.prepare()
    figures, wrong = series.round("fail-disk")
    print("# " + ", ".join(f"{key} {value}" for key, value in figures.items()))
    assert not wrong, "\n".join(wrong)
    assert cluster.active("hq") == peer(old)
    assert "acknowledges nothing more" in on(old, f"cat {LOG}").stdout, "the core went on"


# -- a damaged journal --

# Words: what to do, a text. Looks for the text in the journal.
DAMAGE = """
import glob, os, sys
what, text = sys.argv[1], sys.argv[2].encode()
found = [(path, open(path, "rb").read().find(text)) for path in glob.glob("%s/journal/segment-*")]
(path, place), = [row for row in found if row[1] >= 0]
with open(path, "r+b") as file:
    if what == "flip":
        file.seek(place)
        file.write(bytes([text[0] ^ 1]))
    elif what == "cut":
        file.truncate(place)
    elif what == "cut-behind":
        file.truncate((place + len(text) + 8191) // 4096 * 4096)
print(os.path.basename(path), place)
""" % STORE


class Crash:
    """Mail that is accepted and cannot be delivered; then no node has power but one, on standby, on
    which the disk can be looked at."""

    def __init__(self):
        self.active = cluster.active("hq")
        self.standby = peer(self.active)
        self.mailbox = load.mailbox("hq", LATE)
        self.messages = []

    def accept(self, count):
        """Each in a batch of its own."""
        on(self.active, f"mv {self.mailbox} {self.mailbox}.aside && touch {self.mailbox}")
        for number in range(count):
            data = message(f"number {number}", f"token {uuid.uuid4()}")
            assert submit(data, to=LATE) == "250"
            self.messages.append(data)

    def crash(self):
        on(self.active, "sync -f " + STORE)
        on(self.standby, f"crm --wait node standby {self.standby}")
        client.ask("poweroff", host=self.active)
        wait.until(lambda: faults.is_known_dead(self), 20, "the dead node is not known to be dead")

    def damage(self, what, number):
        """Done to the journal where that message is."""
        token = self.messages[number].split(b"token ")[1][:36].decode()
        on(self.standby, f"mount {plan.SHARED_DEVICE} {STORE}")
        try:
            done = python_on(self.standby, DAMAGE, what, token)
            on(self.standby, f"rm {self.mailbox} && mv {self.mailbox}.aside {self.mailbox}")
        finally:
            on(self.standby, f"umount {STORE} && blockdev --flushbufs {plan.SHARED_DEVICE}")
        return done.split()

    def boot(self):
        on(self.standby, f"crm node online {self.standby}")
        wait.until(lambda: cluster.holders("hq") == [self.standby], 30, "it does not serve")
        wait.until(lambda: cluster.banner("hq").startswith("220"), 10, "nothing greets")

    def found(self):
        """Which of the messages are in the mailbox, in the end."""
        wait.until(lambda: status(self.standby)["queued"] == 0, 20, "mail is left in the queue")
        mails = stored(LATE)
        return [number for number, data in enumerate(self.messages)
                if sum(one.endswith(data) for one in mails) == 1]

    def whole(self):
        on(self.standby, f"crm node online {self.standby}")
        if power(self.active) == "off":
            client.ask("poweron", host=self.active)
        faults.wait_whole("hq")


@contextlib.contextmanager
def crashed(what, number):
    """Three messages are accepted, and the journal is damaged where that one is. (crash, the
    segment, where in it)"""
    crash = Crash()
    crash.accept(3)
    crash.crash()
    try:
        segment, place = crash.damage(what, number)
        crash.boot()
        yield crash, segment, int(place)
    finally:
        crash.whole()


def told_of_damage(crash):
    """What the core says of damage, in its status and in its log."""
    seen = status(crash.standby)
    log = on(crash.standby, f"tail -n 40 {LOG}").stdout
    assert seen["degraded"] and seen["reason"] in log, (seen, log)
    return seen["reason"]


def damaged_record_is_put_aside_and_told():
    with crashed("flip", 1) as (crash, segment, place):
        assert crash.found() == [0, 2], crash.found()
        aside = on(crash.standby, f"ls {STORE}/quarantine").stdout.split()
        name, offset, length = aside[0].rsplit("-", 2)
        assert len(aside) == 1 and name == segment, (aside, segment)
        assert int(offset) <= place < int(offset) + int(length), (aside, place)
        assert aside[0] in told_of_damage(crash)
        wait.until(lambda: "degraded" in on(crash.standby, "crm_mon -1 -r").stdout, 20,
                   "Pacemaker does not show it")


def journal_cut_behind_its_end_is_whole():
    with crashed("cut-behind", 2) as (crash, _, _):
        assert crash.found() == [0, 1, 2], crash.found()
        seen = status(crash.standby)
        assert not seen["degraded"], seen["reason"]


def journal_cut_in_a_batch_ends_there():
    with crashed("cut", 2) as (crash, _, _):
        assert crash.found() == [0, 1], crash.found()


LAWS = [
    swaks_delivers,
    smtplib_delivers_dots_and_long_lines,
    smtplib_delivers_smtputf8,
    postfix_relays_many_on_one_connection,
    nobody_and_another_domain_are_refused,
    dovecot_reads_what_was_sent,
    uids_outlast_a_takeover,
    killed_worker_costs_its_connections_only,
    full_disk_is_said_and_forgotten,
    full_disk_does_not_stop_a_takeover,
    journal_that_cannot_be_synced_moves,
    journal_cut_behind_its_end_is_whole,
    journal_cut_in_a_batch_ends_there,
    damaged_record_is_put_aside_and_told,
]


if __name__ == "__main__":
    try:
        sys.exit(laws.main(LAWS, "--dovecot", "--disk-mib", "1024", prepare=prepare))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
