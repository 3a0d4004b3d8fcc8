#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# test-fence -- fence_gemel and pair-setup against the cluster's own tools. Speaks TAP.
#
#	tests/ocf/test-fence.sh [BUILD_DIR]
#
# Needs root. Runs in mount, network, IPC and PID namespaces of its own, where /usr/sbin has
# fence_gemel beside what is installed; the cluster's configuration is a file. Nothing is left
# behind.
set -euo pipefail

build=$(realpath "${1:-.}")
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
readonly build here
readonly setup=$here/../../scripts/pair-setup
readonly fencer=/usr/lib/pacemaker/pacemaker-fenced
readonly schema=/usr/share/cluster/relaxng/metadata.rng

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

if [ -z "${TEST_FENCE_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || skip_all "must be run as root"
	[ -x "$build/fence_gemel" ] || skip_all "no fence_gemel in $build; give the build folder"
	[ -x "$fencer" ] || skip_all "$fencer is missing; run scripts/install-deps"
	for tool in stonith_admin crm_resource crm_verify cibadmin pcs crm xmllint python3; do
		command -v "$tool" >/dev/null || skip_all "$tool is missing; run scripts/install-deps"
	done
	TEST_FENCE_INSIDE=1 exec unshare --mount --net --ipc --pid --fork --mount-proc \
		--kill-child bash "$0" "$build"
fi

count=0 failed=0

# law NAME COMMAND...: passes if the command succeeds.
law()
{
	local name=$1 output rc=0
	shift
	count=$((count + 1))
	output=$("$@" 2>&1) || rc=$?
	if [ "$rc" = 0 ]; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# ${output//$'\n'/$'\n'# }"
		failed=1
	fi
}

not()
{
	! "$@"
}

set_up()
{
	mount -t tmpfs none /run
	mkdir /run/more
	install -m 755 "$build/fence_gemel" /run/more
	other_agent
	mount -t overlay none -o lowerdir=/run/more:/usr/sbin /usr/sbin
}

fits_the_schema()
{
	fence_gemel -o metadata | xmllint --noout --nonet --relaxng "$schema" -
}

says()
{
	local pattern=$1
	shift
	# Not -q: who has not yet said all would fail.
	"$@" | grep -E "$pattern"
}

# ---- pair-setup, on a configuration in a file ----

empty_cib()
{
	cibadmin --empty | sed 's|<nodes/>|<nodes><node id="1" uname="hq-1"/><node id="2" uname="hq-2"/></nodes>|' >"$1"
}

# What a configuration says of fencing: devices, their parameters and operations, levels; the ids
# that the tools make up are left out.
fencing_of()
{
	python3 - "$1" <<-'END'
	import sys, xml.etree.ElementTree as tree
	root = tree.parse(sys.argv[1]).getroot()
	for one in root.iter("primitive"):
	    if one.get("class") == "stonith":
	        pairs = {pair.get("name"): pair.get("value") for pair in one.iter("nvpair")}
	        print(one.get("id"), one.get("type"), sorted(pairs.items()))
	        print(*[sorted((k, v) for k, v in op.attrib.items() if k != "id") for op in one.iter("op")])
	for one in root.iter("fencing-level"):
	    print("level", one.get("target"), one.get("index"), one.get("devices"))
	for one in root.iter("cluster_property_set"):
	    print(sorted((pair.get("name"), pair.get("value")) for pair in one))
	END
}

# make TOOL OPTION...: the engine's part, into /run/TOOL.xml.
make_with()
{
	local tool=$1
	shift
	empty_cib "/run/$tool.xml"
	CIB_file=/run/$tool.xml "$setup" --tool "$tool" --part engine "$@" &&
		fencing_of "/run/$tool.xml" | sort >"/run/$tool.fencing"
}

has()
{
	grep -qF "$2" "/run/$1.fencing" || { cat "/run/$1.fencing"; return 1; }
}

has_levels()
{
	[ "$(grep -c ^level "/run/$1.fencing")" = "$2" ]
}

is_the_same()
{
	diff /run/crm.fencing /run/pcs.fencing
}

# But for its warnings, that no node is there.
is_valid()
{
	local said

	said=$(CIB_file=/run/$1.xml crm_verify --live-check -VV 2>&1) || true
	echo "$said"
	! grep -q error <<<"$said"
}

with_both_tools()
{
	local tool

	for tool in crm pcs; do
		law "$tool makes Gemel's fencing" make_with "$tool" --nodes hq-1,hq-2 \
			--fence power-1=fence_apc,ip=192.0.2.9,username=x,plug=1,pcmk_host_list=hq-1 \
			--fence power-2=fence_apc,ip=192.0.2.9,username=x,plug=2,pcmk_host_list=hq-2
		law "... which knows both nodes" has "$tool" "('pcmk_host_list', 'hq-1 hq-2')"
		law "... as the first level of one" has "$tool" "level hq-1 1 gemel-fence"
		law "... and of the other" has "$tool" "level hq-2 1 gemel-fence"
		law "... and what was given as the second of one" has "$tool" "level hq-1 2 power-1"
		law "... and of the other" has "$tool" "level hq-2 2 power-2"
		law "... and no other level" has_levels "$tool" 4
		law "... and Pacemaker finds it right" is_valid "$tool"
		law "$tool: a second time nothing is left to do" says "everything is set up already" \
			env CIB_file="/run/$tool.xml" "$setup" --tool "$tool" --part engine --nodes hq-1,hq-2
	done
	law "both tools make the same" is_the_same
	cp /run/crm.xml /run/made.xml
	for tool in crm pcs; do
		law "$tool makes it alone" make_with "$tool" --nodes hq-1,hq-2
		law "... as the only level" has_levels "$tool" 2
		law "$tool makes a pair without it" make_with "$tool" --no-agent \
			--fence power=fence_apc,ip=192.0.2.9,username=x,plug=1
		law "... that has no levels" has_levels "$tool" 0
	done
	law "both tools make the same" is_the_same
}

# ---- Pacemaker's fencer, alone, without a cluster ----

# A fence agent that succeeds and writes down when.
other_agent()
{
	cat >/run/more/fence_other <<-'END'
	#!/bin/bash
	said=$(cat)
	case $said in
	*action=metadata*) /usr/sbin/fence_gemel -o metadata | sed 's/name="fence_gemel"/name="fence_other"/' ;;
	*action=reboot*) date +%s%3N >/run/other ;;
	esac
	END
	chmod +x /run/more/fence_other
}

