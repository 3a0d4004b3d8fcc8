#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# test-agents -- the resource agents against a real kernel and the cluster's own tools. Speaks TAP.
#
#	tests/ocf/test-agents.sh [BUILD_DIR [GROUP...]]
#
# Groups: tools parameters kills floatip sharedstore dead_disk mailcore; without one, all.
# Needs root. Runs in mount, network, IPC and PID namespaces of its own, with a veth pair to a
# second network namespace, a loop device with ext4, and a core that is played (fake-core.c).
# Nothing is left behind: everything ends with the namespaces.
set -euo pipefail

build=$(realpath "${1:-.}")
shift || true
groups=${*:-tools parameters kills floatip sharedstore dead_disk mailcore}
here=$(realpath "$(dirname "$0")")
readonly build groups here
readonly provider=/usr/lib/ocf/resource.d/gemel
readonly agents="floatip mailcore sharedstore"

skip_all()
{
	echo "1..0 # SKIP $1"
	exit 0
}

if [ -z "${TEST_AGENTS_INSIDE:-}" ]; then
	[ "$(id -u)" = 0 ] || skip_all "must be run as root"
	[ -x "$build/resource-agents/floatip" ] || skip_all "no agents in $build; give the build folder"
	[ -x "$build/tests/ocf/fake-core" ] || skip_all "no tests/ocf/fake-core in $build; run make"
	for tool in ocf-tester xmllint tcpdump arping crm_resource pcs crm losetup mkfs.ext4 nc; do
		command -v "$tool" >/dev/null || skip_all "$tool is missing; run scripts/install-deps"
	done
	# shellcheck disable=SC2086 # one word per group
	TEST_AGENTS_INSIDE=1 exec unshare --mount --net --ipc --pid --fork --mount-proc \
		--kill-child bash "$0" "$build" $groups
fi

count=0 failed=0 device=''

# result OK NAME [DETAILS]
result()
{
	count=$((count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		[ -z "${3:-}" ] || echo "# ${3//$'\n'/$'\n'# }"
		failed=$((failed + 1))
	fi
}

# check NAME COMMAND...: passes if the command succeeds.
check()
{
	local name=$1 output rc=0
	shift
	output=$("$@" 2>&1) || rc=$?
	result "$rc" "$name" "$output"
}

# agent NAME ACTION: as the executor calls it; output in $said.
agent()
{
	said=$("$provider/$1" "$2" 2>&1)
}

# expect RC AGENT ACTION NAME: passes if the action ends with that code.
expect()
{
	local rc=0
	agent "$2" "$3" || rc=$?
	if [ "$rc" = "$1" ]; then
		result 0 "$4"
	else
		result 1 "$4" "$2 $3 gave $rc and not $1: $said"
	fi
}

# says TEXT NAME: passes if the last action gave this exit reason.
says()
{
	if grep -qxF "ocf-exit-reason:$1" <<<"$said"; then
		result 0 "$2"
	else
		result 1 "$2" "$said"
	fi
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

set_up()
{
	mount -t tmpfs none /run
	mount -t sysfs none /sys
	mkdir -p /run/netns /run/stock /run/store /run/elsewhere
	mkfifo /run/never
	# A provider of our own beside the stock ones, on a machine where nothing is installed.
	cp -a /usr/lib/ocf/resource.d/. /run/stock
	mount --bind /run/stock /usr/lib/ocf/resource.d
	mkdir -p "$provider"
	for name in $agents; do
		install -m 755 "$build/resource-agents/$name" "$provider/$name"
	done

	ip link set lo up
	ip netns add peer
	ip link add near type veth peer name far netns peer
	ip -n peer link set lo up
	ip addr add 192.0.2.1/24 dev near
	ip addr add 2001:db8::1/64 dev near nodad
	ip -n peer addr add 192.0.2.2/24 dev far
	ip -n peer addr add 2001:db8::2/64 dev far nodad
	ip link set near up
	ip -n peer link set far up
	until_true ip netns exec peer ping -c1 -W1 192.0.2.1

	truncate -s 32M /run/image
	# The lab's disk has blocks of 4096 bytes.
	mkfs.ext4 -qF -b 4096 /run/image
	device=$(losetup -f --show /run/image)
	# Detached while it is open, it goes with the last process that has it, however that ends.
	exec 9<"$device"
	losetup -d "$device"
	: >/run/wishes
	# What the doctor looks at when the core's agent is validated.
	echo 'domain = "example.test"' >/run/gemel.conf
	mkdir -p /run/corosync
	cp "$here/../unit/doctor/corosync.conf" /run/corosync
	mount --bind /run/corosync /etc/corosync

	export OCF_ROOT=/usr/lib/ocf OCF_RESKEY_CRM_meta_timeout=4000
	export OCF_RESKEY_CRM_meta_interval=5000
	export OCF_RESKEY_ip=192.0.2.10
	export OCF_RESKEY_device=$device OCF_RESKEY_directory=/run/store
	export OCF_RESKEY_binary=$build/tests/ocf/fake-core OCF_RESKEY_config=/run/wishes
	export OCF_RESKEY_smtp_port=2525
}

tear_down()
{
	pkill -KILL -P $$ || true
	umount /run/elsewhere 2>/dev/null || true
	umount /run/store 2>/dev/null || true
}

meta_data_of()
{
	"$provider/$1" meta-data
}

valid_by_dtd()
{
	meta_data_of "$1" | (cd /usr/share/resource-agents && xmllint --noout --valid -)
}

valid_by_pcs()
{
	meta_data_of "$1" | grep -v '^<!\|^\]>' |
		xmllint --noout --nonet --relaxng /usr/share/pcs/data/ocf-1.1.rng -
}

as_nobody()
{
	setpriv --reuid nobody --regid nogroup --clear-groups "$provider/$1" "$2"
}

validates()
{
	crm_resource --validate=10 --class ocf --provider gemel --agent "$1" "${@:2}"
}

# Each agent and the options that make it valid here.
options_of()
{
	case $1 in
	floatip) echo "ip=192.0.2.10" ;;
	mailcore) echo "binary=$OCF_RESKEY_binary config=/run/gemel.conf" ;;
	sharedstore) echo "device=$device directory=/run/store" ;;
	esac
}

