/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sharedstore -- the resource agent of the pair's shared storage.
 *
 * What "taking" the storage means depends on its mode, which is a row of a table.
 */
#include "ocf/ocf.h"
#include "common/mounts.h"
#include "resource-agents/store-disk.h"

#include <string.h>

static const struct store_mode {
	const char *name;
	enum ocf_exit (*check_node)(struct ocf_context *ctx);
	enum ocf_exit (*start)(struct ocf_context *ctx);
	enum ocf_exit (*stop)(struct ocf_context *ctx);
	enum ocf_exit (*promote)(struct ocf_context *ctx);
	enum ocf_exit (*demote)(struct ocf_context *ctx);
	enum ocf_exit (*monitor)(struct ocf_context *ctx);
} modes[] = {
    {
	.name = "disk",
	.check_node = store_disk_check_node,
	.start = store_disk_start,
	.stop = store_disk_stop,
	.promote = store_disk_promote,
	.demote = store_disk_demote,
	.monitor = store_disk_monitor,
    },
};

static const struct store_mode *
mode_find(const char *name)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	return NULL;
}

static const struct store_mode *
mode_of(const struct ocf_context *ctx)
{
	return mode_find(ocf_string(ctx, "mode"));
}

static enum ocf_exit
check_node(struct ocf_context *ctx)
{
	return mode_of(ctx)->check_node(ctx);
}

static enum ocf_exit
start(struct ocf_context *ctx)
{
	return mode_of(ctx)->start(ctx);
}

static enum ocf_exit
stop(struct ocf_context *ctx)
{
	return mode_of(ctx)->stop(ctx);
}

static enum ocf_exit
promote(struct ocf_context *ctx)
{
	return mode_of(ctx)->promote(ctx);
}

static enum ocf_exit
demote(struct ocf_context *ctx)
{
	return mode_of(ctx)->demote(ctx);
}

static enum ocf_exit
monitor(struct ocf_context *ctx)
{
	return mode_of(ctx)->monitor(ctx);
}

/* The reloadable parameter is read by each demote and stop anew. */
static enum ocf_exit
reload_agent(struct ocf_context *ctx)
{
	(void)ctx;
	return OCF_SUCCESS;
}

static const char *
check_mode(const char *value)
{
	return mode_find(value) ? NULL : "is no mode of storage; give disk";
}

static const char *
check_path(const char *value)
{
	if (value[0] != '/')
		return "is not an absolute path; begin it with /";
	if (strstr(value, "//") || strstr(value, "/./") || strstr(value, "/../") ||
	    (value[1] && value[strlen(value) - 1] == '/'))
		return "is not a plain path; leave out //, /./, /../ and a / at the end";
	return NULL;
}

static const char *
check_fstype(const char *value)
{
	return strpbrk(value, " ,/\t") ? "is not the name of a file system; give one like ext4"
				       : NULL;
}

static const char *
check_options(const char *value)
{
	char data[MOUNT_DATA_MAX];
	unsigned long flags;

	return mount_options_parse(value, &flags, data);
}

static const struct ocf_parameter parameters[] = {
    {
	.name = "mode",
	.fallback = "disk",
	.check = check_mode,
	.shortdesc = "kind of storage",
	.longdesc = "disk: a block device that both nodes see.",
    },
    {
	.name = "device",
	.required = true,
	.unique_group = "device",
	.check = check_path,
	.shortdesc = "path of the block device",
	.longdesc = "The device, by a name that means the same disk on both nodes, such as one in "
		    "/dev/disk/by-id.",
    },
    {
	.name = "directory",
	.fallback = "/srv/gemel",
	.unique_group = "directory",
	.check = check_path,
	.shortdesc = "where it is mounted",
	.longdesc = "The mount point. It must exist; nothing else may be mounted there.",
    },
    {
	.name = "fstype",
	.fallback = "ext4",
	.check = check_fstype,
	.shortdesc = "type of its file system",
	.longdesc = "The file system on the device, as the kernel names it.",
    },
    {
	.name = "options",
	.fallback = "noatime,nodev,nosuid,noexec",
	.check = check_options,
	.shortdesc = "mount options",
	.longdesc =
	    "Options of the mount, with commas between. For ext4, errors=remount-ro is added "
	    "unless another errors= is given, so that a failing disk is noticed.",
    },
    {
	.name = "owner",
	.fallback = "",
	.shortdesc = "user who gets a fresh file system",
	.longdesc = "When the top directory of the mounted file system belongs to root, as mkfs "
		    "leaves it, it is given to this user, who must be the one that the core runs "
		    "as. One that belongs to somebody else is refused: the user then has another "
		    "number on the other node. Empty: it stays as it is.",
    },
    {
	.name = "term_ms",
	.type = OCF_INTEGER,
	.fallback = "1000",
	.reloadable = true,
	.min = 0,
	.max = 60000,
	.shortdesc = "milliseconds from SIGTERM to SIGKILL",
	.longdesc = "How long foreign processes that hold the file system may take to end by "
		    "themselves when it is unmounted, before they are killed.",
    },
    {0},
};

static const struct ocf_action actions[] = {
    {"start", 20, 0, -1, OCF_ROLE_NONE, false, start},
    {"stop", 60, 0, -1, OCF_ROLE_NONE, false, stop},
    {"promote", 60, 0, -1, OCF_ROLE_NONE, false, promote},
    {"demote", 60, 0, -1, OCF_ROLE_NONE, false, demote},
    {"monitor", 20, 7, 0, OCF_ROLE_PROMOTED, false, monitor},
    {"monitor", 20, 8, 0, OCF_ROLE_UNPROMOTED, false, monitor},
    {"monitor", 20, 37, 10, OCF_ROLE_PROMOTED, false, monitor},
    {"reload-agent", 10, 0, -1, OCF_ROLE_NONE, false, reload_agent},
    {"validate-all", 10, 0, -1, OCF_ROLE_NONE, true, NULL},
    {"meta-data", 5, 0, -1, OCF_ROLE_NONE, true, NULL},
    {0},
};

static const struct ocf_agent agent = {
    .name = "sharedstore",
    .version = PACKAGE_VERSION,
    .shortdesc = "takes the storage of a Gemel pair and mounts it",
    .longdesc =
	"Started, it stands by; promoted, it has taken the storage and mounted it; demoted, it has "
	"unmounted it. Make it a promotable clone; the mail core is promoted after it and together "
	"with it.\n\n"
	"Before it mounts, the device's buffers are flushed: what this node read while the other "
	"one "
	"wrote is stale. A demote names the processes that still hold the file system, ends them "
	"and "
	"proves that the device is not in use any more, in any mount namespace. It never unmounts "
	"lazily, and it never hangs on a dead disk: what cannot be released within the time-out "
	"fails, so that the node is fenced.\n\n"
	"A mount by both nodes at once is prevented by fencing, so fencing must be on.\n\n"
	"A monitor reads the mount table: mounted from the right device, at the right place, and "
	"not "
	"made read-only by an error. With OCF_CHECK_LEVEL=10 a block is read from the disk, and "
	"with "
	"OCF_CHECK_LEVEL=20 a small file is written and synced as well.",
    .parameters = parameters,
    .actions = actions,
    .check_node = check_node,
};

int
main(int argc, char **argv)
{
	return ocf_main(&agent, argc, argv);
}
