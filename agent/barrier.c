/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/barrier.h"

#include "common/command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARKER_MAX 32
#define ARGUMENTS_MAX 10

struct slot {
	struct barrier *barrier;
	struct command *command; /* NULL: does not run */
};

struct barrier {
	const struct barrier_site *site;
	barrier_done done;
	void *context;
	bool has_begun; /* the loop has called begin() */
	struct barring machine;
	struct slot slots[BARRING_COMMANDS_MAX];
};

/* What argv points to. */
struct arguments {
	char device[BARRING_DEVICE_MAX + 16], ours[40], victim[40];
	char *argv[ARGUMENTS_MAX];
};

/* ---- the marker ---- */

static int
marker_path(const struct barrier *barrier, const char *suffix, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/reserved%s", barrier->site->run_directory, suffix) <
		       PATH_MAX
		   ? 0
		   : -ENAMETOOLONG;
}

/* 0 and the key, which is 0 if there is none; or -errno. */
static int
marker_load(const struct barrier *barrier, uint64_t *key_r)
{
	char path[PATH_MAX], text[MARKER_MAX];
	int fd, error = marker_path(barrier, "", path);
	ssize_t length;

	*key_r = 0;
	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	length = read(fd, text, sizeof(text));
	error = length < 0 ? -errno : 0;
	close(fd);
	if (!error && !reservation_key_parse(slice_from(text, (size_t)length), key_r))
		error = -EPROTO;
	return error;
}

static int
marker_save(const struct barrier *barrier)
{
	char path[PATH_MAX], fresh[PATH_MAX], text[MARKER_MAX], key[RESERVATION_KEY_TEXT];
	int length =
	    snprintf(text, sizeof(text), "%s\n", reservation_key_text(barrier->machine.key, key));
	int fd, error = marker_path(barrier, ".new", fresh);

	if (error || marker_path(barrier, "", path) != 0)
		return -ENAMETOOLONG;
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)length) != length)
		error = -EIO;
	close(fd);
	if (!error && rename(fresh, path) != 0)
		error = -errno;
	return error;
}

/* Without the marker a later start would register again, barred or not. */
static void
remember(struct barrier *barrier)
{
	struct barring *machine = &barrier->machine;
	int error;

	if (machine->kind != BARRING_REGISTER || machine->end != BARRING_DONE ||
	    machine->is_registered)
		return;
	error = marker_save(barrier);
	if (!error)
		return;
	machine->end = BARRING_UNKNOWN;
	snprintf(machine->sentence, sizeof(machine->sentence),
	    "%.256s/reserved cannot be written: %s; mend that, nothing may be mounted before",
	    barrier->site->run_directory, strerror(-error));
}

/* ---- the evidence ---- */

static json_t *
key_json(uint64_t key)
{
	char text[RESERVATION_KEY_TEXT];

	return json_string(reservation_key_text(key, text));
}

static json_t *
keys_json(const uint64_t *keys, unsigned count)
{
	json_t *array = json_array();

	for (unsigned i = 0; i < count; i++)
		json_array_append_new(array, key_json(keys[i]));
	return array;
}

static json_t *
paths_json(const struct barring *machine)
{
	json_t *array = json_array();

	for (unsigned path = 0; path < machine->place->paths; path++)
		json_array_append_new(array,
		    json_pack("{s:s,s:I,s:I}", "device", machine->place->devices[path],
			"generation_before", (json_int_t)machine->first.keys[path].generation,
			"generation_after", (json_int_t)machine->last.keys[path].generation));
	return array;
}

static json_t *
evidence_json(const struct barring *machine)
{
	const struct reservation_keys *before = &machine->first.keys[0];
	const struct reservation_keys *after = &machine->last.keys[0];
	const struct reservation_holder *holder = &machine->last.holders[0];

	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:b,s:{s:i,s:o}}", "key", key_json(machine->key),
	    "paths", paths_json(machine), "keys_before", keys_json(before->keys, before->count),
	    "keys_after", keys_json(after->keys, after->count), "preempted",
	    keys_json(machine->victims, machine->has_preempted ? machine->victim_count : 0),
	    "peer_had_key", machine->kind == BARRING_BAR && machine->victim_count > 0,
	    "reservation", "type", (int)holder->type, "holder", key_json(holder->key));
}

/* ---- the commands ---- */

static void
add(struct arguments *a, const char *argument)
{
	size_t i = 0;

	while (a->argv[i])
		i++;
	a->argv[i] = (char *)argument;
}

static void
add_verb(struct arguments *a, enum barring_verb verb)
{
	switch (verb) {
	case BARRING_READ_KEYS:
	case BARRING_READ_RESERVATION:
		add(a, "--in");
		add(a, "--readonly");
		add(a, barring_verb_text(verb));
		return;
	case BARRING_DO_REGISTER:
		add(a, "--out");
		add(a, barring_verb_text(verb));
		add(a, "--param-aptpl");
		return;
	case BARRING_DO_RESERVE:
	case BARRING_DO_PREEMPT:
		add(a, "--out");
		add(a, barring_verb_text(verb));
		add(a, "--prout-type=5");
		return;
	}
}

