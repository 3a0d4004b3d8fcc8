/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/process/connection.h"

#include <stdlib.h>
#include <sys/socket.h>

/* Bytes kept for a session that cannot use them yet; then the client has to wait. */
#define KEPT_MAX CONNECTION_READ_BYTES

/* How long a client may take for our last reply, and to close. */
#define DRAIN_MS 2000

static const struct slice nothing;

enum connection_state {
	CONNECTION_OPEN,
	CONNECTION_CLOSING,
	CONNECTION_DRAINING,
};

/* Output that the kernel did not take at once. */
struct late_write {
	uv_write_t request;
	struct connection *connection;
	uint8_t bytes[];
};

struct connection {
	struct service *service;
	struct smtp_session *session; /* NULL when it has ended */
	uint64_t number;              /* of the session: use of the slot, slot */
	enum connection_state state;
	uint8_t asked; /* enum frame_type of the open question, or 0 */
	bool is_stuck; /* in the list of those that wait for room in the ring */
	bool is_reading;
	bool is_writing; /* a late write is under way */
	bool is_at_end;  /* the client has sent its last byte */
	bool is_gone;    /* the socket is closed or about to be */
	bool is_closed;  /* libuv has let go of it */
	uint64_t drain_until_ms;
	struct wheel_item item;
	struct connection *next_stuck;
	struct buffer kept; /* input that the session could not use yet */
	uv_tcp_t tcp;
};

static void connection_run(struct connection *c, struct slice fresh);

static struct connection *
connection_of_item(struct wheel_item *item)
{
	return (struct connection *)((char *)item - offsetof(struct connection, item));
}

void
service_open(struct service *service, const struct smtp_settings *settings)
{
	uint32_t count = settings->sessions_max;

	service->settings = settings;
	service->slots = calloc(count, sizeof(*service->slots));
	service->uses = calloc(count, sizeof(*service->uses));
	service->free_slots = calloc(count, sizeof(*service->free_slots));
	if (!service->slots || !service->uses || !service->free_slots)
		abort();
	for (uint32_t i = 0; i < count; i++)
		service->free_slots[i] = count - 1 - i;
	service->free_count = count;
	wheel_open(&service->wheel, uv_now(service->loop));
}

static uint64_t
connection_now(const struct connection *c)
{
	return uv_now(c->service->loop);
}

/* Free c when neither libuv nor the core has a use for it any more. */
static void
connection_release(struct connection *c)
{
	struct service *service = c->service;
	uint32_t slot = (uint32_t)c->number;

	if (!c->is_closed || c->session)
		return;
	service->slots[slot] = NULL;
	service->free_slots[service->free_count++] = slot;
	service->draining--;
	wheel_remove(&service->wheel, &c->item);
	buffer_close(&c->kept);
	free(c);
}

static void
on_closed(uv_handle_t *handle)
{
	struct connection *c = handle->data;

	c->is_closed = true;
	connection_release(c);
}

