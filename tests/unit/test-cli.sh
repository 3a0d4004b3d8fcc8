#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The operator's command keeps to its exit statuses and says one sentence.  Speaks TAP.
set -uo pipefail

gemel=$PWD/gemel
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0

law()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
}

# Exits with $1, standard error is one line that matches $2, and nothing is on standard output.
says()
{
	local status=$1 pattern=$2 said
	shift 2
	"$gemel" "$@" >"$folder/out" 2>"$folder/err" </dev/null
	if [ $? -eq "$status" ] && [ ! -s "$folder/out" ] && [ "$(wc -l <"$folder/err")" -eq 1 ] &&
		grep -qE "$pattern" "$folder/err"; then
		return 0
	fi
	said=$(cat "$folder/out" "$folder/err")
	echo "# gemel $*: ${said//$'\n'/ }"
	return 1
}

# Exits with 0, standard error is empty, standard output matches $1.
prints()
{
	local pattern=$1
	shift
	"$gemel" "$@" >"$folder/out" 2>"$folder/err" </dev/null &&
		[ ! -s "$folder/err" ] && grep -qE "$pattern" "$folder/out"
}

# What could not be written was not said.
notices_a_full_disk()
{
	"$gemel" "$@" >/dev/full 2>"$folder/err" </dev/null
	[ $? -eq 1 ] && grep -qE "^gemel: .*cannot be written: " "$folder/err"
}

# The verbs that ask the core, each with what it needs.
each_asks()
{
	local verb
	for verb in "status" "account list" "account show a@example.test" "account del a@example.test" \
		"account add a@example.test --no-password" "core promote" "core demote" "core drain"; do
		# shellcheck disable=SC2086
		says 4 "^gemel: no mailcored runs on this node; " $verb || return
	done
}

# Nor does an agent answer, for one.
no_agent()
{
	! ss -xlH 2>/dev/null | grep -q gemel-agent
}

# Nobody who has the right to ask gets an answer in the middle of a test.
lonely()
{
	! ss -xlH 2>/dev/null | grep -q gemel-core
}

law "help_is_no_error" prints "^usage: gemel VERB" --help
law "help_of_a_group_shows_that_group" prints "gemel account add ADDRESS" account --help
law "the_version_is_printed" prints "^gemel [0-9]+\." --version
law "no_verb_is_a_usage_error" says 2 "no verb given; gemel --help lists them$"
law "an_unknown_verb_is_named" says 2 '"dance" is no verb; gemel --help lists them$' dance
law "an_unknown_second_word_is_named" says 2 '"account dance" is no verb' account dance
law "half_a_verb_is_no_verb" says 2 '"account" is no verb' account
law "a_missing_operand_is_a_usage_error" says 2 "usage: gemel account show ADDRESS$" account show
law "one_operand_too_many_is_a_usage_error" says 2 "usage: gemel account show" account show a b
law "an_unknown_option_is_a_usage_error" says 2 "unrecognized option" --dance
law "a_timeout_is_1_to_86400" says 2 "is not 1 to 86400 seconds" --timeout 0 status
law "an_answer_that_cannot_be_written_is_a_failure" notices_a_full_disk config sample
law "help_that_cannot_be_written_is_a_failure" notices_a_full_disk --help
law "a_timeout_is_a_number" says 2 "is not 1 to 86400 seconds" --timeout 5x status
law "a_password_file_that_is_missing_is_named" says 1 "password file /nonexistent cannot be opened" \
	account passwd a@example.test --password-file /nonexistent
law "an_empty_password_is_refused" says 1 "has no first line" \
	account passwd a@example.test --password-file -
if lonely; then
	law "without_a_core_every_verb_exits_4" each_asks
else
	number=$((number + 1))
	echo "ok $number - without_a_core_every_verb_exits_4 # SKIP a core runs on this machine"
fi
if no_agent; then
	law "without_an_agent_there_is_no_history" says 4 "^gemel: no gemel-agentd runs on this node; " fence-history
else
	number=$((number + 1))
	echo "ok $number - without_an_agent_there_is_no_history # SKIP an agent runs on this machine"
fi
"$gemel" config sample >"$folder/gemel.conf"
law "the_sample_is_right" prints "gemel.conf is right$" --config "$folder/gemel.conf" config check
echo "nonsense = 1" >>"$folder/gemel.conf"
law "a_wrong_file_fails_with_its_place" says 1 "gemel.conf:[0-9]+: no such option 'nonsense'" \
	--config "$folder/gemel.conf" config check
law "the_manual_lists_keys" prints "^\.It Ic domain$" config manual
echo "1..$number"
