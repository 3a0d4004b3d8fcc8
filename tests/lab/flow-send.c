/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shell of the load generator: slots, their connections, the clock and the
 * log. What is said and what it means is in flow-dialogue.
 *
 * A slot is one place for a connection. With one message per connection it
 * connects when the pace lets a message begin (a probe); otherwise it stays
 * connected and comes back at once when its connection is lost.
 */
#include "tests/lab/flow-dialogue.h"
#include "tests/lab/flow-log.h"
#include "tests/lab/flow-message.h"
#include "tests/lab/flow-plan.h"
#include "tests/lab/flow-verbs.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#define LARGE_MIN (257u << 10)
#define LARGE_MAX (400u << 10)
#define READ_ROOM (16u << 10)
#define STOP_LOOK_MS 50
#define QUIT_TIMEOUT_MS 300
#define PEER_GONE_MS 300 /* a peer whose kernel acknowledges nothing for so long is gone */

struct send;

/* One connection; freed when libuv has closed both handles. */
struct link {
	uv_tcp_t tcp;
	uv_timer_t timer;
	struct slot *slot; /* NULL: given up, only closing */
	int handles;       /* still to be closed by libuv */
	char input[READ_ROOM];
};

struct slot {
	struct send *send;
	struct link *link;
	struct flow_dialogue dialogue;
	bool permit;  /* the pace let a message begin on the next connection */
	bool waiting; /* for a permit */
	bool failed;  /* the last connection did not end well */
	uint64_t done_here;
	uint64_t connect_ns;
	uv_timer_t retry;
	char id[FLOW_ID_MAX];
	struct buffer content;
};

struct send {
	struct flow_plan plan;
	struct sockaddr_storage server;
	uv_loop_t loop;
	uv_timer_t pace_timer;
	uv_timer_t stop_timer;
	uv_signal_t signals[2];
	uv_work_t sync;
	int sync_error;
	struct flow_log log;
	struct flow_pace pace;
	struct slot *slots;
	uint64_t turn; /* the slot that the pace serves next */
	uint64_t begun;
	uint64_t started_ns;
	uint64_t seed;
	char run[24];
	bool stopping;
	bool syncing;
	bool dirty;
	int log_error;              /* the log cannot be trusted: stop and fail */
	uint64_t ended[FLOW_KINDS]; /* recipients by outcome; acked only once durable in the log */
	uint64_t acked_unsynced;
	uint64_t acked_in_sync;
};

/* What a write owns until libuv is done with it. */
struct write {
	uv_write_t request;
	struct link *link;
	struct buffer bytes;
	bool is_content;
};

static void on_pace(uv_timer_t *timer);
static void on_retry(uv_timer_t *timer);
static void slot_begin(struct slot *slot);
static void slot_permitted(struct slot *slot);
static void slot_quit(struct slot *slot);
static void link_write(struct link *link, struct buffer *bytes, bool is_content);
static void send_stop(struct send *send);

/* --- the log ------------------------------------------------------------ */

static void
log_failed(struct send *send, int error)
{
	if (send->log_error == 0)
		flow_fail(0, "%s: %s: the run is void", send->plan.log, strerror(-error));
	send->log_error = error;
	uv_stop(&send->loop);
}

static void
log_put(struct send *send, const struct flow_record *record)
{
	int error = send->log_error == 0 ? flow_log_append(&send->log, record) : 0;

	if (error != 0)
		log_failed(send, error);
}

