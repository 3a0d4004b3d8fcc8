/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY_MAGIC 0x676d7770u
#define MEMORY_VERSION 1u
/* A multiple of every page size. */
#define MEMORY_RING_AT 65536

struct memory_header {
	uint32_t magic;
	uint32_t version;
	uint64_t ring_bytes;
	uint64_t settings_bytes;
	struct smtp_settings settings;
};

_Static_assert(sizeof(struct memory_header) <= MEMORY_RING_AT, "the header fits before the ring");

/* Map the ring twice in a row, so that no entry is ever in two pieces. */
static int
memory_map(struct memory *m, int protection)
{
	size_t size = m->ring_bytes;
	uint8_t *start = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED)
		return -errno;
	for (size_t half = 0; half < 2; half++)
		if (mmap(start + half * size, size, protection, MAP_SHARED | MAP_FIXED, m->fd,
			MEMORY_RING_AT) == MAP_FAILED) {
			int error = -errno;

			munmap(start, 2 * size);
			return error;
		}
	m->ring = start;
	return 0;
}

int
memory_create(struct memory *m, const struct smtp_settings *settings, uint64_t ring_bytes)
{
	struct memory_header header;
	int error;

	*m = (struct memory){.ring_bytes = ring_bytes};
	memset(&header, 0, sizeof(header));
	header.magic = MEMORY_MAGIC;
	header.version = MEMORY_VERSION;
	header.ring_bytes = ring_bytes;
	header.settings_bytes = sizeof(header.settings);
	header.settings = *settings;
	m->fd = memfd_create("gemel-smtp", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (m->fd < 0)
		return -errno;
	if (ftruncate(m->fd, (off_t)(MEMORY_RING_AT + ring_bytes)) ||
	    pwrite(m->fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
	    fcntl(m->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		error = -errno;
		memory_close(m);
		return error;
	}
	error = memory_map(m, PROT_READ);
	if (error)
		memory_close(m);
	return error;
}

int
memory_attach(struct memory *m, int fd, struct smtp_settings *settings_r)
{
	struct memory_header header;
	int error = -EPROTO;

	*m = (struct memory){.fd = fd};
	if (pread(fd, &header, sizeof(header), 0) == (ssize_t)sizeof(header) &&
	    header.magic == MEMORY_MAGIC && header.version == MEMORY_VERSION &&
	    header.settings_bytes == sizeof(header.settings)) {
		m->ring_bytes = header.ring_bytes;
		*settings_r = header.settings;
		error = memory_map(m, PROT_READ | PROT_WRITE);
	}
	close(m->fd);
	m->fd = -1;
	return error;
}

void
memory_close(struct memory *m)
{
	if (m->ring)
		munmap(m->ring, 2 * m->ring_bytes);
	if (m->fd >= 0)
		close(m->fd);
	m->ring = NULL;
	m->fd = -1;
}
