/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/trap-sender.h"

#include "agent/trap-session.h"
#include "common/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* How often it is looked whether an inform is to be sent again. */
#define TICK_MS 100

struct trap_sender {
	struct trap_settings settings;
	char reporter[EVENT_NAME_BYTES];
	const char *directory;
	int wakeup; /* eventfd */
	pthread_t thread;

	pthread_mutex_t lock;
	/* Under it. */
	struct event queue[TRAP_QUEUE_MAX];
	unsigned first, count;
	uint64_t dropped, dropped_told;
	uint64_t lost[TRAP_TARGETS_MAX], lost_told[TRAP_TARGETS_MAX];
	char trouble[TRAP_TARGETS_MAX][TRAP_ENGINE_ERROR_MAX]; /* empty: none, or told */
	uint64_t end_ms; /* 0: it goes on; else when to give informs up, and to end */

	/* The thread's. */
	struct trap_session *sessions[TRAP_TARGETS_MAX];
	struct trap_engine engine;
	uint64_t started_ms;
};

static void
tell(struct trap_sender *sender, unsigned target, const char *sentence)
{
	pthread_mutex_lock(&sender->lock);
	snprintf(sender->trouble[target], sizeof(sender->trouble[target]), "%s", sentence);
	pthread_mutex_unlock(&sender->lock);
}

static void
open_session(struct trap_sender *sender, unsigned target)
{
	char text[TRAP_ENGINE_ERROR_MAX];
	int result = trap_session_open(
	    &sender->settings, target, &sender->engine, &sender->sessions[target]);

	if (result == 0)
		return;
	snprintf(text, sizeof(text), "no way to %s: %s; it gets no traps until the agent restarts",
	    sender->settings.targets[target],
	    result == -ENOTSUP ? "this net-snmp cannot do SHA-256 or AES" : strerror(-result));
	tell(sender, target, text);
}

/* Without an engine version 3 can't be spoken: then there are no sessions, and events are lost. */
static void
open_all(struct trap_sender *sender)
{
	char error[TRAP_ENGINE_ERROR_MAX];
	bool is_v3 = sender->settings.is_v3;

	if (is_v3 && trap_engine_start(sender->directory, &sender->engine, error) != 0) {
		tell(sender, 0, error);
		return;
	}
	sender->started_ms = clock_boot_ms();
	trap_library_start(is_v3 ? &sender->engine : NULL);
	for (unsigned i = 0; i < sender->settings.target_count; i++)
		open_session(sender, i);
	snmp_secrets_forget(&sender->settings.secrets);
}

static void
send_to_all(struct trap_sender *sender, const struct trap_varbinds *varbinds)
{
	for (unsigned i = 0; i < sender->settings.target_count; i++) {
		uint64_t now_ms = clock_boot_ms();

		if (sender->sessions[i])
			trap_session_send(sender->sessions[i], varbinds,
			    (uint32_t)((now_ms - sender->started_ms) / 1000), now_ms);
	}
}

static void
send_event(struct trap_sender *sender, const struct event *event)
{
	uint32_t uptime_cs = (uint32_t)((clock_boot_ms() - sender->started_ms) / 10);
	struct trap_varbinds varbinds;

	trap_varbinds_gemel(event, sender->reporter, uptime_cs, &varbinds);
	send_to_all(sender, &varbinds);
	if (sender->settings.pacemaker_mib && trap_varbinds_pacemaker(event, uptime_cs, &varbinds))
		send_to_all(sender, &varbinds);
}

/* The oldest event. False: there is none. *end_ms_r: if not 0, there will be none. */
static bool
take(struct trap_sender *sender, struct event *event_r, uint64_t *end_ms_r)
{
	bool is_there;

	pthread_mutex_lock(&sender->lock);
	is_there = sender->count > 0;
	if (is_there) {
		*event_r = sender->queue[sender->first];
		sender->first = (sender->first + 1) % TRAP_QUEUE_MAX;
		sender->count--;
	}
	*end_ms_r = sender->end_ms;
	pthread_mutex_unlock(&sender->lock);
	return is_there;
}

/* Returns true while an answer is awaited. */
static bool
work(struct trap_sender *sender, const struct pollfd *polls)
{
	bool is_waiting = false;

	for (unsigned i = 0; i < sender->settings.target_count; i++) {
		if (!sender->sessions[i])
			continue;
		trap_session_work(sender->sessions[i], polls[i].revents != 0);
		is_waiting |= trap_session_is_waiting(sender->sessions[i]);
	}
	return is_waiting;
}

static void
publish_losses(struct trap_sender *sender)
{
	pthread_mutex_lock(&sender->lock);
	for (unsigned i = 0; i < sender->settings.target_count; i++)
		if (sender->sessions[i])
			sender->lost[i] = trap_session_lost(sender->sessions[i]);
	pthread_mutex_unlock(&sender->lock);
}

/* Wait for an event or an answer; polls: of the targets, and behind them the wake-up. */
static void
wait_for_work(struct trap_sender *sender, struct pollfd *polls, bool is_waiting)
{
	unsigned count = sender->settings.target_count;
	uint64_t events;
	ssize_t ignored;

	for (unsigned i = 0; i < count; i++) {
		struct trap_session *session = sender->sessions[i];

		polls[i] = (struct pollfd){session ? trap_session_socket(session) : -1, POLLIN, 0};
	}
	polls[count] = (struct pollfd){sender->wakeup, POLLIN, 0};
	if (poll(polls, count + 1, is_waiting ? TICK_MS : -1) < 0)
		for (unsigned i = 0; i <= count; i++)
			polls[i].revents = 0;
	if (polls[count].revents) {
		ignored = read(sender->wakeup, &events, sizeof(events));
		(void)ignored;
	}
}

