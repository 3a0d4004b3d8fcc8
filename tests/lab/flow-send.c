/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The load generator as a whole: its log, its clock, its start and its end. The
 * connections are in flow-slot.
 */
#include "tests/lab/flow-slot.h"
#include "tests/lab/flow-verbs.h"

#include <inttypes.h>
#include <netdb.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define STOP_LOOK_MS 50

/* --- the log ------------------------------------------------------------ */

static void
log_failed(struct send *send, int error)
{
	if (send->log_error == 0)
		flow_fail(0, "%s: %s: the run is void", send->plan.log, strerror(-error));
	send->log_error = error;
	uv_stop(&send->loop);
}

void
send_log(struct send *send, const struct flow_record *record)
{
	int error = send->log_error == 0 ? flow_log_append(&send->log, record) : 0;

	if (error != 0)
		log_failed(send, error);
}

void
send_log_event(struct send *send, enum flow_kind kind, uint64_t number, const char *text)
{
	struct flow_record record = {.kind = kind, .number = number};

	snprintf(record.id, sizeof(record.id), "%s", send->run);
	snprintf(record.recipient, sizeof(record.recipient), "%s", send->plan.to);
	snprintf(record.text, sizeof(record.text), "%s", text);
	send_log(send, &record);
}

static void
sync_work(uv_work_t *work)
{
	struct send *send = work->data;

	send->sync_error = flow_log_sync(&send->log);
}

static void sync_begin(struct send *send);

static void
sync_done(uv_work_t *work, int status)
{
	struct send *send = work->data;

	send->syncing = false;
	if (send->sync_error != 0 || status != 0) {
		log_failed(send, send->sync_error != 0 ? send->sync_error : status);
		return;
	}
	send->ended[FLOW_ACKED] += send->acked_in_sync;
	send->acked_in_sync = 0;
	sync_begin(send);
}

/* One sync at a time; what comes meanwhile goes into the next. */
static void
sync_begin(struct send *send)
{
	if (send->syncing || !send->dirty || send->log_error != 0)
		return;
	send->syncing = true;
	send->dirty = false;
	send->acked_in_sync = send->acked_unsynced;
	send->acked_unsynced = 0;
	send->sync.data = send;
	uv_queue_work(&send->loop, &send->sync, sync_work, sync_done);
}

void
send_log_outcomes(struct send *send, const struct slot *slot)
{
	const struct flow_dialogue *d = &slot->dialogue;

	for (unsigned i = 0; i < d->copies; i++) {
		const struct flow_outcome *outcome = &d->outcomes[i];
		struct flow_record record = {.kind = outcome->kind, .number = outcome->code};

		memcpy(record.id, slot->id, sizeof(record.id));
		snprintf(record.recipient, sizeof(record.recipient), "%s", d->recipients[i]);
		memcpy(record.text, outcome->text, sizeof(record.text));
		send_log(send, &record);
		if (outcome->kind == FLOW_ACKED)
			send->acked_unsynced++;
		else
			send->ended[outcome->kind]++;
	}
	send->dirty = true;
	sync_begin(send);
}
/* --- the whole ---------------------------------------------------------- */

void
send_stop(struct send *send)
{
	if (send->stopping)
		return;
	send->stopping = true;
	send_log_event(send, FLOW_STOP, send->begun, "");
	uv_timer_stop(&send->pace_timer);
	uv_timer_stop(&send->stop_timer);
	for (uint64_t i = 0; i < send->plan.connections; i++) {
		struct slot *slot = &send->slots[i];

		uv_timer_stop(&slot->retry);
		if (slot->link != NULL && slot->waiting)
			slot_quit(slot);
		slot->waiting = false;
	}
}

static void
on_signal(uv_signal_t *handle, int number)
{
	(void)number;
	send_stop(handle->data);
}

static void
on_stop_look(uv_timer_t *timer)
{
	struct send *send = timer->data;
	struct stat status;
	bool over = send->plan.seconds != 0 &&
		    flow_mono_ns() - send->started_ns >= send->plan.seconds * 1000000000u;

	if (over || (send->plan.stop_file != NULL && stat(send->plan.stop_file, &status) == 0))
		send_stop(send);
}