test_tools()
{
	local name option given=() options=()

	for name in $agents; do
		check "$name: meta-data fits the DTD of OCF 1.0" valid_by_dtd "$name"
		check "$name: meta-data fits the schema of pcs for OCF 1.1" valid_by_pcs "$name"
		check "$name: nobody may ask for meta-data" as_nobody "$name" meta-data
		check "$name: crm_resource shows meta-data" \
			crm_resource --show-metadata "ocf:gemel:$name"
		check "$name: pcs describes it" pcs resource describe "ocf:gemel:$name"
		check "$name: crm describes it" crm ra info "ocf:gemel:$name"
		given=() options=()
		for option in $(options_of "$name"); do
			given+=(-o "$option")
			options+=(--option "$option")
		done
		check "$name: crm_resource validates it" validates "$name" "${options[@]}"
		check "$name: ocf-tester passes" ocf-tester -n try "${given[@]}" "$provider/$name"
		expect 3 "$name" no-such-action "$name: an unknown action is unimplemented"
		check "$name: --help is a text" "$provider/$name" --help
	done
	check "floatip: ocf-tester passes with IPv6" \
		ocf-tester -n try -o ip=2001:db8::10 "$provider/floatip"
	expect_not_root
}

expect_not_root()
{
	local rc=0
	said=$(as_nobody floatip start 2>&1) || rc=$?
	result "$((rc != 4))" "a start by nobody is refused with 4" "rc=$rc $said"
}

# wrong AGENT PARAMETER VALUE SENTENCE
wrong()
{
	local -x "OCF_RESKEY_$2=$3"
	expect 6 "$1" start "$1: $2=\"$3\" stops a start"
	says "$4" "... and says in one sentence what is wrong"
	expect 6 "$1" validate-all "... and validate-all says so too"
	expect 0 "$1" stop "... and yet stop succeeds"
}