static void
connection_close_socket(struct connection *c)
{
	if (c->is_gone)
		return;
	c->is_gone = true;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

/* The session is over: nothing can be asked or answered any more. */
static void
connection_end_session(struct connection *c)
{
	smtp_session_close(&c->session);
	buffer_close(&c->kept);
	c->service->draining++;
}

/* The client cannot be spoken to any more; what the core still has to hear, it hears. */
static void
connection_lost(struct connection *c)
{
	connection_close_socket(c);
	buffer_close(&c->kept);
	if (!c->session)
		return;
	smtp_session_hangup(c->session);
	connection_run(c, nothing);
}

static void
on_written(uv_write_t *request, int status)
{
	struct late_write *late = (struct late_write *)request;
	struct connection *c = late->connection;

	free(late);
	c->is_writing = false;
	if (c->is_gone)
		return;
	if (status)
		connection_lost(c);
	else
		connection_run(c, nothing);
}

static void
connection_write_late(struct connection *c, struct slice rest)
{
	struct late_write *late = malloc(sizeof(*late) + rest.length);
	uv_buf_t piece;

	if (!late)
		abort();
	late->connection = c;
	memcpy(late->bytes, rest.data, rest.length);
	piece = uv_buf_init((char *)late->bytes, (unsigned int)rest.length);
	c->is_writing = true;
	if (uv_write(&late->request, (uv_stream_t *)&c->tcp, &piece, 1, on_written))
		abort();
}

/* Hand the session's output to the kernel; what that does not take is sent when it can be, and
 * until then nothing more is read. */
static void
connection_send(struct connection *c)
{
	struct slice output = smtp_session_output(c->session);
	uv_buf_t piece = uv_buf_init((char *)output.data, (unsigned int)output.length);
	int sent = 0;

	if (!output.length || c->is_writing)
		return;
	if (!c->is_gone)
		sent = uv_try_write((uv_stream_t *)&c->tcp, &piece, 1);
	if (sent == UV_EAGAIN)
		sent = 0;
	if (sent < 0) {
		connection_close_socket(c);
		smtp_session_hangup(c->session);
	} else if (!c->is_gone && (size_t)sent < output.length)
		connection_write_late(
		    c, slice_from(output.data + sent, output.length - (size_t)sent));
	smtp_session_sent(c->session, output.length);
}

/* Put the bytes of the open question into the ring and announce them. False: no room. */
static bool
connection_put(struct connection *c, enum frame_type type, struct slice first, struct slice second)
{
	struct service *service = c->service;
	struct frame f = {.type = type,
	    .first = (uint32_t)first.length,
	    .second = (uint32_t)second.length,
	    .session = c->number};
	uint8_t *entry;

	if (!ring_reserve(&service->ring, first.length + second.length, &f.position))
		return false;
	entry = service->memory.ring + ring_place(service->ring.size, f.position);
	memcpy(entry, first.data, first.length);
	if (second.length)
		memcpy(entry + first.length, second.data, second.length);
	channel_put(&service->channel, &f);
	c->asked = (uint8_t)type;
	return true;
}

/* Tell the core what was refused, for the log; recipient may be empty. Not told when there is no
 * room: mail comes first. */
static void
service_tell_refusal(
    struct service *service, struct slice client, struct slice reply, struct slice recipient)
{
	struct frame f = {.type = FRAME_REFUSED,
	    .first = (uint32_t)client.length,
	    .second = (uint32_t)(reply.length + 1 + recipient.length)};
	uint8_t *entry;

	if (service->first_stuck ||
	    !ring_reserve(&service->ring, (uint64_t)f.first + f.second, &f.position))
		return;
	entry = service->memory.ring + ring_place(service->ring.size, f.position);
	memcpy(entry, client.data, client.length);
	memcpy(entry + client.length, reply.data, reply.length);
	entry[client.length + reply.length] = '\0';
	if (recipient.length)
		memcpy(entry + client.length + reply.length + 1, recipient.data, recipient.length);
	channel_put(&service->channel, &f);
}

static void
connection_tell_refusal(struct connection *c, struct slice recipient)
{
	const char *reply = smtp_session_refusal(c->session);

	if (reply)
		service_tell_refusal(
		    c->service, smtp_session_client(c->session), slice_of(reply), recipient);
}

/* Ask the core what the session wants to know. False: the ring has no room. */
static bool
connection_ask(struct connection *c)
{
	struct buffer *encoded = &c->service->encoded;
	struct slice content = smtp_session_content(c->session);

	switch (smtp_session_duty(c->session)) {
	case SMTP_WANT_RECIPIENT:
		return connection_put(
		    c, FRAME_RECIPIENT, smtp_session_address(c->session), nothing);
	case SMTP_WANT_STAGE:
		return connection_put(c, FRAME_STAGE, content, nothing);
	case SMTP_WANT_COMMIT:
		encoded->length = 0;
		/* The session bounds what it takes, so this cannot fail. */
		if (!envelope_encode(smtp_session_envelope(c->session), encoded))
			abort();
		return connection_put(c, FRAME_COMMIT, buffer_slice(encoded), content);
	case SMTP_WANT_ABANDON:
	case SMTP_WANT_CLOSE:
	case SMTP_WANT_NOTHING:
		break;
	}
	return true;
}

static void
connection_wait_for_room(struct connection *c)
{
	struct service *service = c->service;

	c->is_stuck = true;
	c->next_stuck = NULL;
	if (service->last_stuck)
		service->last_stuck->next_stuck = c;
	else
		service->first_stuck = c;
	service->last_stuck = c;
}

/* Do what the session wants. True: it can go on; false: it waits, or is at its end. */
static bool
connection_serve_duty(struct connection *c)
{
	enum smtp_duty duty = smtp_session_duty(c->session);

	if (c->asked || c->is_stuck || duty == SMTP_WANT_CLOSE)
		return false;
	if (duty == SMTP_WANT_NOTHING)
		return true;
	if (duty == SMTP_WANT_ABANDON) {
		channel_put(&c->service->channel,
		    &(struct frame){.type = FRAME_ABANDON, .session = c->number});
		smtp_session_abandoned(c->session);
		return true;
	}
	/* First come, first served: a large message must get its turn, too. */
	if (c->service->first_stuck || !connection_ask(c))
		connection_wait_for_room(c);
	return false;
}

/* Feed until the session cannot use more. Returns how many bytes it used. */
static size_t
connection_feed(struct connection *c, struct slice input)
{
	size_t used = 0;

	while (connection_serve_duty(c) && used < input.length && !c->is_writing && !c->is_gone) {
		struct slice rest = slice_from(input.data + used, input.length - used);
		size_t n = smtp_session_feed(c->session, rest, connection_now(c));

		used += n;
		if (n || smtp_session_duty(c->session) != SMTP_WANT_NOTHING)
			continue;
		/* It has so much output that it must be sent first. */
		if (!smtp_session_output(c->session).length)
			break;
		connection_send(c);
	}
	return smtp_session_duty(c->session) == SMTP_WANT_CLOSE ? input.length : used;
}

/* The session wants the end: send, say that no more comes, wait for the client to close unless he
 * has said that he does. */
static void
connection_finish(struct connection *c)
{
	bool has_quit = smtp_session_has_quit(c->session);
	int fd;

	if (c->state == CONNECTION_OPEN) {
		c->state = CONNECTION_CLOSING;
		c->drain_until_ms = connection_now(c) + DRAIN_MS;
		wheel_put(&c->service->wheel, &c->item, c->drain_until_ms);
	}
	if (c->is_writing && !c->is_gone)
		return;
	connection_end_session(c);
	c->state = CONNECTION_DRAINING;
	if (has_quit || c->is_at_end || uv_fileno((uv_handle_t *)&c->tcp, &fd) ||
	    shutdown(fd, SHUT_WR))
		connection_close_socket(c);
}

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	struct connection *c = handle->data;

	(void)suggested;
	*buffer = uv_buf_init((char *)c->service->input,
	    (unsigned int)(c->state == CONNECTION_DRAINING ? CONNECTION_READ_BYTES
							   : KEPT_MAX - c->kept.length));
}

