/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

/* Spaces, tabs, newlines and backslashes are written as "\040". */
static void
unescape(char *text)
{
	char *out = text;

	for (; *text; text++) {
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' && text[2] >= '0' &&
		    text[2] <= '7' && text[3] >= '0' && text[3] <= '7') {
			*out++ =
			    (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*out++ = *text;
		}
	}
	*out = '\0';
}

static bool
has_option(const char *options, const char *name)
{
	size_t length = strlen(name);

	for (;;) {
		size_t word = strcspn(options, ",");

		if (word == length && strncmp(options, name, length) == 0)
			return true;
		if (options[word] == '\0')
			return false;
		options += word + 1;
	}
}

/* Since Linux 6.15 ext4's errors=remount-ro leaves the ro flag alone and shows emergency_ro. */
static bool
is_readonly(const char *options)
{
	return has_option(options, "ro") || has_option(options, "emergency_ro") ||
	       has_option(options, "shutdown");
}

static bool
parse_line(const char *line, struct mount_entry *entry)
{
	char root[PATH_MAX], own[1024], whole[4096];
	unsigned int major_number, minor_number;
	const char *rest = strstr(line, " - ");

	if (!rest || sscanf(line, "%*d %*d %u:%u %4095s %4095s %1023s", &major_number,
			 &minor_number, root, entry->directory, own) != 5)
		return false;
	if (sscanf(rest, " - %*s %4095s %4095s", entry->source, whole) != 2)
		return false;
	unescape(entry->directory);
	unescape(entry->source);
	entry->device = makedev(major_number, minor_number);
	entry->is_whole = strcmp(root, "/") == 0;
	entry->is_readonly = is_readonly(own) || is_readonly(whole);
	return true;
}

bool
mounts_next(const char **cursor, struct mount_entry *entry)
{
	while (**cursor) {
		char line[16384];
		size_t length = strcspn(*cursor, "\n");
		bool fits = length < sizeof(line);

		if (fits) {
			memcpy(line, *cursor, length);
			line[length] = '\0';
		}
		*cursor += length + ((*cursor)[length] == '\n');
		if (fits && parse_line(line, entry))
			return true;
	}
	return false;
}

static const struct {
	const char *name;
	unsigned long set, clear;
} flag_names[] = {
    {"defaults", 0, 0},
    {"rw", 0, MS_RDONLY},
    {"noatime", MS_NOATIME, MS_RELATIME | MS_STRICTATIME},
    {"nodiratime", MS_NODIRATIME, 0},
    {"relatime", MS_RELATIME, MS_NOATIME | MS_STRICTATIME},
    {"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
    {"lazytime", MS_LAZYTIME, 0},
    {"nodev", MS_NODEV, 0},
    {"nosuid", MS_NOSUID, 0},
    {"noexec", MS_NOEXEC, 0},
    {"sync", MS_SYNCHRONOUS, 0},
    {"dirsync", MS_DIRSYNC, 0},
    {"nosymfollow", MS_NOSYMFOLLOW, 0},
};

static bool
take_flag(const char *word, size_t length, unsigned long *flags)
{
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++) {
		if (strlen(flag_names[i].name) != length ||
		    strncmp(flag_names[i].name, word, length) != 0)
			continue;
		*flags = (*flags & ~flag_names[i].clear) | flag_names[i].set;
		return true;
	}
	return false;
}

/* What mount(8) does itself, and mount(2) would not. */
static bool
is_for_mount_program(const char *word, size_t length)
{
	static const char *const names[] = {"auto", "noauto", "user", "users", "nouser", "loop",
	    "bind", "rbind", "remount", "_netdev", "nofail", "owner", "group"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == length && strncmp(names[i], word, length) == 0)
			return true;
	return false;
}

const char *
mount_options_parse(const char *options, unsigned long *flags_r, char data[MOUNT_DATA_MAX])
{
	size_t used = 0;

	*flags_r = 0;
	data[0] = '\0';
	for (const char *word = options; *word; word += *word == ',') {
		size_t length = strcspn(word, ",");

		if (length == 2 && strncmp(word, "ro", 2) == 0)
			return "is read-only; the store is written to, so leave ro out";
		if (is_for_mount_program(word, length))
			return "has a word that only mount(8) knows (auto, user, loop, ...); leave "
			       "it out";
		if (length && !take_flag(word, length, flags_r)) {
			if (used + length + 2 > MOUNT_DATA_MAX)
				return "is too long; give at most 1000 bytes";
			used += (size_t)snprintf(data + used, MOUNT_DATA_MAX - used, "%s%.*s",
			    used ? "," : "", (int)length, word);
		}
		word += length;
	}
	return NULL;
}
