/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/lab/flow-slot.h"
#include "tests/lab/flow-message.h"

#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGE_MIN (257u << 10)
#define LARGE_MAX (400u << 10)
#define READ_ROOM (16u << 10)
#define QUIT_TIMEOUT_MS 300
#define PEER_GONE_MS 300 /* a peer whose kernel acknowledges nothing for so long is gone */

/* One connection; freed when libuv has closed both handles. */
struct link {
	uv_tcp_t tcp;
	uv_timer_t timer;
	struct slot *slot; /* NULL: given up, only closing */
	int handles;       /* still to be closed by libuv */
	char input[READ_ROOM];
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
static void slot_permitted(struct slot *slot);
static void link_write(struct link *link, struct buffer *bytes, bool is_content);

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
		send_log(send, &record);
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

void
slot_end(struct slot *slot, bool failed, const char *reason)
{
	struct send *send = slot->send;
	struct link *link = slot->link;
	uint64_t age_ms = (flow_mono_ns() - slot->connect_ns) / 1000000;

	if (flow_dialogue_died(&slot->dialogue, reason))
		send_log_outcomes(send, slot);
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

void
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
		send_log_event(slot->send, FLOW_BACK, (uint64_t)(slot - slot->send->slots), "");
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
		send_log_outcomes(slot->send, slot);
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

void
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
