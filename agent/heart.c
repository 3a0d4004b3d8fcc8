/* SPDX-License-Identifier: BSD-2-Clause */
#include "agent/heart.h"

#include "common/clock.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_FILE_MAX 4096
#define SLOT_MS 100u
/* A beat that answers nothing is answered at once, so that two that meet need not wait for the next
 * ones; but not more often than this. */
#define ANSWER_MS 10u
#define TELL_MS 60000u

static int
check_key_file(int fd, const char *path, char error[HEART_ERROR_MAX])
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return -errno;
	if (status.st_uid == geteuid() && (status.st_mode & 077) == 0)
		return 0;
	snprintf(error, HEART_ERROR_MAX,
	    "%.256s: others than root can read or own it; chown root and chmod 600 it", path);
	return -EPERM;
}

static int
read_keys(struct heart *heart, const char *path, char error[HEART_ERROR_MAX])
{
	uint8_t text[KEY_FILE_MAX];
	const char *reason = NULL;
	unsigned line;
	ssize_t n;
	int result, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		result = -errno;
		snprintf(error, HEART_ERROR_MAX,
		    "%.256s: %s; make it on one node and copy it to the other, see gemel-agentd(8)",
		    path, strerror(-result));
		return result;
	}
	result = check_key_file(fd, path, error);
	n = result ? 0 : read(fd, text, sizeof(text));
	close(fd);
	if (result)
		return result;
	line = n < 0 ? 1 : seal_parse(slice_from(text, (size_t)n), &heart->keys, &reason);
	explicit_bzero(text, sizeof(text));
	if (line == 0)
		return 0;
	snprintf(error, HEART_ERROR_MAX, "%.256s:%u: %s", path, line,
	    reason ? reason : "it cannot be read");
	return -EINVAL;
}

static uint64_t
new_nonce(void)
{
	uint64_t nonce;

	if (getrandom(&nonce, sizeof(nonce), 0) != sizeof(nonce))
		abort();
	return nonce;
}

static void
send_on(struct heart *heart, unsigned number, const struct pair_self *self)
{
	uint8_t packet[BEAT_BYTES];
	struct beat beat;

	pair_say(heart->pair, number, new_nonce(), clock_boot_ms(), self, &beat);
	beat_encode(&beat, packet);
	seal_sign(&heart->keys, packet);
	line_send(heart->lines[number].line, packet);
}

/* Told once in a while: who floods us must not fill the log. */
static void
refuse(struct heart_line *one, unsigned number, enum beat_fault fault, uint64_t now_ms)
{
	one->refused++;
	if (one->told_ms && now_ms - one->told_ms < TELL_MS)
		return;
	one->told_ms = now_ms;
	log_warning("heart: line %u: a packet was refused, %llu so far: %s", number,
	    (unsigned long long)one->refused, beat_fault_text(fault));
}

static void
answer(struct heart *heart, unsigned number, uint64_t now_ms)
{
	struct heart_line *one = &heart->lines[number];
	struct pair_self self;

	if (now_ms - one->answered_ms < ANSWER_MS)
		return;
	one->answered_ms = now_ms;
	heart->events.look(heart->events.context, &self);
	send_on(heart, number, &self);
}

static void
on_packet(void *context, unsigned number, struct slice packet)
{
	struct heart *heart = context;
	struct heart_line *one = &heart->lines[number];
	const uint64_t now_ms = clock_boot_ms();
	struct beat beat;
	enum beat_fault fault = seal_open(&heart->keys, packet, &beat);

	if (fault != BEAT_OK) {
		refuse(one, number, fault, now_ms);
		return;
	}
	switch (pair_take(heart->pair, number, &beat, now_ms)) {
	case PAIR_BELIEVED:
		heart->events.on_beat(heart->events.context, &beat, packet);
		return;
	case PAIR_UNPROVED:
		answer(heart, number, now_ms);
		return;
	case PAIR_REFUSED:
		one->refused++;
		return;
	}
}

void
heart_beat_now(struct heart *heart)
{
	struct pair_self self;

	heart->events.look(heart->events.context, &self);
	for (unsigned i = 0; i < heart->count; i++)
		send_on(heart, i, &self);
}

static void
on_timer(void *data)
{
	struct heart *heart = data;
	const uint64_t now_ms = clock_boot_ms();

	qb_loop_timer_add(
	    heart->loop, QB_LOOP_HIGH, heart->beat_ms * 1000000ull, heart, on_timer, &heart->timer);
	for (size_t i = 0; i < heart->count; i++)
		line_tick(heart->lines[i].line, now_ms);
	heart_beat_now(heart);
}

static int
open_line(struct heart *heart, const char *text, char error[HEART_ERROR_MAX])
{
	const struct line_events events = {.on_packet = on_packet, .context = heart};
	const struct pair_settings *settings = &heart->pair->settings;
	const struct line_setup setup = {
	    .number = (unsigned)heart->count,
	    .node = settings->node,
	    .pair = settings->pair,
	    .boot = settings->boot,
	    .slot_ms = SLOT_MS,
	};
	const char *reason;

	if (line_open(slice_of(text), &setup, heart->loop, &events,
		&heart->lines[heart->count].line, &reason) != 0) {
		snprintf(error, HEART_ERROR_MAX, "pair { lines }: \"%.128s\": %s", text, reason);
		return -EINVAL;
	}
	heart->count++;
	return 0;
}

int
heart_open(struct heart *heart, const struct config *config, struct pair *pair, qb_loop_t *loop,
    const struct heart_events *events, char error[HEART_ERROR_MAX])
{
	const struct config_list *lines = &config->pair_lines;
	int result = 0;

	*heart = (struct heart){.loop = loop,
	    .pair = pair,
	    .events = *events,
	    .beat_ms = (uint32_t)config->agent_beat_ms};
	if (lines->count > 0)
		result = read_keys(heart, config->pair_keys, error);
	for (size_t i = 0; i < lines->count && result == 0; i++)
		result = open_line(heart, lines->items[i], error);
	if (result)
		heart_close(heart);
	else
		on_timer(heart);
	return result;
}

void
heart_close(struct heart *heart)
{
	if (heart->timer)
		qb_loop_timer_del(heart->loop, heart->timer);
	for (size_t i = 0; i < heart->count; i++)
		line_close(&heart->lines[i].line);
	heart->count = 0;
	seal_forget(&heart->keys);
}
