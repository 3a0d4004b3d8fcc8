/* SPDX-License-Identifier: BSD-2-Clause */
/* Carries out what pair.h decides, and tells the operator what has changed. */
#include "agent/agent.h"

#include "agent/alone.h"
#include "agent/own.h"
#include "common/clock.h"
#include "common/latch.h"
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RUN_DIRECTORY "/run/gemel"
#define STEP_MS 20u
#define LEAP_MS 500u
/* Longer than a membership takes to form anew. */
#define ENGINE_DEAF_MS 2000u

/* ---- what is to be seen of this node ---- */

/* Corosync here has died, or stands still: Pacemaker can do nothing on this node. */
static bool
is_deaf_to_engine(const struct agent *agent, uint64_t now_ms)
{
	const uint64_t since_ms = agent->news.echo_ms ? agent->news.echo_ms : agent->started_ms;

	return (agent->news.echo_ms && !agent->news.is_connected) ||
	       now_ms - since_ms > ENGINE_DEAF_MS;
}

static void
look(void *context, struct pair_self *self)
{
	struct agent *agent = context;
	const struct progress *core = &agent->sight.progress;
	const uint64_t now_ms = clock_boot_ms();

	*self = (struct pair_self){
	    .is_ill = !watch_is_well(&agent->watch) || is_deaf_to_engine(agent, now_ms),
	    .is_latched = agent->is_latched,
	    .is_clean = agent->is_clean,
	    .is_bound = agent->is_bound,
	    .is_wrong = agent->is_wrong,
	};
	if (!agent->seen.is_alive || !agent->sight.has_progress)
		return;
	/* CORE_ENDED in a beat says more: beat.h. */
	self->role = core->role < CORE_ENDED ? (uint8_t)core->role : 0;
	self->is_degraded = core->degraded;
	self->generation = core->generation;
	self->accepted = core->accepted;
	self->delivered = core->delivered;
	self->queued = core->queued;
	self->commit_us = (uint32_t)core->commit_us;
	self->tick_age_ms = now_ms > core->tick_ms ? (uint32_t)(now_ms - core->tick_ms) : 0;
}

/* ---- telling ---- */

static void
tell_lines(struct agent *agent, uint64_t now_ms)
{
	for (unsigned i = 0; i < agent->heart.count; i++) {
		bool is_up = pair_hears(&agent->pair, i, now_ms);

		if (is_up == agent->told.lines[i])
			continue;
		agent->told.lines[i] = is_up;
		log_notice("pair: line %u (%s) is %s", i, agent->config.pair_lines.items[i],
		    is_up ? "up" : "down: nothing is heard on it");
	}
}

static void
tell_peer(struct agent *agent)
{
	const struct peer *peer = &agent->pair.peer;
	char life[ID128_TEXT_BYTES];

	if (!id128_is_same(&agent->told.life, &peer->life)) {
		agent->told.life = peer->life;
		log_notice("pair: %s speaks in life %s", agent_peer_name(agent),
		    id128_text(&peer->life, life));
	}
	if (agent->told.peer == peer->state)
		return;
	agent->told.peer = peer->state;
	agent_notify_peer(agent);
	log_notice("pair: %s: %s", agent_peer_name(agent), peer_state_text(peer->state));
}

static void
tell_own(struct agent *agent)
{
	static const char *const texts[] = {
	    [FENCING_OWN_FREE] = "is free",
	    [FENCING_OWN_LATCHING] = "yields to its peer, which asked for it",
	    [FENCING_OWN_RELEASED] = "holds nothing any more, and says so",
	    [FENCING_OWN_ENDING] = "has to end",
	};

	if (agent->told.own == agent->pair.fencing.own)
		return;
	agent->told.own = agent->pair.fencing.own;
	log_warning("pair: this node %s%s", texts[agent->told.own],
	    agent->pair.is_excluded
		? ": its peer has a proof that it has ended, and is in its place"
		: "");
}

static void
tell_alone(struct agent *agent)
{
	const struct right *right = &agent->pair.right;
	int error = 0;

	if (agent->told.is_alone == right->is_alone &&
	    (!right->is_alone || id128_is_same(&agent->told.alone, &right->ended)))
		return;
	agent->told.is_alone = right->is_alone;
	agent->told.alone = right->ended;
	if (right->is_alone)
		error = alone_write(agent->config.run_directory, &right->ended);
	else
		alone_remove(agent->config.run_directory);
	if (error)
		log_error("pair: %s/alone: %s; a restart of the agent would stop the service",
		    agent->config.run_directory, strerror(-error));
}

static void
tell(struct agent *agent, uint64_t now_ms)
{
	tell_lines(agent, now_ms);
	tell_peer(agent);
	tell_own(agent);
	tell_alone(agent);
}

/* ---- the lease ---- */

