#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Dovecot reads what the store has written: the sizes in the names are the ones that it finds itself, the
# content is what was sent, and its log has no complaint. Speaks TAP.
set -euo pipefail

imap=/usr/lib/dovecot/imap
[ -x "$imap" ] || { echo "1..0 # SKIP dovecot is not installed"; exit 0; }
folder=$(mktemp -d /tmp/test-dovecot-read-XXXXXX)
trap 'rm -rf "$folder"' EXIT

mkdir "$folder/in" "$folder/store"
printf 'Subject: short\r\n\r\ntext\r\n' >"$folder/in/1"
printf 'Subject: no end of line\r\n\r\ntext' >"$folder/in/2"
printf 'Subject: empty\r\n\r\n' >"$folder/in/3"
printf 'Subject: dots and 8 bits\r\n\r\n.\r\n..\r\n\303\244\r\n\r\n\r\n' >"$folder/in/4"
{ printf 'Subject: large\r\n\r\n'; printf 'line %d of a large message\r\n' {1..20000}; } >"$folder/in/5"
./tests/lab/deliver-files "$folder/store" "$folder"/in/*

# Dovecot touches no mail as root; it changes to a user without rights by itself.
user=$(id -u)
group=$(id -g)
if [ "$user" -eq 0 ]; then
	user=65534
	group=65534
	chown -R "$user:$group" "$folder"
fi

cat >"$folder/dovecot.conf" <<END
base_dir = $folder/run
state_dir = $folder/run
log_path = $folder/log
protocols = imap
ssl = no
first_valid_uid = $user
last_valid_uid = $user
first_valid_gid = $group
last_valid_gid = $group
mail_uid = $user
mail_gid = $group
mail_location = maildir:$folder/store/mail/1/Maildir
maildir_broken_filename_sizes = no
service stats {
  unix_listener stats-writer {
    mode = 0
  }
}
END

FOLDER=$folder IMAP=$imap python3 - <<'END'
import os, re, subprocess

folder = os.environ["FOLDER"]
new = folder + "/store/mail/1/Maildir/new"
names = {int(re.search(r"\.Q1-(\d+)R0\.", name)[1]) - 1: name for name in os.listdir(new)}
stored = {n: os.path.getsize(f"{new}/{name}") for n, name in names.items()}
sent = {n: b"Return-Path: <sender@elsewhere.test>\r\n" + open(f"{folder}/in/{n}", "rb").read() for n in names}

talk = b"1 SELECT INBOX\r\n2 FETCH 1:* (RFC822.SIZE BODY.PEEK[])\r\n3 LOGOUT\r\n"
environment = {"USER": "ann", "HOME": folder, "PATH": os.environ["PATH"]}
run = subprocess.run([os.environ["IMAP"], "-c", folder + "/dovecot.conf"], input=talk, env=environment,
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
fetched = {}
at = 0
while match := re.compile(rb"\* \d+ FETCH \(RFC822.SIZE (\d+) BODY\[\] \{(\d+)\}\r\n").search(run.stdout, at):
    body = run.stdout[match.end():match.end() + int(match[2])]
    fetched[body] = int(match[1])
    at = match.end() + int(match[2])
log = open(folder + "/log").read() if os.path.exists(folder + "/log") else ""
log += run.stderr.decode(errors="replace")

results = []
def law(name, holds, why=""):
    results.append(holds)
    print(f"{'ok' if holds else 'not ok'} {len(results)} - {name}")
    if not holds:
        print("#", str(why)[:2000].replace("\n", "\n# "))

size = lambda key, n: int(re.search(rf",{key}=(\d+)", names[n])[1])
law("every_message_is_read", len(names) == 5 and len(fetched) == 5, run.stdout[:1000] + log.encode())
law("s_is_the_size_of_the_file", all(size("S", n) == stored[n] for n in names), (names, stored))
law("w_is_the_size_that_imap_tells",
    all(fetched.get(sent[n]) == size("W", n) == len(sent[n]) for n in names), names)
law("content_is_what_was_sent", set(fetched) == set(sent.values()))
law("dovecot_finds_nothing_to_mend",
    not re.search("corrupt|fixed|broken|wrong|panic|fatal|error", log, re.I), log)
print(f"1..{len(results)}")
END
