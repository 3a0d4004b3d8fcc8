/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mounts -- reading /proc/PID/mountinfo, and mount options as mount(2) takes them.
 *
 * Pure.
 */
#ifndef GEMEL_COMMON_MOUNTS_H
#define GEMEL_COMMON_MOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define MOUNT_DATA_MAX 1024

struct mount_entry {
	dev_t device;
	char directory[PATH_MAX];
	char source[PATH_MAX];
	bool is_whole;    /* the file system's root, not a bind mount of a part of it */
	bool is_readonly; /* by its own flag, its file system's, or after an error */
};

/* Read the line at *cursor and move past it. False at the end; a line that cannot be read is
 * skipped. */
bool mounts_next(const char **cursor, struct mount_entry *entry);

/* Split "noatime,nodev,data=ordered" into mount(2)'s flags and what is left for the file system.
 * NULL if it will do, else what is wrong with it and what to do. */
const char *
mount_options_parse(const char *options, unsigned long *flags_r, char data[MOUNT_DATA_MAX]);

#endif
