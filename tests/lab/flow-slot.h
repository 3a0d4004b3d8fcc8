/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow-slot -- the places for connections that a load generator has.
 *
 * A slot is one place for a connection. With one message per connection it
 * connects when the pace lets a message begin (a probe); otherwise it stays
 * connected and comes back at once when its connection is lost. Everything here
 * runs on the loop of the one struct send, which flow-send.c owns; what is said
 * on a connection and what it means is in flow-dialogue.
 */
#ifndef GEMEL_TESTS_LAB_FLOW_SLOT_H
#define GEMEL_TESTS_LAB_FLOW_SLOT_H

#include "tests/lab/flow-dialogue.h"
#include "tests/lab/flow-log.h"
#include "tests/lab/flow-plan.h"

#include <sys/socket.h>
#include <uv.h>

struct send;
struct link;

struct slot {
	struct send *send;
	struct link *link;
	struct flow_dialogue dialogue;
	bool permit;  /* the pace let a message begin on the next connection */
	bool waiting; /* for a permit */
	bool failed;  /* the last connection did not end well */
	uint64_t done_here;
	uint64_t connect_ns;
	uv_timer_t retry;
	char id[FLOW_ID_MAX];
	struct buffer content;
};

struct send {
	struct flow_plan plan;
	struct sockaddr_storage server;
	uv_loop_t loop;
	uv_timer_t pace_timer;
	uv_timer_t stop_timer;
	uv_signal_t signals[2];
	uv_work_t sync;
	int sync_error;
	struct flow_log log;
	struct flow_pace pace;
	struct slot *slots;
	uint64_t turn; /* the slot that the pace serves next */
	uint64_t begun;
	uint64_t started_ns;
	uint64_t seed;
	char run[24];
	bool stopping;
	bool syncing;
	bool dirty;
	int log_error;              /* the log cannot be trusted: stop and fail */
	uint64_t ended[FLOW_KINDS]; /* recipients by outcome; acked only once durable in the log */
	uint64_t acked_unsynced;
	uint64_t acked_in_sync;
};

/* A slot without a connection begins, or goes on after one ended. */
void slot_begin(struct slot *slot);

/* Say QUIT on a connection that waits for a message; it ends by itself. */
void slot_quit(struct slot *slot);

/* The connection is over, well or not. What was under way gets its outcome now. */
void slot_end(struct slot *slot, bool failed, const char *reason);

/* Write a record to the log; if that fails the run is void and ends. */
void send_log(struct send *send, const struct flow_record *record);
void send_log_event(struct send *send, enum flow_kind kind, uint64_t number, const char *text);

/* Write the outcomes of the slot's message, and see to it that they become durable. */
void send_log_outcomes(struct send *send, const struct slot *slot);

/* Begin nothing more; the loop ends when what is under way has. */
void send_stop(struct send *send);

#endif
