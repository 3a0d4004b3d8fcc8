#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# pair-setup says the same to crm and to pcs, and one sentence when it can't.  Speaks TAP.
set -uo pipefail

setup=${srcdir:-.}/scripts/pair-setup
whole=(--device /dev/shared --address 192.0.2.10/24 --address 2001:db8::10/64 --dovecot
	--fence "power=fence_x,pcmk_host_list=hq-1 hq-2")
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
	law "${tool}_gets_a_monitor_per_role" shows "$tool" "interval=2s.*role=Promoted" \
		"interval=3s.*role=Unpromoted" "OCF_CHECK_LEVEL=10"
done
law "a_pair_without_fencing_must_be_asked_for" refuses "say how a node is fenced" \
	--device /dev/shared --address 192.0.2.10/24
law "a_pair_needs_a_device" refuses "which device" --address 192.0.2.10/24 --no-fencing
law "a_pair_needs_an_address" refuses "which address" --device /dev/shared --no-fencing
law "an_address_needs_its_prefix" refuses "prefix length" --address 192.0.2.10
law "two_addresses_of_a_kind_are_refused" refuses "floats one of each" --no-fencing \
	--device /dev/shared --address 192.0.2.10/24 --address 192.0.2.11/24 --dry-run
law "a_fence_device_needs_an_agent" refuses "give NAME=AGENT" --device /dev/shared \
	--address 192.0.2.10/24 --fence power --dry-run
echo "1..$number"
