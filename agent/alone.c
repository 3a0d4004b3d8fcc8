/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/alone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#define FILE_NAME "alone"

static void
make_path(const char *run_directory, const char *suffix, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/" FILE_NAME "%s", run_directory, suffix);
}

int
alone_write(const char *run_directory, const struct id128 *life)
{
	char path[PATH_MAX], fresh[PATH_MAX], text[ID128_TEXT_BYTES] = "";
	int fd, error = 0;

	make_path(run_directory, "", path);
	make_path(run_directory, ".new", fresh);
	if (!id128_is_none(life))
		id128_text(life, text);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s\n", text) < 0)
		error = -errno;
	close(fd);
	if (!error && rename(fresh, path) != 0)
		error = -errno;
	return error;
}

bool
alone_read(const char *run_directory, struct id128 *life_r)
{
	char path[PATH_MAX];
	uint8_t text[64];
	ssize_t n;
	int fd;

	*life_r = (struct id128){0};
	make_path(run_directory, "", path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	/* Nothing but a whole line was ever written. */
	return n == 1 || (n > 1 && id128_parse(slice_from(text, (size_t)n), life_r));
}

void
alone_remove(const char *run_directory)
{
	char path[PATH_MAX];

	make_path(run_directory, "", path);
	unlink(path);
}
