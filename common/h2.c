/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/h2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <nghttp2/nghttp2.h>

/* What nghttp2 may hold for a peer that does not take it. */
#define FRAMES_QUEUED_MAX 512
#define ACKS_QUEUED_MAX 64
/* So many bytes are looked at before that is counted again. */
#define STRIDE 1024
#define CONTENT_TYPE "application/grpc"

struct call {
	struct call *next;
	int32_t stream;
	uint64_t tag;
	size_t header_bytes;
	struct buffer in, out;
	size_t sent;
	int status;       /* client: what the peer says; -1: nothing yet */
	bool is_accepted; /* server: it is a POST of gRPC's type; client: HTTP says 200 */
	bool is_forgotten;
	char path[H2_PATH_MAX];
	char reason[GRPC_REASON_MAX];
};

struct h2 {
	nghttp2_session *session;
	struct h2_events events;
	size_t message_max, count;
	bool is_server, is_proved, is_ending, is_broken;
	struct call *calls;
	struct buffer out;
	uint64_t idle_left; /* thousandths of a frame */
	uint64_t now_ms;
};

static nghttp2_nv
header(const char *name, const char *value)
{
	return (nghttp2_nv){
	    .name = (uint8_t *)(uintptr_t)name,
	    .value = (uint8_t *)(uintptr_t)value,
	    .namelen = strlen(name),
	    .valuelen = strlen(value),
	};
}

/* -- calls -- */

static struct call *
call_of(struct h2 *h2, int32_t stream)
{
	return nghttp2_session_get_stream_user_data(h2->session, stream);
}

static struct call *
call_begin(struct h2 *h2)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		abort();
	call->status = -1;
	call->next = h2->calls;
	h2->calls = call;
	h2->count++;
	return call;
}

static void
call_end(struct h2 *h2, struct call *call)
{
	struct call **at = &h2->calls;

	while (*at != call)
		at = &(*at)->next;
	*at = call->next;
	h2->count--;
	buffer_close(&call->in);
	buffer_close(&call->out);
	free(call);
}

static void
call_reset(struct h2 *h2, struct call *call, uint32_t code)
{
	call->is_forgotten = true;
	nghttp2_submit_rst_stream(h2->session, NGHTTP2_FLAG_NONE, call->stream, code);
}

/* nghttp2 wants what a message consists of. Behind an answer comes its status. */
static ssize_t
on_read(nghttp2_session *session, int32_t stream, uint8_t *to, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *context)
{
	const struct h2 *h2 = context;
	struct call *call = source->ptr;
	size_t length = call->out.length - call->sent;

	if (length > room)
		length = room;
	memcpy(to, call->out.data + call->sent, length);
	call->sent += length;
	if (call->sent < call->out.length)
		return (ssize_t)length;
	*flags |= NGHTTP2_DATA_FLAG_EOF;
	if (h2->is_server) {
		const nghttp2_nv done = header("grpc-status", "0");

		*flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
		nghttp2_submit_trailer(session, stream, &done, 1);
	}
	return (ssize_t)length;
}

/* -- what comes -- */

static void
take_request(struct h2 *h2, struct call *call)
{
	struct slice message;

	if (call->is_forgotten)
		return;
	if (!call->is_accepted)
		h2_answer(h2, call->stream, GRPC_UNIMPLEMENTED, slice_of(""),
		    "not a POST of " CONTENT_TYPE);
	else if (!grpc_take(buffer_slice(&call->in), &message))
		h2_answer(h2, call->stream, GRPC_INVALID_ARGUMENT, slice_of(""),
		    "the body is not one message");
	else
		h2->events.on_request(h2->events.context, call->stream, call->path, message);
}

static void
take_answer(struct h2 *h2, struct call *call, uint32_t code)
{
	struct slice message = slice_of("");
	int status = call->status;

	if (call->is_forgotten)
		return;
	if (code != NGHTTP2_NO_ERROR)
		status = -ECONNRESET;
	else if (!call->is_accepted || status < 0)
		status = -EPROTO;
	else if (status == GRPC_OK && !grpc_take(buffer_slice(&call->in), &message))
		status = -EPROTO;
	h2->events.on_answer(h2->events.context, call->tag, status, message, call->reason);
}