void
agent_lease(struct agent *agent)
{
	const struct progress *core = &agent->sight.progress;
	const uint64_t now_ms = clock_boot_ms();
	uint64_t until_ms = pair_lease(&agent->pair, now_ms);
	bool owns = agent->seen.is_alive && agent->sight.has_progress && core_role_owns(core->role);

	if (!agent->lease)
		return;
	if (until_ms > now_ms && owns)
		lease_grant(agent->lease, core->generation, until_ms, 0);
	else if (agent->has_lease)
		lease_revoke(agent->lease);
	agent->has_lease = until_ms > now_ms && owns;
}

/* ---- duties ---- */

/* Let go of all that this node may hold. A core that does not own the store is killed: it is made
 * for that. */
static void
let_go(struct agent *agent)
{
	int result = agent->is_latched
			 ? 0
			 : latch_set(agent->config.run_directory, agent->pair.fencing.goes_off);
	struct own_holdings held;

	if (result && result != -EAGAIN)
		log_error(
		    "pair: %s/" LATCH_FILE ": %s", agent->config.run_directory, strerror(-result));
	agent->is_latched = result == 0;
	if (agent->sight.pidfd >= 0)
		syscall(SYS_pidfd_send_signal, agent->sight.pidfd, SIGKILL, NULL, 0);
	own_look(agent->config.run_directory, agent->config.store_directory, &held);
	agent->is_bound = held.store || held.address;
	agent->is_clean = agent->is_latched && !agent->is_bound && !held.core;
}

void
agent_step(struct agent *agent)
{
	const uint64_t now_ms = clock_boot_ms();
	uint8_t flags = fencing_flags(&agent->pair.fencing);
	struct fencing_duty duty;
	struct pair_self self;

	look(agent, &self);
	duty = pair_step(&agent->pair, &self, now_ms);
	tell(agent, now_ms);
	agent_lease(agent);
	if (duty.latch) {
		let_go(agent);
		look(agent, &self);
		duty.end_self = pair_step(&agent->pair, &self, now_ms).end_self;
		tell(agent, now_ms);
	}
	if (duty.bar)
		agent_array_bar(agent);
	if (duty.answer != FENCING_NO_END)
		agent_fence_answer(agent, duty.answer);
	if (duty.end_self) {
		heart_beat_now(&agent->heart);
		own_end(agent->pair.fencing.goes_off);
	}
	if (flags != fencing_flags(&agent->pair.fencing))
		heart_beat_now(&agent->heart);
}

int
agent_rest(struct agent *agent)
{
	if (agent->pair.fencing.own != FENCING_OWN_FREE)
		return -EBUSY;
	if (agent->pair.is_resting)
		return -EALREADY;
	pair_rest(&agent->pair);
	agent_lease(agent);
	heart_beat_now(&agent->heart);
	return 0;
}

static void
on_beat(void *context, const struct beat *beat, struct slice packet)
{
	struct agent *agent = context;

	agent->heard_ms = clock_boot_ms();
	if (beat->flags & BEAT_RELEASED && packet.length == BEAT_BYTES)
		memcpy(agent->word, packet.data, BEAT_BYTES);
	agent_step(agent);
}

static void
on_engine(void *context, const struct engine_news *news)
{
	struct agent *agent = context;
	bool is_change = news->has_peer != agent->news.has_peer;

	if (news->is_connected != agent->news.is_connected)
		log_notice("pair: corosync %s", news->is_connected ? "answers" : "does not answer");
	agent->news = *news;
	if (!is_change)
		return;
	pair_member(&agent->pair, news->has_peer);
	agent_step(agent);
}

static void
feed(struct agent *agent, uint64_t now_ms)
{
	int error;

	if (agent->is_wrong || agent->pair.is_excluded ||
	    agent->pair.fencing.own != FENCING_OWN_FREE)
		return;
	error = watchdog_feed(&agent->watchdog, now_ms);
	if (error && error != agent->told.feed_error)
		log_error("agent: the watchdog %s cannot be fed: %s", agent->config.agent_watchdog,
		    strerror(-error));
	agent->told.feed_error = error;
}

static void
on_step(void *data)
{
	struct agent *agent = data;
	const uint64_t now_ms = clock_boot_ms();
	qb_loop_timer_handle handle;

	/* The machine stood still: much may have happened meanwhile. */
	if (now_ms - agent->stepped_ms > LEAP_MS)
		agent_array_suspect(agent);
	agent->stepped_ms = now_ms;
	feed(agent, now_ms);
	agent_array_step(agent, now_ms);
	agent_notify_step(agent, now_ms);
	agent_fence_step(agent, now_ms);
	qb_loop_timer_add(agent->loop, QB_LOOP_HIGH, STEP_MS * 1000000ull, agent, on_step, &handle);
	agent_step(agent);
}

/* ---- begin ---- */

const char *
agent_peer_name(const struct agent *agent)
{
	return agent->config.pair_nodes.items[1 - agent->pair.settings.node];
}

