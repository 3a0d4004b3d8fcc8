/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays bytes to a session at once and one by one. Both must say the same, commit the same, and
 * hold no more memory than promised. 0xff, which no legal dialogue has, is where the client waits
 * for what is said.
 */
#include "tests/unit/smtp-dialogue.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
play(struct dialogue *d, struct slice bytes, size_t piece)
{
	struct smtp_settings settings = dialogue_settings();

	settings.errors_max = 50;
	settings.inline_max_bytes = 100;
	settings.message_max_bytes = 1000;
	dialogue_open(d, &settings, piece);
	smtp_session_greet(d->session, d->now_ms);
	dialogue_say(d, slice_from(NULL, 0));
	while (bytes.length) {
		const uint8_t *wait = memchr(bytes.data, 0xff, bytes.length);
		size_t length = wait ? (size_t)(wait - bytes.data) : bytes.length;

		dialogue_say(d, slice_from(bytes.data, length));
		length += wait != NULL;
		bytes = slice_from(bytes.data + length, bytes.length - length);
	}
	require(d->memory <= smtp_session_memory_max(&settings));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dialogue whole, cut;
	struct envelope e;

	play(&whole, slice_from(data, size), 0);
	play(&cut, slice_from(data, size), 1);
	require(slice_is_equal(buffer_slice(&whole.heard), buffer_slice(&cut.heard)));
	require(slice_is_equal(buffer_slice(&whole.content), buffer_slice(&cut.content)));
	require(slice_is_equal(buffer_slice(&whole.envelope), buffer_slice(&cut.envelope)));
	require(whole.commits == cut.commits);
	if (whole.commits) {
		require(envelope_decode(buffer_slice(&whole.envelope), &e));
		envelope_close(&e);
	}
	dialogue_close(&whole);
	dialogue_close(&cut);
	return 0;
}
