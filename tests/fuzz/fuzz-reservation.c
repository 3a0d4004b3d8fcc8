/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What sg_persist prints of an array, and the marker of a node.
 * What is refused leaves nothing behind that could be taken for an answer.
 */
#include <assert.h>

#include "agent/reservation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

static void
take_keys(struct slice text)
{
	struct reservation_keys list;

	if (reservation_parse_keys(text, &list) != 0) {
		assert(list.count == 0);
		return;
	}
	assert(list.count <= RESERVATION_KEYS_MAX);
	for (unsigned i = 0; i < list.count; i++)
		assert(list.keys[i] != 0 && reservation_has_key(&list, list.keys[i]));
	assert(reservation_is_same_set(&list, &list));
}

static void
take_holder(struct slice text)
{
	struct reservation_holder holder;

	if (reservation_parse_holder(text, &holder) != 0)
		assert(holder.type == 0 && holder.key == 0);
	else
		assert(holder.type <= 8 && (holder.type != 0 || holder.key == 0));
}

static void
take_marker(struct slice text)
{
	uint64_t key, again;
	char out[RESERVATION_KEY_TEXT];

	if (!reservation_key_parse(text, &key))
		return;
	assert(reservation_key_parse(slice_of(reservation_key_text(key, out)), &again));
	assert(key == again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct slice text = slice_from(data, length);

	take_keys(text);
	take_holder(text);
	take_marker(text);
	return 0;
}
