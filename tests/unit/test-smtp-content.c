/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/smtp/content.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(text)                                       \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

struct result {
	struct buffer content;
	enum smtp_content_event event;
	uint32_t received;
	uint64_t length;
	size_t used;
};

/* Read input in pieces of so many bytes (0: at once). */
static struct result
read_all(struct slice input, size_t piece)
{
	struct smtp_content reader;
	struct result result = {.event = CONTENT_MORE};

	smtp_content_open(&reader);
	while (result.used < input.length) {
		size_t rest = input.length - result.used, used;
		struct slice given =
		    slice_from(input.data + result.used, piece && piece < rest ? piece : rest);
		struct slice out;

		result.event = smtp_content_read(&reader, given, &used, &out);
		assert_true(out.length <= used + 1);
		buffer_append_slice(&result.content, out);
		result.used += used;
		if (result.event != CONTENT_MORE && result.event != CONTENT_PIECE)
			break;
	}
	if (result.event == CONTENT_PIECE)
		result.event = CONTENT_MORE;
	result.received = reader.received;
	result.length = reader.length;
	return result;
}

static const struct {
	struct slice input;
	struct slice content;
	enum smtp_content_event event;
	uint32_t received;
} rows[] = {
    {BYTES(".\r\n"), BYTES(""), CONTENT_END, 0},
    {BYTES("a\r\n.\r\n"), BYTES("a\r\n"), CONTENT_END, 0},
    {BYTES("..\r\n.\r\n"), BYTES(".\r\n"), CONTENT_END, 0},
    {BYTES("...\r\n.\r\n"), BYTES("..\r\n"), CONTENT_END, 0},
    {BYTES(".a\r\n.b\r\nc.\r\n.\r\n"), BYTES("a\r\nb\r\nc.\r\n"), CONTENT_END, 0},
    {BYTES("a\r\n\r\n..\r\n\r\n.\r\n"), BYTES("a\r\n\r\n.\r\n\r\n"), CONTENT_END, 0},
    {BYTES("a\r\n.\r\nQUIT\r\n"), BYTES("a\r\n"), CONTENT_END, 0},
    {BYTES("a\r\n.."), BYTES("a\r\n."), CONTENT_MORE, 0},
    {BYTES("a\r\n."), BYTES("a\r\n"), CONTENT_MORE, 0},
    {BYTES("a\r"), BYTES("a"), CONTENT_MORE, 0},
    {BYTES("a\nb"), {0}, CONTENT_BARE_LF, 0},
    {BYTES("\n"), {0}, CONTENT_BARE_LF, 0},
    {BYTES(".\n"), {0}, CONTENT_BARE_LF, 0},
    {BYTES("a\rb"), {0}, CONTENT_BARE_CR, 0},
    {BYTES("a\r\r\n"), {0}, CONTENT_BARE_CR, 0},
    {BYTES(".\r\r\n"), {0}, CONTENT_BARE_CR, 0},
    {BYTES(".\ra"), {0}, CONTENT_BARE_CR, 0},
    {BYTES("a\r\0\n"), {0}, CONTENT_BARE_CR, 0},
    {BYTES("a\0\r\n"), {0}, CONTENT_NUL, 0},
    {BYTES(".\0\r\n"), {0}, CONTENT_NUL, 0},
    {BYTES("\0"), {0}, CONTENT_NUL, 0},
    {BYTES("a\r\nb\0\nc\r\n"), {0}, CONTENT_NUL, 0},
    {BYTES("a\nb\0"), {0}, CONTENT_BARE_LF, 0},
    {BYTES("Received: a\r\nRECEIVED: b\r\nreceived:\r\n.\r\n"),
	BYTES("Received: a\r\nRECEIVED: b\r\nreceived:\r\n"), CONTENT_END, 3},
    {BYTES("Received \t: a\r\n.\r\n"), BYTES("Received \t: a\r\n"), CONTENT_END, 1},
    {BYTES("Received: a\r\n Received: b\r\n\tReceived: c\r\n.\r\n"),
	BYTES("Received: a\r\n Received: b\r\n\tReceived: c\r\n"), CONTENT_END, 1},
    {BYTES("Received-SPF: a\r\nX-Received: b\r\nReceive: c\r\nReceived x: d\r\n.\r\n"),
	BYTES("Received-SPF: a\r\nX-Received: b\r\nReceive: c\r\nReceived x: d\r\n"), CONTENT_END,
	0},
    {BYTES("A: b\r\n\r\nReceived: in the body\r\n.\r\n"),
	BYTES("A: b\r\n\r\nReceived: in the body\r\n"), CONTENT_END, 0},
    {BYTES(".Received: stuffed\r\n.\r\n"), BYTES("Received: stuffed\r\n"), CONTENT_END, 1},
};

static void
content_goes_by_the_table_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t piece = 0; piece < 8; piece++) {
			struct result result = read_all(rows[i].input, piece);

			assert_int_equal(result.event, rows[i].event);
			if (rows[i].content.data) {
				assert_true(
				    slice_is_equal(buffer_slice(&result.content), rows[i].content));
				assert_int_equal(result.length, rows[i].content.length);
				assert_int_equal(result.received, rows[i].received);
			}
			buffer_close(&result.content);
		}
	}
}

static void
what_follows_the_end_is_not_used(void **state)
{
	struct slice input = slice_of("a\r\n.\r\nQUIT\r\n");

	(void)state;
	for (size_t piece = 0; piece < 3; piece++) {
		struct result result = read_all(input, piece);

		assert_int_equal(result.used, input.length - 6);
		buffer_close(&result.content);
	}
}

/* Bytes that mean something, in any order: what is read must not depend on how it is cut. */
static void
random_content_reads_the_same_however_it_is_cut(void **state)
{
	static const char alphabet[] = "..\r\n\r\n\r\nab\0";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[24];
		struct result whole, cut;
		size_t length = 0;

		while (length < sizeof(bytes) - 1) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 30 == 0) {
				bytes[length++] = (uint8_t)alphabet[seed >> 16 & 7];
			} else {
				bytes[length++] = (uint8_t) "\r.a"[seed >> 16 & 1];
				if (bytes[length - 1] == '\r')
					bytes[length++] = '\n';
			}
		}
		whole = read_all(slice_from(bytes, length), 0);
		cut = read_all(slice_from(bytes, length), 1 + (size_t)round % 5);
		assert_int_equal(whole.event, cut.event);
		if (whole.event == CONTENT_END || whole.event == CONTENT_MORE) {
			assert_int_equal(whole.used, cut.used);
			assert_true(slice_is_equal(
			    buffer_slice(&whole.content), buffer_slice(&cut.content)));
		}
		buffer_close(&whole.content);
		buffer_close(&cut.content);
	}
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(content_goes_by_the_table_however_it_is_cut),
    cmocka_unit_test(what_follows_the_end_is_not_used),
    cmocka_unit_test(random_content_reads_the_same_however_it_is_cut),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