test_parameters()
{
	wrong floatip ip 192.0.2 'parameter ip: "192.0.2" is not an IPv4 or IPv6 address; give one like 192.0.2.10 or 2001:db8::10'
	wrong floatip ip '' 'parameter ip is missing; give it: the IPv4 or IPv6 address'
	wrong floatip ip 224.0.0.1 'parameter ip: "224.0.0.1" cannot float; give an address of a single station'
	wrong floatip ip fe80::1 'parameter nic is missing; a link-local address needs it'
	wrong floatip cidr_netmask 64 'parameter cidr_netmask: "64" is too long for an IPv4 address; give 1 to 32'
	wrong floatip cidr_netmask 255.0.255.0 'parameter cidr_netmask: "255.0.255.0" is no netmask; give one like 24, 64 or 255.255.255.0'
	wrong floatip nic eth0:1 'parameter nic: "eth0:1" is not the name of an interface; give one as ip link shows it'
	wrong floatip arp_count many 'parameter arp_count: "many" is not a whole number; give one from 1 to 100'
	wrong floatip nodad maybe 'parameter nodad: "maybe" is not a yes or no; give true or false'
	wrong floatip preferred_lft soon 'parameter preferred_lft: "soon" is no time; give seconds or forever'
	wrong sharedstore device '' 'parameter device is missing; give it: path of the block device'
	wrong sharedstore device sdb1 'parameter device: "sdb1" is not an absolute path; begin it with /'
	wrong sharedstore directory /srv/ 'parameter directory: "/srv/" is not a plain path; leave out //, /./, /../ and a / at the end'
	wrong sharedstore mode tape 'parameter mode: "tape" is no mode of storage; give disk'
	wrong sharedstore options noatime,ro 'parameter options: "noatime,ro" is read-only; the store is written to, so leave ro out'
	wrong sharedstore term_ms -1 'parameter term_ms: "-1" is out of range; give a number from 0 to 60000'
	wrong mailcore smtp_port 0 'parameter smtp_port: "0" is out of range; give a number from 1 to 65535'
	wrong mailcore smtp_address mx1 'parameter smtp_address: "mx1" is not an IPv4 or IPv6 address; give one like 127.0.0.1'
	wrong mailcore binary mailcored 'parameter binary: "mailcored" is not an absolute path; begin it with /'

	OCF_RESKEY_nic=none0 expect 5 floatip start "floatip: a missing interface is 5"
	says "parameter nic: this node has no interface none0; see ip link" "... with its name"
	OCF_RESKEY_ip=198.51.100.9 expect 5 floatip start "floatip: an address that fits nowhere is 5"
	says "no interface of this node fits 198.51.100.9; give parameter nic" "... with what to do"
	OCF_RESKEY_device=/dev/null expect 5 sharedstore start "sharedstore: a device that is none is 5"
	says "parameter device: /dev/null is no block device here; connect the disk" "... with its name"
	OCF_RESKEY_binary=/none expect 5 mailcore start "mailcore: a missing program is 5"
	OCF_RESKEY_binary=/none expect 7 mailcore monitor "mailcore: ... and a monitor without it is 7"
}

# swept AGENT ACTION FINAL_RC EVERY_US: kill the action at 41 moments; each time the action, called
# again, must succeed and a monitor then give FINAL_RC. prepare is run before each.
swept()
{
	local name=$1 action=$2 final=$3 every_us=$4 step rc bad='' killed=0

	for step in $(seq 0 40); do
		prepare
		rc=0
		# A group, so that what the shell says of it ("Killed") is dropped as well.
		{
			timeout -s KILL "0.$(printf '%06d' $((step * every_us + 50)))" \
				"$provider/$name" "$action" >/dev/null || rc=$?
		} 2>/dev/null
		[ "$rc" = 0 ] || killed=$((killed + 1))
		rc=0
		agent "$name" "$action" || rc=$?
		[ "$rc" = 0 ] || bad+="$action again after $step: $rc: $said"$'\n'
		rc=0
		agent "$name" monitor || rc=$?
		[ "$rc" = "$final" ] || bad+="monitor after $step: $rc, not $final: $said"$'\n'
	done
	[ "$killed" -gt 0 ] || bad+="it was never killed in time"$'\n'
	result "$([ -z "$bad" ]; echo $?)" \
		"$name: $action, killed at any of 41 moments ($killed in time), is put right by $action" "$bad"
}

quietly()
{
	"$provider/$1" "$2" >/dev/null 2>&1 || true
}

