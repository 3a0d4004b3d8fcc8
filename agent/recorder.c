/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Records go through one pipe to the thread, results come back through another. What is in a
 * pipe is the address of a record, or a result; each is written whole. */
struct recorder {
	qb_loop_t *loop;
	void (*done)(void *context, int error);
	void *context;
	int records, results; /* our ends */
};

struct writer {
	int records, results;
};

static void *
run(void *argument)
{
	struct writer *writer = argument;
	json_t *record;

	while (read(writer->records, &record, sizeof(record)) == sizeof(record)) {
		int error = history_append(HISTORY_DIRECTORY, record);

		json_decref(record);
		if (write(writer->results, &error, sizeof(error)) != sizeof(error))
			break;
	}
	close(writer->records);
	close(writer->results);
	free(writer);
	return NULL;
}

static int32_t
on_result(int32_t fd, int32_t events, void *data)
{
	struct recorder *recorder = data;
	int error;

	(void)events;
	while (read(fd, &error, sizeof(error)) == sizeof(error))
		recorder->done(recorder->context, error);
	return 0;
}

int
recorder_open(qb_loop_t *loop, void (*done)(void *context, int error), void *context,
    struct recorder **recorder_r)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));
	struct writer *writer = calloc(1, sizeof(*writer));
	int records[2], results[2], error;
	pthread_attr_t how;
	pthread_t thread;

	if (!recorder || !writer || pipe2(records, O_CLOEXEC) != 0 ||
	    pipe2(results, O_CLOEXEC) != 0)
		abort();
	*recorder = (struct recorder){loop, done, context, records[1], results[0]};
	*writer = (struct writer){records[0], results[1]};
	fcntl(recorder->results, F_SETFL, O_NONBLOCK);
	error =
	    qb_loop_poll_add(loop, QB_LOOP_HIGH, recorder->results, POLLIN, recorder, on_result);
	pthread_attr_init(&how);
	pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
	if (!error)
		error = -pthread_create(&thread, &how, run, writer);
	pthread_attr_destroy(&how);
	if (error) {
		close(writer->records);
		close(writer->results);
		free(writer);
		recorder_close(&recorder);
		return error;
	}
	*recorder_r = recorder;
	return 0;
}

void
recorder_write(struct recorder *recorder, json_t *record)
{
	/* A pipe holds some thousand addresses, and there is one for each fencing. */
	if (write(recorder->records, &record, sizeof(record)) == sizeof(record))
		return;
	json_decref(record);
	recorder->done(recorder->context, -EIO);
}

void
recorder_close(struct recorder **recorder)
{
	if (!*recorder)
		return;
	qb_loop_poll_del((*recorder)->loop, (*recorder)->results);
	/* The thread reads the end, after what it has to write. */
	close((*recorder)->records);
	close((*recorder)->results);
	free(*recorder);
	*recorder = NULL;
}
