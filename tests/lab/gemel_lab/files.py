# SPDX-License-Identifier: BSD-2-Clause
"""files -- what is written to a host's own /etc and /var before it first boots."""

import base64
import ipaddress
import os
import subprocess

from . import plan

USERS = {  # ours; in the hosts' own files, so that nothing is created on the machine
    "gemel": 880,
    "gemel-smtp": 881,
    "gemel-out": 882,
    "gemel-link": 883,
    "vmail": 884,
}
MEMBERS = {"vmail": ["gemel"]}

# The machine may be a cluster node or a mail server itself: these are not shown.
HIDDEN = ["lib/pacemaker", "lib/corosync", "lib/pcsd", "lib/gemel", "log", "spool/postfix",
          "lib/postfix"]
MADE = {  # below /var: owner, mode; every file in it gets the owner, too
    "lib/pacemaker": ("hacluster", 0o750),
    "lib/pacemaker/cib": ("hacluster", 0o750),
    "lib/corosync": ("root", 0o700),
    "log": ("root", 0o755),
    "log/corosync": ("root", 0o755),
    "log/pacemaker": ("hacluster", 0o770),
    "log/crmsh": ("hacluster", 0o770),
    "log/gemel": ("gemel", 0o755),
}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def passwd():
    text = read("/etc/passwd")
    have = {line.split(":")[0] for line in text.splitlines()}
    return text + "".join(f"{name}:x:{number}:{number}::/nonexistent:/usr/sbin/nologin\n"
                          for name, number in USERS.items() if name not in have)


def group():
    lines = {line.split(":")[0]: line for line in read("/etc/group").splitlines()}
    for name, number in USERS.items():
        lines.setdefault(name, f"{name}:x:{number}:")
    for name, members in MEMBERS.items():
        head, _, tail = lines[name].rpartition(":")
        lines[name] = head + ":" + ",".join(sorted(set(filter(None, tail.split(","))) | set(members)))
    return "".join(line + "\n" for line in lines.values())


def hosts():
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    for host in plan.HOSTS.values():
        for address in (plan.address(host.name), plan.address6(host.name)):
            lines.append(f"{address} {host.name} {host.name}.{plan.DOMAIN}")
    return "\n".join(lines) + "\n"


def corosync_conf(region, settings):
    """Two rings, used at once.

    With link_mode passive, Corosync's default, the loss of the ring in use goes
    unnoticed for about a second, longer than the token: a healthy node is fenced
    for one broken cable. With seqno_unchanged_const 30, its default, the token
    goes round 30 times more after each message before it rests, at real-time
    priority; 3 leave the processors to the takeover.
    """
    nodes = ""
    for number, name in enumerate(plan.region_nodes(region), 1):
        rings = {cable.line: cable.addresses[0].split("/")[0] for cable in plan.HOSTS[name].cables}
        nodes += (f"\tnode {{\n\t\tname: {name}\n\t\tnodeid: {number}\n"
                  f"\t\tring0_addr: {rings['ring0']}\n\t\tring1_addr: {rings['ring1']}\n\t}}\n")
    return f"""totem {{
	version: 2
	cluster_name: gemel-{region}
	transport: knet
	link_mode: active
	crypto_cipher: aes256
	crypto_hash: sha256
	token: {settings['token']}
	consensus: {settings['consensus']}
	seqno_unchanged_const: 3
}}
quorum {{
	provider: corosync_votequorum
	two_node: 1
}}
nodelist {{
{nodes}}}
logging {{
	to_stderr: no
	to_syslog: no
	to_logfile: yes
	logfile: /var/log/corosync/corosync.log
	timestamp: hires
}}
system {{
	move_to_root_cgroup: no
}}
"""


def first_cib():
    """A configuration that is empty but for the patience of a booting controller.

    Two nodes that boot together for the first time would wait 20 s for one that
    is in charge already.
    """
    empty = subprocess.run(["cibadmin", "--empty"], capture_output=True, text=True,
                           check=True).stdout
    return empty.replace("<crm_config/>", """<crm_config>
<cluster_property_set id="cib-bootstrap-options">
<nvpair id="cib-bootstrap-options-dc-deadtime" name="dc-deadtime" value="2s"/>
</cluster_property_set>
</crm_config>""")