test_kills()
{
	local name

	for name in floatip mailcore sharedstore; do
		prepare() { quietly "$name" stop; }
		swept "$name" start 0 900
		prepare() { quietly "$name" start; }
		swept "$name" stop 7 600
	done
	for name in mailcore sharedstore; do
		quietly "$name" start
		prepare() { quietly "$name" demote; }
		swept "$name" promote 8 200
		prepare() { quietly "$name" promote; }
		swept "$name" demote 0 200
		quietly "$name" stop
	done
	result "$(pgrep -x fake-core >/dev/null && echo 1 || echo 0)" "no core is left after that"
	result "$(pgrep -x floatip >/dev/null && echo 1 || echo 0)" "no announcer is left after that"
	result "$(grep -c " /run/store " /proc/self/mountinfo || true)" "no mount is left after that"
}

# How many files of an agent there are.
count_files()
{
	find /run/gemel -name "$1-*" | wc -l
}

address_is_there()
{
	[[ $(ip addr show dev near) == *" $1/24 "* ]]
}

# capture PATTERN: what tcpdump at the other end saw, until the pattern was there.
capture()
{
	until_true grep -qE "$1" /run/captured
}

test_floatip()
{
	local -x OCF_RESOURCE_INSTANCE=ip4
	local mac dumper pid starting rc

	mac=$(cat /sys/class/net/near/address)
	ip netns exec peer tcpdump -i far -nnel 'arp or icmp6' >/run/captured 2>/run/tcpdump &
	dumper=$!
	until_true grep -q listening /run/tcpdump
	expect 7 floatip monitor "floatip: not there is 7"
	expect 0 floatip start "floatip: starts"
	check "... and the address is there with the subnet's prefix" address_is_there 192.0.2.10
	check "... its gratuitous ARP request is seen at the other end" \
		capture "$mac > ff:ff:ff:ff:ff:ff.*Request who-has 192.0.2.10 .*tell 192.0.2.10"
	check "... and its gratuitous ARP reply" \
		capture "$mac > ff:ff:ff:ff:ff:ff.*Reply 192.0.2.10 is-at $mac"
	expect 0 floatip monitor "... and a monitor is content"

	OCF_RESOURCE_INSTANCE=ip6 OCF_RESKEY_ip=2001:db8::10 expect 0 floatip start "floatip: IPv6 starts"
	check "... and works at once" ip netns exec peer ping -c1 -W1 2001:db8::10
	check "... its neighbour advertisement is seen at the other end" \
		capture "$mac > 33:33:00:00:00:01.*2001:db8::10 > ff02::1.*advertisement, tgt is 2001:db8::10"
	result "$(ip -6 addr show dev near | grep 2001:db8::10 | grep -c tentative || true)" \
		"... and it is not tentative"
	OCF_RESOURCE_INSTANCE=ip6 OCF_RESKEY_ip=2001:db8::10 expect 0 floatip stop "... and stops"

	read -r pid _ </run/gemel/floatip-ip4
	kill -KILL "$pid"
	until_false kill -0 "$pid"
	expect 0 floatip monitor "floatip: a dead announcer is no failure"
	read -r pid _ </run/gemel/floatip-ip4
	check "... and lives again after it" kill -0 "$pid"
	result "$(($(ps -o sid= "$pid") != pid))" "... in a session of its own"

	ip -n peer link set far down
	expect 1 floatip monitor "floatip: a lost carrier is a failure"
	says "near has no carrier; check its cable and switch" "... that names the interface"
	OCF_RESKEY_CRM_meta_timeout=300 expect 1 floatip start "... and a start fails after its time"
	OCF_RESKEY_CRM_meta_timeout=3000 "$provider/floatip" start &
	starting=$!
	ip -n peer link set far up
	rc=0
	wait "$starting" || rc=$?
	result "$rc" "... but waits for a carrier that returns"
	expect 0 floatip monitor "... and a monitor is content again"

	test_conflict
	test_many_addresses
	ip addr del 192.0.2.10/24 dev near
	expect 7 floatip monitor "floatip: an address taken away by hand is 7"
	check "... and its announcer ends by itself" until_false pgrep -x floatip
	expect 0 floatip stop "floatip: stop of what is not there succeeds"
	kill "$dumper"
	OCF_RESKEY_cidr_netmask=255.255.255.0 expect 0 floatip start "floatip: a dotted netmask will do"
	check "... as the same prefix" address_is_there 192.0.2.10
	ip link add spare type veth peer name erraps
	ip addr add 192.0.2.10/32 dev spare
	ip addr add 192.0.2.10/30 dev spare
	expect 0 floatip stop "... and stops"
	result "$(ip addr show | grep -c "192.0.2.10/" || true)" "... wherever it was"
	ip link del spare
	result "$(count_files floatip)" "floatip: leaves no file behind"
}

