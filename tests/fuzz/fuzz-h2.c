/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever a peer sends as HTTP/2: a server answers each call once or ends, a client hears of each
 * of its calls at most once, and neither holds much.
 */
#include <assert.h>

#include "common/h2.h"

#define MESSAGE_MAX 300
#define OUTPUT_MAX (1 << 20)
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

static struct h2 *server, *client;
static unsigned answered;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void
on_request(void *context, int32_t call, const char *path, struct slice message)
{
	(void)context;
	assert(message.length <= MESSAGE_MAX && strlen(path) < H2_PATH_MAX);
	if (message.length % 3 == 0)
		h2_answer(server, call, GRPC_OK, message, "");
	else if (message.length % 3 == 1)
		h2_answer(server, call, GRPC_UNAVAILABLE, message, path);
}

static void
on_answer(void *context, uint64_t tag, int status, struct slice message, const char *reason)
{
	(void)context;
	assert(tag < 8 && !(answered & 1u << tag));
	answered |= 1u << tag;
	assert(message.length <= MESSAGE_MAX && (status == GRPC_OK || message.length == 0));
	assert(strlen(reason) < GRPC_REASON_MAX);
}

static void
drain(struct h2 *h2)
{
	uint8_t bytes[1024];
	size_t count, sum = 0;

	while ((count = h2_take(h2, bytes, sizeof(bytes))) > 0)
		assert((sum += count) < OUTPUT_MAX);
}

/* In pieces, whose length the first byte says. */
static void
feed(struct h2 *h2, const uint8_t *data, size_t length)
{
	size_t step = length ? 1u + data[0] : 1;

	for (size_t at = 0; at < length; at += step) {
		size_t piece = length - at < step ? length - at : step;

		h2_feed(h2, slice_from(data + at, piece), at);
		if (at % 3 == 0)
			drain(h2);
	}
	drain(h2);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	const struct h2_events events = {.on_request = on_request, .on_answer = on_answer};

	server = h2_open_server(&events, MESSAGE_MAX);
	h2_feed(server, slice_of(PREFACE), 0);
	feed(server, data, length);
	h2_close(&server);
	answered = 0;
	client = h2_open_client(&events, MESSAGE_MAX);
	for (uint64_t tag = 0; tag < 4; tag++)
		h2_ask(client, tag, "/a", slice_of("question"));
	drain(client);
	h2_cancel(client, 3);
	feed(client, data, length);
	h2_close(&client);
	return 0;
}
