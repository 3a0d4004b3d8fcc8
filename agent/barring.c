/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/barring.h"

#include "agent/sg-status.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

static void __attribute__((format(printf, 3, 4)))
end_with(struct barring *b, enum barring_end end, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(b->sentence, sizeof(b->sentence), format, list);
	va_end(list);
	b->end = end;
}

const char *
barring_verb_text(enum barring_verb verb)
{
	switch (verb) {
	case BARRING_READ_KEYS:
		return "--read-keys";
	case BARRING_READ_RESERVATION:
		return "--read-reservation";
	case BARRING_DO_REGISTER:
		return "--register-ignore";
	case BARRING_DO_RESERVE:
		return "--reserve";
	case BARRING_DO_PREEMPT:
		return "--preempt-abort";
	}
	return "";
}

static void
add(struct barring *b, enum barring_verb verb, unsigned path, uint64_t victim)
{
	assert(b->count < BARRING_COMMANDS_MAX);
	b->commands[b->count++] =
	    (struct barring_command){.verb = verb, .path = path, .victim = victim};
}

static void
begin_look(struct barring *b)
{
	b->count = 0;
	b->is_looking = true;
	b->last = (struct barring_look){0};
	for (unsigned path = 0; path < b->place->paths; path++) {
		add(b, BARRING_READ_KEYS, path, 0);
		if (b->kind != BARRING_CHECK)
			add(b, BARRING_READ_RESERVATION, path, 0);
	}
}

static void
begin_act(struct barring *b)
{
	b->count = 0;
	b->is_looking = false;
}

static void
do_register(struct barring *b)
{
	begin_act(b);
	b->has_registered = true;
	for (unsigned path = 0; path < b->place->paths; path++)
		add(b, BARRING_DO_REGISTER, path, 0);
}

static void
do_reserve(struct barring *b)
{
	begin_act(b);
	b->has_reserved = true;
	add(b, BARRING_DO_RESERVE, 0, 0);
}

/* Any path will do: the array takes the key away from all of them. */
static void
do_preempt(struct barring *b)
{
	begin_act(b);
	b->has_preempted = true;
	for (unsigned i = 0; i < b->victim_count; i++)
		add(b, BARRING_DO_PREEMPT, i % b->place->paths, b->victims[i]);
}

/* Collect the other keys of node in victims. False: too many. */
static bool
find_victims(struct barring *b, int node)
{
	const struct reservation_keys *list = &b->last.keys[0];

	b->victim_count = 0;
	for (unsigned i = 0; i < list->count; i++) {
		uint64_t key = list->keys[i];
		bool is_known = key == b->key;

		for (unsigned j = 0; j < b->victim_count; j++)
			is_known = is_known || b->victims[j] == key;
		if (is_known || reservation_key_node(key, b->place->pair) != node)
			continue;
		if (b->victim_count == BARRING_VICTIMS_MAX)
			return false;
		b->victims[b->victim_count++] = key;
	}
	return true;
}

static bool
has_victims(const struct barring *b, int node)
{
	const struct reservation_keys *list = &b->last.keys[0];

	for (unsigned i = 0; i < list->count; i++)
		if (list->keys[i] != b->key &&
		    reservation_key_node(list->keys[i], b->place->pair) == node)
			return true;
	return false;
}

static void
preempt_all(struct barring *b, int node)
{
	if (b->has_preempted)
		end_with(b, BARRING_UNKNOWN,
		    "a key of node %d is registered on %s again after it was preempted; ask again",
		    node, b->place->devices[0]);
	else if (!find_victims(b, node))
		end_with(b, BARRING_UNKNOWN,
		    "more than %u keys of node %d are registered on %s; remove them with "
		    "sg_persist --out --preempt",
		    BARRING_VICTIMS_MAX, node, b->place->devices[0]);
	else
		do_preempt(b);
}