until_false()
{
	until_true eval "! $*"
}

has_conflict()
{
	[ "$(wc -w </run/gemel/floatip-ip4)" = 3 ]
}

# Others change addresses all the while; the kernel's answer then begins anew.
test_many_addresses()
{
	local changing try bad=0

	for try in {1..1000}; do
		echo "addr add 198.18.$((try / 250)).$((try % 250 + 1))/32 dev lo"
	done | ip -batch -
	while :; do
		ip addr add 198.19.0.1/32 dev lo
		ip addr del 198.19.0.1/32 dev lo
	done 2>/dev/null &
	changing=$!
	for try in {1..100}; do
		agent floatip monitor || { bad=1; break; }
	done
	result "$bad" "floatip: a monitor is content while the addresses of others come and go" "$said"
	{ kill "$changing" && wait "$changing"; } 2>/dev/null || true
	ip addr flush dev lo
	ip addr add 127.0.0.1/8 dev lo
}

test_conflict()
{
	local theirs

	theirs=$(ip netns exec peer cat /sys/class/net/far/address)
	: >/run/captured
	ip -n peer addr add 192.0.2.10/24 dev far
	ip netns exec peer arping -q -U -c1 -I far 192.0.2.10 || true
	check "floatip: a claim is answered" capture "$mac > ff:ff:ff:ff:ff:ff.*Reply 192.0.2.10 is-at $mac"
	expect 0 floatip monitor "... and one alone is no conflict"
	ip netns exec peer arping -q -U -c1 -I far 192.0.2.10 || true
	check "... a second one is" until_true has_conflict
	expect 1 floatip monitor "... and a monitor fails"
	says "192.0.2.10 is also claimed by station $theirs on near; take it off there" "... and names it"
	ip -n peer addr del 192.0.2.10/24 dev far
	expect 0 floatip start "... until it is started again"
	expect 0 floatip monitor "... and nobody claims it"
}

# The kernel lets nobody open a device exclusively while it is mounted anywhere.
can_claim()
{
	python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDONLY | os.O_EXCL)' "$device"
}

# What this node read of the disk, while the other one wrote to it, is not believed. The disk's
# blocks are as large as the file system's: with smaller ones ext4's mount forgets them by itself.
test_stale_buffers()
{
	exec 7<"$OCF_RESKEY_device"
	e2label "$OCF_RESKEY_device" >/dev/null
	# It was cut off in a mount, so its journal is replayed first.
	e2label /run/image fresh >/dev/null 2>&1
	OCF_RESKEY_CRM_meta_timeout=4000 expect 0 sharedstore promote "sharedstore: is promoted on it"
	result "$([ "$(e2label "$OCF_RESKEY_device")" = fresh ]; echo $?)" \
		"... and sees what was written behind this node's back"
	exec 7<&-
}

hold_with_cwd()
{
	(cd /run/store && trap '' TERM && : >/run/holding && read -r <>/run/never) &
}