static void
log_event(struct send *send, enum flow_kind kind, uint64_t number, const char *text)
{
	struct flow_record record = {.kind = kind, .number = number};

	snprintf(record.id, sizeof(record.id), "%s", send->run);
	snprintf(record.recipient, sizeof(record.recipient), "%s", send->plan.to);
	snprintf(record.text, sizeof(record.text), "%s", text);
	log_put(send, &record);
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

static void
log_outcomes(struct slot *slot)
{
	struct send *send = slot->send;
	const struct flow_dialogue *d = &slot->dialogue;

	for (unsigned i = 0; i < d->copies; i++) {
		const struct flow_outcome *outcome = &d->outcomes[i];
		struct flow_record record = {.kind = outcome->kind, .number = outcome->code};

		memcpy(record.id, slot->id, sizeof(record.id));
		snprintf(record.recipient, sizeof(record.recipient), "%s", d->recipients[i]);
		memcpy(record.text, outcome->text, sizeof(record.text));
		log_put(send, &record);
		if (outcome->kind == FLOW_ACKED)
			send->acked_unsynced++;
		else
			send->ended[outcome->kind]++;
	}
	send->dirty = true;
	sync_begin(send);
}

/* --- messages ----------------------------------------------------------- */

static size_t
choose_size(struct send *send)
{
	const struct flow_plan *plan = &send->plan;

	if (plan->large_every != 0 && send->begun % plan->large_every == 0)
		return flow_random_between(&send->seed, LARGE_MIN, LARGE_MAX);
	return flow_random_between(&send->seed, plan->size_min, plan->size_max);
}

/* Choose, write down, and give to the dialogue the next message. */
static void
slot_message(struct slot *slot)
{
	struct send *send = slot->send;
	const struct flow_plan *plan = &send->plan;
	const char *recipients[FLOW_COPIES_MAX];
	size_t first = flow_random(&send->seed) % plan->recipient_count;
	char digest[FLOW_DIGEST_TEXT];
	struct flow_record record = {.kind = FLOW_TRY};

	for (size_t i = 0; i < plan->copies; i++)
		recipients[i] = plan->recipients[(first + i) % plan->recipient_count];
	send->begun++;
	snprintf(slot->id, sizeof(slot->id), "%s-%" PRIu64, send->run, send->begun);
	slot->content.length = 0;
	flow_message_make(
	    &(struct flow_message_wish){slot->id, plan->from, recipients[0], choose_size(send),
		slot->dialogue.eight_bit, flow_random(&send->seed)},
	    &slot->content, digest);
	memcpy(record.id, slot->id, sizeof(record.id));
	memcpy(record.text, digest, sizeof(digest));
	record.number = slot->content.length;
	for (size_t i = 0; i < plan->copies; i++) {
		snprintf(record.recipient, sizeof(record.recipient), "%s", recipients[i]);
		log_put(send, &record);
	}
	flow_dialogue_message(&slot->dialogue, recipients, (unsigned)plan->copies);
	if (plan->count != 0 && send->begun >= plan->count)
		send_stop(send);
}

/* --- the pace ----------------------------------------------------------- */

static void
pace_serve(struct send *send)
{
	for (uint64_t i = 0; i < send->plan.connections && !send->stopping; i++) {
		struct slot *slot = &send->slots[(send->turn + i) % send->plan.connections];

		if (!slot->waiting)
			continue;
		if (!flow_pace_take(&send->pace, flow_mono_ns())) {
			uint64_t now = flow_mono_ns(), next = send->pace.next_ns;

			uv_update_time(&send->loop);
			uv_timer_start(&send->pace_timer, on_pace,
			    next > now ? (next - now) / 1000000 + 1 : 0, 0);
			return;
		}
		send->turn = (uint64_t)(slot - send->slots) + 1;
		slot->waiting = false;
		slot_permitted(slot);
	}
}

static void
on_pace(uv_timer_t *timer)
{
	pace_serve(timer->data);
}

/* --- connections -------------------------------------------------------- */

static void
on_closed(uv_handle_t *handle)
{
	struct link *link = handle->data;

	if (--link->handles == 0)
		free(link);
}

/* The connection is over, well or not. What was under way gets its outcome now. */
static void
slot_end(struct slot *slot, bool failed, const char *reason)
{
	struct send *send = slot->send;
	struct link *link = slot->link;
	uint64_t age_ms = (flow_mono_ns() - slot->connect_ns) / 1000000;

	if (flow_dialogue_died(&slot->dialogue, reason))
		log_outcomes(slot);
	flow_dialogue_close(&slot->dialogue);
	slot->link = NULL;
	slot->waiting = slot->permit = false;
	slot->failed |= failed;
	link->slot = NULL;
	uv_close((uv_handle_t *)&link->tcp, on_closed);
	uv_close((uv_handle_t *)&link->timer, on_closed);
	if (send->stopping)
		return;
	if (failed && age_ms < send->plan.retry_ms)
		uv_timer_start(&slot->retry, on_retry, send->plan.retry_ms - age_ms, 0);
	else
		uv_timer_start(&slot->retry, on_retry, 0, 0);
}

static void
on_silence(uv_timer_t *timer)
{
	struct link *link = timer->data;

	if (link->slot != NULL)
		slot_end(
		    link->slot, link->slot->dialogue.state != FLOW_IN_QUIT, "no answer in time");
}

static void
link_await(struct link *link, uint64_t timeout_ms)
{
	uv_timer_start(&link->timer, on_silence, timeout_ms, 0);
}

/* Send what the dialogue has to say. */
static void
slot_speak(struct slot *slot)
{
	if (slot->link == NULL || slot->dialogue.output.length == 0)
		return;
	link_await(slot->link, slot->dialogue.state == FLOW_IN_QUIT
				   ? QUIT_TIMEOUT_MS
				   : slot->send->plan.answer_timeout_ms);
	link_write(slot->link, &slot->dialogue.output, false);
}

static void
on_written(uv_write_t *request, int status)
{
	struct write *write = (struct write *)(void *)request;
	struct slot *slot = write->link->slot;

	if (slot != NULL && status != 0) {
		slot_end(slot, true, uv_strerror(status));
	} else if (slot != NULL && write->is_content) {
		flow_dialogue_content_sent(&slot->dialogue);
		slot_speak(slot);
	}
	buffer_close(&write->bytes);
	free(write);
}

/* Takes bytes. */
static void
link_write(struct link *link, struct buffer *bytes, bool is_content)
{
	struct write *write = calloc(1, sizeof(*write));
	uv_buf_t chunk = uv_buf_init((char *)bytes->data, (unsigned)bytes->length);
	int error;

	if (write == NULL)
		abort();
	*write = (struct write){.link = link, .bytes = *bytes, .is_content = is_content};
	*bytes = (struct buffer){0};
	error = uv_write(&write->request, (uv_stream_t *)&link->tcp, &chunk, 1, on_written);
	if (error == 0)
		return;
	buffer_close(&write->bytes);
	free(write);
	slot_end(link->slot, true, uv_strerror(error));
}

/* --- slots -------------------------------------------------------------- */

static void
slot_permitted(struct slot *slot)
{
	if (slot->link == NULL) {
		slot->permit = true;
		slot_begin(slot);
		return;
	}
	slot_message(slot);
	slot_speak(slot);
}

static void
slot_wait(struct slot *slot)
{
	slot->waiting = true;
	if (slot->link != NULL)
		uv_timer_stop(&slot->link->timer);
	pace_serve(slot->send);
}

static void
slot_quit(struct slot *slot)
{
	slot->waiting = false;
	flow_dialogue_quit(&slot->dialogue);
	slot_speak(slot);
}

/* The dialogue may take a message. */
static void
slot_ready(struct slot *slot)
{
	const struct flow_plan *plan = &slot->send->plan;
	bool enough = plan->per_connection != 0 && slot->done_here >= plan->per_connection;

	if (slot->send->stopping || slot->dialogue.closing || enough) {
		slot_quit(slot);
	} else if (slot->permit) {
		slot->permit = false;
		slot_message(slot);
		slot_speak(slot);
	} else {
		slot_wait(slot);
	}
}

static void
slot_greeted(struct slot *slot)
{
	if (slot->failed)
		log_event(slot->send, FLOW_BACK, (uint64_t)(slot - slot->send->slots), "");
	slot->failed = false;
}

static void
slot_duty(struct slot *slot, enum flow_duty duty)
{
	switch (duty) {
	case FLOW_DUTY_NONE:
		break;
	case FLOW_DUTY_GREETED:
		slot_greeted(slot);
		break;
	case FLOW_DUTY_SETTLED:
		slot->done_here++;
		log_outcomes(slot);
		slot_ready(slot);
		break;
	case FLOW_DUTY_READY:
		slot_ready(slot);
		break;
	case FLOW_DUTY_CONTENT:
		link_await(slot->link, slot->send->plan.answer_timeout_ms);
		link_write(slot->link, &slot->content, true);
		break;
	case FLOW_DUTY_CLOSE:
		slot_end(
		    slot, slot->dialogue.state != FLOW_IN_QUIT, "the server ended the session");
		break;
	}
}

static void
on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *room)
{
	struct link *link = handle->data;

	(void)wanted;
	*room = uv_buf_init(link->input, sizeof(link->input));
}

