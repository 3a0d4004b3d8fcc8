/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node or a witness may be told, a certificate's name, and a row of a damaged disk. What is
 * taken is legal, and comes back the same when it is said again.
 */
#include <assert.h>
#include <string.h>

#include "witness/messages.h"
#include "witness/row.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void
try_ask(struct slice input)
{
	char pair[PAIR_NAME_MAX + 1], pair_again[PAIR_NAME_MAX + 1];
	struct register_ask ask, again;
	uint8_t bytes[MESSAGES_MAX];
	struct register_row row = {
	    .uuid = {{1}}, .epoch = 1, .members = 3, .boots = {{{1}}, {{1}}}};

	if (!messages_take_ask(input, pair, &ask)) {
		assert(pair[0] == '\0' && ask.verb == 0);
		return;
	}
	assert(messages_take_ask(
	    slice_from(bytes, messages_put_ask(pair, &ask, bytes)), pair_again, &again));
	assert(strcmp(pair, pair_again) == 0 && ask.verb == again.verb && ask.node == again.node &&
	       ask.epoch == again.epoch && id128_is_same(&ask.uuid, &again.uuid) &&
	       id128_is_same(&ask.boot, &again.boot) &&
	       id128_is_same(&ask.peer_boot, &again.peer_boot));
	register_apply(&row, &ask);
	assert(register_is_legal(&row));
}

static void
try_answer(struct slice input)
{
	enum register_verdict verdict, verdict_again;
	struct register_row row, again;
	uint8_t bytes[MESSAGES_MAX];

	if (!messages_take_answer(input, &verdict, &row)) {
		assert(!register_is_done(verdict) && id128_is_none(&row.uuid));
		return;
	}
	assert(!register_is_done(verdict) || register_is_legal(&row));
	assert(messages_take_answer(
	    slice_from(bytes, messages_put_answer(verdict, &row, bytes)), &verdict_again, &again));
	assert(verdict == verdict_again && row.epoch == again.epoch &&
	       row.members == again.members && id128_is_same(&row.uuid, &again.uuid));
}

static void
try_row(struct slice input)
{
	struct register_row row;
	uint8_t bytes[ROW_BYTES];

	if (!row_decode(input, "hq", &row))
		return;
	row_encode("hq", &row, bytes);
	assert(input.length == ROW_BYTES && memcmp(bytes, input.data, ROW_BYTES) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	const struct slice input = slice_from(data, length);
	struct asker asker;
	uint64_t nonce;

	try_ask(input);
	try_answer(input);
	try_row(input);
	assert(messages_take_echo(input, &nonce) == (nonce != 0));
	if (asker_parse(input, &asker))
		assert(asker_is_pair_name(slice_of(asker.pair)) && asker.node < REGISTER_NODES);
	return 0;
}