static int
resolve(struct send *send)
{
	const char *colon = strrchr(send->plan.to, ':');
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
	char host[256];
	size_t length = colon != NULL ? (size_t)(colon - send->plan.to) : 0;
	int error;

	if (length == 0 || length >= sizeof(host))
		return flow_fail(FLOW_USAGE, "--to %s: write HOST:PORT", send->plan.to);
	memcpy(host, send->plan.to, length);
	host[length] = '\0';
	if (host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		memmove(host, host + 1, length - 1);
	}
	error = getaddrinfo(host, colon + 1, &hints, &found);
	if (error != 0)
		return flow_fail(FLOW_FAILED, "--to %s: %s", send->plan.to, gai_strerror(error));
	memcpy(&send->server, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

static void
timer_prepare(struct send *send, uv_timer_t *timer, void *data)
{
	uv_timer_init(&send->loop, timer);
	timer->data = data;
}

static void
send_prepare(struct send *send)
{
	static const int numbers[2] = {SIGINT, SIGTERM};
	uint64_t run;

	RAND_bytes((unsigned char *)&run, sizeof(run));
	RAND_bytes((unsigned char *)&send->seed, sizeof(send->seed));
	snprintf(send->run, sizeof(send->run), "f%016" PRIx64, run);
	uv_loop_init(&send->loop);
	timer_prepare(send, &send->pace_timer, send);
	timer_prepare(send, &send->stop_timer, send);
	for (int i = 0; i < 2; i++) {
		uv_signal_init(&send->loop, &send->signals[i]);
		send->signals[i].data = send;
		uv_signal_start(&send->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&send->signals[i]);
	}
	send->pace.interval_ns = send->plan.rate != 0 ? 1000000000u / send->plan.rate : 0;
	send->slots = calloc(send->plan.connections, sizeof(*send->slots));
	if (send->slots == NULL)
		abort();
	for (uint64_t i = 0; i < send->plan.connections; i++) {
		send->slots[i].send = send;
		timer_prepare(send, &send->slots[i].retry, &send->slots[i]);
	}
}

static void
close_handle(uv_handle_t *handle, void *context)
{
	(void)context;
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void
send_close(struct send *send)
{
	for (uint64_t i = 0; i < send->plan.connections; i++)
		buffer_close(&send->slots[i].content);
	uv_walk(&send->loop, close_handle, NULL);
	uv_run(&send->loop, UV_RUN_DEFAULT);
	uv_loop_close(&send->loop);
	free(send->slots);
}

static void
send_report(const struct send *send)
{
	const char *format =
	    send->plan.json
		? "{\"run\":\"%s\",\"begun\":%" PRIu64 ",\"acked\":%" PRIu64 ",\"refused\":%" PRIu64
		  ",\"unknown\":%" PRIu64 ",\"unsent\":%" PRIu64 ",\"seconds\":%.3f}\n"
		: "run %s: begun %" PRIu64 ", acknowledged %" PRIu64 ", refused %" PRIu64
		  ", unknown %" PRIu64 ", not sent %" PRIu64 ", in %.3f s\n";

	printf(format, send->run, send->begun, send->ended[FLOW_ACKED], send->ended[FLOW_REFUSED],
	    send->ended[FLOW_UNKNOWN], send->ended[FLOW_UNSENT],
	    (double)(flow_mono_ns() - send->started_ns) / 1e9);
}

/* The sessions of a run that became void; those of any other have ended. */
static void
send_abandon(struct send *send)
{
	send_stop(send);
	for (uint64_t i = 0; i < send->plan.connections; i++)
		if (send->slots[i].link != NULL)
			slot_end(&send->slots[i], true, "abandoned");
	uv_run(&send->loop, UV_RUN_DEFAULT);
}

static void
send_run(struct send *send)
{
	send->started_ns = flow_mono_ns();
	send_log_event(send, FLOW_START, send->plan.rate, "");
	uv_timer_start(&send->stop_timer, on_stop_look, STOP_LOOK_MS, STOP_LOOK_MS);
	for (uint64_t i = 0; i < send->plan.connections; i++)
		slot_begin(&send->slots[i]);
	uv_run(&send->loop, UV_RUN_DEFAULT);
	send_abandon(send);
	if (send->log_error == 0)
		send_log_event(send, FLOW_END, send->begun, "");
	if (send->log_error == 0) {
		int error = flow_log_sync(&send->log);

		if (error != 0)
			log_failed(send, error);
	}
}

int
flow_send(int argc, char **argv)
{
	struct send send = {.log = {-1}};
	int status = flow_plan_parse(&send.plan, argc, argv);
	int error;

	if (status == 0)
		status = resolve(&send);
	if (status == 0) {
		error = flow_log_create(&send.log, send.plan.log);
		if (error != 0)
			status = flow_fail(FLOW_FAILED, "%s: %s", send.plan.log, strerror(-error));
	}
	if (status == 0) {
		send_prepare(&send);
		send_run(&send);
		send_report(&send);
		status = send.log_error != 0 ? FLOW_FAILED : FLOW_DONE;
		send_close(&send);
	}
	flow_log_close(&send.log);
	flow_plan_close(&send.plan);
	return status;
}
