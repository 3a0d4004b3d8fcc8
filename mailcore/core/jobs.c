/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/core/jobs.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct job {
	struct job *next;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

struct job_queue {
	struct job *first;
	struct job **last;
};

struct jobs {
	qb_loop_t *loop;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job_queue waiting;
	struct job_queue finished;
	int event;
	bool is_ending;
};

static void
queue_put(struct job_queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static struct job *
queue_take(struct job_queue *queue)
{
	struct job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->last = &queue->first;
	return job;
}

static void *
jobs_thread(void *argument)
{
	const uint64_t one = 1;
	struct jobs *jobs = argument;

	pthread_mutex_lock(&jobs->lock);
	for (;;) {
		struct job *job;

		if (jobs->is_ending)
			break;
		job = queue_take(&jobs->waiting);
		if (!job) {
			pthread_cond_wait(&jobs->wake, &jobs->lock);
			continue;
		}
		pthread_mutex_unlock(&jobs->lock);
		job->run(job->context);
		pthread_mutex_lock(&jobs->lock);
		queue_put(&jobs->finished, job);
		/* A full counter still wakes the loop. */
		if (write(jobs->event, &one, sizeof(one)) < 0 && errno != EAGAIN)
			abort();
	}
	pthread_mutex_unlock(&jobs->lock);
	return NULL;
}

/* Call done for all of a queue. */
static void
jobs_finish(struct jobs *jobs, struct job_queue *queue)
{
	for (;;) {
		struct job *job;

		pthread_mutex_lock(&jobs->lock);
		job = queue_take(queue);
		pthread_mutex_unlock(&jobs->lock);
		if (!job)
			return;
		job->done(job->context);
		free(job);
	}
}

static int32_t
jobs_readable(int32_t fd, int32_t events, void *data)
{
	uint64_t count;

	(void)events;
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	jobs_finish(data, &((struct jobs *)data)->finished);
	return 0;
}

int
jobs_open(qb_loop_t *loop, struct jobs **jobs_r)
{
	struct jobs *jobs = calloc(1, sizeof(*jobs));
	int result;

	if (!jobs)
		abort();
	jobs->loop = loop;
	jobs->waiting.last = &jobs->waiting.first;
	jobs->finished.last = &jobs->finished.first;
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wake, NULL);
	jobs->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (jobs->event < 0) {
		result = -errno;
		goto fail;
	}
	result = qb_loop_poll_add(loop, QB_LOOP_MED, jobs->event, POLLIN, jobs, jobs_readable);
	if (result == 0)
		result = -pthread_create(&jobs->thread, NULL, jobs_thread, jobs);
	if (result == 0) {
		*jobs_r = jobs;
		return 0;
	}
	qb_loop_poll_del(loop, jobs->event);
	close(jobs->event);
fail:
	free(jobs);
	return result;
}

void
jobs_add(struct jobs *jobs, void (*run)(void *context), void (*done)(void *context), void *context)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		abort();
	*job = (struct job){.run = run, .done = done, .context = context};
	pthread_mutex_lock(&jobs->lock);
	queue_put(&jobs->waiting, job);
	pthread_cond_signal(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
}

void
jobs_close(struct jobs **jobs)
{
	struct jobs *j = *jobs;

	if (!j)
		return;
	pthread_mutex_lock(&j->lock);
	j->is_ending = true;
	pthread_cond_signal(&j->wake);
	pthread_mutex_unlock(&j->lock);
	pthread_join(j->thread, NULL);
	jobs_finish(j, &j->finished);
	jobs_finish(j, &j->waiting);
	qb_loop_poll_del(j->loop, j->event);
	close(j->event);
	pthread_cond_destroy(&j->wake);
	pthread_mutex_destroy(&j->lock);
	free(j);
	*jobs = NULL;
}
