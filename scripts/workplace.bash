# SPDX-License-Identifier: BSD-2-Clause
#
# workplace -- where scripts/check and scripts/demo work; sourced by them, not run.
#
# A temporary folder with a copy of the tree, so that the tree itself stays as it
# is, and a cgroup that holds every process that is started, so that none outlasts
# the script, however it ends. Sets:
#
#	tree         the tree that was asked to work
#	work         the temporary folder
#	source       the copy of the tree in it
#	work_cgroup  the cgroup
#
# $work/never is a fifo into which nobody writes: reading it with a time-out waits
# without a process.

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work='' source='' work_cgroup=''
readonly tree
# The system's programs, whatever the caller has put before them.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# The first cgroup2 file system that can be written to.
cgroup_root()
{
	local where kind

	while read -r _ where kind _; do
		if [ "$kind" = cgroup2 ] && [ -w "$where" ]; then
			echo "$where"
			return
		fi
	done </proc/mounts
}

# One clear sentence for whatever this machine lacks.
machine_check()
{
	local why

	[ "$(id -u)" -eq 0 ] || die "run me as root: the lab makes namespaces and mounts"
	# shellcheck disable=SC1091 # the system's own file
	[ -r /etc/os-release ] && why=$(. /etc/os-release && echo "${ID:-} ${VERSION_ID:-}") || why=
	[ "$why" = "debian 12" ] ||
		die "this is ${why:-an unknown system}, and only Debian 12 is supported"
	why=$(unshare --mount --net --pid --ipc --uts --fork true 2>&1) ||
		die "this machine lets root make no namespaces (${why##*: }); run me on a whole machine or a virtual one"
	[ -n "$(cgroup_root)" ] ||
		die "no writable cgroup2 file system is mounted; processes are ended with it"
	[ -e "$(cgroup_root)/cgroup.procs" ] || die "$(cgroup_root) is no cgroup"
	[ -c /dev/fuse ] || modprobe fuse 2>/dev/null || die "there is no /dev/fuse: load the module fuse"
	[ -c /dev/loop-control ] || modprobe loop 2>/dev/null ||
		die "there is no /dev/loop-control: load the module loop"
}

# What belongs to the tree: what git knows and does not ignore, or all of an unpacked tarball.
tree_list()
{
	if command -v git >/dev/null && git -c safe.directory='*' -C "$tree" rev-parse 2>/dev/null; then
		git -c safe.directory='*' -C "$tree" ls-files -z --cached --others --exclude-standard |
			while IFS= read -r -d '' file; do
				# Deleted and not yet committed, it is still listed.
				[ ! -e "$tree/$file" ] || printf '%s\0' "$file"
			done
	else
		find "$tree" -mindepth 1 -maxdepth 1 -printf '%P\0'
	fi
}

# workplace_make FOLDER: make the cgroup and fill the folder, which exists and is empty.
workplace_make()
{
	work=$1
	source=$work/source
	chmod 755 "$work"
	work_cgroup=$(cgroup_root)/$(basename "$work")
	mkdir "$work_cgroup" "$source"
	mkfifo "$work/never"
	tree_list | tar -C "$tree" --null --files-from=- -cf - | tar -C "$source" --no-same-owner -xf -
}

# End every process of the workplace; 0 once there is none.
processes_end()
{
	local try

	[ -n "$work_cgroup" ] && [ -d "$work_cgroup" ] || return 0
	# The shell need not say which of its jobs were killed.
	disown -a
	echo 1 >"$work_cgroup/cgroup.kill"
	for try in {1..200}; do
		! grep -q 'populated 1' "$work_cgroup/cgroup.events" || {
			read -rt 0.05 <>"$work/never" || true
			continue
		}
		find "$work_cgroup" -depth -type d -exec rmdir {} +
		return 0
	done
	echo "${0##*/}: processes do not end: $(find "$work_cgroup" -name cgroup.procs -exec cat {} +)" >&2
	return 1
}

# Safe to call twice.
workplace_end()
{
	[ -n "$work" ] || return 0
	processes_end || true
	rm -rf --one-file-system "$work"
	work=''
}

# enclosed COMMAND...: become a command in the cgroup, with a root of cgroups, /run, /tmp and
# /dev/shm of its own: what it leaves there goes with the workplace. Meant for a subshell.
enclosed()
{
	mkdir -p "$work_cgroup" "$work/tmp"
	chmod 1777 "$work/tmp"
	echo "$BASHPID" >"$work_cgroup/cgroup.procs"
	# shellcheck disable=SC2016 # the inner shell fills these in
	exec unshare --mount --propagation private bash -c '
		set -e
		work=$1
		mount --bind "$2" "$3"
		shift 3
		mount -t tmpfs -o mode=755 run /run
		mkdir -p /run/lock
		mount -t tmpfs -o mode=1777 shm /dev/shm
		case $work in
		/tmp/*)
			mkdir -p "$work/tmp/${work#/tmp/}"
			mount --bind "$work" "$work/tmp/${work#/tmp/}"
			;;
		esac
		mount --rbind "$work/tmp" /tmp
		# Where the caller stood may not be there any more.
		cd "$work/source"
		TMPDIR=/tmp exec "$@"' enclosed "$work" "$work_cgroup" "$(cgroup_root)" "$@"
}
