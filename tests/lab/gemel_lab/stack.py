# SPDX-License-Identifier: BSD-2-Clause
"""stack -- what runs on a pair: ours, the stock agents, or dummies.

    gemel   scripts/pair-setup, as an operator would run it
    stock   IPaddr2, Filesystem and postfix: the peer that benchmarks measure
    dummy   a Stateful and an IPaddr2: the bare engine
"""

import os

from . import client, cluster, plan, wait
from .plan import LabError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PAIR_SETUP = os.path.join(TOP, "scripts", "pair-setup")
READY_S = 60

DUMMY = """
primitive gemel-core ocf:pacemaker:Stateful \\
	op monitor interval=5s role=Promoted timeout=20s op monitor interval=6s role=Unpromoted timeout=20s
clone gemel-core-clone gemel-core meta promotable=true promoted-max=1 interleave=true
primitive gemel-ip4 ocf:heartbeat:IPaddr2 params ip={ip4} cidr_netmask=24 nic=lan0 \\
	op monitor interval=10s timeout=20s
colocation gemel-ip4-with-core inf: gemel-ip4 gemel-core-clone:Promoted
order gemel-ip4-after-core Mandatory: gemel-core-clone:promote gemel-ip4:start
"""

STOCK = """
primitive stock-store ocf:heartbeat:Filesystem \\
	params device={device} directory={mount} fstype=ext4 options=noatime \\
	op monitor interval=20s timeout=40s op start timeout=60s interval=0 op stop timeout=60s interval=0
primitive gemel-ip4 ocf:heartbeat:IPaddr2 params ip={ip4} cidr_netmask=24 nic=lan0 \\
	op monitor interval=10s timeout=20s
primitive stock-mail ocf:heartbeat:postfix op monitor interval=60s timeout=20s \\
	op start timeout=20s interval=0 op stop timeout=20s interval=0
group stock stock-store gemel-ip4 stock-mail
"""


def pair_setup(region, options, arguments):
    node = cluster.powered(region)[0]
    client.run(node, [PAIR_SETUP, "--tool", options.tool] + arguments, timeout=180)


def engine(region, options):
    if options.no_fencing:
        fencing = ["--no-fencing"]
    else:
        fencing = ["--fence", "fence-lab=fence_lab,pcmk_host_check=static-list,pcmk_host_list="
                   + " ".join(plan.region_nodes(region))]
        # The others do without our agent.
        fencing += [] if options.stack == "gemel" else ["--no-agent"]
    pair_setup(region, options, ["--part", "engine"] + fencing)


def load(region, text):
    ip4, _ = plan.floating(region)
    client.run(cluster.powered(region)[0], ["crm", "configure", "load", "update", "-"], timeout=120,
               input=text.format(ip4=ip4, device=plan.SHARED_DEVICE, mount=plan.MOUNT_POINT))


def set_up_dummy(region, options):
    engine(region, options)
    load(region, DUMMY)


def set_up_stock(region, options):
    engine(region, options)
    prepare_postfix(region)
    load(region, STOCK)


def prepare_postfix(region):
    """The folders of a queue and of mail on the shared disk, made as its owner would."""
    node = cluster.powered(region)[0]
    script = f"""set -e
mount {plan.SHARED_DEVICE} {plan.MOUNT_POINT}
mkdir -p {plan.MOUNT_POINT}/postfix {plan.MOUNT_POINT}/mail/all/Maildir
chown -R vmail:vmail {plan.MOUNT_POINT}/mail
mkdir -p /var/lib/postfix && chown postfix:postfix /var/lib/postfix
postfix set-permissions create-missing >/dev/null 2>&1 || true
postfix check
umount {plan.MOUNT_POINT}
blockdev --flushbufs {plan.SHARED_DEVICE}
"""
    client.run(node, ["bash", "-c", script])
    for other in plan.region_nodes(region):
        client.run(other, ["bash", "-c",
                           "mkdir -p /var/lib/postfix && chown postfix:postfix /var/lib/postfix"])


def set_up_gemel(region, options):
    ip4, ip6 = plan.floating(region)
    client.run(cluster.powered(region)[0], ["gemel-agentd", "--format"])
    engine(region, options)
    pair_setup(region, options, ["--part", "resources", "--device", plan.SHARED_DEVICE,
                                 "--directory", plan.MOUNT_POINT, "--address", f"{ip4}/24",
                                 "--address", f"{ip6}/64", "--nic", "lan0"]
               + (["--dovecot"] if options.dovecot else []))


SET_UP = {"gemel": set_up_gemel, "stock": set_up_stock, "dummy": set_up_dummy}


def answers(region, options):
    if options.stack == "dummy":
        return cluster.pings(region)
    return cluster.banner(region).startswith("220")


def set_up(region, options):
    SET_UP[options.stack](region, options)
    try:
        wait.until(lambda: answers(region, options), READY_S,
                   f"region {region}: {plan.floating(region)[0]} does not answer", every=0.05)
    except LabError as error:
        node = cluster.powered(region)[0]
        seen = client.run(node, ["crm_mon", "-1", "-r", "-f"], check=False).stdout
        raise LabError(f"{error}\n{seen}") from error
