// SPDX-License-Identifier: BSD-2-Clause
#include "tests/lab/side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* What the locks cover is no data: the first byte stands for the reservations, those from SLOTS_AT
 * on for the slots' bytes. */
#define RESERVATIONS_AT 0
#define SLOTS_AT 4096

struct shared {
	/* Changes so far in the upper half, of which the last bit says which copy is valid; who is
	 * barred in the lower half. */
	_Atomic uint64_t state;
	struct persist copy[2];
};

struct side {
	int fd;
	uint32_t initiator;
	uint32_t expelled; /* as last seen */
	uint64_t seen;     /* the state then */
	struct shared *shared;
};

struct side *
side_open(const char *path, uint32_t initiator)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct side *s;
	struct shared *shared;
	struct persist now;

	if (fd < 0)
		return NULL;
	if (ftruncate(fd, sizeof(*shared)) < 0)
		goto fail;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		goto fail;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	*s = (struct side){.fd = fd, .initiator = initiator, .shared = shared};
	s->seen = atomic_load(&shared->state);
	side_read(s, &now);
	s->expelled = now.expelled[initiator];
	return s;
fail:
	close(fd);
	return NULL;
}

void
side_close(struct side **s)
{
	if (!*s)
		return;
	munmap((*s)->shared, sizeof(*(*s)->shared));
	close((*s)->fd);
	free(*s);
	*s = NULL;
}

static void
lock(const struct side *s, short type, uint64_t from, uint64_t len)
{
	struct flock f = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)from, .l_len = (off_t)len};

	while (fcntl(s->fd, F_OFD_SETLKW, &f) < 0)
		if (errno != EINTR)
			abort();
}

bool
side_is_barred(const struct side *s)
{
	return atomic_load(&s->shared->state) & UINT64_C(1) << s->initiator;
}

void
side_read(const struct side *s, struct persist *p_r)
{
	uint64_t state = atomic_load(&s->shared->state);

	for (;;) {
		uint64_t after;

		*p_r = s->shared->copy[state >> 32 & 1];
		atomic_thread_fence(memory_order_acquire);
		after = atomic_load(&s->shared->state);
		if (after == state)
			return;
		state = after;
	}
}

bool
side_was_expelled(struct side *s)
{
	uint64_t state = atomic_load(&s->shared->state);
	struct persist now;
	bool is_news;

	if (state == s->seen)
		return false;
	side_read(s, &now);
	s->seen = state; /* the older one: what came since is looked at next time */
	is_news = now.expelled[s->initiator] != s->expelled;
	s->expelled = now.expelled[s->initiator];
	return is_news;
}

void
side_hold(struct side *s)
{
	lock(s, F_RDLCK, RESERVATIONS_AT, 1);
}

void
side_let_go(struct side *s)
{
	lock(s, F_UNLCK, RESERVATIONS_AT, 1);
}

enum persist_status
side_out(struct side *s, const struct persist_order *order)
{
	enum persist_status status;
	struct persist next;
	uint64_t count;

	lock(s, F_WRLCK, RESERVATIONS_AT, 1);
	side_read(s, &next);
	status = persist_out(&next, s->initiator, order);
	if (status == PERSIST_GOOD) {
		count = (atomic_load(&s->shared->state) >> 32) + 1;
		s->shared->copy[count & 1] = next;
		atomic_store(&s->shared->state, count << 32 | persist_barred(&next));
	}
	lock(s, F_UNLCK, RESERVATIONS_AT, 1);
	return status;
}

void
side_block_lock(struct side *s, uint64_t off, uint64_t len, bool is_write)
{
	lock(s, is_write ? F_WRLCK : F_RDLCK, SLOTS_AT + off, len);
}

void
side_block_unlock(struct side *s, uint64_t off, uint64_t len)
{
	lock(s, F_UNLCK, SLOTS_AT + off, len);
}
