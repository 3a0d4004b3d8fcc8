#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# gemel doctor finds nothing unsafe in what pair-setup makes, and says what it finds.  Speaks TAP.
#
# doctor/pair-by-crm.xml and -pcs.xml are what either tool made of pair-setup's words, with two
# addresses and a fence_ipmilan for each node, of an empty configuration with two nodes.
# shellcheck disable=SC2016 # what is in single quotes is for sed and for the scripts made here
set -uo pipefail

gemel=$PWD/gemel
samples=$(realpath "${srcdir:-.}/tests/unit/doctor")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
number=0

# The agents as Pacemaker would find them; a machine that has no cluster to ask.
mkdir -p "$folder/ocf/resource.d" "$folder/bin"
ln -s "$PWD/resource-agents" "$folder/ocf/resource.d/gemel"
export OCF_ROOT=$folder/ocf

law()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
}

# doctor STATUS CIB [OPTION...]: asks about the sample files; what it says is in $folder/out.
doctor()
{
	local status=$1 cib=$2 got
	shift 2
	"$gemel" doctor --cib "$cib" --corosync "$folder/corosync.conf" --config "$folder/gemel.conf" \
		"$@" >"$folder/out" 2>"$folder/err" </dev/null
	got=$?
	[ "$got" -eq "$status" ] && [ ! -s "$folder/err" ] && return
	echo "# exit $got"
	sed 's/^/# /' "$folder/out" "$folder/err"
	return 1
}

# The id, alone on its line.
finds()
{
	grep -qx "  $1" "$folder/out" || { echo "# lacks $1"; sed 's/^/# /' "$folder/out"; return 1; }
}

good_files()
{
	install -m 644 "$samples/corosync.conf" "$samples/gemel.conf" "$folder"
}

is_sound()
{
	good_files
	doctor 0 "$samples/$1" && grep -qx "refused: 0, warnings: 0, notes: 1" "$folder/out" &&
		finds fence-gemel-none
}

# spoilt ID STATUS FILE SED-SCRIPT
spoilt()
{
	good_files
	install -m 644 "$samples/pair-by-pcs.xml" "$folder/cib.xml"
	sed -i "$4" "$folder/$3"
	doctor "$2" "$folder/cib.xml" && finds "$1"
}

says_json()
{
	good_files
	sed -i 's/two_node: 1/two_node: 0/' "$folder/corosync.conf"
	doctor 1 "$samples/pair-by-crm.xml" --json && python3 - "$folder/out" <<-'END'
		import json, sys
		said = json.load(open(sys.argv[1]))
		assert said["refused"] == 1 and said["warned"] == 0 and said["noted"] == 1, said
		one = [one for one in said["findings"] if one["severity"] == "refuse"]
		assert one[0]["id"] == "two-node-off" and "two_node" in one[0]["sentence"], said
	END
}

# The rest is looked at, and the exit status is that of the rest.
lives_without_a_cluster()
{
	good_files
	printf '#!/bin/sh\nexit 102\n' >"$folder/bin/cibadmin"
	chmod 755 "$folder/bin/cibadmin"
	PATH=$folder/bin:$PATH "$gemel" doctor --corosync "$folder/corosync.conf" \
		--config "$folder/gemel.conf" >"$folder/out" && finds cib-unknown
}

asks_the_cluster()
{
	printf '#!/bin/sh\n[ "$*" = --query ] && cat "%s"\n' "$folder/cib.xml" >"$folder/bin/cibadmin"
	PATH=$folder/bin:$PATH "$gemel" doctor --corosync "$folder/corosync.conf" \
		--config "$folder/gemel.conf" >"$folder/out"
	[ $? -eq 1 ] && finds stonith-off
}

compares_what_runs()
{
	printf '#!/bin/sh\necho "$2 (u32) = 777"\n' >"$folder/bin/corosync-cmapctl"
	chmod 755 "$folder/bin/corosync-cmapctl"
	# Another machine's own file.
	PATH=$folder/bin:$PATH "$gemel" doctor --config "$folder/gemel.conf" \
		--cib "$samples/pair-by-crm.xml" >"$folder/out"
	[ ! -r /etc/corosync/corosync.conf ] || finds corosync-differs
}

# names_a_missing_file FILE OPTION
names_a_missing_file()
{
	"$gemel" doctor --cib "$samples/pair-by-crm.xml" "$2" "$1" >"$folder/out" 2>"$folder/err"
	[ $? -eq 1 ] && [ ! -s "$folder/out" ] && grep -q "^gemel: $1 cannot be read: .*; " "$folder/err"
}

law "a_pair_made_with_crm_is_sound" is_sound pair-by-crm.xml
law "a_pair_made_with_pcs_is_sound" is_sound pair-by-pcs.xml
law "a_warning_is_no_refusal" spoilt token-long 0 corosync.conf 's/token: 500/token: 1600/'
law "an_unsafe_token_is_refused" spoilt token-unsafe 1 corosync.conf 's/token: 500/token: 300/'
law "a_wrong_corosync_conf_is_refused" spoilt corosync-wrong 1 corosync.conf '$d'
law "a_wrong_gemel_conf_is_refused" spoilt gemel-wrong 1 gemel.conf 's/^/x/'
law "a_wrong_cib_is_refused" spoilt cib-wrong 1 cib.xml '$d'
law "a_time_out_below_the_agents_is_found" spoilt timeout-short 0 cib.xml \
	'/id="gemel-core-promote/s/timeout="60s"/timeout="59s"/'
law "a_missing_order_is_refused" spoilt order-none 1 cib.xml '/rsc_order .*id="gemel-core-after/d'
law "a_missing_colocation_is_refused" spoilt place-none 1 cib.xml '/rsc_colocation .*id="gemel-ip6/d'
law "two_equal_intervals_are_refused" spoilt monitor-same-interval 1 cib.xml \
	's/interval="8s"/interval="7s"/'
law "one_unfenced_node_is_refused" spoilt fence-none 1 cib.xml \
	'/name="pcmk_host_list"/s/value="hq-2"/value="hq-1"/'
law "no_failure_timeout_is_found" spoilt failure-timeout 0 cib.xml '/name="failure-timeout"/d'
law "fence_gemel_without_a_pair_for_the_agent_is_refused" spoilt pair-nodes-none 1 cib.xml \
	's/type="fence_ipmilan"/type="fence_gemel"/'
law "the_answer_in_json_has_the_same" says_json
law "without_a_cluster_the_rest_is_looked_at" lives_without_a_cluster
sed 's/name="stonith-enabled" value="true"/name="stonith-enabled" value="false"/' \
	"$samples/pair-by-crm.xml" >"$folder/cib.xml"
law "the_cluster_is_asked" asks_the_cluster
law "what_runs_is_compared_with_the_file" compares_what_runs
law "a_cib_that_is_missing_is_named" names_a_missing_file /nonexistent --cib
law "a_corosync_conf_that_is_missing_is_named" names_a_missing_file /nonexistent --corosync
echo "1..$number"
