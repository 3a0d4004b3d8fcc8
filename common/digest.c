/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/digest.h"

#include "common/config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1024 * 1024)

const struct digest_file digest_files[DIGEST_FILES] = {
    {"gemel.conf", CONFIG_PATH},
    {"corosync.conf", "/etc/corosync/corosync.conf"},
    {"heartbeat.keys", "/etc/gemel/heartbeat.keys"},
};

static int
feed(EVP_MD_CTX *hash, int fd)
{
	char chunk[4096];
	size_t total = 0;
	ssize_t count;

	while ((count = read(fd, chunk, sizeof(chunk))) != 0) {
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		total += (size_t)count;
		if (total > FILE_MAX)
			return -EFBIG;
		if (EVP_DigestUpdate(hash, chunk, (size_t)count) != 1)
			return -EIO;
	}
	return 0;
}

static void
write_hex(const unsigned char *bytes, size_t length, char *hex)
{
	for (size_t i = 0; i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

int
digest_file(const char *path, char hex[DIGEST_HEX_MAX])
{
	/* A pipe in place of the file must not hang us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), result = 0;
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned length = 0;
	struct stat stat;
	EVP_MD_CTX *hash;

	hex[0] = '\0';
	if (fd < 0)
		return -errno;
	hash = EVP_MD_CTX_new();
	if (!hash)
		abort();
	if (fstat(fd, &stat) != 0)
		result = -errno;
	else if (!S_ISREG(stat.st_mode))
		result = -EINVAL;
	else if (EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		result = -EIO;
	if (result == 0)
		result = feed(hash, fd);
	if (result == 0 && (EVP_DigestFinal_ex(hash, bytes, &length) != 1 || length != 32))
		result = -EIO;
	if (result == 0)
		write_hex(bytes, length, hex);
	EVP_MD_CTX_free(hash);
	close(fd);
	return result;
}