static void
on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
	struct connection *c = stream->data;

	if (length == 0 || (length > 0 && !c->session))
		return;
	if (length > 0)
		connection_run(c, slice_from(buffer->base, (size_t)length));
	else if (length == UV_EOF && c->session) {
		/* It may still wait for replies to what it has sent. */
		c->is_at_end = true;
		connection_run(c, nothing);
	} else
		connection_lost(c);
}

/* Read, unless the client has to wait. */
static void
connection_set_reading(struct connection *c)
{
	bool wanted = !c->is_at_end && (c->state == CONNECTION_DRAINING ||
					   (!c->is_writing && c->kept.length < KEPT_MAX));

	if (c->is_gone || wanted == c->is_reading)
		return;
	c->is_reading = wanted;
	if (!wanted)
		uv_read_stop((uv_stream_t *)&c->tcp);
	else if (uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read))
		connection_lost(c);
}

static uint64_t
connection_deadline(const struct connection *c)
{
	return c->state == CONNECTION_OPEN ? smtp_session_deadline(c->session) : c->drain_until_ms;
}

/* After input was fed: send, end what is at its end, read and watch for what comes next. */
static void
connection_settle(struct connection *c)
{
	uint64_t due_ms;

	connection_tell_refusal(c, nothing);
	connection_send(c);
	if (c->is_at_end && !c->kept.length && !c->is_writing &&
	    smtp_session_duty(c->session) == SMTP_WANT_NOTHING)
		smtp_session_hangup(c->session);
	/* The hang-up may have left something to abandon. */
	connection_serve_duty(c);
	if (smtp_session_duty(c->session) == SMTP_WANT_CLOSE)
		connection_finish(c);
	connection_set_reading(c);
	due_ms = connection_deadline(c);
	if (due_ms != UINT64_MAX)
		wheel_put(&c->service->wheel, &c->item, due_ms);
	connection_release(c);
}

