# SPDX-License-Identifier: BSD-2-Clause
"""cli -- the verbs' arguments, and how errors are said."""

import argparse
import os
import signal
import subprocess
import sys

from . import disk, plan, room, verbs
from .plan import LabError


def up_arguments(parser):
    add = parser.add_argument
    add("--regions", type=int, default=1)
    add("--token", type=int, default=500, metavar="MS", help="Corosync's token (500)")
    add("--consensus", type=int, default=100, metavar="MS", help="Corosync's consensus (100)")
    add("--no-fencing", action="store_true", help="without the power switch")
    add("--auto-poweron", action="store_true", help="a node fenced by reboot comes up again")
    add("--stack", choices=("gemel", "stock", "dummy"), default="gemel",
        help="what runs on the pair: ours, the stock agents, or dummies")
    add("--tool", choices=("crm", "pcs"), default="crm", help="what makes the resources")
    add("--dovecot", action="store_true", help="with IMAP")
    add("--build", default=os.environ.get("GEMEL_BUILD"), metavar="DIR",
        help="the build folder ($GEMEL_BUILD)")
    add("--destdir", default=os.environ.get("GEMEL_DESTDIR"), metavar="DIR",
        help="an installed tree ($GEMEL_DESTDIR); default: make install into the lab's folder")
    add("--disk-mib", type=int, default=2048, metavar="MIB", help="size of the shared disk (2048)")
    add("--disk-dir", metavar="DIR", help="where its platter is (memory)")
    add("--scramble", type=int, default=0, metavar="PERMILLE",
        help="so many of a thousand unflushed blocks survive a power cut (0)")
    add("--disk-option", action="append", default=[], metavar="OPT", help="an option of tests/lab/disk")
    add("--keep-failed", action="store_true", help="leave it as it is when it does not come up")


def node_argument(parser):
    parser.add_argument("node", choices=plan.NODES)


def region_argument(parser):
    parser.add_argument("region", choices=list(plan.REGIONS))


def run_arguments(parser):
    parser.add_argument("host", choices=list(plan.HOSTS))
    parser.add_argument("command", nargs=argparse.REMAINDER)


def host_arguments(parser):
    parser.add_argument("node", choices=list(plan.HOSTS))


def disk_arguments(parser):
    node_argument(parser)
    parser.add_argument("mode", choices=disk.MODES)


def line_arguments(parser):
    node_argument(parser)
    parser.add_argument("line", choices=("lan", "ring0", "ring1", "udp", "serial", "disk", "wan",
                                         "witness", "all"))
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--in", dest="only_in", action="store_true", help="only what comes to the node")
    way.add_argument("--out", dest="only_out", action="store_true", help="only what leaves it")


def serial_arguments(parser):
    node_argument(parser)
    parser.add_argument("what", choices=("garbage",), help="random bytes come to the node")
    parser.add_argument("--bytes", type=int, choices=range(1, 4097), metavar="N", default=64,
                        help="how many, up to 4096 (64)")


def wan_arguments(parser):
    parser.add_argument("regions", nargs=argparse.REMAINDER)


def account_arguments(parser):
    region_argument(parser)
    parser.add_argument("address")
    parser.add_argument("password", nargs="?")


def mailbox_arguments(parser):
    parser.add_argument("address")


def status_arguments(parser):
    parser.add_argument("--json", action="store_true")


def no_arguments(_):
    pass


VERBS = [
    ("up", verbs.verb_up, up_arguments, "build the lab; returns once the floating address answers"),
    ("down", verbs.verb_down, no_arguments, "end and remove everything"),
    ("status", verbs.verb_status, status_arguments, "hosts, members, resources"),
    ("run", verbs.verb_run, run_arguments, "run a command on a host"),
    ("vip", verbs.verb_vip, region_argument, "print the floating address"),
    ("active", verbs.verb_active, region_argument, "print the node that holds it"),
    ("poweroff", verbs.verb_poweroff, host_arguments, "cut its power: cables, processes, disk cache"),
    ("poweron", verbs.verb_poweron, host_arguments, "boot it again"),
    ("pause", verbs.verb_pause, node_argument, "freeze every process, block its cables"),
    ("resume", verbs.verb_resume, node_argument, "let it run again"),
    ("disk", verbs.verb_disk, disk_arguments, "how its way to the shared disk behaves"),
    ("cut", verbs.verb_cut, line_arguments, "cut a line"),
    ("heal", verbs.verb_heal, line_arguments, "heal a line"),
    ("serial", verbs.verb_serial, serial_arguments, "what happens on its serial cable"),
    ("wan", verbs.verb_wan, wan_arguments, "shape the link between two regions"),
    ("account", verbs.verb_account, account_arguments, "make an account"),
    ("mailbox", verbs.verb_mailbox, mailbox_arguments, "print the path of a Maildir"),
    ("events", verbs.verb_events, no_arguments, "what was powered and fenced, with times, as JSON"),
]


def parser_make():
    parser = argparse.ArgumentParser(prog="lab", description="The lab; see doc/lab.md. LAB=name: another one.")
    verbs_of = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, function, arguments, text in VERBS:
        one = verbs_of.add_parser(name, help=text, description=text)
        arguments(one)
        one.set_defaults(function=function)
    return parser


def main(argv):
    if argv[:1] == ["_room"]:
        return room.main(argv[1])
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # lab status | head
    options = parser_make().parse_args(argv)
    try:
        options.function(options)
        return 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except subprocess.SubprocessError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
