/* SPDX-License-Identifier: BSD-2-Clause */
#include "mailcore/spool/envelope.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BYTES(text)                                       \
	{                                                 \
		(const uint8_t *)(text), sizeof(text) - 1 \
	}

static struct envelope
example(struct envelope_recipient recipients[2])
{
	recipients[0] = (struct envelope_recipient){
	    slice_of("a@example.test"), slice_of("rfc822;x"), NOTIFY_SUCCESS | NOTIFY_DELAY};
	recipients[1] = (struct envelope_recipient){.address = slice_of("b@example.test")};
	return (struct envelope){
	    .flags = ENVELOPE_ESMTP | ENVELOPE_TLS,
	    .returns = RETURN_FULL,
	    .reverse_path = slice_of("s@else.example"),
	    .client = slice_of("IPv6:2001:db8::1"),
	    .helo = slice_of("client"),
	    .envelope_id = slice_of("q1"),
	    .accepted_ms = UINT64_C(0x0123456789abcdef),
	    .recipients = recipients,
	    .recipient_count = 2,
	};
}

static void
assert_equal(const struct envelope *a, const struct envelope *b)
{
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->returns, b->returns);
	assert_true(slice_is_equal(a->reverse_path, b->reverse_path));
	assert_true(slice_is_equal(a->client, b->client));
	assert_true(slice_is_equal(a->helo, b->helo));
	assert_true(slice_is_equal(a->envelope_id, b->envelope_id));
	assert_true(a->accepted_ms == b->accepted_ms);
	assert_int_equal(a->recipient_count, b->recipient_count);
	for (size_t i = 0; i < a->recipient_count; i++) {
		assert_true(slice_is_equal(a->recipients[i].address, b->recipients[i].address));
		assert_true(slice_is_equal(a->recipients[i].original, b->recipients[i].original));
		assert_int_equal(a->recipients[i].notify, b->recipients[i].notify);
	}
}

static void
what_is_encoded_is_decoded(void **state)
{
	struct envelope_recipient recipients[2];
	struct envelope in = example(recipients), out;
	struct buffer bytes = {0};

	(void)state;
	buffer_append(&bytes, "before", 6);
	assert_true(envelope_encode(&in, &bytes));
	assert_memory_equal(bytes.data, "before", 6);
	assert_true(envelope_decode(slice_from(bytes.data + 6, bytes.length - 6), &out));
	assert_equal(&in, &out);
	envelope_close(&out);
	in.reverse_path = in.envelope_id = slice_from(NULL, 0);
	bytes.length = 0;
	assert_true(envelope_encode(&in, &bytes));
	assert_true(envelope_decode(buffer_slice(&bytes), &out));
	assert_equal(&in, &out);
	envelope_close(&out);
	buffer_close(&bytes);
}

/* It may have lost whole recipients, whose end is an item's end; anything else shows. */
static void
a_cut_encoding_is_refused_or_is_a_shorter_envelope(void **state)
{
	struct envelope_recipient recipients[2];
	struct envelope in = example(recipients), out;
	struct buffer bytes = {0};
	size_t whole = 0;

	(void)state;
	assert_true(envelope_encode(&in, &bytes));
	for (size_t length = 0; length < bytes.length; length++) {
		/* On the heap and exactly so long, so that a read beyond it is seen. */
		uint8_t *copy = malloc(length ? length : 1);

		memcpy(copy, bytes.data, length);
		if (envelope_decode(slice_from(copy, length), &out)) {
			assert_int_equal(out.recipient_count, 1);
			whole++;
		} else {
			assert_null(out.recipients);
			assert_int_equal(out.recipient_count, 0);
		}
		envelope_close(&out);
		free(copy);
	}
	assert_int_equal(whole, 3);
	buffer_close(&bytes);
}