/* Go on with the bytes that were kept and those that came now. May free c. */
static void
connection_run(struct connection *c, struct slice fresh)
{
	size_t used;

	if (c->kept.length) {
		buffer_append_slice(&c->kept, fresh);
		used = connection_feed(c, buffer_slice(&c->kept));
		buffer_consume(&c->kept, used);
		if (!c->kept.length)
			buffer_close(&c->kept);
	} else {
		used = connection_feed(c, fresh);
		if (used < fresh.length)
			buffer_append(&c->kept, fresh.data + used, fresh.length - used);
	}
	if (c->is_gone)
		buffer_close(&c->kept);
	connection_settle(c);
}

static struct connection *
connection_new(struct service *service, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	uint32_t slot;

	if (!c)
		abort();
	c->service = service;
	c->tcp.data = c;
	uv_tcp_init(service->loop, &c->tcp);
	if (uv_tcp_open(&c->tcp, fd))
		abort();
	slot = service->free_slots[--service->free_count];
	service->slots[slot] = c;
	c->number = (uint64_t)++service->uses[slot] << 32 | slot;
	return c;
}

bool
connection_open(struct service *service, int fd, struct slice client)
{
	struct connection *c;
	ssize_t early;

	if (!service->free_count) {
		service_tell_refusal(
		    service, client, slice_of("421 4.3.2 Too many sessions"), nothing);
		return false;
	}
	c = connection_new(service, fd);
	c->session = smtp_session_open(service->settings, client, connection_now(c));
	/* Who speaks before the greeting does not speak SMTP. */
	early = recv(fd, service->input, CONNECTION_READ_BYTES, MSG_DONTWAIT);
	if (early <= 0)
		smtp_session_greet(c->session, connection_now(c));
	connection_run(c, slice_from(service->input, early > 0 ? (size_t)early : 0));
	return true;
}

bool
service_answer(struct service *service, const struct frame *f)
{
	static const uint8_t questions[FRAME_TYPES] = {
	    [FRAME_RECIPIENT_ANSWER] = FRAME_RECIPIENT,
	    [FRAME_STAGE_ANSWER] = FRAME_STAGE,
	    [FRAME_COMMIT_ANSWER] = FRAME_COMMIT,
	};
	uint32_t slot = (uint32_t)f->session;
	struct connection *c = slot < service->settings->sessions_max ? service->slots[slot] : NULL;
	char id_text[FRAME_TEXT_MAX + 1];

	if (!c || c->number != f->session || !c->asked || c->asked != questions[f->type])
		return false;
	c->asked = 0;
	if (f->type == FRAME_RECIPIENT_ANSWER) {
		smtp_session_recipient(
		    c->session, (enum recipient_verdict)f->verdict, connection_now(c));
		connection_tell_refusal(c, smtp_session_address(c->session));
	} else if (f->type == FRAME_STAGE_ANSWER)
		smtp_session_staged(c->session, (enum commit_verdict)f->verdict, connection_now(c));
	else {
		slice_to_string(slice_from(f->text, f->text_length), id_text, sizeof(id_text));
		smtp_session_committed(
		    c->session, (enum commit_verdict)f->verdict, id_text, connection_now(c));
	}
	connection_run(c, nothing);
	return true;
}

bool
service_release(struct service *service, uint64_t position)
{
	if (!ring_release(&service->ring, position))
		return false;
	while (service->first_stuck && connection_ask(service->first_stuck)) {
		struct connection *c = service->first_stuck;

		c->is_stuck = false;
		service->first_stuck = c->next_stuck;
		if (!service->first_stuck)
			service->last_stuck = NULL;
	}
	return true;
}

void
service_tick(struct service *service)
{
	uint64_t now_ms = uv_now(service->loop);
	struct wheel_item *item;

	while ((item = wheel_pop(&service->wheel, now_ms))) {
		struct connection *c = connection_of_item(item);
		uint64_t due_ms = connection_deadline(c);

		if (due_ms > now_ms) {
			if (due_ms != UINT64_MAX)
				wheel_put(&service->wheel, item, due_ms);
		} else if (c->state == CONNECTION_OPEN) {
			smtp_session_tick(c->session, now_ms);
			connection_run(c, nothing);
		} else
			connection_lost(c);
	}
}

void
service_quiesce(struct service *service)
{
	for (uint32_t i = 0; i < service->settings->sessions_max; i++) {
		struct connection *c = service->slots[i];

		if (!c || !c->session)
			continue;
		smtp_session_quiesce(c->session);
		connection_run(c, nothing);
	}
}
