/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/doctor/local.h"

#include "common/digest.h"
#include "common/doctor/corosync-conf.h"
#include "common/doctor/drbd-conf.h"
#include "common/doctor/gemel-facts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (256 * 1024)
#define DRBD_FILES_MAX 64

int
local_load(const char *path, size_t max, struct buffer *text)
{
	/* A pipe in place of the file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result = 0;
	size_t before = text->length;
	ssize_t count = 1;
	struct stat stat;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &stat) != 0)
		result = -errno;
	else if (!S_ISREG(stat.st_mode))
		result = -EINVAL;
	while (result == 0 && count > 0) {
		char chunk[4096];

		count = read(fd, chunk, sizeof(chunk));
		if (count > 0)
			buffer_append(text, chunk, (size_t)count);
		if (count < 0 && errno == EINTR)
			count = 1;
		else if (count < 0)
			result = -errno;
		if (text->length - before > max)
			result = -EFBIG;
	}
	close(fd);
	return result;
}

static void
read_corosync(const char *path, struct facts *facts, struct findings *out)
{
	struct buffer text = {0};
	const char *reason;
	int error = local_load(path, TEXT_MAX, &text);
	unsigned line;

	if (error) {
		finding_add(out, FINDING_COROSYNC_UNKNOWN,
		    "%s: cannot be read: %s, so Corosync's timing, rings and votes were not looked "
		    "at; run this on a node of the pair",
		    path, strerror(-error));
	} else {
		line = corosync_conf_parse(buffer_slice(&text), &facts->corosync, &reason);
		if (line)
			finding_add(out, FINDING_COROSYNC_WRONG, "%s:%u: %s", path, line, reason);
	}
	buffer_close(&text);
}

/* keys: where it says that the key file is; as it was, if it cannot be read. */
static void
read_gemel(const char *path, struct facts *facts, struct findings *out, char keys[PATH_MAX])
{
	char error[CONFIG_ERROR_MAX];
	struct config config;

	if (config_read(path, &config, error) != 0) {
		finding_add(out, FINDING_GEMEL_WRONG, "%s", error);
		return;
	}
	gemel_facts_from(&config, facts->own_node, &facts->gemel, out);
	snprintf(keys, PATH_MAX, "%s", config.pair_keys);
	config_close(&config);
}

static enum key_file
look_at_key_file(const char *path)
{
	struct stat stat;

	if (lstat(path, &stat) != 0)
		return errno == ENOENT ? KEY_FILE_ABSENT : KEY_FILE_UNKNOWN;
	if (!S_ISREG(stat.st_mode) || stat.st_uid != 0 || (stat.st_mode & 077) != 0)
		return KEY_FILE_OPEN;
	return KEY_FILE_GOOD;
}

static void
read_drbd(const char *folder, struct drbd_facts *facts)
{
	DIR *entries = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!entries)
		return;
	while ((entry = readdir(entries)) && count < DRBD_FILES_MAX) {
		const char *end = strrchr(entry->d_name, '.');
		struct buffer text = {0};
		char path[4096];

		/* What DRBD's own /etc/drbd.conf includes. */
		if (!end || (strcmp(end, ".res") != 0 && strcmp(end, ".conf") != 0))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (local_load(path, TEXT_MAX, &text) == 0)
			drbd_conf_read(buffer_slice(&text), facts);
		buffer_close(&text);
		count++;
	}
	closedir(entries);
}

void
local_read(const struct local_paths *paths, struct facts *facts, struct findings *out)
{
	const char *files[DIGEST_FILES] = {paths->gemel, paths->corosync, paths->keys};
	char keys[PATH_MAX] = "";

	if (gethostname(facts->own_node, sizeof(facts->own_node) - 1) != 0)
		facts->own_node[0] = '\0';
	for (size_t i = 0; i < DIGEST_FILES; i++)
		if (!files[i])
			files[i] = digest_files[i].path;
	read_gemel(files[0], facts, out, keys);
	if (!paths->keys && keys[0])
		files[2] = keys;
	read_corosync(files[1], facts, out);
	facts->gemel.key_file = look_at_key_file(files[2]);
	read_drbd(paths->drbd ? paths->drbd : DRBD_FOLDER, &facts->drbd);
	for (size_t i = 0; i < DIGEST_FILES; i++) {
		struct file_fact *file = &facts->files[facts->file_count++];

		snprintf(file->name, sizeof(file->name), "%s", digest_files[i].name);
		digest_file(files[i], file->hex);
	}
}
