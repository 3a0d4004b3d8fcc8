/* SPDX-License-Identifier: BSD-2-Clause */
/* This node's registration with the disk array, and barring the peer from it. */
#include "agent/agent.h"

#include "agent/barrier.h"
#include "agent/own.h"
#include "common/clock.h"
#include "common/latch.h"
#include "common/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* How often it is looked whether this node is still registered, and how soon again when it could
 * not register, or time has made a leap (a machine that stood still may have been barred). */
#define CHECK_MS 5000u
#define RETRY_MS 1000u
/* How often at most while the lease waits for it. */
#define WAITED_MS 100u

#define TOO_LATE                                                                               \
	"the store is mounted, and this node is not registered; put the node on standby, and " \
	"boot it"

/* In this life, by a process before this one or by this (barrier.h). */
static bool
has_registered(const struct agent *agent)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/reserved", agent->config.run_directory);
	return access(path, F_OK) == 0;
}

/* While this file is there sharedstore does not mount. */
static void
mark_unregistered(const struct agent *agent, bool is_unregistered)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/" LATCH_UNREGISTERED, agent->config.run_directory);
	if (!is_unregistered) {
		unlink(path);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		log_error("array: %s: %m", path);
	else
		close(fd);
}

/* ---- registering, and whether this node is still registered ---- */

static void
be_gone(struct agent *agent, const char *sentence)
{
	if (!agent->is_wrong)
		log_error("array: this node has been barred: %s", sentence);
	agent->is_wrong = true;
	agent_step(agent);
}

/* At once, if it was doubted since the look began. */
static void
look_again_in(struct agent *agent, uint64_t ms)
{
	agent->array_due_ms =
	    agent->array_doubt_ms > agent->array_looked_ms ? 0 : clock_boot_ms() + ms;
}

static void
on_registered(void *context, enum barring_end end, const char *sentence, const json_t *evidence)
{
	struct agent *agent = context;

	(void)evidence;
	agent->array_look = NULL;
	look_again_in(agent, end == BARRING_DONE ? CHECK_MS : RETRY_MS);
	switch (end) {
	case BARRING_DONE:
		pair_has_key(&agent->pair, agent->array_looked_ms);
		agent->is_registered = true;
		mark_unregistered(agent, false);
		agent->array_fault[0] = '\0';
		log_notice("array: this node is registered with it");
		return;
	case BARRING_GONE:
		be_gone(agent, sentence);
		return;
	case BARRING_UNKNOWN:
	case BARRING_UNDER_WAY:
		break;
	}
	if (strcmp(agent->array_fault, sentence) != 0)
		log_error("array: this node is not registered: %s", sentence);
	snprintf(agent->array_fault, sizeof(agent->array_fault), "%s", sentence);
}

static void
on_checked(void *context, enum barring_end end, const char *sentence, const json_t *evidence)
{
	struct agent *agent = context;

	(void)evidence;
	/* One path is enough for that; what is wrong with another is told all the same. */
	if (barrier_saw_key(agent->array_look))
		pair_has_key(&agent->pair, agent->array_looked_ms);
	agent->array_look = NULL;
	look_again_in(agent, CHECK_MS);
	if (end == BARRING_GONE) {
		be_gone(agent, sentence);
		return;
	}
	/* Not seen is no evidence, either way. */
	if (strcmp(agent->array_fault, sentence) != 0 && end == BARRING_UNKNOWN)
		log_warning(
		    "array: it cannot be seen whether this node is registered: %s", sentence);
	snprintf(agent->array_fault, sizeof(agent->array_fault), "%s", sentence);
}

/* Who has mounted the store without having registered in this life may have been barred meanwhile,
 * and who registers then writes beside the peer. sharedstore does not mount before. */
