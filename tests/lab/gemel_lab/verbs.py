# SPDX-License-Identifier: BSD-2-Clause
"""verbs -- what the lab tool does; one function a verb."""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading

from . import certs, cgroup, client, cluster, load, plan, stack
from .plan import LabError

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(os.path.dirname(HERE))
PROGRAMS = ("corosync", "pacemakerd", "crm", "nsd", "unshare", "nsenter", "ip", "nft", "mkfs.ext4",
            "openssl")
DOWN_S = 20


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


# -- up --

def check_machine():
    if os.geteuid() != 0:
        raise LabError("run me as root: the lab makes namespaces and mounts")
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise LabError(f"missing: {', '.join(missing)}; run scripts/install-deps")
    cgroup.root()


def build_folder(options):
    """Where the built lab programs are."""
    tries = [options.build] if options.build else [TOP, os.path.join(TOP, "build")]
    for folder in tries:
        if os.access(os.path.join(folder, "tests/lab/disk"), os.X_OK):
            return os.path.abspath(folder)
    raise LabError(f"no tests/lab/disk in {' or '.join(tries)}; run make, "
                   "and name its folder with --build or GEMEL_BUILD")


def install(options, build, state):
    """The installed tree that the nodes see; made by make install unless one is given."""
    if options.destdir:
        return os.path.abspath(options.destdir)
    where = os.path.join(state, "destdir")
    if options.stack == "gemel":
        done = subprocess.run(["make", "-C", build, "install", f"DESTDIR={where}"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LabError(f"make install: {done.stderr.strip()[-1000:]}")
        if not os.path.exists(os.path.join(where, "usr/sbin/mailcored")):
            raise LabError(f"{build} does not install usr/sbin/mailcored: "
                           "configure it with --prefix=/usr --sysconfdir=/etc")
    return where


def make_settings(options, state):
    build = build_folder(options)
    extra = os.path.join(state, "extra")
    for program, folder in (("fence_lab", "sbin"), ("sg_persist", "bin")):
        where = os.path.join(extra, "usr", folder)
        os.makedirs(where)
        shutil.copy(os.path.join(build, "tests/lab", program), where)
    return {
        "name": plan.lab_name(), "state": state, "extra": extra, "stack": options.stack,
        "destdir": install(options, build, state),
        "disk_program": os.path.join(build, "tests/lab/disk"),
        "platter": os.path.join(options.disk_dir or os.path.join(state, "platters"), "hq.img"),
        "disk_mib": options.disk_mib, "disk_options": options.disk_option,
        "scramble": options.scramble, "auto_poweron": options.auto_poweron,
        "token": options.token, "consensus": options.consensus,
        "authkey": base64.b64encode(os.urandom(256)).decode(),
        "heartbeat_key": os.urandom(32).hex(), "tls": certs.make(),
    }


def start_room(settings):
    path = os.path.join(settings["state"], "settings.json")
    with open(path, "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        json.dump(settings, file)
    group = cgroup.of_lab(settings["name"]).child("room").make()
    with open(os.path.join(settings["state"], "room.log"), "ab") as log:
        room = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private",
             sys.executable, os.path.join(HERE, "lab"), "_room", path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True,
            start_new_session=True, preexec_fn=group.enter)
    answer = room.stdout.readline().strip()
    if answer != "ready":
        raise LabError(f"the machine room: {answer or 'died; see room.log'}")


def in_parallel(function, names):
    """Call it for every name at once; the first error, when all have ended."""
    errors = []

    def call(name):
        try:
            function(name)
        except LabError as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def verb_up(options):
    if options.regions > 1:
        raise LabError("--regions above 1: not yet")
    check_machine()
    state = plan.state_dir()
    if os.path.exists(state) or cgroup.of_lab(plan.lab_name()).exists():
        raise LabError(f"lab {plan.lab_name()} is up, or was left: say down first")
    try:
        os.makedirs(state, mode=0o755)
        start_room(make_settings(options, state))
        say("powering on " + " ".join(plan.HOSTS))
        in_parallel(lambda name: client.ask("poweron", host=name), plan.HOSTS)
        for region in plan.REGIONS:
            cluster.wait_settled(region, 60)
            say(f"region {region}: both nodes are members; setting up the {options.stack} stack")
            stack.set_up(region, options)
    except BaseException:
        if not options.keep_failed:
            take_down()
        raise
    print_table()


# -- down --

def take_down():
    """End and remove everything, also what a crash of the lab tool left behind."""
    group = cgroup.of_lab(plan.lab_name())
    if group.exists():
        group.kill_and_wait(DOWN_S)
        group.remove()
    shutil.rmtree(plan.state_dir(), ignore_errors=True)
    if os.path.exists(plan.state_dir()):
        raise LabError(f"{plan.state_dir()} cannot be removed")


def verb_down(_):
    take_down()


# -- hosts --

def verb_run(options):
    argv = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not argv:
        raise LabError("run what? lab run HOST -- CMD ...")
    client.become(options.host, argv)


def verb_poweroff(options):
    done = client.ask("poweroff", host=options.node)
    say(f"{options.node} is off, {(done['off_at'] - done['asked_at']) * 1000:.0f} ms after it was asked")


def verb_poweron(options):
    client.ask("poweron", host=options.node)
    region = plan.HOSTS[options.node].region
    if region and len(cluster.powered(region)) > 1:
        cluster.wait_settled(region, 60)


def verb_pause(options):
    client.ask("pause", host=options.node)


def verb_resume(options):
    client.ask("resume", host=options.node)


def verb_disk(options):
    client.ask("disk", host=options.node, mode=options.mode)


def direction(options):
    return "in" if options.only_in else "out" if options.only_out else None


def line_verb(verb, options):
    if options.line == "wan":
        raise LabError("wan: not yet: one region has no link to another")
    client.ask(verb, host=options.node, line=options.line, direction=direction(options))


def verb_cut(options):
    line_verb("cut", options)


def verb_heal(options):
    line_verb("heal", options)


def verb_serial(options):
    client.ask("garbage", host=options.node, count=options.bytes)


def verb_wan(_):
    raise LabError("wan: not yet: there is one region")


# -- mail --

def verb_account(options):
    argv = ["gemel", "account", "add", options.address]
    node = cluster.active(options.region)
    if not options.password:
        client.run(node, argv + ["--no-password"])
        return
    client.run(node, argv + ["--password-file", "-"], input=options.password + "\n")
    with open(os.path.join(plan.state_dir(), "switch", "dovecot-users"), "a", encoding="utf-8") as file:
        file.write(f"{options.address}:{{PLAIN}}{options.password}::::::"
                   f"userdb_mail=maildir:{load.mailbox(options.region, options.address)}\n")


def verb_mailbox(options):
    print(load.mailbox("hq", options.address))


# -- to look at --

def verb_vip(options):
    plan.region_nodes(options.region)
    print(plan.floating(options.region)[0])


def verb_active(options):
    print(cluster.active(options.region))


def verb_events(_):
    for event in client.ask("events"):
        print(json.dumps(event))


def whole_status():
    hosts = client.ask("status")
    regions = {}
    for region in plan.REGIONS:
        nodes = cluster.powered(region)
        regions[region] = {"vip": plan.floating(region)[0], "vip6": plan.floating(region)[1],
                           "holders": cluster.holders(region),
                           "cluster": next(filter(None, map(cluster.state, nodes)), None)}
    return {"lab": plan.lab_name(), "hosts": hosts, "regions": regions}


def print_table():
    seen = whole_status()
    print(f"{'host':9} {'power':7} {'address':14} {'role'}")
    for row in seen["hosts"]:
        role = row["kind"]
        for region in seen["regions"].values():
            if row["host"] in region["holders"]:
                role = f"active, holds {region['vip']} and answers there"
            elif row["kind"] == "node" and plan.HOSTS[row["host"]].region in seen["regions"]:
                members = (region["cluster"] or {}).get("nodes", {})
                role = "standby" if members.get(row["host"], {}).get("online") else "not a member"
        cut = f", cut: {' '.join(row['cut'])}" if row.get("cut") else ""
        print(f"{row['host']:9} {row['power']:7} {row['addresses'][0].split('/')[0]:14} {role}{cut}")


def verb_status(options):
    if options.json:
        print(json.dumps(whole_status(), indent=1))
        return
    print_table()
    for region in plan.REGIONS:
        for node in cluster.powered(region)[:1]:
            print(client.run(node, ["crm_mon", "-1", "-r"], check=False).stdout)
