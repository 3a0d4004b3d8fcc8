# SPDX-License-Identifier: BSD-2-Clause
#
# results -- what a step of scripts/check has shown; sourced by it, not run.
#
#	results_count KIND FILE STATUS LIMIT_S
#
# reads a step's standard output and sets
#
#	ok      how many tests passed
#	bad     how many failed
#	skips   their names, or why all were skipped
#	faults  sentences on what else is wrong; each counts as a failure
#
# KIND is tap, automake (the summaries of make check) or plain (one result: the
# status). Silence is never a pass: no plan, a plan that is not met, no test at
# all and a status that does not fit the results are faults.

count_tap()
{
	local line plan='' seen

	while IFS= read -r line; do
		case $line in
		'1..0'*) plan=0 skips+=("${line#*[Ss][Kk][Ii][Pp] }") ;;
		'1..'*) plan=${line#1..} plan=${plan%% *} ;;
		'ok '*'# SKIP'*) skips+=("${line#ok * - }") ;;
		'ok '*) ok=$((ok + 1)) ;;
		'not ok '*) bad=$((bad + 1)) ;;
		'Bail out!'*) faults+=("$line") ;;
		esac
	done <"$1"
	seen=$((ok + bad + ${#skips[@]}))
	if [ -z "$plan" ]; then
		faults+=("it has no plan")
	elif [ "$plan" != 0 ] && [ "$plan" != "$seen" ]; then
		faults+=("$plan tests were planned, $seen were run")
	fi
}

count_automake()
{
	local word count

	while read -r _ word count; do
		case $word in
		PASS: | XFAIL:) ok=$((ok + count)) ;;
		FAIL: | XPASS: | ERROR:) bad=$((bad + count)) ;;
		esac
	done < <(grep -E '^# (PASS|XFAIL|FAIL|XPASS|ERROR): +[0-9]+$' "$1")
	mapfile -t skips < <(sed -n 's/^SKIP: //p' "$1")
	[ $((ok + bad + ${#skips[@]})) -gt 0 ] || faults+=("no test was run")
}

count_plain()
{
	[ "$2" != 0 ] || ok=1
}

results_count()
{
	local kind=$1 file=$2 status=$3 limit_s=$4

	ok=0 bad=0 skips=() faults=()
	"count_$kind" "$file" "$status"
	case $status in
	0) [ "$bad" = 0 ] || faults+=("tests failed, and yet its status is 0") ;;
	124 | 137) faults+=("it was ended: it took longer than $limit_s s, or was killed") ;;
	*) [ $((bad + ${#faults[@]})) -gt 0 ] || faults+=("it ended with status $status") ;;
	esac
}
