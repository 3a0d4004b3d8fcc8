/* SPDX-License-Identifier: BSD-2-Clause */
#include "heartbeat/slot-thread.h"

#include "common/clock.h"
#include "common/disk.h"
#include "common/line-spec.h"
#include "heartbeat/disk-partition.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* Before a partition that could not be read is opened again. */
#define REOPEN_MS 1000

struct slot_thread {
	struct slot_setup setup;
	char path[LINE_PATH_BYTES];
	int event_fd;

	/* The thread's own. */
	int fd; /* of the partition; -1: closed */
	uint64_t number;
	uint8_t last_heard[BEAT_BYTES];
	char trouble[LINE_TROUBLE_BYTES]; /* of this turn */

	/* Both sides', with the lock held. */
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	unsigned holders;
	bool is_ending;
	bool has_said, is_said_new, is_heard_new;
	uint8_t said[BEAT_BYTES], heard[BEAT_BYTES];
	uint64_t io_since_ms; /* 0: none runs */
	struct line_health health;
};

/* -- the thread's side -- */

/* Keep the first sentence of this turn. */
__attribute__((format(printf, 2, 3))) static void
complain(struct slot_thread *t, const char *format, ...)
{
	va_list args;

	if (t->trouble[0])
		return;
	va_start(args, format);
	vsnprintf(t->trouble, sizeof(t->trouble), format, args);
	va_end(args);
}

/* A call of the disk begins; when that was. */
static uint64_t
io_begin(struct slot_thread *t)
{
	uint64_t now_ms = clock_boot_ms();

	pthread_mutex_lock(&t->lock);
	t->io_since_ms = now_ms;
	pthread_mutex_unlock(&t->lock);
	return now_ms;
}

/* It has ended. Leaves the lock held, for what else there is to tell. */
static void
io_end_locked(struct slot_thread *t, bool is_good)
{
	pthread_mutex_lock(&t->lock);
	t->io_since_ms = 0;
	t->health.errors += !is_good;
}

static bool
open_partition(struct slot_thread *t)
{
	char why[DISK_PARTITION_WHY_BYTES];

	io_begin(t);
	t->fd = disk_partition_open(t->path, O_RDWR, t->setup.pair, why);
	io_end_locked(t, t->fd >= 0);
	t->health.is_open = t->fd >= 0;
	pthread_mutex_unlock(&t->lock);
	if (t->fd >= 0)
		return true;
	complain(t, "%s", why);
	return false;
}

static void
close_partition(struct slot_thread *t)
{
	io_begin(t);
	disk_close(t->fd);
	t->fd = -1;
	io_end_locked(t, true);
	t->health.is_open = false;
	pthread_mutex_unlock(&t->lock);
}

static void
write_beat(struct slot_thread *t)
{
	const struct disk_slot slot = {DISK_BEAT, t->setup.node, t->setup.pair};
	struct disk_record record = {0};
	uint64_t begun_ms;
	bool is_new, has_said;
	int result;

	pthread_mutex_lock(&t->lock);
	has_said = t->has_said;
	is_new = t->is_said_new;
	t->is_said_new = false;
	memcpy(record.packet, t->said, BEAT_BYTES);
	pthread_mutex_unlock(&t->lock);
	if (!has_said)
		return;
	record.number = ++t->number;
	begun_ms = io_begin(t);
	result = disk_partition_write_slot(t->fd, &slot, &record);
	io_end_locked(t, result == 0);
	if (result == 0) {
		t->health.verified_ms = begun_ms;
		t->health.sent += is_new;
	} else {
		t->health.dropped += is_new;
	}
	pthread_mutex_unlock(&t->lock);
	if (result < 0)
		complain(t, "The disk line %u can't write to %s and read it back: %s.",
		    t->setup.line, t->path,
		    result == -EBADMSG ? "something else came back" : strerror(-result));
}

/* What a look into a slot has shown. */
enum look {
	LOOK_FAILED, /* the disk can't be read */
	LOOK_BAD,    /* it holds what it should not */
	LOOK_EMPTY,
	LOOK_FOUND,
};

/* Look into a slot. Leaves the lock held, as io_end_locked() does. */
static enum look
look_locked(
    struct slot_thread *t, enum disk_slot_kind kind, uint8_t node, struct disk_record *record_r)
{
	const struct disk_slot slot = {kind, node, t->setup.pair};
	const char *name = kind == DISK_POISON ? "poison" : "beat";
	enum disk_slot_fault fault = DISK_SLOT_EMPTY;
	int result = disk_partition_read_slot(t->fd, &slot, record_r, &fault);
	bool is_bad = fault != DISK_SLOT_OK && fault != DISK_SLOT_EMPTY;

	if (result < 0)
		complain(t, "The disk line %u can't read from %s: %s.", t->setup.line, t->path,
		    strerror(-result));
	else if (is_bad)
		complain(t, "The %s slot of node %u on %s %s.", name, node, t->path,
		    disk_slot_fault_text(fault));
	io_end_locked(t, result == 0 && !is_bad);
	if (result < 0)
		return LOOK_FAILED;
	if (is_bad)
		return LOOK_BAD;
	return fault == DISK_SLOT_OK ? LOOK_FOUND : LOOK_EMPTY;
}

static enum look
read_beat(struct slot_thread *t)
{
	struct disk_record record;
	enum look look;

	io_begin(t);
	look = look_locked(t, DISK_BEAT, !t->setup.node, &record);
	if (look == LOOK_FOUND && memcmp(record.packet, t->last_heard, BEAT_BYTES) != 0) {
		memcpy(t->last_heard, record.packet, BEAT_BYTES);
		memcpy(t->heard, record.packet, BEAT_BYTES);
		t->is_heard_new = true;
		/* It fails only when it is readable already. */
		eventfd_write(t->event_fd, 1);
	}
	pthread_mutex_unlock(&t->lock);
	return look;
}