static void
what_encoding_cannot_have_made_is_refused(void **state)
{
	static const struct slice rows[] = {
	    BYTES(""), BYTES("\1"),                 /* no recipient */
	    BYTES("\2\x08\1\0a"),                   /* another version */
	    BYTES("\1\x08\0\0"),                    /* an empty recipient */
	    BYTES("\1\x63\1\0a\x08\1\0a"),          /* an unknown tag */
	    BYTES("\1\0\1\0a\x08\1\0a"),            /* tag 0 */
	    BYTES("\1\x09\1\0a\x08\1\0a"),          /* ORCPT of nobody */
	    BYTES("\1\x08\1\0a\x09\1\0a\x09\1\0a"), /* two ORCPT */
	    BYTES("\1\x0a\1\0\1\x08\1\0a"),         /* NOTIFY of nobody */
	    BYTES("\1\x08\1\0a\x0a\1\0\x10"),       /* an unknown NOTIFY */
	    BYTES("\1\x08\1\0a\x0a\1\0\0"),         /* NOTIFY of nothing */
	    BYTES("\1\x08\1\0a\x0a\1\0\3"),         /* NEVER and SUCCESS */
	    BYTES("\1\1\4\0\0\1\0\0\x08\1\0a"),     /* an unknown flag */
	    BYTES("\1\1\3\0\0\0\0\x08\1\0a"),       /* flags of three bytes */
	    BYTES("\1\2\1\0\3\x08\1\0a"),           /* an unknown RET */
	    BYTES("\1\5\1\0a\5\1\0a\x08\1\0a"),     /* HELO twice */
	    BYTES("\1\5\1\0\n\x08\1\0a"),           /* a line end in HELO */
	    BYTES("\1\3\1\0\0\x08\1\0a"),           /* NUL in the reverse-path */
	    BYTES("\1\x08\2\0a\r"),                 /* a line end in a recipient */
	    BYTES("\1\x08\1\0a\x09\1\0\x7f"),       /* DEL in ORCPT */
	    BYTES("\1\x08\xff\xffxyz"),             /* longer than there is */
	    BYTES("\1\x08\1\0a "),                  /* a rest */
	};
	static const struct slice least = BYTES("\1\x08\1\0a");
	struct envelope out;

	(void)state;
	assert_true(envelope_decode(least, &out));
	envelope_close(&out);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(envelope_decode(rows[i], &out));
		assert_null(out.recipients);
	}
}

static void
any_changed_byte_is_refused_or_decodes_to_something_that_encodes(void **state)
{
	struct envelope_recipient recipients[2];
	struct envelope in = example(recipients), out;
	struct buffer bytes = {0}, again = {0};

	(void)state;
	assert_true(envelope_encode(&in, &bytes));
	for (size_t i = 0; i < bytes.length; i++) {
		for (int value = 0; value < 256; value++) {
			uint8_t before = bytes.data[i];

			bytes.data[i] = (uint8_t)value;
			if (envelope_decode(buffer_slice(&bytes), &out)) {
				again.length = 0;
				assert_true(envelope_encode(&out, &again));
			}
			envelope_close(&out);
			bytes.data[i] = before;
		}
	}
	buffer_close(&bytes);
	buffer_close(&again);
}

static void
no_or_too_many_recipients_or_too_many_bytes_do_not_encode(void **state)
{
	static struct envelope_recipient many[ENVELOPE_RECIPIENTS_MAX + 1];
	static uint8_t text[UINT16_MAX + 1];
	struct envelope e = {.recipients = many};
	struct envelope out;
	struct buffer bytes = {0};

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < COUNT(many); i++)
		many[i].address = slice_of("a@example.test");
	assert_false(envelope_encode(&e, &bytes));
	e.recipient_count = ENVELOPE_RECIPIENTS_MAX + 1;
	assert_false(envelope_encode(&e, &bytes));
	e.recipient_count = ENVELOPE_RECIPIENTS_MAX;
	assert_true(envelope_encode(&e, &bytes));
	assert_true(envelope_decode(buffer_slice(&bytes), &out));
	assert_int_equal(out.recipient_count, ENVELOPE_RECIPIENTS_MAX);
	envelope_close(&out);
	buffer_append(&bytes, "\x08\1\0a", 4);
	assert_false(envelope_decode(buffer_slice(&bytes), &out));
	for (size_t i = 0; i < COUNT(many); i++)
		many[i].original = slice_from(text, 2000);
	bytes.length = 0;
	assert_false(envelope_encode(&e, &bytes));
	e.recipient_count = 1;
	many[0].original = slice_from(text, UINT16_MAX);
	assert_true(envelope_encode(&e, &bytes));
	bytes.length = 0;
	many[0].original = slice_from(text, UINT16_MAX + 1);
	assert_false(envelope_encode(&e, &bytes));
	assert_int_equal(bytes.length, 0);
	buffer_close(&bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_encoded_is_decoded),
    cmocka_unit_test(a_cut_encoding_is_refused_or_is_a_shorter_envelope),
    cmocka_unit_test(what_encoding_cannot_have_made_is_refused),
    cmocka_unit_test(any_changed_byte_is_refused_or_decodes_to_something_that_encodes),
    cmocka_unit_test(no_or_too_many_recipients_or_too_many_bytes_do_not_encode),
};

int
main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