static void
on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *room)
{
	struct link *link = stream->data;
	struct slot *slot = link->slot;
	struct slice bytes = slice_from(room->base, length > 0 ? (size_t)length : 0);

	if (slot == NULL || length == 0)
		return;
	if (length < 0) {
		slot_end(slot, slot->dialogue.state != FLOW_IN_QUIT,
		    length == UV_EOF ? "connection closed" : uv_strerror((int)length));
		return;
	}
	for (enum flow_duty duty; slot->link == link; bytes.length = 0) {
		duty = flow_dialogue_input(&slot->dialogue, bytes);
		if (duty == FLOW_DUTY_NONE)
			break;
		slot_duty(slot, duty);
	}
	slot_speak(slot);
}

static void
on_connected(uv_connect_t *request, int status)
{
	struct link *link = request->data;

	free(request);
	if (link->slot == NULL)
		return;
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&link->tcp, on_room, on_read);
	if (status != 0)
		slot_end(link->slot, true, uv_strerror(status));
	else
		link_await(link, link->slot->send->plan.answer_timeout_ms);
}

static void
tune_socket(struct link *link)
{
	unsigned still_ms = PEER_GONE_MS;
	uv_os_fd_t fd;

	uv_tcp_nodelay(&link->tcp, 1);
	if (uv_fileno((uv_handle_t *)&link->tcp, &fd) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &still_ms, sizeof(still_ms));
}

