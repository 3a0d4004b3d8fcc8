#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# pair-setup says the same to crm and to pcs, and one sentence when it can't.  Speaks TAP.
set -uo pipefail

setup=${srcdir:-.}/scripts/pair-setup
whole=(--nodes "hq-1,hq-2" --device /dev/shared --address 192.0.2.10/24 --address 2001:db8::10/64 --dovecot
	--fence "power=fence_x,pcmk_host_list=hq-1" --fence "other=fence_x,pcmk_host_list=hq-2")
number=0

law()
{
	local name=$1
	shift
	number=$((number + 1))
	if "$@"; then echo "ok $number - $name"; else echo "not ok $number - $name"; fi
}

shows()
{
	local tool=$1 pattern
	shift
	for pattern; do
		"$setup" --tool "$tool" --dry-run "${whole[@]}" | tr -d "'" | grep -qE "$pattern" ||
			{ echo "# $tool lacks: $pattern"; return 1; }
	done
}

# lacks TOOL PATTERN OPTION...
lacks()
{
	local tool=$1 pattern=$2 shown
	shift 2
	shown=$("$setup" --tool "$tool" --dry-run "$@") && ! tr -d "'" <<<"$shown" | grep -E "$pattern"
}

# The engine's part with these options, without a word on standard error.
is_quiet()
{
	[ -z "$("$setup" --dry-run --part engine "$@" 2>&1 >/dev/null)" ]
}

# warns PATTERN OPTION...: and yet it is done.
warns()
{
	local pattern=$1 said
	shift
	said=$("$setup" --dry-run --part engine "$@" 2>&1 >/dev/null) && grep -qE "$pattern" <<<"$said"
}

refuses()
{
	local pattern=$1 said
	shift
	if said=$("$setup" "$@" 2>&1); then
		return 1
	fi
	echo "$said" | tail -n 1 | grep -qE "$pattern" || { echo "# said: $said"; return 1; }
}

for tool in crm pcs; do
	command -v "$tool" >/dev/null || { echo "1..0 # SKIP $tool is not installed"; exit 0; }
	law "${tool}_gets_every_resource" shows "$tool" "gemel-store ocf:gemel:sharedstore" \
		"gemel-core ocf:gemel:mailcore" "gemel-ip4 ocf:gemel:floatip" "gemel-ip6 ocf:gemel:floatip" \
		"gemel-dovecot ocf:heartbeat:dovecot" "power (stonith:)?fence_x"
	law "${tool}_gets_every_order" shows "$tool" "gemel-core-after-store" "gemel-ip4-after-core" \
		"gemel-ip6-after-core" "gemel-core-with-store" "gemel-ip6-with-core"
	law "${tool}_gets_the_properties" shows "$tool" "transition-delay=50ms" "stonith-enabled=true" \
		"stonith-max-attempts=INFINITY" "migration-threshold=1" "load-threshold='?0%" \
		"node-action-limit=16" "record-pending=false"
	law "${tool}_gets_our_fencing_before_what_is_given" shows "$tool" \
		"gemel-fence (stonith:)?fence_gemel" "pcmk_host_list=\"?hq-1 hq-2" "pcmk_reboot_timeout=25s" "pcmk_reboot_retries=1" \
		"(hq-1: gemel-fence power|level add 2 hq-1 power)" "(hq-2: gemel-fence other|level add 1 hq-2 gemel-fence)"
	law "${tool}_gets_no_level_for_a_node_that_a_device_does_not_know" lacks "$tool" \
		"(hq-2: gemel-fence power|level add . hq-2 power)" "${whole[@]}"
	law "${tool}_gets_no_levels_without_our_agent" lacks "$tool" "topology|level|gemel-fence" \
		"${whole[@]}" --no-agent
	law "${tool}_gets_no_levels_without_fencing" lacks "$tool" "topology|level|gemel-fence" \
		--part engine --no-fencing --nodes hq-1,hq-2
	law "${tool}_gets_a_monitor_per_role" shows "$tool" "interval=2s.*role=Promoted" \
		"interval=3s.*role=Unpromoted" "OCF_CHECK_LEVEL=10"
done
law "a_pair_without_fencing_must_be_asked_for" refuses "say how a node is fenced" \
	--no-agent --device /dev/shared --address 192.0.2.10/24
law "fencing_and_no_fencing_contradict_each_other" refuses "contradict" --part engine --no-fencing --fence p=fence_x
law "our_fencing_alone_is_warned_of" warns "for hq-1 and hq-2 there is only Gemel" --nodes hq-1,hq-2
law "a_node_without_a_power_switch_is_named" warns "for hq-2 there is only Gemel" --nodes hq-1,hq-2 \
	--fence p=fence_x,pcmk_host_list=hq-1
law "a_device_that_says_no_nodes_knows_both" is_quiet --nodes hq-1,hq-2 --fence p=fence_x
law "a_map_says_nodes_too" is_quiet --nodes hq-1,hq-2 --fence "p=fence_x,pcmk_host_map=hq-1:1;hq-2:2"
law "a_device_that_knows_neither_is_refused" refuses "it knows neither hq-1 nor hq-2" --part engine --dry-run \
	--nodes hq-1,hq-2 --fence p=fence_x,pcmk_host_list=hq1
law "a_pair_has_two_nodes" refuses "names of both nodes" --nodes hq-1
law "a_pair_has_two_different_nodes" refuses "names of both nodes" --nodes hq-1,hq-1
law "a_cluster_that_does_not_run_is_not_guessed_at" refuses "give --nodes A,B" --part engine --dry-run
law "a_pair_needs_a_device" refuses "which device" --address 192.0.2.10/24 --no-fencing
law "a_pair_needs_an_address" refuses "which address" --device /dev/shared --no-fencing
law "an_address_needs_its_prefix" refuses "prefix length" --address 192.0.2.10
law "two_addresses_of_a_kind_are_refused" refuses "floats one of each" --no-fencing \
	--device /dev/shared --address 192.0.2.10/24 --address 192.0.2.11/24 --dry-run
law "a_fence_device_needs_an_agent" refuses "give NAME=AGENT" --nodes hq-1,hq-2 --device /dev/shared \
	--address 192.0.2.10/24 --fence power --dry-run
echo "1..$number"