static bool
is_late(struct agent *agent)
{
	struct own_holdings held;

	if (has_registered(agent))
		return false;
	own_look(agent->config.run_directory, agent->config.store_directory, &held);
	if (!held.store)
		return false;
	if (strcmp(agent->array_fault, TOO_LATE) != 0)
		log_error("array: " TOO_LATE);
	snprintf(agent->array_fault, sizeof(agent->array_fault), "%s", TOO_LATE);
	agent->array_due_ms = clock_boot_ms() + RETRY_MS;
	return true;
}

void
agent_array_step(struct agent *agent, uint64_t now_ms)
{
	bool is_waited_for = agent->is_registered && pair_needs_look(&agent->pair, now_ms) &&
			     now_ms - agent->array_looked_ms >= WAITED_MS;

	if (!agent->pair.settings.can_bar || agent->is_wrong || agent->array_look ||
	    (now_ms < agent->array_due_ms && !is_waited_for))
		return;
	if (!agent->is_registered && is_late(agent))
		return;
	agent->array_looked_ms = now_ms;
	agent->array_look = agent->is_registered
				? barrier_check(&agent->site, on_checked, agent)
				: barrier_register(&agent->site, on_registered, agent);
}

void
agent_array_suspect(struct agent *agent)
{
	agent->array_due_ms = 0;
	agent->array_doubt_ms = clock_boot_ms();
}

/* ---- barring the peer ---- */

static void
on_barred(void *context, enum barring_end end, const char *sentence, const json_t *evidence)
{
	struct agent *agent = context;

	agent->array_bar = NULL;
	if (end == BARRING_DONE) {
		json_decref(agent->bar_evidence);
		agent->bar_evidence = json_deep_copy(evidence);
	} else {
		log_error("array: %s is not barred: %s", agent_peer_name(agent), sentence);
		snprintf(agent->bar_fault, sizeof(agent->bar_fault),
		    "it is silent, and cannot be barred from the array: %.384s", sentence);
	}
	pair_barred(&agent->pair, json_is_true(json_object_get(evidence, "peer_had_key")),
	    end == BARRING_DONE ? NULL : agent->bar_fault, clock_boot_ms());
	if (end == BARRING_GONE)
		be_gone(agent, sentence);
	else
		agent_step(agent);
}

void
agent_array_bar(struct agent *agent)
{
	if (agent->is_registered)
		agent->array_bar = barrier_bar(&agent->site, on_barred, agent);
	else
		pair_barred(&agent->pair, false,
		    "it is silent, and this node, which could bar it, is not registered with the "
		    "array itself",
		    clock_boot_ms());
}

/* ---- begin and end ---- */

int
agent_array_open(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	const struct config_list *devices = &agent->config.pair_reservations;
	const struct pair_settings *settings = &agent->pair.settings;
	struct barring_place *place = &agent->site.place;

	mark_unregistered(agent, devices->count > 0 && !has_registered(agent));
	if (devices->count == 0)
		return 0;
	if (devices->count > BARRING_PATHS_MAX) {
		snprintf(error, AGENT_ERROR_MAX,
		    "pair { reservations }: %zu devices; at most %u will do", devices->count,
		    BARRING_PATHS_MAX);
		return -EINVAL;
	}
	agent->site.loop = agent->loop;
	agent->site.run_directory = agent->config.run_directory;
	place->pair = settings->pair;
	place->node = settings->node;
	place->boot = settings->boot;
	place->paths = (unsigned)devices->count;
	for (size_t i = 0; i < devices->count; i++)
		if (snprintf(place->devices[i], BARRING_DEVICE_MAX, "%s", devices->items[i]) >=
		    BARRING_DEVICE_MAX) {
			snprintf(error, AGENT_ERROR_MAX,
			    "pair { reservations }: \"%.128s\" is longer than %d bytes",
			    devices->items[i], BARRING_DEVICE_MAX - 1);
			return -EINVAL;
		}
	agent_array_step(agent, clock_boot_ms());
	return 0;
}

void
agent_array_close(struct agent *agent)
{
	barrier_drop(&agent->array_bar);
	barrier_drop(&agent->array_look);
}
