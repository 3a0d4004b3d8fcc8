/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/log-queue.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

struct log_queue {
	log_queue_write *write;
	void *context;
	size_t room;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wakeup;
	struct buffer waiting;
	uint64_t dropped; /* and not told */
	bool is_ending;
};

/* With the lock held. Swaps the buffers, so that both keep their room. */
static uint64_t
take_waiting(struct log_queue *queue, struct buffer *lines)
{
	struct buffer empty = *lines;
	uint64_t dropped = queue->dropped;

	empty.length = 0;
	*lines = queue->waiting;
	queue->waiting = empty;
	queue->dropped = 0;
	return dropped;
}

/* Collect lines for a moment, unless the end has come. With the lock held. */
static void
pause_a_moment(struct log_queue *queue)
{
	struct timespec until;
	int result = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOG_QUEUE_PAUSE_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!queue->is_ending && result == 0)
		result = pthread_cond_timedwait(&queue->wakeup, &queue->lock, &until);
}

static void *
queue_thread(void *argument)
{
	struct log_queue *queue = argument;
	struct buffer lines = {0};
	uint64_t dropped;

	pthread_mutex_lock(&queue->lock);
	for (;;) {
		while (!queue->waiting.length && !queue->is_ending)
			pthread_cond_wait(&queue->wakeup, &queue->lock);
		if (!queue->waiting.length)
			break;
		pause_a_moment(queue);
		dropped = take_waiting(queue, &lines);
		pthread_mutex_unlock(&queue->lock);
		queue->write(queue->context, buffer_slice(&lines), dropped);
		pthread_mutex_lock(&queue->lock);
	}
	pthread_mutex_unlock(&queue->lock);
	buffer_close(&lines);
	return NULL;
}

static int
start_thread(struct log_queue *queue)
{
	sigset_t all, before;
	int result;

	/* Signals are the loop's. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	result = -pthread_create(&queue->thread, NULL, queue_thread, queue);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return result;
}

static void
queue_free(struct log_queue *queue)
{
	pthread_cond_destroy(&queue->wakeup);
	pthread_mutex_destroy(&queue->lock);
	buffer_close(&queue->waiting);
	free(queue);
}

int
log_queue_open(size_t room, log_queue_write *write, void *context, struct log_queue **queue_r)
{
	struct log_queue *queue = calloc(1, sizeof(*queue));
	pthread_condattr_t attributes;
	int result;

	if (!queue)
		abort();
	queue->write = write;
	queue->context = context;
	queue->room = room;
	pthread_mutex_init(&queue->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&queue->wakeup, &attributes);
	pthread_condattr_destroy(&attributes);
	result = start_thread(queue);
	if (result == 0)
		*queue_r = queue;
	else
		queue_free(queue);
	return result;
}

bool
log_queue_put(struct log_queue *queue, struct slice line)
{
	bool fits;

	pthread_mutex_lock(&queue->lock);
	fits = queue->waiting.length + line.length <= queue->room;
	if (!fits)
		queue->dropped++;
	else if (queue->waiting.length == 0)
		pthread_cond_signal(&queue->wakeup);
	if (fits)
		buffer_append_slice(&queue->waiting, line);
	pthread_mutex_unlock(&queue->lock);
	return fits;
}

bool
log_queue_close(struct log_queue **queue_r, unsigned patience_ms)
{
	struct log_queue *queue = *queue_r;
	struct timespec until;

	*queue_r = NULL;
	if (!queue)
		return true;
	pthread_mutex_lock(&queue->lock);
	queue->is_ending = true;
	pthread_cond_signal(&queue->wakeup);
	pthread_mutex_unlock(&queue->lock);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += (long)(patience_ms % 1000) * 1000000;
	until.tv_sec += patience_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	if (pthread_timedjoin_np(queue->thread, NULL, &until) != 0) {
		pthread_detach(queue->thread);
		return false;
	}
	queue_free(queue);
	return true;
}