test_sharedstore()
{
	local -x OCF_RESOURCE_INSTANCE=st OCF_RESKEY_term_ms=300
	local holder

	expect 7 sharedstore monitor "sharedstore: not started is 7"
	expect 0 sharedstore start "sharedstore: starts"
	expect 0 sharedstore monitor "... unpromoted"
	expect 0 sharedstore promote "sharedstore: is promoted"
	expect 8 sharedstore monitor "... and says so"
	OCF_CHECK_LEVEL=20 expect 8 sharedstore monitor "... after a read and a synced write too"
	rm -f /run/gemel/sharedstore-st.started
	OCF_RESKEY_CRM_meta_interval=0 expect 8 sharedstore monitor "... and to a probe that knows of no start"

	hold_with_cwd
	holder=$!
	until_true test -e /run/holding
	disown "$holder"
	expect 0 sharedstore demote "sharedstore: is demoted though a process holds it"
	result "$(grep -q "held by .*($holder, working directory)" <<<"$said"; echo $?)" \
		"... which is named" "$said"
	result "$(grep -c " /run/store " /proc/self/mountinfo || true)" "... and nothing is mounted"

	quietly sharedstore promote
	unshare --mount --propagation private bash -c ': >/run/inside; read -r <>/run/never' &
	holder=$!
	until_true test -e /run/inside
	expect 0 sharedstore demote "sharedstore: is demoted though another mount namespace has it"
	check "... whose process lives on" kill -0 "$holder"
	check "... and the device is nobody's" can_claim
	{ kill "$holder" && wait "$holder"; } 2>/dev/null || true

	quietly sharedstore promote
	rm /run/inside
	unshare --mount --propagation private bash -c ': >/run/inside; read -r <>/run/never' &
	holder=$!
	until_true test -e /run/inside
	umount /run/store
	expect 0 sharedstore demote "sharedstore: unmounted by hand, it is demoted though another namespace has it"
	check "... and the device is nobody's" can_claim
	{ kill "$holder" && wait "$holder"; } 2>/dev/null || true

	test_hidden_mount
	test_unknown_mounts
	test_foreign_owner

	quietly sharedstore promote
	mount --bind /run/store /run/elsewhere
	expect 0 sharedstore demote "sharedstore: is demoted though a bind mount has it"
	mount "$device" /run/elsewhere
	expect 1 sharedstore promote "sharedstore: what is mounted elsewhere is not promoted"
	says "$device is mounted at /run/elsewhere; unmount it there" "... and it says where"
	rm -f /run/gemel/sharedstore-st.started
	OCF_RESKEY_CRM_meta_interval=0 expect 1 sharedstore monitor "... nor called stopped by a probe"
	rm -r /run/gemel
	expect 0 sharedstore stop "... and a stop unmounts it, though nothing else ran since the boot"
	mount -t tmpfs other /run/store
	expect 1 sharedstore promote "sharedstore: a directory that is taken is not promoted"
	umount /run/store
	OCF_RESKEY_fstype=xfs expect 1 sharedstore promote "sharedstore: another file system is not promoted"
	says "cannot mount $device: no such file system on it, or a wrong option; check fstype and options" \
		"... and says what to check"

	quietly sharedstore promote
	echo broken >"/sys/fs/ext4/${device#/dev/}/trigger_fs_error"
	expect 9 sharedstore monitor "sharedstore: a file system that failed is a failed promotion"
	expect 0 sharedstore demote "... and can be demoted"
	expect 0 sharedstore stop "sharedstore: stops"
	expect 7 sharedstore monitor "... and says so"
	result "$(count_files sharedstore)" "sharedstore: leaves no file behind"
}

# A mount in a namespace that only a descriptor keeps: no process shows it.
test_hidden_mount()
{
	local begun holder

	begun=$(date +%s%N)
	expect 0 sharedstore demote "sharedstore: a demote of what is not mounted"
	result "$((($(date +%s%N) - begun) / 1000000 > 100))" "... takes no time"
	rm -f /run/inside
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private bash -c \
		'mount "$0" /run/elsewhere; : >/run/inside; read -r <>/run/never' "$device" &
	holder=$!
	until_true test -e /run/inside
	exec 6<"/proc/$holder/ns/mnt"
	{ kill "$holder" && wait "$holder"; } 2>/dev/null || true
	OCF_RESKEY_CRM_meta_timeout=500 expect 1 sharedstore demote \
		"sharedstore: a mount in a namespace without a process is no released disk"
	says "/run/store is not released: held by nobody that can be seen" "... and it says so"
	exec 6<&-
	expect 0 sharedstore demote "... and is one once the namespace has gone"
}

# Without /proc nobody knows what is mounted.
without_proc()
{
	# shellcheck disable=SC2016 # the inner shell's
	said=$(unshare --mount --propagation private bash -c \
		'mount -t tmpfs none /proc; exec "$0" "$@"' "$provider/$1" "$2" 2>&1)
}

test_unknown_mounts()
{
	local action rc

	quietly sharedstore promote
	for action in monitor demote stop promote start; do
		rc=0
		without_proc sharedstore "$action" || rc=$?
		result "$((rc != 1))" "sharedstore: without a mount table $action fails" "rc=$rc $said"
		says "cannot read /proc/self/mountinfo: No such file or directory; without it nobody knows what is mounted; mount /proc" \
			"... and says why"
	done
	expect 8 sharedstore monitor "... and leaves it as it was"
	quietly sharedstore demote
}