/* True if all paths have shown the same. */
static bool
is_agreed(struct barring *b)
{
	const struct barring_look *look = &b->last;

	for (unsigned path = 1; path < b->place->paths; path++) {
		const struct reservation_holder *holder = &look->holders[path];

		if (reservation_is_same_set(&look->keys[0], &look->keys[path]) &&
		    holder->type == look->holders[0].type && holder->key == look->holders[0].key)
			continue;
		end_with(b, BARRING_UNKNOWN,
		    "%s and %s show different reservations; if they go on doing so, they are not "
		    "one disk, and the list of devices is wrong",
		    b->place->devices[0], b->place->devices[path]);
		return false;
	}
	return true;
}

/* True if nobody but this pair can write: then the peer's keys are all that there is to take. */
static bool
is_among_us(struct barring *b)
{
	const struct reservation_keys *list = &b->last.keys[0];
	const struct reservation_holder *holder = &b->last.holders[0];
	char text[RESERVATION_KEY_TEXT];

	for (unsigned i = 0; i < list->count; i++) {
		if (reservation_key_node(list->keys[i], b->place->pair) >= 0)
			continue;
		end_with(b, BARRING_UNKNOWN,
		    "key 0x%s on %s is of no node of this pair, and whoever has it can write; find "
		    "out whose it is, and remove it with sg_persist --out --preempt",
		    reservation_key_text(list->keys[i], text), b->place->devices[0]);
		return false;
	}
	if (holder->type == 0 || (holder->type == RESERVATION_TYPE &&
				     reservation_key_node(holder->key, b->place->pair) >= 0))
		return true;
	end_with(b, BARRING_UNKNOWN,
	    "%s has a reservation of type %u by key 0x%s, which is not this pair's; find out "
	    "whose it is, and end it with sg_persist --out --release",
	    b->place->devices[0], holder->type, reservation_key_text(holder->key, text));
	return false;
}

static bool
is_ours_there(const struct barring *b)
{
	return reservation_has_key(&b->last.keys[0], b->key);
}

bool
barring_saw_key(const struct barring *b)
{
	bool is_seen = false;

	for (unsigned path = 0; path < b->place->paths; path++) {
		if (!b->last.has_keys[path])
			continue;
		if (!reservation_has_key(&b->last.keys[path], b->key))
			return false;
		is_seen = true;
	}
	return is_seen;
}

static bool
is_reserved(const struct barring *b)
{
	return b->last.holders[0].type == RESERVATION_TYPE;
}

static void
end_gone(struct barring *b)
{
	/* Whoever barred this node has a key there. An array that shows none may just have answered
	 * with nothing, or have lost them: both nodes would reset themselves for that. */
	if (!has_victims(b, barring_peer(b))) {
		end_with(b, BARRING_UNKNOWN,
		    "neither this node's key nor the peer's is registered on %s; the array has "
		    "lost "
		    "them, or answers with nothing: look at it, then boot the nodes one by one",
		    b->place->devices[0]);
		return;
	}
	end_with(b, BARRING_GONE,
	    "this node's key is no longer registered on %s: the peer has barred it, and it must "
	    "not write before it has rebooted",
	    b->place->devices[0]);
}

static void
end_no_reservation(struct barring *b, const char *why)
{
	end_with(b, BARRING_UNKNOWN,
	    "there is no reservation on %s, so nobody is kept from writing, %s",
	    b->place->devices[0], why);
}

static void
decide_register(struct barring *b)
{
	if (!is_ours_there(b) && b->is_registered) {
		end_gone(b);
	} else if (!is_among_us(b)) {
		return;
	} else if (!b->is_registered && !b->has_registered) {
		do_register(b);
	} else if (!is_ours_there(b)) {
		end_with(b, BARRING_UNKNOWN,
		    "this node's key was registered on %s and is not there; the peer has just "
		    "taken it away, or the array does not keep keys",
		    b->place->devices[0]);
	} else if (!is_reserved(b)) {
		if (b->has_reserved)
			end_no_reservation(b, "although one was asked for; look at the array");
		else
			do_reserve(b);
	} else if (has_victims(b, b->place->node)) {
		preempt_all(b, b->place->node);
	} else {
		b->end = BARRING_DONE;
	}
}