static int
find_number(const struct agent *agent, uint8_t *number_r, char error[AGENT_ERROR_MAX])
{
	const struct config_list *nodes = &agent->config.pair_nodes;

	if (nodes->count != 2) {
		snprintf(error, AGENT_ERROR_MAX,
		    "pair { nodes } names %zu nodes; name both, in the same order on both",
		    nodes->count);
		return -EINVAL;
	}
	for (uint8_t i = 0; i < 2; i++)
		if (strcmp(nodes->items[i], agent->node) == 0) {
			*number_r = i;
			return 0;
		}
	snprintf(error, AGENT_ERROR_MAX,
	    "pair { nodes } names \"%.64s\" and \"%.64s\", and this node is \"%.64s\"; write the "
	    "names that uname -n prints",
	    nodes->items[0], nodes->items[1], agent->node);
	return -EINVAL;
}

static int
make_settings(struct agent *agent, struct pair_settings *settings, char error[AGENT_ERROR_MAX])
{
	const struct config *config = &agent->config;
	int result = find_number(agent, &settings->node, error);

	if (result)
		return result;
	/* The resource agents look nowhere else for the latch. */
	if (strcmp(config->run_directory, RUN_DIRECTORY) != 0) {
		snprintf(error, AGENT_ERROR_MAX,
		    "run_directory is \"%.128s\"; in a pair it has to be " RUN_DIRECTORY,
		    config->run_directory);
		return -EINVAL;
	}
	if (config->pair_lines.count > PAIR_LINES_MAX) {
		snprintf(error, AGENT_ERROR_MAX, "pair { lines }: %zu lines; at most %d will do",
		    config->pair_lines.count, PAIR_LINES_MAX);
		return -EINVAL;
	}
	result = own_boot_id(config->run_directory, &settings->boot);
	if (result) {
		snprintf(error, AGENT_ERROR_MAX, "the node's boot id cannot be read: %s",
		    strerror(-result));
		return result;
	}
	settings->pair = own_pair_number(config);
	settings->lines = (unsigned)config->pair_lines.count;
	settings->silence_ms = (uint32_t)config->agent_silence_ms;
	settings->lease_ms = (uint32_t)config->agent_lease_ms;
	settings->can_bar = config->pair_reservations.count > 0;
	settings->goes_off = latch_is_off(config->run_directory);
	settings->is_alone = alone_read(config->run_directory, &settings->ended);
	return 0;
}

static int
open_watchdog(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	const char *path = agent->config.agent_watchdog;
	int result;

	agent->watchdog.fd = -1;
	if (!*path)
		return 0;
	result =
	    watchdog_open(&agent->watchdog, path, (unsigned)agent->config.agent_watchdog_timeout_s);
	if (result)
		snprintf(error, AGENT_ERROR_MAX,
		    "watchdog %.128s: %s; end who has it (sbd? systemd?), or set agent { watchdog "
		    "}",
		    path, strerror(-result));
	return result;
}

static int
open_lease(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	char path[PATH_MAX];
	int result;

	snprintf(path, sizeof(path), "%s/lease", agent->config.run_directory);
	result = lease_create(path, &agent->lease);
	if (result)
		snprintf(
		    error, AGENT_ERROR_MAX, "%.256s: %s; start as root", path, strerror(-result));
	return result;
}

int
agent_conduct_open(struct agent *agent, char error[AGENT_ERROR_MAX])
{
	const struct heart_events events = {.look = look, .on_beat = on_beat, .context = agent};
	struct pair_settings settings = {0};
	int result = make_settings(agent, &settings, error);

	if (result == 0)
		result = open_watchdog(agent, error);
	if (result == 0)
		result = open_lease(agent, error);
	if (result)
		return result;
	pair_open(&agent->pair, &settings);
	agent->told.is_alone = agent->is_lost_told = settings.is_alone;
	agent->told.alone = settings.ended;
	/* The word was given by a process before this one: it is kept. */
	agent->is_latched = latch_is_set(agent->config.run_directory);
	agent->is_wrong = agent->is_latched;
	agent_notify_open(agent);
	result =
	    heart_open(&agent->heart, &agent->config, &agent->pair, agent->loop, &events, error);
	if (result)
		return result;
	result = agent_array_open(agent, error);
	if (result)
		return result;
	result = engine_open(agent->loop, agent_peer_name(agent), on_engine, agent, &agent->engine);
	if (result)
		snprintf(error, AGENT_ERROR_MAX, "no thread can be started: %s", strerror(-result));
	else
		on_step(agent);
	return result;
}

void
agent_conduct_close(struct agent *agent)
{
	engine_close(&agent->engine);
	agent_array_close(agent);
	agent_notify_close(agent);
	heart_close(&agent->heart);
	lease_writer_close(&agent->lease);
	watchdog_close(&agent->watchdog);
}