static int
on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2 *h2 = context;
	struct call *call;

	if (!h2->is_server || frame->hd.type != NGHTTP2_HEADERS ||
	    frame->headers.cat != NGHTTP2_HCAT_REQUEST)
		return 0;
	call = call_begin(h2);
	call->stream = frame->hd.stream_id;
	nghttp2_session_set_stream_user_data(session, call->stream, call);
	return 0;
}

static void
take_request_header(struct call *call, struct slice name, struct slice value)
{
	if (slice_is_equal(name, slice_of(":path")))
		slice_to_string(value, call->path, sizeof(call->path));
	else if (slice_is_equal(name, slice_of(":method")))
		call->is_accepted = slice_is_equal(value, slice_of("POST"));
	else if (slice_is_equal(name, slice_of("content-type")) &&
		 (value.length < strlen(CONTENT_TYPE) ||
		     memcmp(value.data, CONTENT_TYPE, strlen(CONTENT_TYPE)) != 0))
		call->is_accepted = false;
}

static void
take_answer_header(struct call *call, struct slice name, struct slice value)
{
	if (slice_is_equal(name, slice_of(":status")))
		call->is_accepted = slice_is_equal(value, slice_of("200"));
	else if (slice_is_equal(name, slice_of("grpc-status")))
		call->status = grpc_parse_status(value);
	else if (slice_is_equal(name, slice_of("grpc-message")))
		grpc_reason(value, call->reason);
}

static int
on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
    size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags, void *context)
{
	struct h2 *h2 = context;
	struct call *call = call_of(h2, frame->hd.stream_id);

	(void)session;
	(void)flags;
	if (!call)
		return 0;
	/* RFC 9113 6.5.2 counts 32 for each. */
	call->header_bytes += name_length + value_length + 32;
	if (call->header_bytes > H2_HEADERS_MAX)
		return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	if (h2->is_server)
		take_request_header(
		    call, slice_from(name, name_length), slice_from(value, value_length));
	else
		take_answer_header(
		    call, slice_from(name, name_length), slice_from(value, value_length));
	return 0;
}

static int
on_data(nghttp2_session *session, uint8_t flags, int32_t stream, const uint8_t *data, size_t length,
    void *context)
{
	struct h2 *h2 = context;
	struct call *call = call_of(h2, stream);

	(void)session;
	(void)flags;
	if (!call || call->is_forgotten)
		return 0;
	if (call->in.length + length <= h2->message_max + GRPC_PREFIX_BYTES) {
		buffer_append(&call->in, data, length);
		return 0;
	}
	if (!h2->is_server)
		h2->events.on_answer(
		    h2->events.context, call->tag, -EPROTO, slice_of(""), "the answer is too long");
	call_reset(h2, call, NGHTTP2_CANCEL);
	return 0;
}

/* Does the frame ask for nothing? */
static bool
is_idle(const nghttp2_frame *frame)
{
	switch (frame->hd.type) {
	case NGHTTP2_DATA:
		return frame->hd.length <= frame->data.padlen &&
		       !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM);
	case NGHTTP2_HEADERS:
	case NGHTTP2_WINDOW_UPDATE:
		return false;
	default:
		return !(frame->hd.flags & NGHTTP2_FLAG_ACK);
	}
}

static bool
has_patience(struct h2 *h2)
{
	if (h2->idle_left < 1000)
		return false;
	h2->idle_left -= 1000;
	return true;
}

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2 *h2 = context;
	struct call *call;

	(void)session;
	h2->is_proved = true;
	if (is_idle(frame) && !has_patience(h2))
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		h2->is_ending = true;
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK) &&
	    h2->events.on_pong) {
		uint64_t nonce;

		memcpy(&nonce, frame->ping.opaque_data, sizeof(nonce));
		h2->events.on_pong(h2->events.context, nonce);
	}
	if (!h2->is_server || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS))
		return 0;
	call = call_of(h2, frame->hd.stream_id);
	if (call)
		take_request(h2, call);
	return 0;
}

