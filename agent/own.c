/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/own.h"

#include "common/log.h"
#include "common/mounts.h"
#include "common/process.h"
#include "common/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#define KERNEL_BOOT_ID "/proc/sys/kernel/random/boot_id"
#define MOUNTS "/proc/self/mountinfo"
#define MOUNTS_MAX (1024 * 1024)
#define SYSRQ "/proc/sysrq-trigger"

static int
read_boot_id(const char *path, struct id128 *boot_r)
{
	uint8_t text[64];
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	close(fd);
	if (n < 0 || !id128_parse(slice_from(text, (size_t)n), boot_r))
		return -EPROTO;
	return 0;
}

int
own_boot_id(const char *run_directory, struct id128 *boot_r)
{
	char path[4096];
	int error;

	snprintf(path, sizeof(path), "%s/boot-id", run_directory);
	error = read_boot_id(path, boot_r);
	return error == -ENOENT ? read_boot_id(KERNEL_BOOT_ID, boot_r) : error;
}

uint64_t
own_pair_number(const struct config *config)
{
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	char text[1024];
	uint64_t number;
	int length = snprintf(text, sizeof(text), "gemel pair\n%s\n%s\n%s\n", config->domain,
	    config->pair_nodes.items[0], config->pair_nodes.items[1]);

	if (length >= (int)sizeof(text))
		length = (int)sizeof(text) - 1;
	if (EVP_Digest(text, (size_t)length, digest, NULL, EVP_sha256(), NULL) != 1)
		abort();
	memcpy(&number, digest, sizeof(number));
	return number;
}

/* The whole of /proc/self/mountinfo, to be freed; NULL if it cannot be read. */
static char *
read_mounts(void)
{
	char *text = malloc(MOUNTS_MAX);
	int fd = open(MOUNTS, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n = 0;

	if (!text)
		abort();
	while (fd >= 0 && length < MOUNTS_MAX - 1 &&
	       (n = read(fd, text + length, MOUNTS_MAX - 1 - length)) > 0)
		length += (size_t)n;
	if (fd >= 0)
		close(fd);
	text[length] = '\0';
	if (fd >= 0 && n == 0)
		return text;
	free(text);
	return NULL;
}

/* True unless it is seen that nothing is. */
static bool
is_mounted(const char *named)
{
	char real[PATH_MAX];
	const char *directory = realpath(named, real) ? real : named;
	static struct mount_entry entry;
	char *text = read_mounts();
	const char *cursor = text;
	bool is_there = text == NULL;

	while (!is_there && mounts_next(&cursor, &entry))
		is_there = strcmp(entry.directory, directory) == 0;
	free(text);
	return is_there;
}

static bool
has_address(const char *run_directory)
{
	char pattern[4096];
	glob_t found;
	int result;

	snprintf(pattern, sizeof(pattern), "%s/floatip-*", run_directory);
	result = glob(pattern, GLOB_NOSORT, NULL, &found);
	globfree(&found);
	return result != GLOB_NOMATCH;
}

/* A mount or unmount that hangs, of an action that was killed: it may still happen. */
static bool
is_mounting(const char *run_directory)
{
	bool is_there = false;
	struct process busy;
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/sharedstore-*.busy", run_directory);
	if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc; i++)
			is_there = is_there || (process_load(found.gl_pathv[i], &busy) == 0 &&
						   process_is_alive(&busy));
	globfree(&found);
	return is_there;
}

void
own_look(const char *run_directory, const char *store_directory, struct own_holdings *holdings_r)
{
	char pid_path[4096];

	snprintf(pid_path, sizeof(pid_path), "%s/mailcored.pid", run_directory);
	holdings_r->core = progress_core_pid(pid_path) != 0;
	holdings_r->store = is_mounted(store_directory) || is_mounting(run_directory);
	holdings_r->address = has_address(run_directory);
}

_Noreturn void
own_end(bool goes_off)
{
	/* The kernel's own way asks each disk to flush first, and waits for it. */
	int fd = open(SYSRQ, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, goes_off ? "o" : "b", 1) != 1)
		log_error("agent: " SYSRQ ": %m; the slower way is tried");
	reboot(goes_off ? RB_POWER_OFF : RB_AUTOBOOT);
	log_error("agent: the kernel refuses that: %m; the watchdog has to do it");
	abort();
}