def quoted(words):
    return ", ".join(f'"{word}"' for word in words)


def udp_line(nodes, line):
    """The agents' line over a cable, as gemel.conf has it."""
    return " ".join(["udp"] + [next(cable.addresses[0].split("/")[0]
                                    for cable in plan.HOSTS[node].cables if cable.line == line)
                               for node in nodes])


def gemel_conf(region):
    nodes = plan.region_nodes(region)
    lines = [udp_line(nodes, cable) for cable in ("udp", "ring0", "ring1")]
    lines += ["serial /dev/ttyGEMEL", "disk /dev/shared-slots"]
    return f"""domain = "{plan.DOMAIN}"
hostname = "mx-{region}.{plan.DOMAIN}"
pair {{
	nodes = {{{quoted(nodes)}}}
	lines = {{{quoted(lines)}}}
	reservations = {{"{plan.SHARED_DEVICE}"}}
}}
agent {{
	watchdog = "{plan.WATCHDOG_DEVICE}"
	watchdog_timeout_s = 2
}}
store {{
	directory = "{plan.MOUNT_POINT}"
}}
smtp {{
	listen = {{"*:25"}}
}}
snmp {{
	targets = {{"{plan.address("client")}:{plan.TRAP_PORT}"}}
	version = "2c"
}}
"""


def postfix_files():
    """A stock mail server whose queue and mail are on the shared disk."""
    base = plan.MOUNT_POINT
    main = f"""compatibility_level = 3.6
myhostname = mx.{plan.DOMAIN}
mydestination =
mynetworks = 127.0.0.0/8 10.77.0.0/16 [fd77::]/16
inet_interfaces = all
inet_protocols = all
queue_directory = {base}/postfix
data_directory = /var/lib/postfix
virtual_mailbox_domains = {plan.DOMAIN}
virtual_mailbox_base = {base}/mail
virtual_mailbox_maps = static:all/Maildir/
virtual_mailbox_limit = 0
virtual_minimum_uid = 100
virtual_uid_maps = static:{USERS['vmail']}
virtual_gid_maps = static:{USERS['vmail']}
maillog_file = /var/log/postfix.log
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_rate_limit = 0
smtpd_client_connection_count_limit = 0
"""
    # Debian's services, none of them in a chroot: that would need files on the shared disk.
    master = ""
    for line in read("/etc/postfix/master.cf.proto").splitlines():
        words = line.split()
        if words and not line.startswith(("#", " ", "\t")) and len(words) >= 8:
            words[4] = "n"
            line = " ".join(words)
        master += line + "\n"
    if "postlog" not in master:
        master += "postlog unix-dgram n - n - 1 postlogd\n"
    return {"etc/postfix/main.cf": main, "etc/postfix/master.cf": master}


def dovecot_conf():
    """IMAP without TLS; `lab account` writes the users, for both nodes."""
    return f"""protocols = imap
listen = *, ::
ssl = no
disable_plaintext_auth = no
log_path = /var/log/dovecot.log
first_valid_uid = 100
mail_location = maildir:{plan.MOUNT_POINT}/mail/%u/Maildir
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {plan.DOVECOT_USERS}
}}
userdb {{
  driver = passwd-file
  args = {plan.DOVECOT_USERS}
  default_fields = uid=vmail gid=vmail
}}
"""


# -- name server --

def forward_zone():
    lines = [f"$ORIGIN {plan.DOMAIN}.", "$TTL 60",
             "@ SOA dns hostmaster 1 3600 600 86400 60", "@ NS dns", '@ TXT "v=spf1 mx -all"']
    for region in plan.REGIONS:
        v4, v6 = plan.floating(region)
        lines += [f"@ MX 10 mx-{region}", f"mx-{region} A {v4}", f"mx-{region} AAAA {v6}"]
    for name in plan.HOSTS:
        lines += [f"{name} A {plan.address(name)}", f"{name} AAAA {plan.address6(name)}"]
    return "\n".join(lines) + "\n"


