/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/digests.h"

#include "common/command.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND_MS 10000u
#define NAME_MAX_BYTES 64

/* What the thread has read: it fits into a pipe, and is written whole. */
struct reading {
	char hex[DIGEST_FILES][DIGEST_HEX_MAX];
};

/* A byte through one pipe asks the thread for a reading, which comes through the other. */
struct digests {
	qb_loop_t *loop;
	uint32_t look_ms, retry_ms;
	int asks, readings; /* our ends */
	qb_loop_timer_handle timer;
	bool has_timer;          /* else the thread or a command is at work */
	struct command *command; /* NULL: none */
	size_t file;             /* that the command tells of */
	struct reading now, told;
	bool is_told[DIGEST_FILES];
	bool is_wanted; /* somebody asked for all again meanwhile */
	unsigned looks;
	int failure; /* what the log says already; 0: it goes well */
};

struct reader {
	int asks, readings;
	char *paths[DIGEST_FILES];
};

/* ---- the thread ---- */

static void
reader_free(struct reader *reader)
{
	close(reader->asks);
	close(reader->readings);
	for (size_t i = 0; i < DIGEST_FILES; i++)
		free(reader->paths[i]);
	free(reader);
}

static void *
run(void *argument)
{
	struct reader *reader = argument;
	char ask;

	while (read(reader->asks, &ask, 1) == 1) {
		struct reading reading = {0};

		for (size_t i = 0; i < DIGEST_FILES; i++)
			digest_file(reader->paths[i], reading.hex[i]);
		if (write(reader->readings, &reading, sizeof(reading)) != sizeof(reading))
			break;
	}
	reader_free(reader);
	return NULL;
}

static int
start_reader(struct reader *reader)
{
	pthread_attr_t how;
	pthread_t thread;
	int error;

	pthread_attr_init(&how);
	pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
	error = -pthread_create(&thread, &how, run, reader);
	pthread_attr_destroy(&how);
	if (error)
		reader_free(reader);
	return error;
}

/* ---- on the loop: look, tell, rest ---- */

static void
look(struct digests *digests)
{
	if (digests->is_wanted || ++digests->looks % DIGESTS_AGAIN == 0)
		memset(digests->is_told, 0, sizeof(digests->is_told));
	digests->is_wanted = false;
	if (write(digests->asks, "", 1) != 1)
		log_error("digests: the thread cannot be asked: %m");
}

static void
on_timer(void *data)
{
	struct digests *digests = data;

	digests->has_timer = false;
	look(digests);
}

static void
rest(struct digests *digests, uint32_t for_ms)
{
	if (digests->is_wanted) {
		look(digests);
		return;
	}
	qb_loop_timer_add(
	    digests->loop, QB_LOOP_LOW, for_ms * 1000000ull, digests, on_timer, &digests->timer);
	digests->has_timer = true;
}

static bool
is_due(const struct digests *digests, size_t file)
{
	return !digests->is_told[file] ||
	       strcmp(digests->now.hex[file], digests->told.hex[file]) != 0;
}

static void
fail(struct digests *digests, int status)
{
	if (status != digests->failure)
		log_info("digests: the cluster does not take what this node's files are "
			 "(attrd_updater: %d); it is asked again every %u s",
		    status, digests->retry_ms / 1000);
	digests->failure = status;
	rest(digests, digests->retry_ms);
}

static void tell(struct digests *digests);

static void
on_told(void *context, int status, struct slice output)
{
	struct digests *digests = context;

	(void)output;
	digests->command = NULL;
	if (status) {
		fail(digests, status);
		return;
	}
	digests->is_told[digests->file] = true;
	tell(digests);
}

/* Tell of the next file that is due; the files do not change meanwhile for us. */
static void
tell(struct digests *digests)
{
	char name[NAME_MAX_BYTES], *hex;
	char *update[] = {"attrd_updater", "--name", name, "--update", NULL, NULL};
	char *delete[] = {"attrd_updater", "--name", name, "--delete", NULL};
	size_t i = 0;
	int error;

	while (i < DIGEST_FILES && !is_due(digests, i))
		i++;
	if (i == DIGEST_FILES) {
		if (digests->failure)
			log_info("digests: the cluster knows what this node's files are");
		digests->failure = 0;
		rest(digests, digests->look_ms);
		return;
	}
	digests->file = i;
	digests->is_told[i] = false;
	hex = digests->told.hex[i];
	memcpy(hex, digests->now.hex[i], DIGEST_HEX_MAX);
	snprintf(name, sizeof(name), "%s%s", DIGEST_ATTRIBUTE, digest_files[i].name);
	update[4] = hex;
	error = command_start(
	    digests->loop, *hex ? update : delete, COMMAND_MS, on_told, digests, &digests->command);
	if (error)
		fail(digests, error);
}

static int32_t
on_reading(int32_t fd, int32_t events, void *data)
{
	struct digests *digests = data;

	(void)events;
	if (read(fd, &digests->now, sizeof(digests->now)) == sizeof(digests->now))
		tell(digests);
	return 0;
}

/* ---- begin and end ---- */

int
digests_open(qb_loop_t *loop, const struct digests_settings *settings, struct digests **digests_r)
{
	struct digests *digests = calloc(1, sizeof(*digests));
	struct reader *reader = calloc(1, sizeof(*reader));
	int asks[2], readings[2], error;

	if (!digests || !reader || pipe2(asks, O_CLOEXEC) != 0 || pipe2(readings, O_CLOEXEC) != 0)
		abort();
	*reader = (struct reader){asks[0], readings[1], {0}};
	for (size_t i = 0; i < DIGEST_FILES; i++) {
		reader->paths[i] = strdup(settings->paths[i]);
		if (!reader->paths[i])
			abort();
	}
	*digests = (struct digests){.loop = loop,
	    .look_ms = settings->look_ms,
	    .retry_ms = settings->retry_ms,
	    .asks = asks[1],
	    .readings = readings[0]};
	fcntl(digests->readings, F_SETFL, O_NONBLOCK);
	error = start_reader(reader);
	if (!error)
		error = qb_loop_poll_add(
		    loop, QB_LOOP_LOW, digests->readings, POLLIN, digests, on_reading);
	if (error) {
		digests_close(&digests);
		return error;
	}
	look(digests);
	*digests_r = digests;
	return 0;
}

void
digests_again(struct digests *digests)
{
	digests->is_wanted = true;
	if (!digests->has_timer)
		return;
	qb_loop_timer_del(digests->loop, digests->timer);
	digests->has_timer = false;
	look(digests);
}

void
digests_close(struct digests **digests)
{
	struct digests *one = *digests;

	if (!one)
		return;
	command_drop(&one->command);
	if (one->has_timer)
		qb_loop_timer_del(one->loop, one->timer);
	qb_loop_poll_del(one->loop, one->readings);
	/* The thread reads the end. */
	close(one->asks);
	close(one->readings);
	free(one);
	*digests = NULL;
}
