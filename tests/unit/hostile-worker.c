/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostile-worker -- a worker in a stranger's hands, for test-pool.
 *
 * It does to the core what settings.hostname names, since that is all it is given.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mailcore/process/frame.h"
#include "mailcore/process/launcher.h"
#include "mailcore/process/memory.h"

static struct memory memory;
static struct smtp_settings settings;

static void
say(struct frame f)
{
	uint8_t bytes[FRAME_BYTES];

	struct pollfd writable = {LAUNCHER_CHANNEL_FD, POLLOUT, 0};

	frame_encode(&f, bytes);
	while (send(LAUNCHER_CHANNEL_FD, bytes, sizeof(bytes), MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN)
			_exit(1);
		poll(&writable, 1, -1);
	}
}

/* Until the core ends us. */
static void
wait_for_the_end(void)
{
	for (;;)
		pause();
}

static void
garbage(void)
{
	uint8_t bytes[4096];

	srand(1);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)rand();
	send(LAUNCHER_CHANNEL_FD, bytes, sizeof(bytes), MSG_NOSIGNAL);
}

static void
wrong_place(void)
{
	say((struct frame){.type = FRAME_COMMIT,
	    .session = 1ull << 32,
	    .position = UINT64_MAX - 50,
	    .first = 100});
}

static void
huge(void)
{
	say((struct frame){.type = FRAME_COMMIT,
	    .session = 1ull << 32,
	    .first = UINT32_MAX,
	    .second = UINT32_MAX});
}

static void
asks_again(void)
{
	say((struct frame){.type = FRAME_RECIPIENT, .session = 1ull << 32, .first = 5});
	say((struct frame){
	    .type = FRAME_RECIPIENT, .session = 1ull << 32, .first = 5, .position = 5});
}

static void
answers_for_the_core(void)
{
	say((struct frame){.type = FRAME_COMMIT_ANSWER, .session = 1ull << 32});
}

/* Commits of new sessions without end, and never reads an answer. */
static void
floods(void)
{
	uint64_t position = 0;

	for (uint64_t i = 0;; i++) {
		say((struct frame){.type = FRAME_COMMIT,
		    .session = ((i / settings.sessions_max + 1) << 32) | i % settings.sessions_max,
		    .position = position,
		    .first = 100,
		    .second = 100});
		position += 200;
	}
}

/* One large commit for each session that it may have. */
static void
much(void)
{
	const uint32_t envelope = 1000000, content = 60000;

	for (uint32_t i = 0; i < settings.sessions_max; i++)
		say((struct frame){.type = FRAME_COMMIT,
		    .session = 1ull << 32 | i,
		    .position = (uint64_t)i * (envelope + content),
		    .first = envelope,
		    .second = content});
	wait_for_the_end();
}

/* Half a frame, and silence. */
static void
half(void)
{
	send(LAUNCHER_CHANNEL_FD, "\1", 1, MSG_NOSIGNAL);
	wait_for_the_end();
}

static void
crashes(void)
{
	abort();
}

static const struct {
	const char *name;
	void (*act)(void);
} acts[] = {
    {"garbage", garbage},
    {"wrong-place", wrong_place},
    {"huge", huge},
    {"asks-again", asks_again},
    {"answers-for-the-core", answers_for_the_core},
    {"floods", floods},
    {"much", much},
    {"half", half},
    {"crashes", crashes},
};

int
main(void)
{
	int fd = dup(LAUNCHER_MEMORY_FD);

	if (memory_attach(&memory, LAUNCHER_MEMORY_FD, &settings))
		return 1;
	memset(memory.ring, 'x', 4096);
	/* Would the core's view of it shrink, the core could be made to crash. */
	if (fd < 0 || ftruncate(fd, 0) == 0)
		return 2;
	for (size_t i = 0; i < sizeof(acts) / sizeof(*acts); i++)
		if (strcmp(acts[i].name, settings.hostname) == 0)
			acts[i].act();
	wait_for_the_end();
}
