#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What send-traps sends, a real manager takes: net-snmp's snmptrapd.  Speaks TAP.
set -uo pipefail

number=0
# Debian's net-snmp has it where only root looks.
PATH=$PATH:/usr/sbin
command -v snmptrapd >/dev/null || { echo "1..0 # SKIP snmptrapd is not installed"; exit 0; }
folder=$(mktemp -d)
daemon=
trap 'stop_manager; rm -rf "$folder"' EXIT
# All that it would keep or read elsewhere.
mkdir "$folder/manager"
export SNMP_PERSISTENT_DIR=$folder/manager SNMPCONFPATH=$folder MIBS=

law()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
}

stop_manager()
{
	[ -z "$daemon" ] || { kill "$daemon" && wait "$daemon"; } 2>/dev/null
	daemon=
}

# Wait up to 20 s until a command succeeds.
await()
{
	local deadline=$((SECONDS + 20))
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# It listens, or it has ended since somebody else has the port.
has_begun()
{
	grep -q "^NET-SNMP version" "$folder/log" 2>/dev/null || ! kill -0 "$daemon" 2>/dev/null
}

# Start it on a free port with the configuration on standard input.
start_manager()
{
	local try
	stop_manager
	{ echo 'format2 %V|%v|\n'; cat; } >"$folder/snmptrapd.conf"
	for try in 1 2 3 4 5; do
		port=$((20000 + RANDOM))
		rm -f "$folder/log"
		snmptrapd -f -C -c "$folder/snmptrapd.conf" -On -Lf "$folder/log" -p "$folder/pid" \
			"udp:127.0.0.1:$port" >"$folder/said" 2>&1 &
		daemon=$!
		await has_begun && kill -0 "$daemon" 2>/dev/null && return
	done
	echo "# snmptrapd does not start: $(tail -n 1 "$folder/said")"
	return 1
}

# configure LINE...: gemel.conf with these in its section snmp.
configure()
{
	{
		printf 'domain = "example.test"\nsnmp {\n\ttargets = {"127.0.0.1:%s"}\n' "$port"
		printf '\tsecrets = "%s/secrets"\n' "$folder"
		printf '\t%s\n' "$@"
		printf '}\n'
	} >"$folder/gemel.conf"
}

send()
{
	./tests/unit/send-traps send "$folder/gemel.conf" "$folder/engine"
}

# The manager has this many traps.
has_count()
{
	[ "$(grep -c '1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID' "$folder/log")" -ge "$1" ]
}

# The names of what a trap in the log carries, in order: the OID of the trap, then the objects'.
carried()
{
	sed -nE 's/^.*\|\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = OID: ([.0-9]+)\|/\1|/p' "$folder/log" |
		sed -E 's/\|(\.[.0-9]+) = [^|]*/ \1/g; s/\|$//'
}

# The same of what was sent.
expected()
{
	./tests/unit/send-traps list | awk '
		{ oid[$1] = $2 }
		NF > 2 { traps[++count] = $0 }
		END {
			for (i = 1; i <= count; i++) {
				n = split(traps[i], words, " ")
				line = words[2]
				for (k = 3; k <= n; k++)
					line = line " " oid[words[k]] ".0"
				print line
			}
		}'
}

# Each notification came once, in order, with its objects.
all_came()
{
	send || return 1
	await has_count "$(expected | wc -l)" || { echo "# came: $(carried | wc -l)"; return 1; }
	diff <(expected) <(carried) | head -20 | sed 's/^/# /'
}

values_came()
{
	local line
	line=$(grep -F 'OID: .1.3.6.1.4.1.8072.9999.9999.4570.0.5|' "$folder/log")
	case $line in
	*'.4570.1.1.0 = INTEGER: 3|'*'.4570.1.2.0 = STRING: "hq-2"|'*'.4570.1.3.0 = STRING: "hq-1"|'*'.4570.1.4.0 = Hex-STRING: 07 E7 0B 0E 16 0D 14 01 2B 00 00 |'*'.4570.1.5.0 = STRING: "the mail core of node hq-2 has failed: a reason"|'*) ;;
	*) echo "# $line"; return 1 ;;
	esac
}

pacemaker_came()
{
	send || return 1
	await has_count $(($(expected | wc -l) + 4)) || return 1
	[ "$(carried | grep -c '^\.1\.3\.6\.1\.4\.1\.32723\.2\.1 \.1\.3\.6\.1\.4\.1\.32723\.1\.1 ')" = 4 ]
}

# A trap of version 3 is believed only from the engine that the manager knows.
engine_id()
{
	printf '0x80001f8804'
	cut -d ' ' -f 1 <"$folder/engine/engine" | tr -d '\n' | od -A n -t x1 | tr -d ' \n'
}

others_may_not_read()
{
	local said
	chmod 640 "$folder/secrets"
	said=$(send 2>&1) && return 1
	chmod 600 "$folder/secrets"
	case $said in
	*"/secrets: has mode 0640, so others can use the secrets in it; run \"chmod 600 "*) ;;
	*) echo "# $said"; return 1 ;;
	esac
}

# Of what is sent now nothing comes: when what is sent after it in version 2c has come, that is all.
nothing_came()
{
	send || return 1
	configure 'version = "2c"'
	all_came
}

printf 'community gemelsecret\nv3user gemel auth sha256 authentic priv aes privately\n' >"$folder/secrets"
chmod 600 "$folder/secrets"

start_manager <<<'authCommunity log gemelsecret' || exit 1
configure 'version = "2c"'
law "each_notification_of_version_2c_comes_once" all_came
law "it_carries_what_happened" values_came

start_manager <<<'authCommunity log gemelsecret' || exit 1
configure 'version = "2c"' 'informs = true'
law "each_inform_of_version_2c_is_acknowledged_and_comes_once" all_came

start_manager <<<'authCommunity log gemelsecret' || exit 1
configure 'pacemaker_mib = true'
law "pacemaker_s_own_trap_comes_if_asked_for" pacemaker_came

# Makes the engine.
configure 'version = "3"'
send
start_manager <<-EOF || exit 1
	createUser -e $(engine_id) gemel SHA-256 authentic AES privately
	authUser log gemel priv
	EOF
configure 'version = "3"'
law "each_notification_of_version_3_comes_once" all_came

start_manager <<-'EOF' || exit 1
	createUser gemel SHA-256 authentic AES privately
	authUser log gemel priv
	EOF
configure 'version = "3"' 'informs = true'
law "each_inform_of_version_3_is_acknowledged_and_comes_once" all_came

start_manager <<-EOF || exit 1
	createUser -e $(engine_id) gemel SHA-256 unauthentic AES privately
	authUser log gemel priv
	authCommunity log gemelsecret
	EOF
configure 'version = "3"'
law "another_passphrase_is_another_sender" nothing_came

law "secrets_that_others_may_read_are_refused" others_may_not_read
echo "1..$number"
