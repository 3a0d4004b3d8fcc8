/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/store/carrier.h"

#include "common/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* In a rush a turn takes one part of so many of the time. */
#define RUSH_PART 6u

struct carrier {
	struct turn_settings settings;
	struct carrier_pace pace;
	int eventfd;
	pthread_t thread;
	bool has_thread;

	/* Under the lock. */
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	bool is_stopping;
	bool is_pausing;
	bool has_new;    /* to_stage was added to since the turn began */
	size_t patience; /* so many tasks end the pause */
	struct task_list to_stage;
	struct task_list to_publish;
	struct task_list staged;
	struct task_list published;
	int failure; /* -errno of a turn that failed; the thread has ended */
};

static void
notify_loop(const struct carrier *carrier)
{
	uint64_t one = 1;

	/* A full counter is readable as well, so nothing is lost when this fails. */
	if (write(carrier->eventfd, &one, sizeof(one)) < 0)
		return;
}

/* Begins and ends with the lock held. */
static void
work(struct carrier *carrier)
{
	struct turn turn = {0};
	int failure;

	task_list_append(&turn.publish, &carrier->to_publish);
	task_list_append(&turn.stage, &carrier->to_stage);
	carrier->has_new = false;
	pthread_mutex_unlock(&carrier->lock);
	failure = turn_run(&carrier->settings, &turn);
	pthread_mutex_lock(&carrier->lock);

	/* What was beyond a limit comes before what has arrived meanwhile. */
	task_list_append(&turn.stage, &carrier->to_stage);
	task_list_append(&carrier->to_stage, &turn.stage);
	task_list_append(&carrier->published, &turn.published);
	task_list_append(&carrier->staged, &turn.staged);
	carrier->failure = failure;
	notify_loop(carrier);
}

static bool
has_patience(const struct carrier *carrier)
{
	return carrier->to_stage.count + carrier->to_publish.count < carrier->patience;
}

static struct timespec
time_after(uint64_t ms)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_nsec += (long)(ms % 1000) * 1000000;
	time.tv_sec += (time_t)(ms / 1000) + time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

uint64_t
carrier_pause_ms(const struct carrier_pace *pace, uint64_t took_ms, bool is_rush)
{
	uint64_t rush_ms = took_ms * (RUSH_PART - 1);
	uint64_t pause_ms = pace->pause_ms > took_ms ? pace->pause_ms - took_ms : 0;

	if (!is_rush || rush_ms <= pause_ms)
		return pause_ms;
	/* A disk that takes long has no rush to make way for: delivery would stand still. */
	return rush_ms < CARRIER_PAUSE_MAX_MS ? rush_ms : CARRIER_PAUSE_MAX_MS;
}

/* After a turn that took so long. With the lock held. */
static void
pause_after(struct carrier *carrier, uint64_t took_ms)
{
	bool is_rush = carrier->has_new;
	struct timespec next = time_after(carrier_pause_ms(&carrier->pace, took_ms, is_rush));
	int result = 0;

	carrier->patience = is_rush ? carrier->pace.lag_messages : carrier->settings.batch_messages;
	carrier->is_pausing = true;
	while (!carrier->is_stopping && has_patience(carrier) && result == 0)
		result = pthread_cond_timedwait(&carrier->wakeup, &carrier->lock, &next);
	carrier->is_pausing = false;
}

static void *
carrier_thread(void *argument)
{
	struct carrier *carrier = argument;

	pthread_mutex_lock(&carrier->lock);
	while (!carrier->is_stopping && carrier->failure == 0) {
		if (carrier->to_stage.first || carrier->to_publish.first) {
			uint64_t began_ms = clock_boot_ms();

			work(carrier);
			pause_after(carrier, clock_boot_ms() - began_ms);
		} else {
			pthread_cond_wait(&carrier->wakeup, &carrier->lock);
		}
	}
	pthread_mutex_unlock(&carrier->lock);
	return NULL;
}

int
carrier_open(struct carrier **carrier_r)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));
	pthread_condattr_t clock;
	int result;

	if (!carrier)
		abort();
	carrier->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (carrier->eventfd < 0) {
		result = -errno;
		free(carrier);
		return result;
	}
	pthread_mutex_init(&carrier->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&carrier->wakeup, &clock);
	pthread_condattr_destroy(&clock);
	*carrier_r = carrier;
	return 0;
}

int
carrier_start(
    struct carrier *carrier, const struct turn_settings *settings, const struct carrier_pace *pace)
{
	int result;

	carrier->settings = *settings;
	carrier->pace = *pace;
	result = -pthread_create(&carrier->thread, NULL, carrier_thread, carrier);
	carrier->has_thread = result == 0;
	return result;
}

static void
hand_over(struct carrier *carrier, struct task_list *queue, struct task_list *tasks)
{
	if (!tasks->first)
		return;
	pthread_mutex_lock(&carrier->lock);
	carrier->has_new = carrier->has_new || queue == &carrier->to_stage;
	task_list_append(queue, tasks);
	if (!carrier->is_pausing || !has_patience(carrier))
		pthread_cond_signal(&carrier->wakeup);
	pthread_mutex_unlock(&carrier->lock);
}

void
carrier_stage(struct carrier *carrier, struct task_list *tasks)
{
	hand_over(carrier, &carrier->to_stage, tasks);
}

void
carrier_publish(struct carrier *carrier, struct task_list *tasks)
{
	hand_over(carrier, &carrier->to_publish, tasks);
}

int
carrier_descriptor(const struct carrier *carrier)
{
	return carrier->eventfd;
}

int
carrier_take(struct carrier *carrier, struct task_list *staged, struct task_list *published)
{
	uint64_t count;
	int failure;

	/* Empty or not, the lists say what there is. */
	if (read(carrier->eventfd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	pthread_mutex_lock(&carrier->lock);
	failure = carrier->failure;
	if (failure == 0) {
		task_list_append(staged, &carrier->staged);
		task_list_append(published, &carrier->published);
	}
	pthread_mutex_unlock(&carrier->lock);
	return failure;
}

void
carrier_stop(struct carrier *carrier)
{
	pthread_mutex_lock(&carrier->lock);
	carrier->is_stopping = true;
	pthread_cond_signal(&carrier->wakeup);
	pthread_mutex_unlock(&carrier->lock);
	if (carrier->has_thread)
		pthread_join(carrier->thread, NULL);
	carrier->has_thread = false;
}

void
carrier_close(struct carrier **carrier_p)
{
	struct carrier *carrier = *carrier_p;

	if (!carrier)
		return;
	carrier_stop(carrier);
	task_list_free(&carrier->to_stage);
	task_list_free(&carrier->to_publish);
	task_list_free(&carrier->staged);
	task_list_free(&carrier->published);
	close(carrier->eventfd);
	pthread_cond_destroy(&carrier->wakeup);
	pthread_mutex_destroy(&carrier->lock);
	free(carrier);
	*carrier_p = NULL;
}