/* We say so when the peer broke a rule. */
static int
on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *context)
{
	struct h2 *h2 = context;

	(void)session;
	if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR)
		h2->is_broken = true;
	return 0;
}

static int
on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code, void *context)
{
	struct h2 *h2 = context;
	struct call *call = call_of(h2, stream);

	(void)session;
	if (!call)
		return 0;
	nghttp2_session_set_stream_user_data(h2->session, stream, NULL);
	if (!h2->is_server)
		take_answer(h2, call, code);
	call_end(h2, call);
	return 0;
}

/* -- the connection -- */

static void
set_callbacks(nghttp2_session_callbacks *callbacks)
{
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}

static struct h2 *
h2_open(const struct h2_events *events, size_t message_max, bool is_server)
{
	const nghttp2_settings_entry settings[] = {
	    {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, is_server ? H2_CALLS_MAX : 0},
	    {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, H2_HEADERS_MAX},
	    {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
	};
	struct h2 *h2 = calloc(1, sizeof(*h2));
	nghttp2_session_callbacks *callbacks;
	nghttp2_option *option;
	int result;

	if (!h2 || nghttp2_session_callbacks_new(&callbacks) != 0 ||
	    nghttp2_option_new(&option) != 0)
		abort();
	h2->events = *events;
	h2->message_max = message_max;
	h2->is_server = is_server;
	h2->idle_left = H2_IDLE_BURST * 1000;
	set_callbacks(callbacks);
	nghttp2_option_set_max_outbound_ack(option, ACKS_QUEUED_MAX);
	nghttp2_option_set_no_closed_streams(option, 1);
	result = is_server ? nghttp2_session_server_new2(&h2->session, callbacks, h2, option)
			   : nghttp2_session_client_new2(&h2->session, callbacks, h2, option);
	nghttp2_option_del(option);
	nghttp2_session_callbacks_del(callbacks);
	if (result != 0 || nghttp2_submit_settings(
			       h2->session, NGHTTP2_FLAG_NONE, settings, is_server ? 2 : 3) != 0)
		abort();
	return h2;
}

struct h2 *
h2_open_client(const struct h2_events *events, size_t message_max)
{
	return h2_open(events, message_max, false);
}

struct h2 *
h2_open_server(const struct h2_events *events, size_t message_max)
{
	return h2_open(events, message_max, true);
}

static void
refill(struct h2 *h2, uint64_t now_ms)
{
	uint64_t passed = now_ms - h2->now_ms;

	if (passed > 1000ull * H2_IDLE_BURST / H2_IDLE_PER_S)
		passed = 1000ull * H2_IDLE_BURST / H2_IDLE_PER_S;
	h2->now_ms = now_ms;
	h2->idle_left += passed * H2_IDLE_PER_S;
	if (h2->idle_left > H2_IDLE_BURST * 1000)
		h2->idle_left = H2_IDLE_BURST * 1000;
}

int
h2_feed(struct h2 *h2, struct slice bytes, uint64_t now_ms)
{
	refill(h2, now_ms);
	while (bytes.length && !h2->is_broken) {
		size_t length = bytes.length < STRIDE ? bytes.length : STRIDE;
		ssize_t taken = nghttp2_session_mem_recv(h2->session, bytes.data, length);

		if (taken < 0 ||
		    nghttp2_session_get_outbound_queue_size(h2->session) > FRAMES_QUEUED_MAX) {
			nghttp2_session_terminate_session(h2->session, NGHTTP2_ENHANCE_YOUR_CALM);
			h2->is_broken = true;
		}
		bytes = slice_from(bytes.data + length, bytes.length - length);
	}
	return h2->is_broken ? -EPROTO : 0;
}

size_t
h2_take(struct h2 *h2, void *out, size_t room)
{
	size_t length;

	while (h2->out.length < room) {
		const uint8_t *bytes;
		ssize_t count = nghttp2_session_mem_send(h2->session, &bytes);

		if (count < 0)
			h2->is_broken = true;
		if (count <= 0)
			break;
		buffer_append(&h2->out, bytes, (size_t)count);
	}
	length = h2->out.length < room ? h2->out.length : room;
	if (length)
		memcpy(out, h2->out.data, length);
	buffer_consume(&h2->out, length);
	return length;
}

int
h2_ask(struct h2 *h2, uint64_t tag, const char *path, struct slice message)
{
	const nghttp2_nv headers[] = {
	    header(":method", "POST"),
	    header(":scheme", "https"),
	    header(":path", path),
	    header(":authority", "gemel"),
	    header("content-type", CONTENT_TYPE),
	    header("te", "trailers"),
	};
	nghttp2_data_provider provider = {.read_callback = on_read};
	struct call *call;

	if (h2->is_ending || h2->is_broken)
		return -ENOTCONN;
	if (h2->count == H2_CALLS_MAX)
		return -EAGAIN;
	call = call_begin(h2);
	call->tag = tag;
	grpc_put(&call->out, message);
	provider.source.ptr = call;
	call->stream = nghttp2_submit_request(
	    h2->session, NULL, headers, sizeof(headers) / sizeof(headers[0]), &provider, call);
	if (call->stream >= 0)
		return 0;
	call_end(h2, call);
	return -ENOTCONN;
}

void
h2_cancel(struct h2 *h2, uint64_t tag)
{
	for (struct call *call = h2->calls; call; call = call->next)
		if (call->tag == tag && !call->is_forgotten)
			call_reset(h2, call, NGHTTP2_CANCEL);
}

void
h2_answer(struct h2 *h2, int32_t stream, enum grpc_status status, struct slice message,
    const char *reason)
{
	struct call *call = call_of(h2, stream);
	nghttp2_data_provider provider = {.source.ptr = call, .read_callback = on_read};
	char number[16], clean[GRPC_REASON_MAX];
	nghttp2_nv headers[4] = {header(":status", "200"), header("content-type", CONTENT_TYPE)};

	if (!call || call->is_forgotten)
		return;
	if (status == GRPC_OK) {
		grpc_put(&call->out, message);
		nghttp2_submit_response(h2->session, stream, headers, 2, &provider);
		return;
	}
	snprintf(number, sizeof(number), "%d", (int)status);
	grpc_reason(slice_of(reason), clean);
	headers[2] = header("grpc-status", number);
	headers[3] = header("grpc-message", clean);
	nghttp2_submit_response(h2->session, stream, headers, 4, NULL);
}

void
h2_ping(struct h2 *h2, uint64_t nonce)
{
	uint8_t opaque[8];

	memcpy(opaque, &nonce, sizeof(opaque));
	nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, opaque);
}

bool
h2_is_broken(const struct h2 *h2)
{
	return h2->is_broken;
}

bool
h2_is_proved(const struct h2 *h2)
{
	return h2->is_proved;
}

void
h2_end(struct h2 *h2)
{
	h2->is_ending = true;
	nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
	    nghttp2_session_get_last_proc_stream_id(h2->session), NGHTTP2_NO_ERROR, NULL, 0);
}

bool
h2_has_ended(const struct h2 *h2)
{
	bool is_done = h2->is_broken || !nghttp2_session_want_read(h2->session);

	return is_done && !nghttp2_session_want_write(h2->session) && h2->out.length == 0;
}

void
h2_close(struct h2 **h2)
{
	if (!*h2)
		return;
	while ((*h2)->calls)
		call_end(*h2, (*h2)->calls);
	nghttp2_session_del((*h2)->session);
	buffer_close(&(*h2)->out);
	free(*h2);
	*h2 = NULL;
}