static void
slot_connect(struct slot *slot)
{
	struct send *send = slot->send;
	struct link *link = calloc(1, sizeof(*link));
	uv_connect_t *request = calloc(1, sizeof(*request));
	int error;

	if (link == NULL || request == NULL)
		abort();
	flow_dialogue_begin(&slot->dialogue, send->plan.from, send->plan.pipelining);
	slot->link = link;
	slot->done_here = 0;
	slot->connect_ns = flow_mono_ns();
	link->slot = slot;
	link->handles = 2;
	uv_tcp_init_ex(&send->loop, &link->tcp, send->server.ss_family);
	uv_timer_init(&send->loop, &link->timer);
	link->tcp.data = link->timer.data = request->data = link;
	tune_socket(link);
	link_await(link, send->plan.connect_timeout_ms);
	error = uv_tcp_connect(request, &link->tcp, (struct sockaddr *)&send->server, on_connected);
	if (error != 0) {
		free(request);
		slot_end(slot, true, uv_strerror(error));
	}
}

/* A slot without a connection goes on. */
static void
slot_begin(struct slot *slot)
{
	if (slot->send->stopping)
		return;
	if (slot->send->plan.per_connection == 1 && !slot->permit)
		slot_wait(slot);
	else
		slot_connect(slot);
}

static void
on_retry(uv_timer_t *timer)
{
	slot_begin(timer->data);
}

/* --- the whole ---------------------------------------------------------- */

/* Begin nothing more; the loop ends when what is under way has. */
static void
send_stop(struct send *send)
{
	if (send->stopping)
		return;
	send->stopping = true;
	log_event(send, FLOW_STOP, send->begun, "");
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
	log_event(send, FLOW_START, send->plan.rate, "");
	uv_timer_start(&send->stop_timer, on_stop_look, STOP_LOOK_MS, STOP_LOOK_MS);
	for (uint64_t i = 0; i < send->plan.connections; i++)
		slot_begin(&send->slots[i]);
	uv_run(&send->loop, UV_RUN_DEFAULT);
	send_abandon(send);
	if (send->log_error == 0)
		log_event(send, FLOW_END, send->begun, "");
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
