// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/array.h"

#include "tests/lab/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct array {
	struct array_settings settings;
	int platter;
	struct overlay *overlay;
	struct side *side;
	int slots;
	uint64_t slots_size;
	bool has_lost; /* unflushed writes to a reservation, and did not say so yet */
};

static int
part_open(const char *platter, const char *suffix, uint64_t *size_r)
{
	char path[512];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s%s", platter, suffix);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0)
		*size_r = (uint64_t)st.st_size;
	return fd;
}

struct array *
array_open(const struct array_settings *settings)
{
	struct array *a = calloc(1, sizeof(*a));
	char path[512];
	uint64_t size = 0;
	int error;

	if (!a)
		abort();
	*a = (struct array){.settings = *settings, .slots = -1};
	a->platter = part_open(settings->platter, "", &size);
	if (a->platter < 0)
		goto fail;
	a->overlay = overlay_open(a->platter, size);
	if (settings->initiator < 0)
		return a;
	a->slots = part_open(settings->platter, ".slots", &a->slots_size);
	if (a->slots < 0)
		goto fail;
	snprintf(path, sizeof(path), "%s.reservations", settings->platter);
	a->side = side_open(path, (uint32_t)settings->initiator);
	if (a->side)
		return a;
fail:
	error = errno;
	array_close(&a);
	errno = error;
	return NULL;
}

void
array_close(struct array **a)
{
	if (!*a)
		return;
	side_close(&(*a)->side);
	overlay_close(&(*a)->overlay);
	if ((*a)->slots >= 0)
		close((*a)->slots);
	if ((*a)->platter >= 0)
		close((*a)->platter);
	free(*a);
	*a = NULL;
}

uint64_t
array_size(const struct array *a, enum array_device device)
{
	return device == ARRAY_SLOTS ? a->slots_size : overlay_size(a->overlay);
}

struct side *
array_reservations(struct array *a)
{
	return a->side;
}

/* What was unflushed while this node was barred is lost. */
bool
array_is_barred(struct array *a)
{
	if (!a->side)
		return false;
	if (side_was_expelled(a->side)) {
		a->has_lost |= overlay_dirty(a->overlay) > 0;
		overlay_forget(a->overlay);
	}
	return side_is_barred(a->side);
}

uint64_t
array_unflushed(struct array *a)
{
	array_is_barred(a);
	return overlay_dirty(a->overlay);
}

static void
hold(struct array *a)
{
	if (a->side)
		side_hold(a->side);
}

static void
let_go(struct array *a)
{
	if (a->side)
		side_let_go(a->side);
}

static bool
has_range(const struct array *a, size_t len, uint64_t off)
{
	return off <= a->slots_size && len <= a->slots_size - off;
}

static int
slots_read(struct array *a, void *data, size_t len, uint64_t off)
{
	ssize_t n;

	if (!has_range(a, len, off))
		return -EINVAL;
	if (len == 0)
		return 0;
	side_block_lock(a->side, off, len, false);
	n = pread(a->slots, data, len, (off_t)off);
	side_block_unlock(a->side, off, len);
	return n == (ssize_t)len ? 0 : -EIO;
}

static int
slots_write(struct array *a, const void *data, size_t len, uint64_t off)
{
	ssize_t n;

	if (!has_range(a, len, off))
		return -EINVAL;
	if (len == 0)
		return 0;
	side_block_lock(a->side, off, len, true);
	n = pwrite(a->slots, data, len, (off_t)off);
	side_block_unlock(a->side, off, len);
	return n == (ssize_t)len ? 0 : -EIO;
}

int
array_read(struct array *a, enum array_device device, void *data, size_t len, uint64_t off)
{
	array_is_barred(a); /* it then reads what the array has, not what it has lost */
	return device == ARRAY_SLOTS ? slots_read(a, data, len, off)
				     : overlay_read(a->overlay, data, len, off);
}

int
array_flush(struct array *a, enum array_device device)
{
	int rc = 0;

	hold(a);
	if (array_is_barred(a) || (device == ARRAY_IMAGE && a->has_lost))
		rc = -EIO;
	else if (device == ARRAY_IMAGE)
		rc = overlay_flush(a->overlay);
	if (device == ARRAY_IMAGE)
		a->has_lost = false; /* it has been said */
	let_go(a);
	return rc;
}

static int
image_write(struct array *a, const void *data, size_t len, uint64_t off)
{
	bool is_full = overlay_dirty(a->overlay) > a->settings.cache_max;
	int rc = overlay_write(a->overlay, data, len, off);

	if (rc == 0 && (a->settings.keeps_unflushed || is_full))
		rc = array_flush(a, ARRAY_IMAGE);
	return rc;
}

int
array_write(struct array *a, enum array_device device, const void *data, size_t len, uint64_t off)
{
	int rc;

	if (device == ARRAY_IMAGE) /* into memory: no lock, the flush will ask again */
		return array_is_barred(a) ? -EIO : image_write(a, data, len, off);
	hold(a);
	rc = array_is_barred(a) ? -EIO : slots_write(a, data, len, off);
	let_go(a);
	return rc;
}

int
array_scramble(struct array *a, unsigned permille, uint64_t seed)
{
	int rc = 0;

	hold(a);
	if (!array_is_barred(a))
		rc = overlay_scramble(a->overlay, permille, seed);
	let_go(a);
	return rc;
}