static void *
sender_thread(void *argument)
{
	struct trap_sender *sender = argument;
	struct pollfd polls[TRAP_TARGETS_MAX + 1];
	bool is_waiting = false;
	struct event event;
	uint64_t end_ms;

	open_all(sender);
	do {
		wait_for_work(sender, polls, is_waiting);
		while (take(sender, &event, &end_ms))
			send_event(sender, &event);
		is_waiting = work(sender, polls);
		publish_losses(sender);
	} while (!end_ms || (is_waiting && clock_boot_ms() < end_ms));
	for (unsigned i = 0; i < TRAP_TARGETS_MAX; i++)
		trap_session_close(&sender->sessions[i]);
	return NULL;
}

static int
start_thread(struct trap_sender *sender)
{
	sigset_t all, before;
	int result;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	result = -pthread_create(&sender->thread, NULL, sender_thread, sender);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static void
sender_free(struct trap_sender *sender)
{
	if (sender->wakeup >= 0)
		close(sender->wakeup);
	pthread_mutex_destroy(&sender->lock);
	snmp_secrets_forget(&sender->settings.secrets);
	free(sender);
}

int
trap_sender_open(const struct trap_settings *settings, const char *reporter, const char *directory,
    struct trap_sender **sender_r)
{
	struct trap_sender *sender;
	int result;

	*sender_r = NULL;
	if (settings->target_count == 0)
		return 0;
	sender = calloc(1, sizeof(*sender));
	if (!sender)
		abort();
	sender->settings = *settings;
	sender->directory = directory;
	event_put(sender->reporter, sizeof(sender->reporter), slice_of(reporter));
	pthread_mutex_init(&sender->lock, NULL);
	sender->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	result = sender->wakeup < 0 ? -errno : start_thread(sender);
	if (result == 0)
		*sender_r = sender;
	else
		sender_free(sender);
	return result;
}

/* A full counter means that the thread is to wake up already. */
static void
wake(struct trap_sender *sender)
{
	ssize_t ignored = write(sender->wakeup, &(uint64_t){1}, sizeof(uint64_t));

	(void)ignored;
}

void
trap_sender_send(struct trap_sender *sender, const struct event *event)
{
	if (!sender)
		return;
	pthread_mutex_lock(&sender->lock);
	if (sender->count == TRAP_QUEUE_MAX) {
		sender->first = (sender->first + 1) % TRAP_QUEUE_MAX;
		sender->count--;
		sender->dropped++;
	}
	sender->queue[(sender->first + sender->count++) % TRAP_QUEUE_MAX] = *event;
	pthread_mutex_unlock(&sender->lock);
	wake(sender);
}

/* Of one target; with the lock held. */
static bool
take_news_of(struct trap_sender *sender, unsigned i, char text[TRAP_NEWS_BYTES])
{
	if (sender->trouble[i][0]) {
		snprintf(text, TRAP_NEWS_BYTES, "snmp: %s", sender->trouble[i]);
		sender->trouble[i][0] = '\0';
		return true;
	}
	if (sender->lost[i] == sender->lost_told[i])
		return false;
	snprintf(text, TRAP_NEWS_BYTES,
	    "snmp: %" PRIu64 " %s to %s were lost; see whether it is there and knows our %s",
	    sender->lost[i] - sender->lost_told[i], sender->settings.informs ? "informs" : "traps",
	    sender->settings.targets[i], sender->settings.is_v3 ? "user" : "community");
	sender->lost_told[i] = sender->lost[i];
	return true;
}

/* With the lock held. */
static bool
take_news(struct trap_sender *sender, char text[TRAP_NEWS_BYTES])
{
	if (sender->dropped != sender->dropped_told) {
		snprintf(text, TRAP_NEWS_BYTES,
		    "snmp: %" PRIu64 " events were dropped unsent, because more came than could be "
		    "sent; see whether the managers answer",
		    sender->dropped - sender->dropped_told);
		sender->dropped_told = sender->dropped;
		return true;
	}
	for (unsigned i = 0; i < sender->settings.target_count; i++)
		if (take_news_of(sender, i, text))
			return true;
	return false;
}

bool
trap_sender_news(struct trap_sender *sender, char text[TRAP_NEWS_BYTES])
{
	bool is_there;

	if (!sender)
		return false;
	pthread_mutex_lock(&sender->lock);
	is_there = take_news(sender, text);
	pthread_mutex_unlock(&sender->lock);
	return is_there;
}

bool
trap_sender_close(struct trap_sender **sender_r, unsigned patience_ms)
{
	struct trap_sender *sender = *sender_r;
	struct timespec until;

	*sender_r = NULL;
	if (!sender)
		return true;
	pthread_mutex_lock(&sender->lock);
	sender->end_ms = clock_boot_ms() + patience_ms;
	pthread_mutex_unlock(&sender->lock);
	wake(sender);
	/* It looks at the time once a tick. */
	patience_ms += 2 * TICK_MS;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(patience_ms % 1000) * 1000000;
	until.tv_sec += patience_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (pthread_timedjoin_np(sender->thread, NULL, &until) != 0) {
		pthread_detach(sender->thread);
		return false;
	}
	sender_free(sender);
	return true;
}