static enum look
read_poison(struct slot_thread *t)
{
	uint64_t begun_ms = io_begin(t);
	struct disk_record record;
	enum look look = look_locked(t, DISK_POISON, t->setup.node, &record);
	struct line_health *health = &t->health;

	if (look == LOOK_FOUND && id128_is_same(&record.life, &t->setup.boot))
		health->poison = LINE_POISONED;
	if (health->poison != LINE_POISONED) {
		bool is_clean = look == LOOK_EMPTY || look == LOOK_FOUND;

		health->poison = is_clean ? LINE_POISON_CLEAN : LINE_POISON_UNKNOWN;
		if (is_clean)
			health->clean_ms = begun_ms;
	}
	pthread_mutex_unlock(&t->lock);
	return look;
}

/* One turn; how long to wait after it. */
static uint32_t
take_turn(struct slot_thread *t)
{
	bool is_readable = false;

	t->trouble[0] = '\0';
	if (t->fd >= 0 || open_partition(t)) {
		is_readable = read_poison(t) != LOOK_FAILED;
		write_beat(t);
		is_readable |= read_beat(t) != LOOK_FAILED;
		if (!is_readable)
			close_partition(t);
	}
	pthread_mutex_lock(&t->lock);
	memcpy(t->health.trouble, t->trouble, sizeof(t->trouble));
	pthread_mutex_unlock(&t->lock);
	return is_readable ? t->setup.pause_ms : REOPEN_MS;
}

/* False: the end has come. */
static bool
pause_for(struct slot_thread *t, uint32_t ms)
{
	struct timespec until;
	bool is_ending;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&t->lock);
	while (!t->is_ending && result == 0)
		result = pthread_cond_timedwait(&t->wakeup, &t->lock, &until);
	is_ending = t->is_ending;
	pthread_mutex_unlock(&t->lock);
	return !is_ending;
}

/* One holder less; the last one frees it. */
static void
let_go(struct slot_thread *t)
{
	unsigned left;

	pthread_mutex_lock(&t->lock);
	t->is_ending = true;
	left = --t->holders;
	pthread_cond_signal(&t->wakeup);
	pthread_mutex_unlock(&t->lock);
	if (left > 0)
		return;
	pthread_cond_destroy(&t->wakeup);
	pthread_mutex_destroy(&t->lock);
	close(t->event_fd);
	free(t);
}

static void *
thread_main(void *argument)
{
	struct slot_thread *t = argument;

	while (pause_for(t, take_turn(t)))
		;
	if (t->fd >= 0)
		close_partition(t);
	let_go(t);
	return NULL;
}

/* -- the owner's side -- */

static int
start(struct slot_thread *t)
{
	sigset_t all, before;
	pthread_t thread;
	int result;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	result = -pthread_create(&thread, NULL, thread_main, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (result == 0)
		pthread_detach(thread);
	return result;
}

static struct slot_thread *
make(const struct slot_setup *setup)
{
	struct slot_thread *t = calloc(1, sizeof(*t));
	pthread_condattr_t attributes;

	if (!t)
		abort();
	assert(setup->pause_ms > 0);
	t->setup = *setup;
	snprintf(t->path, sizeof(t->path), "%s", setup->path);
	t->setup.path = t->path;
	t->fd = -1;
	t->holders = 2;
	t->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&t->wakeup, &attributes);
	pthread_condattr_destroy(&attributes);
	return t;
}

int
slot_thread_open(const struct slot_setup *setup, struct slot_thread **thread_r)
{
	struct slot_thread *t = make(setup);
	int result = t->event_fd < 0 ? -errno : start(t);

	*thread_r = t;
	if (result < 0) {
		t->holders = 1;
		slot_thread_close(thread_r);
	}
	return result;
}

int
slot_thread_fd(const struct slot_thread *thread)
{
	return thread->event_fd;
}

void
slot_thread_say(struct slot_thread *thread, const uint8_t packet[BEAT_BYTES])
{
	pthread_mutex_lock(&thread->lock);
	thread->health.dropped += thread->is_said_new;
	memcpy(thread->said, packet, BEAT_BYTES);
	thread->has_said = thread->is_said_new = true;
	pthread_mutex_unlock(&thread->lock);
}

bool
slot_thread_hear(struct slot_thread *thread, uint8_t packet_r[BEAT_BYTES])
{
	eventfd_t count;
	bool is_new;

	pthread_mutex_lock(&thread->lock);
	eventfd_read(thread->event_fd, &count);
	is_new = thread->is_heard_new;
	thread->is_heard_new = false;
	memcpy(packet_r, thread->heard, BEAT_BYTES);
	pthread_mutex_unlock(&thread->lock);
	return is_new;
}

void
slot_thread_health(struct slot_thread *thread, uint64_t now_ms, struct line_health *health_r)
{
	pthread_mutex_lock(&thread->lock);
	*health_r = thread->health;
	if (thread->io_since_ms > 0 && now_ms > thread->io_since_ms)
		health_r->io_ms = now_ms - thread->io_since_ms;
	pthread_mutex_unlock(&thread->lock);
	if (health_r->io_ms >= SLOT_HUNG_MS)
		snprintf(health_r->trouble, sizeof(health_r->trouble),
		    "The disk line %u has been waiting for %s for %llu s; look at the disk and the "
		    "ways to it.",
		    thread->setup.line, thread->path, (unsigned long long)health_r->io_ms / 1000);
}

void
slot_thread_close(struct slot_thread **thread)
{
	if (!*thread)
		return;
	let_go(*thread);
	*thread = NULL;
}