def named_addresses():
    for region in plan.REGIONS:
        for address in plan.floating(region):
            yield address, f"mx-{region}"
    for name in plan.HOSTS:
        yield plan.address(name), name
        yield plan.address6(name), name


def reverse_zone(origin):
    lines = ["$TTL 60", f"{origin}. SOA dns.{plan.DOMAIN}. hostmaster.{plan.DOMAIN}. "
             "1 3600 600 86400 60", f"{origin}. NS dns.{plan.DOMAIN}."]
    for address, name in named_addresses():
        pointer = ipaddress.ip_address(address).reverse_pointer
        if pointer.endswith(origin):
            lines.append(f"{pointer}. PTR {name}.{plan.DOMAIN}.")
    return "\n".join(lines) + "\n"


def name_server_files():
    zones = {plan.DOMAIN: forward_zone()}
    for origin in ("77.10.in-addr.arpa", "7.7.d.f.ip6.arpa"):
        zones[origin] = reverse_zone(origin)
    conf = """server:
	server-count: 1
	username: ""
	database: ""
	zonesdir: "/etc/nsd"
	pidfile: "/run/nsd.pid"
	xfrdfile: "/run/nsd.xfrd"
	zonelistfile: "/run/nsd.zones"
	logfile: "/var/log/nsd.log"
	hide-version: yes
remote-control:
	control-enable: no
"""
    for name in zones:
        conf += f"zone:\n\tname: {name}\n\tzonefile: {name}.zone\n"
    return {"etc/nsd/nsd.conf": conf,
            **{f"etc/nsd/{name}.zone": text for name, text in zones.items()}}


# -- all together --

def of_host(host, settings):
    """Path below the host's root -> text, or (text, mode)."""
    files = {
        "etc/passwd": passwd(),
        "etc/group": group(),
        "etc/hosts": hosts(),
        "etc/hostname": host.name + "\n",
        "etc/resolv.conf": f"search {plan.DOMAIN}\nnameserver {plan.address('dns')}\n",
    }
    if host.kind == "dns":
        files.update(name_server_files())
    for name, text in zip(("ca.pem", "node.pem", "node.key"), settings["tls"].get(host.name, [])):
        files[f"etc/gemel/tls/{name}"] = (text.encode(), 0o600)
    if host.kind == "node":
        files["etc/gemel/heartbeat.keys"] = (f"1 {settings['heartbeat_key']}\n".encode(), 0o600)
        files["etc/gemel/snmp.secrets"] = (f"community {plan.TRAP_COMMUNITY}\n".encode(), 0o600)
        files["etc/corosync/corosync.conf"] = corosync_conf(host.region, settings)
        files["etc/corosync/authkey"] = (base64.b64decode(settings["authkey"]), 0o400)
        files["var/lib/pacemaker/cib/cib.xml"] = (first_cib().encode(), 0o600)
        files["etc/gemel/gemel.conf"] = gemel_conf(host.region)
        files["etc/dovecot/dovecot.conf"] = dovecot_conf()
        files.update(postfix_files())
    return files


def number_of(user):
    for line in passwd().splitlines():
        words = line.split(":")
        if words[0] == user:
            return int(words[2]), int(words[3])
    return 0, 0


def write(host, directory, settings):
    var = os.path.join(directory, "var", "upper")
    for path in HIDDEN:
        os.makedirs(os.path.join(var, path))
        os.setxattr(os.path.join(var, path), "trusted.overlay.opaque", b"y")
    for path, content in of_host(host, settings).items():
        content, mode = content if isinstance(content, tuple) else (content.encode(), 0o644)
        top, _, rest = path.partition("/")
        where = os.path.join(directory, top, "upper", rest)
        os.makedirs(os.path.dirname(where), exist_ok=True)
        with open(where, "wb") as file:
            file.write(content)
        os.chmod(where, mode)
    for path, (user, mode) in MADE.items():
        where = os.path.join(var, path)
        os.makedirs(where, exist_ok=True)
        os.chmod(where, mode)
        for one in [where] + [entry.path for entry in os.scandir(where) if entry.is_file()]:
            os.chown(one, *number_of(user))