static void
decide_bar(struct barring *b)
{
	bool is_peer_there = has_victims(b, barring_peer(b));

	if (!is_ours_there(b) && b->looks > 1) {
		end_with(b, BARRING_UNKNOWN,
		    "this node has been barred itself, on %s, while it barred the peer",
		    b->place->devices[0]);
	} else if (!is_ours_there(b)) {
		end_gone(b);
	} else if (!is_among_us(b)) {
		return;
	} else if (!is_reserved(b)) {
		if (is_peer_there && !b->has_reserved)
			do_reserve(b);
		else
			end_no_reservation(
			    b, "and nothing shows whether the peer has stopped; power it off");
	} else if (is_peer_there) {
		preempt_all(b, barring_peer(b));
	} else {
		b->end = BARRING_DONE;
	}
}

static void
decide(struct barring *b)
{
	if (b->looks++ == 0)
		b->first = b->last;
	if (!is_agreed(b))
		return;
	switch (b->kind) {
	case BARRING_REGISTER:
		decide_register(b);
		return;
	case BARRING_BAR:
		decide_bar(b);
		return;
	case BARRING_CHECK:
		if (is_ours_there(b))
			b->end = BARRING_DONE;
		else
			end_gone(b);
		return;
	}
}

void
barring_open(
    struct barring *b, enum barring_kind kind, const struct barring_place *place, uint64_t marked)
{
	assert(place->paths >= 1 && place->paths <= BARRING_PATHS_MAX &&
	       place->node < RESERVATION_NODES);
	*b = (struct barring){.kind = kind, .place = place};
	b->key = reservation_key(place->pair, place->node, &place->boot);
	b->is_registered = marked == b->key;
	if (marked && !b->is_registered && reservation_is_same_life(marked, b->key))
		end_with(b, BARRING_UNKNOWN,
		    "this node has registered as another node or of another pair since it booted; "
		    "reboot it after such a change");
	else
		begin_look(b);
}

int
barring_next(struct barring *b)
{
	if (b->end != BARRING_UNDER_WAY || b->has_failed)
		return -1;
	for (unsigned i = 0; i < b->count; i++) {
		if (b->commands[i].is_started)
			continue;
		b->commands[i].is_started = true;
		return (int)i;
	}
	return -1;
}

/* The first one is told. */
static void
fail(struct barring *b, const struct barring_command *command, int status, const char *why)
{
	if (!b->has_failed)
		snprintf(b->sentence, sizeof(b->sentence), "sg_persist %s on %s ended with %d: %s",
		    barring_verb_text(command->verb), b->place->devices[command->path], status,
		    why);
	b->has_failed = true;
}

static void
take_answer(struct barring *b, const struct barring_command *command, struct slice text)
{
	int error = 0;

	if (command->verb == BARRING_READ_KEYS) {
		error = reservation_parse_keys(text, &b->last.keys[command->path]);
		b->last.has_keys[command->path] = error == 0;
	} else if (command->verb == BARRING_READ_RESERVATION) {
		error = reservation_parse_holder(text, &b->last.holders[command->path]);
	}
	if (error)
		fail(b, command, 0, "what it says is not clear; run it by hand");
}

static void
take_status(struct barring *b, struct barring_command *command, int status, struct slice text)
{
	if (status == SG_ATTENTION && command->attentions < BARRING_ATTENTIONS_MAX) {
		command->attentions++;
		command->is_started = false;
		return;
	}
	command->is_ended = true;
	/* Somebody was quicker with the reservation. Whether it is good the next look says. */
	if (status == SG_CONFLICT && command->verb == BARRING_DO_RESERVE)
		return;
	if (status)
		fail(b, command, status, sg_status_text(status));
	else
		take_answer(b, command, text);
}

/* True while a command of the round runs or has to. */
static bool
is_round_open(const struct barring *b)
{
	for (unsigned i = 0; i < b->count; i++)
		if (!b->commands[i].is_ended && (b->commands[i].is_started || !b->has_failed))
			return true;
	return false;
}

void
barring_ended(struct barring *b, unsigned i, int status, struct slice text)
{
	assert(i < b->count && b->commands[i].is_started && !b->commands[i].is_ended);
	take_status(b, &b->commands[i], status, text);
	if (is_round_open(b))
		return;
	if (b->has_failed)
		b->end = BARRING_UNKNOWN;
	else if (b->is_looking)
		decide(b);
	else
		begin_look(b);
}