test_foreign_owner()
{
	local -x OCF_RESKEY_owner=nobody

	expect 0 sharedstore promote "sharedstore: a fresh file system is given to its owner"
	result "$([ "$(stat -c %U /run/store)" = nobody ]; echo $?)" "... whole"
	quietly sharedstore demote
	expect 0 sharedstore promote "... and taken again as it is"
	chown daemon /run/store
	quietly sharedstore demote
	expect 1 sharedstore promote "sharedstore: one that belongs to another user is refused"
	says "/run/store belongs to user $(id -u daemon), but nobody is user $(id -u nobody) here: the numbers differ between the nodes; make them the same" \
		"... and says why"
	expect 1 sharedstore promote "... when it is mounted already, too"
	chown root /run/store
	expect 0 sharedstore demote "... and can be demoted"
}

# A disk that hangs: the lab's.
disk_do()
{
	echo "$1" | nc -NU /run/disk.socket | grep -qv '^error'
}

test_dead_disk()
{
	local -x OCF_RESOURCE_INSTANCE=dead OCF_RESKEY_device OCF_RESKEY_CRM_meta_timeout=1000
	local begun disk

	if ! [ -x "$build/tests/lab/disk" ] || ! [ -e /dev/fuse ]; then
		result 0 "sharedstore: a dead disk # SKIP no tests/lab/disk or /dev/fuse"
		return
	fi
	mkdir /run/fuse
	mkfifo /run/disk.device
	"$build/tests/lab/disk" -p /run/image -m /run/fuse -c /run/disk.socket >/run/disk.device &
	disk=$!
	read -r OCF_RESKEY_device </run/disk.device
	expect 0 sharedstore start "sharedstore: starts on the lab's disk"
	disk_do hang
	begun=$(date +%s%N)
	expect 1 sharedstore promote "sharedstore: a promote on a disk that hangs fails"
	says "mounting $OCF_RESKEY_device hangs: the disk does not answer" "... and says so"
	result "$((($(date +%s%N) - begun) / 1000000 > 1000))" "... before Pacemaker kills it"
	expect 1 sharedstore demote "... and a demote does not call the disk free while the mount may still come"
	disk_do ok
	OCF_RESKEY_CRM_meta_timeout=4000 expect 0 sharedstore demote "... but does once the disk answers"
	expect 0 sharedstore monitor "... and nothing is mounted"
	test_stale_buffers
	echo words >/run/store/file
	disk_do hang
	expect 1 sharedstore demote "sharedstore: a demote on a disk that hangs fails, and does not hang"
	says "unmounting /run/store hangs: the disk does not answer; the node must be fenced" "... and says so"
	OCF_CHECK_LEVEL=10 expect 1 sharedstore monitor "... and a monitor that reads does not hang either"
	disk_do ok
	OCF_RESKEY_CRM_meta_timeout=4000 expect 0 sharedstore stop "... and stop succeeds once it answers"
	kill "$disk"
	wait "$disk" || true
}

core_pid()
{
	cat /run/gemel/mailcored.pid
}

