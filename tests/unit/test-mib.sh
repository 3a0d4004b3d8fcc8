#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# doc/GEMEL-MIB.txt says what the code sends.  Speaks TAP.
#
# Debian's net-snmp comes without the modules that ours imports, so what it needs of them is below.
set -uo pipefail

mib=${srcdir:-.}/doc/GEMEL-MIB.txt
number=0

law()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
}

command -v snmptranslate >/dev/null || { echo "1..0 # SKIP snmptranslate is not installed"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp "$mib" "$folder/"
cat >"$folder/SNMPv2-SMI.txt" <<EOF
SNMPv2-SMI DEFINITIONS ::= BEGIN
org OBJECT IDENTIFIER ::= { iso 3 }
dod OBJECT IDENTIFIER ::= { org 6 }
internet OBJECT IDENTIFIER ::= { dod 1 }
private OBJECT IDENTIFIER ::= { internet 4 }
enterprises OBJECT IDENTIFIER ::= { private 1 }
END
EOF
cat >"$folder/SNMPv2-TC.txt" <<EOF
SNMPv2-TC DEFINITIONS ::= BEGIN
DisplayString ::= TEXTUAL-CONVENTION
    STATUS current
    DESCRIPTION ""
    SYNTAX OCTET STRING (SIZE (0..255))
DateAndTime ::= TEXTUAL-CONVENTION
    STATUS current
    DESCRIPTION ""
    SYNTAX OCTET STRING (SIZE (8 | 11))
END
EOF
printf 'SNMPv2-CONF DEFINITIONS ::= BEGIN\nEND\n' >"$folder/SNMPv2-CONF.txt"

# Of the module only, and with every complaint.
translate()
{
	SNMPCONFPATH=$folder snmptranslate -M "$folder" -m GEMEL-MIB -Pew "$@" 2>&1
}

# The same lines as "send-traps list".
of_mib()
{
	local name
	for name in $(sed -nE 's/^(gemel[A-Za-z]+) (NOTIFICATION|OBJECT)-TYPE.*/\1/p' "$mib"); do
		echo "$name $(translate -On "GEMEL-MIB::$name")$(translate -Td "GEMEL-MIB::$name" |
			sed -nE 's/^  OBJECTS\t\{( .*) \}$/\1/p' | tr -d ,)"
	done
}

is_well_formed()
{
	local said
	said=$(translate -On GEMEL-MIB::gemelMIB)
	[ "$said" = .1.3.6.1.4.1.8072.9999.9999.4570 ] || { echo "# ${said//$'\n'/$'\n'# }"; return 1; }
}

is_the_code_s()
{
	diff <(./tests/unit/send-traps list | sort) <(of_mib | sort) | head -20 | sed 's/^/# /'
}

# Of the textual convention $1 the names and numbers are $2.
numbers_are()
{
	local said
	said=$(sed -n "/^$1 ::=/,/}/p" "$mib" | tr -d '\n' | sed -E 's/.*INTEGER \{ *//; s/ *\}.*//; s/ +/ /g')
	[ "$said" = "${2// /, }" ] || { echo "# $said"; echo "# $2"; return 1; }
}

# The values of an enum of event.h, $1, that begin with $2, as the MIB writes them.
of_code()
{
	sed -n "/^enum $1 {/,/^}/p" "${srcdir:-.}/agent/event.h" | sed -nE "s/^\t$2([A-Z_]+)[ ,].*/\1/p" |
		awk '{
			n = split(tolower($0), words, "_")
			for (i = 2; i <= n; i++)
				words[1] = words[1] toupper(substr(words[i], 1, 1)) substr(words[i], 2)
			printf "%s(%d) ", words[1], NR
		}' | sed 's/ $//'
}

each_object_is_in_the_group()
{
	local name
	for name in $(sed -nE 's/^(gemel[A-Za-z]+) OBJECT-TYPE.*/\1/p' "$mib"); do
		sed -n '/^gemelObjectGroup/,/}/p' "$mib" | grep -qw "$name" || { echo "# lacks $name"; return 1; }
	done
	for name in $(sed -nE 's/^(gemel[A-Za-z]+) NOTIFICATION-TYPE.*/\1/p' "$mib"); do
		sed -n '/^gemelNotificationGroup/,/}/p' "$mib" | grep -qw "$name" || { echo "# lacks $name"; return 1; }
	done
}

each_notification_begins_with_its_severity()
{
	[ "$(of_mib | grep -c ' gemelSeverity gemelNode ')" = "$(grep -c NOTIFICATION-TYPE$ "$mib")" ]
}

each_is_documented()
{
	local name
	for name in $(sed -nE 's/^(gemel[A-Za-z]+) NOTIFICATION-TYPE.*/\1/p' "$mib"); do
		grep -q "\`$name\`" "${srcdir:-.}/doc/snmp.md" || { echo "# doc/snmp.md lacks $name"; return 1; }
	done
}

law "the_mib_is_well_formed" is_well_formed
law "every_notification_and_object_is_the_code_s" is_the_code_s
law "the_severities_are_the_code_s" numbers_are GemelSeverityLevel "$(of_code event_severity EVENT_)"
law "the_proofs_are_the_code_s" numbers_are GemelProofKind "$(of_code event_proof EVENT_PROOF_)"
law "every_object_and_notification_is_in_its_group" each_object_is_in_the_group
law "every_notification_begins_with_its_severity" each_notification_begins_with_its_severity
law "every_notification_is_documented" each_is_documented
echo "1..$number"
