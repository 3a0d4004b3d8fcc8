/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "engine"
#define NEW_NAME "engine.new"

/* Open the directory; make it if need be. Returns the descriptor or -errno. */
static int
open_directory(const char *path)
{
	char above[PATH_MAX];
	char *slash;
	int fd;

	snprintf(above, sizeof(above), "%s", path);
	slash = strrchr(above, '/');
	if (slash && slash != above) {
		*slash = '\0';
		if (mkdir(above, 0755) != 0 && errno != EEXIST)
			return -errno;
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
make_id(char id[TRAP_ENGINE_ID_BYTES])
{
	uint64_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	snprintf(id, TRAP_ENGINE_ID_BYTES, "gemel-%016" PRIx64, random);
	return 0;
}

/* "gemel-0123456789abcdef 7\n", and nothing behind it. */
static int
parse(const char *text, struct trap_engine *engine_r)
{
	const char *const form = "gemel-";
	size_t length = strlen(form) + 16, digits;
	uint64_t boots = 0;

	if (strncmp(text, form, strlen(form)) != 0 ||
	    strspn(text + strlen(form), "0123456789abcdef") != 16 || text[length] != ' ')
		return -EINVAL;
	memcpy(engine_r->id, text, length);
	engine_r->id[length] = '\0';
	text += length + 1;
	digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 10 || strcmp(text + digits, "\n") != 0)
		return -EINVAL;
	for (size_t i = 0; i < digits; i++)
		boots = boots * 10 + (unsigned)(text[i] - '0');
	if (boots >= TRAP_ENGINE_BOOTS_MAX)
		return -ERANGE;
	engine_r->boots = (uint32_t)boots + 1;
	return 0;
}

static int
load(int directory, struct trap_engine *engine_r)
{
	char text[64] = "";
	ssize_t length;
	int fd = openat(directory, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT) {
		engine_r->boots = 1;
		return make_id(engine_r->id);
	}
	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		return -errno;
	return parse(text, engine_r);
}

static int
write_all(int fd, const char *text)
{
	size_t length = strlen(text);
	ssize_t count = write(fd, text, length);

	if (count >= 0 && (size_t)count != length)
		return -ENOSPC;
	return count < 0 || fsync(fd) != 0 ? -errno : 0;
}

static int
save(int directory, const struct trap_engine *engine)
{
	char text[64];
	int result, fd = openat(directory, NEW_NAME,
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%s %" PRIu32 "\n", engine->id, engine->boots);
	result = write_all(fd, text);
	close(fd);
	if (result == 0 && renameat(directory, NEW_NAME, directory, FILE_NAME) != 0)
		result = -errno;
	if (result == 0 && fsync(directory) != 0)
		result = -errno;
	return result;
}

int
trap_engine_start(
    const char *directory, struct trap_engine *engine_r, char error[TRAP_ENGINE_ERROR_MAX])
{
	int result, fd = open_directory(directory);

	memset(engine_r, 0, sizeof(*engine_r));
	if (fd < 0) {
		snprintf(error, TRAP_ENGINE_ERROR_MAX,
		    "%s: cannot be made or opened: %s; SNMPv3 traps need it to know their engine",
		    directory, strerror(-fd));
		return fd;
	}
	result = load(fd, engine_r);
	if (result == -EINVAL || result == -ERANGE)
		snprintf(error, TRAP_ENGINE_ERROR_MAX,
		    "%s/%s: %s; remove it and tell the managers the new engine id", directory,
		    FILE_NAME,
		    result == -EINVAL ? "is damaged" : "has no number of boots left (RFC 3414)");
	else if (result != 0 || (result = save(fd, engine_r)) != 0)
		snprintf(error, TRAP_ENGINE_ERROR_MAX,
		    "%s/%s: cannot be read or replaced: %s; see whether the disk is full or "
		    "failing",
		    directory, FILE_NAME, strerror(-result));
	close(fd);
	return result;
}