# until_true COMMAND...: 0 once it succeeds, 1 after 5 s.
until_true()
{
	local end=$((SECONDS + 5))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		read -rt 0.02 <>/run/never || true
	done
}

fencer_start()
{
	mount -t tmpfs none /dev/shm
	mkdir -p /run/crm
	chown hacluster:haclient /run/crm
	ip link set lo up
	mkfifo /run/never
	"$fencer" --stand-alone -l /run/log >/run/said 2>&1 &
	until_true stonith_admin --list-registered
	# What pair-setup makes of it, one -o for each parameter.
	local -a given=()
	mapfile -t given < <(CIB_file=/run/made.xml cibadmin --query --xpath \
		"//primitive[@id='gemel-fence']//nvpair" | sed -nE 's/.* name="([^"]*)" value="([^"]*)".*/-o\n\1=\2/p')
	[ ${#given[@]} -gt 0 ] && stonith_admin --register gemel-fence --agent fence_gemel "${given[@]}"
}

# The log line that says so; it comes when it comes.
logged()
{
	until_true grep -E "$1" /run/log
}

goes_on_at_once()
{
	local begun spent
	begun=$(date +%s%3N)
	stonith_admin --reboot hq-2 --timeout 30 || return
	spent=$(($(cat /run/other) - begun))
	[ "$spent" -lt 900 ] || { echo "after $spent ms"; return 1; }
}

with_the_fencer()
{
	law "Pacemaker's fencer takes the device" fencer_start
	law "it knows that Gemel's fences both nodes" says gemel-fence stonith_admin --list hq-2
	law "without a proof it does not call a node fenced" not stonith_admin --reboot hq-2 --timeout 30
	law "... and hears why, for the node was named as it should be" \
		logged "fence_gemel: no gemel-agentd runs on this node, so there is no proof"
	stonith_admin --register other --agent fence_other -o pcmk_host_check=none
	stonith_admin --register-level hq-2 --index 1 --device gemel-fence
	stonith_admin --register-level hq-2 --index 2 --device other
	law "it goes on to the next level at once" goes_on_at_once
}

set_up
law "the metadata fits the schema of fence-agents" fits_the_schema
law "stonith_admin lists it" says '^fence_gemel$' stonith_admin --list-installed
law "stonith_admin reads its metadata" says 'name="fence_gemel"' stonith_admin --metadata --agent fence_gemel
law "crm_resource reads its metadata" says 'name="fence_gemel"' crm_resource --show-metadata stonith:fence_gemel
law "stonith_admin validates it" stonith_admin --validate --agent fence_gemel --option timeout=20
law "stonith_admin sees a wrong parameter" not stonith_admin --validate --agent fence_gemel --option timeout=never
law "pcs describes it" says "timeout: How long to wait" pcs stonith describe fence_gemel
law "crm describes it" says "timeout .second, .20." crm ra info stonith:fence_gemel
with_both_tools
with_the_fencer
echo "1..$count"
[ "$failed" = 0 ]
