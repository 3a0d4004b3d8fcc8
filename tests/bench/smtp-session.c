/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smtp-session -- how many messages per second one core gets through the session alone.
 *
 * The dialogue is the one of Postfix's smtp-source with 4 KiB messages, once with a connection per
 * message and once with one connection for all. Nothing is sent or written: what
 * is measured is the share of the processor that parsing takes. The peer is copying the same
 * bytes once, the least that any server does.
 */
#include "common/clock.h"
#include "mailcore/smtp/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_BYTES 4096
#define LINE_BYTES 80
#define COPY_OFFSET 1024

static const struct smtp_settings settings = {
    .hostname = "mx.example.test",
    .message_max_bytes = 50 * 1024 * 1024,
    .recipients_max = 1000,
    .received_max = 100,
    .errors_max = 20,
    .inline_max_bytes = 256 * 1024,
    .command_timeout_ms = 300000,
    .data_timeout_ms = 180000,
    .sessions_max = 1000,
};

static void
hear(struct smtp_session *s)
{
	smtp_session_sent(s, smtp_session_output(s).length);
}

static void
say(struct smtp_session *s, struct slice bytes)
{
	while (bytes.length) {
		size_t used = smtp_session_feed(s, bytes, 0);

		bytes = slice_from(bytes.data + used, bytes.length - used);
		if (smtp_session_duty(s) == SMTP_WANT_RECIPIENT)
			smtp_session_recipient(s, RECIPIENT_OK, 0);
		else if (smtp_session_duty(s) == SMTP_WANT_COMMIT)
			smtp_session_committed(s, COMMIT_DURABLE, "3-1f", 0);
	}
	hear(s);
}

static struct smtp_session *
meet(void)
{
	struct smtp_session *s = smtp_session_open(&settings, slice_of("192.0.2.1"), 0);

	smtp_session_greet(s, 0);
	hear(s);
	say(s, slice_of("HELO client.example\r\n"));
	return s;
}

static void
part(struct smtp_session **s)
{
	say(*s, slice_of("QUIT\r\n"));
	smtp_session_close(s);
}

static void
message(struct smtp_session *s, struct slice content)
{
	say(s, slice_of("MAIL FROM:<foo@client.example>\r\n"));
	say(s, slice_of("RCPT TO:<foo@mx.example.test>\r\n"));
	say(s, slice_of("DATA\r\n"));
	say(s, content);
	say(s, slice_of(".\r\n"));
}

static double
measure_sessions(struct slice content, unsigned count, bool is_kept)
{
	uint64_t start = clock_boot_us();
	struct smtp_session *s = is_kept ? meet() : NULL;

	for (unsigned i = 0; i < count; i++) {
		if (!is_kept)
			s = meet();
		message(s, content);
		if (!is_kept)
			part(&s);
	}
	if (is_kept)
		part(&s);
	return count * 1e6 / (double)(clock_boot_us() - start + 1);
}

static double
measure_copies(struct slice content, unsigned count)
{
	uint64_t start = clock_boot_us();
	struct buffer copy = {0};
	unsigned sum = 0;
	double rate;

	/* Not a multiple of 4 KiB away from its source, where the processor takes loads for stores.
	 */
	buffer_extend(&copy, COPY_OFFSET);
	for (unsigned i = 0; i < count; i++) {
		copy.length = COPY_OFFSET;
		buffer_append_slice(&copy, content);
		sum += copy.data[COPY_OFFSET + i % content.length];
	}
	rate = count * 1e6 / (double)(clock_boot_us() - start + 1);
	buffer_close(&copy);
	return sum ? rate : 0;
}

static void
print_row(const char *what, double ours, double peer, unsigned count)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	printf("{\"bench\":\"smtp-session\",\"what\":\"%s\",\"ours\":%.0f,\"peer\":%.0f,"
	       "\"ratio\":%.4f,\"unit\":\"messages/s\",\"n\":%u,\"host\":\"%s\"}\n",
	    what, ours, peer, ours / peer, count, host);
}

int
main(int argc, char **argv)
{
	unsigned count = argc > 1 && strcmp(argv[1], "--quick") == 0 ? 20000 : 500000;
	struct buffer content = {0};
	double peer;

	if (argc > 2 || (argc == 2 && strcmp(argv[1], "--quick") != 0)) {
		fprintf(stderr, "usage: %s [--quick]\n", argv[0]);
		return 2;
	}
	buffer_append_slice(
	    &content, slice_of("From: <foo@client.example>\r\nTo: <foo@mx.example.test>\r\n"
			       "Subject: from smtp-source\r\n\r\n"));
	while (content.length < MESSAGE_BYTES) {
		uint8_t *line = buffer_extend(&content, LINE_BYTES);

		memset(line, 'X', LINE_BYTES - 2);
		memcpy(line + LINE_BYTES - 2, "\r\n", 2);
	}
	/* Once unmeasured, so that the first row does not pay for cold caches. */
	measure_copies(buffer_slice(&content), count);
	peer = measure_copies(buffer_slice(&content), count);
	print_row("4 KiB, a connection per message; peer: memcpy",
	    measure_sessions(buffer_slice(&content), count, false), peer, count);
	print_row("4 KiB, one connection; peer: memcpy",
	    measure_sessions(buffer_slice(&content), count, true), peer, count);
	buffer_close(&content);
	return 0;
}
