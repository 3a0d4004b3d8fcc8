#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What scripts/check makes of a step's output.
set -euo pipefail

# shellcheck source=scripts/results.bash
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/results.bash"

output=$(mktemp -t gemel-results.XXXXXX)
trap 'rm -f "$output"' EXIT
number=0 failed=0

# law NAME KIND STATUS EXPECTED: the output is standard input; EXPECTED is "OK BAD SKIPS FAULTS".
law()
{
	local ok bad skips faults got said=ok

	cat >"$output"
	results_count "$2" "$output" "$3" 60
	got="$ok $bad ${#skips[@]} ${#faults[@]}"
	number=$((number + 1))
	[ "$got" = "$4" ] || said="not ok" failed=1
	echo "$said $number - $1"
	[ "$said" = ok ] || echo "# $got and not $4: ${faults[*]}"
}

law "what passed and what failed is counted" tap 1 "2 1 0 0" <<<$'1..3\nok 1 - a\nnot ok 2 - b\n# why\nok 3'
law "a plan may come last" tap 0 "1 0 0 0" <<<$'ok 1 - a\n1..1'
law "a skipped test is no passed one" tap 0 "1 0 1 0" <<<$'1..2\nok 1 - a\nok 2 - b # SKIP no disk'
law "a step that skips itself is skipped" tap 0 "0 0 1 0" <<<'1..0 # SKIP needs root'
law "silence is a failure" tap 0 "0 0 0 1" </dev/null
law "tests that were not run are a failure" tap 0 "1 0 0 1" <<<$'1..2\nok 1 - a'
law "more tests than planned are a failure" tap 0 "2 0 0 1" <<<$'1..1\nok 1 - a\nok 2 - b'
law "bailing out is a failure" tap 1 "1 1 0 1" <<<$'1..2\nok 1 - a\nnot ok 2 - b\nBail out! no disk'
law "a failure that is not in the status is two" tap 0 "0 1 0 1" <<<$'1..1\nnot ok 1 - a'
law "a bad status alone is a failure" tap 3 "1 0 0 1" <<<$'1..1\nok 1 - a'
law "a time-out is one more failure" tap 124 "0 1 0 1" <<<$'1..1\nnot ok 1 - a'
law "words in a test's own output are not results" tap 0 "1 0 0 0" <<<$'1..1\n# not ok\n  ok 7\nok 1 - a'
law "automake's summaries are added up" automake 2 "12 3 1 0" <<-END
	PASS: a 1 - x
	SKIP: b 2 - y
	# TOTAL: 14
	# PASS:  10
	# SKIP:  1
	# FAIL:  1
	# ERROR: 2
	# PASS:  2
END
law "a make check without tests is a failure" automake 0 "0 0 0 1" <<<'# PASS:  0'
law "a step without tests passes by its status" plain 0 "1 0 0 0" <<<'made'
law "and fails by it" plain 2 "0 0 0 1" <<<'not made'
echo "1..$number"
exit "$failed"
