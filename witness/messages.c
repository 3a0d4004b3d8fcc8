/* SPDX-License-Identifier: BSD-2-Clause */
#include "witness/messages.h"

#include <assert.h>
#include <pb_decode.h>
#include <pb_encode.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/federation.pb.h"

#define ALL_MEMBERS ((1u << REGISTER_NODES) - 1)

_Static_assert(gemel_RegisterAsk_size <= MESSAGES_MAX && gemel_RegisterAnswer_size <= MESSAGES_MAX,
    "every message fits");
_Static_assert((int)gemel_RegisterVerb_VERB_READ == (int)REGISTER_READ &&
		   (int)gemel_RegisterVerb_VERB_RENEW == (int)REGISTER_RENEW,
    "verbs have the same numbers on the wire");
/* 0 is "changed" here, and on the wire it is what was not said. */
#define WIRE_VERDICT(verdict) ((int)(verdict) + 1)
_Static_assert((int)gemel_RegisterVerdict_VERDICT_CHANGED == WIRE_VERDICT(REGISTER_CHANGED) &&
		   (int)_gemel_RegisterVerdict_MAX == WIRE_VERDICT(REGISTER_OTHER_LIFE),
    "verdicts have numbers one higher on the wire");

static size_t
put(const pb_msgdesc_t *fields, const void *message, uint8_t out[MESSAGES_MAX])
{
	pb_ostream_t stream = pb_ostream_from_buffer(out, MESSAGES_MAX);

	/* It fits: the assertions above. */
	if (!pb_encode(&stream, fields, message))
		abort();
	return stream.bytes_written;
}

static bool
take(struct slice bytes, const pb_msgdesc_t *fields, void *message)
{
	pb_istream_t stream = pb_istream_from_buffer(bytes.data, bytes.length);

	return bytes.length <= MESSAGES_MAX && pb_decode(&stream, fields, message);
}

static void
put_id(pb_byte_t to[ID128_BYTES], const struct id128 *id)
{
	memcpy(to, id->bytes, ID128_BYTES);
}

static struct id128
take_id(const pb_byte_t from[ID128_BYTES])
{
	struct id128 id;

	memcpy(id.bytes, from, ID128_BYTES);
	return id;
}

size_t
messages_put_ask(const char *pair, const struct register_ask *ask, uint8_t out[MESSAGES_MAX])
{
	gemel_RegisterAsk message = {
	    .verb = (gemel_RegisterVerb)ask->verb,
	    .node = ask->node,
	    .epoch = ask->epoch,
	};

	assert(asker_is_pair_name(slice_of(pair)));
	snprintf(message.pair, sizeof(message.pair), "%s", pair);
	put_id(message.uuid, &ask->uuid);
	put_id(message.boot, &ask->boot);
	put_id(message.peer_boot, &ask->peer_boot);
	return put(gemel_RegisterAsk_fields, &message, out);
}

bool
messages_take_ask(struct slice bytes, char pair_r[PAIR_NAME_MAX + 1], struct register_ask *ask_r)
{
	gemel_RegisterAsk message = gemel_RegisterAsk_init_zero;

	pair_r[0] = '\0';
	*ask_r = (struct register_ask){0};
	if (!take(bytes, gemel_RegisterAsk_fields, &message) ||
	    !asker_is_pair_name(slice_of(message.pair)) || message.node >= REGISTER_NODES ||
	    message.verb < gemel_RegisterVerb_VERB_READ ||
	    message.verb > gemel_RegisterVerb_VERB_RENEW)
		return false;
	memcpy(pair_r, message.pair, PAIR_NAME_MAX + 1);
	*ask_r = (struct register_ask){
	    .verb = (enum register_verb)message.verb,
	    .uuid = take_id(message.uuid),
	    .epoch = message.epoch,
	    .node = (uint8_t)message.node,
	    .boot = take_id(message.boot),
	    .peer_boot = take_id(message.peer_boot),
	};
	return true;
}

size_t
messages_put_answer(
    enum register_verdict verdict, const struct register_row *row, uint8_t out[MESSAGES_MAX])
{
	gemel_RegisterAnswer message = {
	    .verdict = (gemel_RegisterVerdict)WIRE_VERDICT(verdict),
	    .has_row = !id128_is_none(&row->uuid),
	    .row = {.epoch = row->epoch, .members = row->members},
	};

	put_id(message.row.uuid, &row->uuid);
	put_id(message.row.boot_0, &row->boots[0]);
	put_id(message.row.boot_1, &row->boots[1]);
	return put(gemel_RegisterAnswer_fields, &message, out);
}

bool
messages_take_answer(
    struct slice bytes, enum register_verdict *verdict_r, struct register_row *row_r)
{
	gemel_RegisterAnswer message = gemel_RegisterAnswer_init_zero;
	enum register_verdict verdict;
	struct register_row row = {0};

	*verdict_r = REGISTER_MALFORMED;
	*row_r = row;
	if (!take(bytes, gemel_RegisterAnswer_fields, &message) ||
	    message.verdict < gemel_RegisterVerdict_VERDICT_CHANGED ||
	    message.verdict > _gemel_RegisterVerdict_MAX)
		return false;
	verdict = (enum register_verdict)(message.verdict - WIRE_VERDICT(0));
	if (message.has_row) {
		row = (struct register_row){
		    .uuid = take_id(message.row.uuid),
		    .epoch = message.row.epoch,
		    .members = (uint8_t)(message.row.members & ALL_MEMBERS),
		    .boots = {take_id(message.row.boot_0), take_id(message.row.boot_1)},
		};
		if (!register_is_legal(&row) || row.members != message.row.members)
			return false;
	} else if (register_is_done(verdict)) {
		return false;
	}
	*verdict_r = verdict;
	*row_r = row;
	return true;
}

size_t
messages_put_echo(uint64_t nonce, uint8_t out[MESSAGES_MAX])
{
	gemel_EchoMessage message = {.nonce = nonce};

	return put(gemel_EchoMessage_fields, &message, out);
}

bool
messages_take_echo(struct slice bytes, uint64_t *nonce_r)
{
	gemel_EchoMessage message = gemel_EchoMessage_init_zero;

	*nonce_r = 0;
	/* 0 is an absent one: whoever echoes nothing has proved nothing. */
	if (!take(bytes, gemel_EchoMessage_fields, &message) || message.nonce == 0)
		return false;
	*nonce_r = message.nonce;
	return true;
}
