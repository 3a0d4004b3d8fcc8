#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The manual names every verb, option and key that the programs have.  Speaks TAP.
set -uo pipefail

source=${srcdir:-.}/doc
number=0

law()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
}

command -v mandoc >/dev/null || { echo "1..0 # SKIP mandoc is not installed"; exit 0; }
page()
{
	mandoc -T ascii "$1" | sed 's/.\x08//g'
}
command_page=$(page "$source/gemel.1")
core_page=$(page "$source/mailcored.8")
file_page=$(page doc/gemel.conf.5)
listing=$(./gemel --help)

# $1 holds an entry of a list: a line that begins, after its indent, with $2.
has_entry()
{
	grep -qE "^ +$2( |,|\$)" <<<"$1" || { echo "# no entry: $2"; return 1; }
}

# Each line of standard input is an entry of $1, and there are at least $2.
each_is_entry()
{
	local line count=0
	while read -r line; do
		has_entry "$1" "$line" || return
		count=$((count + 1))
	done
	[ "$count" -ge "$2" ] || { echo "# only $count found"; return 1; }
}

verbs_stand()
{
	sed -nE 's/^  gemel ([a-z ]*[a-z]).*/\1/p' <<<"$listing" | each_is_entry "$command_page" 12
}

options_stand()
{
	grep -oE -- '--[a-z-]+' <<<"$listing" | sort -u | each_is_entry "$1" "$2"
}

core_options_stand()
{
	./mailcored --help | grep -oE -- '--[a-z-]+' | sort -u | each_is_entry "$core_page" 3
}

keys_stand()
{
	./gemel config sample | sed -nE 's/^\s*#?([a-z_]+) = .*/\1/p' | each_is_entry "$file_page" 24
}

sections_stand()
{
	local section
	for section in $(./gemel config sample | sed -nE 's/^([a-z]+) \{$/\1/p'); do
		grep -q "Section $section" <<<"$file_page" || { echo "# lacks: $section"; return 1; }
	done
}

# The keys that gemel status shows; the JSON has them all.
json_keys_stand()
{
	local key count=0
	for key in $(sed -nE 's/^\s*\{"([a-z_]+)", ".*"\},$/\1/p' "${srcdir:-.}/cli/status.c"); do
		grep -qE "^\.Ql $key( |\$)" "$source/gemel.1" || { echo "# lacks: $key"; return 1; }
		count=$((count + 1))
	done
	[ "$count" -ge 13 ] || { echo "# only $count found"; return 1; }
}

is_clean()
{
	local said
	said=$(mandoc -T lint -W warning "$1" | grep -vE 'outdated mandoc.db|missing date')
	[ -z "$said" ] || { echo "# ${said//$'\n'/$'\n'# }"; return 1; }
}

law "every_verb_stands_in_gemel_1" verbs_stand
law "every_option_stands_in_gemel_1" options_stand "$command_page" 7
law "every_option_stands_in_mailcored_8" core_options_stand
law "every_key_stands_in_gemel_conf_5" keys_stand
law "every_section_stands_in_gemel_conf_5" sections_stand
law "every_key_of_status_stands_in_gemel_1" json_keys_stand
for file in "$source/gemel.1" "$source"/*.8 doc/*.[57]; do
	law "$(basename "$file")_is_well_formed" is_clean "$file"
done
echo "1..$number"