static void
make_arguments(
    struct arguments *a, const struct barring *machine, const struct barring_command *command)
{
	char key[RESERVATION_KEY_TEXT];

	*a = (struct arguments){0};
	add(a, "sg_persist");
	add(a, "--no-inquiry");
	add_verb(a, command->verb);
	snprintf(a->ours, sizeof(a->ours), "--param-%s=%s",
	    command->verb == BARRING_DO_REGISTER ? "sark" : "rk",
	    reservation_key_text(machine->key, key));
	if (command->verb >= BARRING_DO_REGISTER)
		add(a, a->ours);
	snprintf(a->victim, sizeof(a->victim), "--param-sark=%s",
	    reservation_key_text(command->victim, key));
	if (command->verb == BARRING_DO_PREEMPT)
		add(a, a->victim);
	snprintf(
	    a->device, sizeof(a->device), "--device=%s", machine->place->devices[command->path]);
	add(a, a->device);
}

static void go_on(struct barrier *barrier);

static void
on_ended(void *context, int status, struct slice output)
{
	struct slot *slot = context;
	struct barrier *barrier = slot->barrier;

	slot->command = NULL;
	barring_ended(&barrier->machine, (unsigned)(slot - barrier->slots), status, output);
	go_on(barrier);
}

static void
start(struct barrier *barrier, unsigned i)
{
	const struct barring_command *command = &barrier->machine.commands[i];
	bool is_register = command->verb == BARRING_DO_REGISTER;
	struct arguments arguments;
	int error;

	make_arguments(&arguments, &barrier->machine, command);
	error = command_start(barrier->site->loop, arguments.argv,
	    is_register ? BARRIER_REGISTER_MS : BARRIER_COMMAND_MS, on_ended, &barrier->slots[i],
	    &barrier->slots[i].command);
	if (error)
		barring_ended(&barrier->machine, i, error, slice_of(""));
}

static void
finish(struct barrier *barrier)
{
	const struct barring *machine = &barrier->machine;
	json_t *evidence;

	remember(barrier);
	evidence = evidence_json(machine);
	barrier->done(barrier->context, machine->end, machine->sentence, evidence);
	json_decref(evidence);
	free(barrier);
}

static void
go_on(struct barrier *barrier)
{
	int i;

	while ((i = barring_next(&barrier->machine)) >= 0)
		start(barrier, (unsigned)i);
	if (barrier->machine.end != BARRING_UNDER_WAY)
		finish(barrier);
}

static void
begin(void *data)
{
	struct barrier *barrier = data;

	barrier->has_begun = true;
	go_on(barrier);
}

static void
open_machine(struct barrier *barrier, enum barring_kind kind)
{
	struct barring *machine = &barrier->machine;
	uint64_t marked = 0;
	int error = kind == BARRING_REGISTER ? marker_load(barrier, &marked) : 0;

	barring_open(machine, kind, &barrier->site->place, marked);
	if (!error)
		return;
	machine->end = BARRING_UNKNOWN;
	snprintf(machine->sentence, sizeof(machine->sentence),
	    "%.256s/reserved cannot be read: %s; whether this node has registered since it booted "
	    "is not known, reboot it",
	    barrier->site->run_directory,
	    error == -EPROTO ? "it does not hold a key" : strerror(-error));
}

static struct barrier *
barrier_open(
    const struct barrier_site *site, enum barring_kind kind, barrier_done done, void *context)
{
	struct barrier *barrier = calloc(1, sizeof(*barrier));

	if (!barrier)
		abort();
	*barrier = (struct barrier){.site = site, .done = done, .context = context};
	for (unsigned i = 0; i < BARRING_COMMANDS_MAX; i++)
		barrier->slots[i].barrier = barrier;
	open_machine(barrier, kind);
	/* Not from here: what fails at once would call done before we have returned. */
	if (qb_loop_job_add(site->loop, QB_LOOP_HIGH, barrier, begin) != 0)
		abort();
	return barrier;
}

struct barrier *
barrier_register(const struct barrier_site *site, barrier_done done, void *context)
{
	return barrier_open(site, BARRING_REGISTER, done, context);
}

struct barrier *
barrier_check(const struct barrier_site *site, barrier_done done, void *context)
{
	return barrier_open(site, BARRING_CHECK, done, context);
}

struct barrier *
barrier_bar(const struct barrier_site *site, barrier_done done, void *context)
{
	return barrier_open(site, BARRING_BAR, done, context);
}

bool
barrier_saw_key(const struct barrier *barrier)
{
	return barring_saw_key(&barrier->machine);
}

void
barrier_drop(struct barrier **barrier)
{
	struct barrier *b = *barrier;

	if (!b)
		return;
	if (!b->has_begun)
		qb_loop_job_del(b->site->loop, QB_LOOP_HIGH, b, begin);
	for (unsigned i = 0; i < BARRING_COMMANDS_MAX; i++)
		command_drop(&b->slots[i].command);
	free(b);
	*barrier = NULL;
}