test_mailcore()
{
	local -x OCF_RESOURCE_INSTANCE=core
	local pid

	OCF_RESKEY_config=/run/gemel.conf OCF_CHECK_LEVEL=10 \
		expect 0 mailcore validate-all "mailcore: a pair's node is valid"
	sed -i 's/token: 500/token: 300/' /run/corosync/corosync.conf
	OCF_RESKEY_config=/run/gemel.conf OCF_CHECK_LEVEL=10 \
		expect 2 mailcore validate-all "... and with an unsafe token it is not"
	says "token-unsafe: unsafe on this node; gemel doctor says what to do" "... which is named"
	expect 0 mailcore validate-all "... but at level 0 only parameters count"

	echo refuse-start >/run/wishes
	expect 1 mailcore start "mailcore: a core that refuses to start is a failure"
	says "mailcored: gemel.conf line 7: no such key; remove it" "... in its own last words"
	echo "worker smtp" >/run/wishes
	expect 0 mailcore start "mailcore: starts"
	result "$(($(ps -o pgid= "$(core_pid)") == $(ps -o pgid= $$)))" "... outside the caller's process group"
	expect 0 mailcore monitor "... as a standby"
	OCF_CHECK_LEVEL=20 expect 0 mailcore monitor "... that needs to speak no SMTP"
	expect 0 mailcore promote "mailcore: is promoted"
	expect 8 mailcore monitor "... and says so"
	OCF_CHECK_LEVEL=20 expect 8 mailcore monitor "... and speaks SMTP"
	OCF_CHECK_LEVEL=20 OCF_RESKEY_smtp_port=2526 expect 9 mailcore monitor "mailcore: SMTP that is refused is a failed promotion"
	says "SMTP: cannot connect to 127.0.0.1 port 2526: Connection refused" "... that says where"

	kill -KILL "$(core_pid)"
	OCF_RESKEY_CRM_meta_role=Promoted expect 9 mailcore monitor "mailcore: dead while promoted is a failed promotion"
	says "mailcored is dead, but workers of it still live" "... and its workers are seen"
	expect 1 mailcore monitor "... and to others it is no clean stop"
	expect 0 mailcore demote "... and a demote ends them"
	expect 7 mailcore monitor "... and then it is one"

	quietly mailcore start
	kill -KILL "$(core_pid)"
	echo slow-start >/run/wishes
	quietly mailcore start
	expect 0 mailcore promote "mailcore: a start waits for its own core, whatever a dead one left"
	quietly mailcore stop

	echo "hang-demote ignore-term" >/run/wishes
	quietly mailcore start
	quietly mailcore promote
	expect 0 mailcore demote "mailcore: a core that hangs in its demote is killed"
	expect 7 mailcore monitor "... and nothing of it lives"

	quietly mailcore start
	quietly mailcore promote
	expect 0 mailcore start "mailcore: a start that kills an active core to demote it starts another"
	expect 0 mailcore monitor "... that stands by"
	quietly mailcore promote
	rm /run/gemel/progress
	expect 0 mailcore demote "mailcore: a core that says nothing of itself is demoted"
	expect 7 mailcore monitor "... and not believed to be a standby: nothing of it lives"

	quietly mailcore start
	quietly mailcore promote
	pid=$(core_pid)
	kill -STOP "$pid"
	OCF_CHECK_LEVEL=10 expect 9 mailcore monitor "mailcore: a stopped core does not answer"
	check "... and is seen as stuck without being asked" until_true core_is_stuck
	expect 0 mailcore demote "... and a demote ends it"
	check "... at once" until_false kill -0 "$pid"

	quietly mailcore start
	expect 0 mailcore stop "mailcore: a core that ignores SIGTERM is stopped"
	expect 7 mailcore monitor "... and nothing of it lives"
	echo degraded >/run/wishes
	quietly mailcore start
	expect 190 mailcore monitor "mailcore: a degraded standby is 190"
	says "degraded: the queue is long" "... and says why"
	quietly mailcore promote
	expect 191 mailcore monitor "mailcore: a degraded active core is 191"
	quietly mailcore stop

	echo give-up >/run/wishes
	quietly mailcore start
	expect 1 mailcore promote "mailcore: a core that gives up is not promoted"
	expect 1 mailcore monitor "... and a monitor fails"
	says "mailcored gave up: the disk is gone" "... and says why"
	expect 0 mailcore demote "... and a demote succeeds"
	expect 7 mailcore monitor "... for what it holds is taken from it: nothing of it lives"

	echo deaf >/run/wishes
	quietly mailcore start
	quietly mailcore promote
	expect 9 mailcore monitor "mailcore: an active core without a living worker is a failed promotion"
	says "mailcored is active, but none of its SMTP workers lives; see its log" "... and says why"
	expect 0 mailcore demote "... and can be demoted"
	expect 0 mailcore monitor "... and is a standby then"
	quietly mailcore promote
	expect 0 mailcore start "mailcore: a start puts another in place of a deaf core"
	expect 0 mailcore monitor "... that stands by"
	quietly mailcore stop

	echo refuse-promote >/run/wishes
	quietly mailcore start
	expect 1 mailcore promote "mailcore: a refused promote is a failure"
	says "the store is locked by nobody you know; unlock it" "... in the core's words"
	expect 0 mailcore reload-agent "mailcore: parameters can be reloaded"
	expect 0 mailcore stop "mailcore: stops"
	result "$(count_files mailcore)" "mailcore: leaves no file behind"
}

core_is_stuck()
{
	agent mailcore monitor
	[ $? = 9 ]
}

trap tear_down EXIT
set_up
for group in $groups; do
	"test_$group"
done
echo "1..$count"
[ "$failed" = 0 ]
