/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/syncer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
	struct task *first;
	struct task **last;
};

struct lane_state {
	struct syncer *syncer;
	struct queue waiting;
	pthread_cond_t more;
	pthread_t thread;
	bool has_thread;
};

struct syncer {
	enum syncer_kind kind;
	int descriptor;
	unsigned rounds; /* of dispatch, without threads */
	bool is_closing;
	pthread_mutex_t lock;
	struct lane_state lanes[LANE_COUNT];
	struct queue finished;
};

static void
queue_reset(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void
queue_push(struct queue *queue, struct task *task)
{
	task->next = NULL;
	*queue->last = task;
	queue->last = &task->next;
}

static struct task *
queue_pop(struct queue *queue)
{
	struct task *task = queue->first;

	if (!task)
		return NULL;
	queue->first = task->next;
	if (!queue->first)
		queue->last = &queue->first;
	return task;
}

static void *
lane_main(void *argument)
{
	struct lane_state *lane = argument;
	struct syncer *syncer = lane->syncer;

	pthread_mutex_lock(&syncer->lock);
	for (;;) {
		struct task *task = queue_pop(&lane->waiting);

		if (!task && syncer->is_closing)
			break;
		if (!task) {
			pthread_cond_wait(&lane->more, &syncer->lock);
			continue;
		}
		pthread_mutex_unlock(&syncer->lock);
		task->run(task);
		pthread_mutex_lock(&syncer->lock);
		queue_push(&syncer->finished, task);
		syncer_wake(syncer);
	}
	pthread_mutex_unlock(&syncer->lock);
	return NULL;
}

static int
lane_start(struct lane_state *lane)
{
	sigset_t all, before;
	int result;

	/* Signals are the loop's business. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	result = pthread_create(&lane->thread, NULL, lane_main, lane);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	lane->has_thread = result == 0;
	return -result;
}

int
syncer_open(enum syncer_kind kind, struct syncer **syncer_r)
{
	struct syncer *syncer = calloc(1, sizeof(*syncer));
	int result = 0;

	if (!syncer)
		abort();
	*syncer_r = NULL;
	syncer->kind = kind;
	pthread_mutex_init(&syncer->lock, NULL);
	queue_reset(&syncer->finished);
	for (int i = 0; i < LANE_COUNT; i++) {
		syncer->lanes[i].syncer = syncer;
		queue_reset(&syncer->lanes[i].waiting);
		pthread_cond_init(&syncer->lanes[i].more, NULL);
	}
	syncer->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (syncer->descriptor < 0)
		result = -errno;
	for (int i = 0; result == 0 && kind == SYNCER_THREADS && i < LANE_COUNT; i++)
		result = lane_start(&syncer->lanes[i]);
	if (result < 0)
		syncer_close(&syncer);
	*syncer_r = syncer;
	return result;
}

static void
queue_drop(struct queue *queue)
{
	struct task *task;

	while ((task = queue_pop(queue)))
		if (task->drop)
			task->drop(task);
}

void
syncer_close(struct syncer **syncer_p)
{
	struct syncer *syncer = *syncer_p;

	*syncer_p = NULL;
	if (!syncer)
		return;
	pthread_mutex_lock(&syncer->lock);
	syncer->is_closing = true;
	for (int i = 0; i < LANE_COUNT; i++)
		pthread_cond_signal(&syncer->lanes[i].more);
	pthread_mutex_unlock(&syncer->lock);
	for (int i = 0; i < LANE_COUNT; i++) {
		if (syncer->lanes[i].has_thread)
			pthread_join(syncer->lanes[i].thread, NULL);
		pthread_cond_destroy(&syncer->lanes[i].more);
		queue_drop(&syncer->lanes[i].waiting);
	}
	queue_drop(&syncer->finished);
	pthread_mutex_destroy(&syncer->lock);
	if (syncer->descriptor >= 0)
		close(syncer->descriptor);
	free(syncer);
}

void
syncer_submit(struct syncer *syncer, enum lane lane, struct task *task)
{
	pthread_mutex_lock(&syncer->lock);
	queue_push(&syncer->lanes[lane].waiting, task);
	pthread_cond_signal(&syncer->lanes[lane].more);
	pthread_mutex_unlock(&syncer->lock);
	if (syncer->kind != SYNCER_THREADS)
		syncer_wake(syncer);
}

int
syncer_descriptor(const struct syncer *syncer)
{
	return syncer->descriptor;
}

void
syncer_wake(struct syncer *syncer)
{
	/* It can only fail when the counter is full, and then it is readable. */
	(void)!eventfd_write(syncer->descriptor, 1);
}

/* Without threads: one task of each lane. */
static void
syncer_run_inline(struct syncer *syncer)
{
	syncer->rounds++;
	for (int i = 0; i < LANE_COUNT; i++) {
		int lane = syncer->kind == SYNCER_INLINE ? i : LANE_COUNT - 1 - i;
		bool has_turn = syncer->kind == SYNCER_INLINE || lane != LANE_BATCH_EVEN ||
				syncer->rounds % 2 == 0;
		struct task *task = has_turn ? queue_pop(&syncer->lanes[lane].waiting) : NULL;

		if (task) {
			task->run(task);
			queue_push(&syncer->finished, task);
		}
		if (task || syncer->lanes[lane].waiting.first)
			syncer_wake(syncer);
	}
}

void
syncer_dispatch(struct syncer *syncer)
{
	struct task *task;
	eventfd_t count;

	(void)!eventfd_read(syncer->descriptor, &count);
	if (syncer->kind != SYNCER_THREADS)
		syncer_run_inline(syncer);
	pthread_mutex_lock(&syncer->lock);
	task = syncer->finished.first;
	queue_reset(&syncer->finished);
	pthread_mutex_unlock(&syncer->lock);
	while (task) {
		struct task *next = task->next;

		task->done(task);
		task = next;
	}
}

void
syncer_wait(struct syncer *syncer)
{
	struct pollfd poll_for = {.fd = syncer->descriptor, .events = POLLIN};

	(void)!poll(&poll_for, 1, -1);
}
