/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agent -- gemel-agentd as a whole: what its parts are fed with, on one libqb loop.
 *
 * Each source file is one of its tasks; the decisions are in the pure modules.
 */
#ifndef GEMEL_AGENT_AGENT_H
#define GEMEL_AGENT_AGENT_H

#include "agent/barrier.h"
#include "agent/digests.h"
#include "agent/engine.h"
#include "agent/event-filter.h"
#include "agent/heart.h"
#include "agent/pair.h"
#include "agent/recorder.h"
#include "agent/report.h"
#include "agent/sight.h"
#include "agent/trap-sender.h"
#include "agent/watch.h"
#include "agent/watchdog.h"
#include "common/config.h"
#include "common/control-server.h"
#include "common/lease.h"

#define AGENT_NODE_MAX 65
#define AGENT_ERROR_MAX CONFIG_ERROR_MAX

/* Requests for the peer's end that wait for an answer. */
#define AGENT_FENCERS_MAX 8

struct agent {
	struct config config;
	const char *config_path;   /* borrowed */
	char node[AGENT_NODE_MAX]; /* this one's name */
	qb_loop_t *loop;
	struct control_server *server;
	uint64_t started_ms;
	struct digests *digests; /* NULL: no peer */

	/* care.c: the core of this node. */
	struct sight sight;
	struct watch_sight seen;
	struct watch watch;
	struct report report;
	enum watch_fault reported;
	uint32_t reports; /* that Pacemaker took, since the start */

	/* conduct.c: this node as one of the two, and the other one. */
	bool is_paired; /* pair { nodes } is given; else all this is empty */
	struct pair pair;
	struct heart heart;
	struct engine *engine;
	struct engine_news news;
	uint64_t stepped_ms; /* when agent_step() was last called by its timer */
	struct lease_writer *lease;
	bool has_lease; /* one is given */
	struct watchdog watchdog;
	bool is_latched, is_clean, is_bound, is_wrong;
	uint8_t word[BEAT_BYTES]; /* the peer's signed word that it has released everything */
	struct {
		bool lines[PAIR_LINES_MAX];
		enum peer_state peer;
		struct id128 life;
		enum fencing_own own;
		bool is_alone;
		struct id128 alone; /* whose end that is */
		int feed_error;
	} told; /* what the log says already */

	/* array.c: the registration with the disk array. */
	struct barrier_site site;
	struct barrier *array_look, *array_bar; /* under way; NULL: none */
	bool is_registered;
	uint64_t array_due_ms;    /* when to look again */
	uint64_t array_looked_ms; /* when the last look began */
	uint64_t array_doubt_ms;  /* when it was doubted last */
	char array_fault[BARRING_SENTENCE_MAX], bar_fault[BARRING_SENTENCE_MAX];
	json_t *bar_evidence; /* of the last time that the peer was barred */

	/* notify.c: what the operators' monitoring is told. */
	struct event_filter filter;
	struct trap_sender *sender;
	uint64_t news_ms;
	uint64_t power_ms; /* when Pacemaker's other fencing ended the peer; 0: not, or taken */
	uint64_t heard_ms;
	bool is_lost_told;
	struct {
		bool is_known; /* it was heard once */
		bool is_down_told;
		uint64_t since_ms; /* it is otherwise than was told; 0: it is not */
	} line_news[PAIR_LINES_MAX];
	struct agent_takeover {
		uint64_t heard_ms, silent_ms, fenced_ms, store_ms, promoted_ms; /* 0: not yet */
		bool has_begun; /* a core was seen */
		bool is_told;
	} takeover; /* this node's way to the mail, for its durations */

	/* fence.c: who waits for the peer's end. */
	struct control_request *fencers[AGENT_FENCERS_MAX];
	size_t fencer_count;
	struct recorder *recorder;
	struct agent_proved {
		struct control_request *fencers[AGENT_FENCERS_MAX]; /* wait for its record */
		size_t count;
		bool is_recording;
		enum fencing_proof proof;
		char life[ID128_TEXT_BYTES];
		uint32_t took_ms;
		uint64_t since_ms;
	} proved; /* the last proof */
};

/* care.c: begin to look after the core, and end. */
void agent_care_open(struct agent *agent);
void agent_care_close(struct agent *agent);

/* conduct.c: begin to beat. 0; or -errno with one sentence. */
int agent_conduct_open(struct agent *agent, char error[AGENT_ERROR_MAX]);
void agent_conduct_close(struct agent *agent);

/* conduct.c: take the lease back, and tell the peer that this agent ends. 0; -EALREADY: told;
 * -EBUSY: this node is about to end itself, and has promised it. */
int agent_rest(struct agent *agent);

/* conduct.c: something has changed: do what is owed now. */
void agent_step(struct agent *agent);

/* conduct.c: give, renew or take back the core's lease, as it is due now. */
void agent_lease(struct agent *agent);

const char *agent_peer_name(const struct agent *agent);

/* fence.c */
int agent_fence_open(struct agent *agent);
void agent_fence_step(struct agent *agent, uint64_t now_ms);
void agent_fence_verb(void *context, struct control_request *request, const json_t *arguments);
void agent_fence_answer(struct agent *agent, enum fencing_end end);
void agent_fence_close(struct agent *agent);

/* array.c: register; 0, or -errno with one sentence if the configuration is wrong. */
int agent_array_open(struct agent *agent, char error[AGENT_ERROR_MAX]);
void agent_array_close(struct agent *agent);

/* array.c: look at the registration if it is time; or soon, because it is in doubt. */
void agent_array_step(struct agent *agent, uint64_t now_ms);
void agent_array_suspect(struct agent *agent);

/* array.c: begin to bar the peer; pair_barred() is called when that has ended. */
void agent_array_bar(struct agent *agent);

/* notify.c: tell of an event, unless it was told or is the peer's to tell. */
void agent_notify_open(struct agent *agent);
void agent_notify_close(struct agent *agent);
void agent_notify_step(struct agent *agent, uint64_t now_ms);
void agent_event(struct agent *agent, const struct event *event);
void agent_notify(struct agent *agent, enum event_kind kind, const char *node, const char *subject,
    const char *reason);
void agent_notify_peer(struct agent *agent);
void agent_notify_proof(struct agent *agent, enum event_proof proof);
void agent_alert_verb(void *context, struct control_request *request, const json_t *arguments);

/* verbs.c */
extern const struct control_verb agent_verbs[];

#endif
