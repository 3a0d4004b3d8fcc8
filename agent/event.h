/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event -- what happens in a pair that the operators' monitoring wants to know.
 *
 * Pure. An event is a value: it owns all its text, so that it can be queued and copied. Its text
 * is visible ASCII, whatever came from outside. What goes into a trap of it is in trap-varbinds.h,
 * which events are passed at all in event-filter.h.
 *
 * The numbers of kinds, severities and proofs are those of doc/GEMEL-MIB.txt: never use one again
 * for something else.
 */
#ifndef GEMEL_AGENT_EVENT_H
#define GEMEL_AGENT_EVENT_H

#include "common/slice.h"

/* With the NUL. A text is at most 255 bytes, as DisplayString (RFC 2579) has it. */
#define EVENT_NAME_BYTES 64
#define EVENT_TEXT_BYTES 256

/* A number that nobody knows; Pacemaker's own alert agent sends the same. */
#define EVENT_NO_NUMBER INT32_MAX

enum event_kind {
	EVENT_NODE_LOST = 1,
	EVENT_NODE_BACK,
	EVENT_LINE_DOWN, /* node: the one at the other end; subject: the line */
	EVENT_LINE_UP,
	EVENT_CORE_FAILED,
	EVENT_FENCING_BEGAN, /* node: the one that is to stop */
	EVENT_FENCING_SUCCEEDED,
	EVENT_FENCING_FAILED,
	EVENT_TAKEOVER_BEGAN, /* node: the one that takes over */
	EVENT_TAKEOVER_FINISHED,
	/* What Pacemaker's alerts tell (alert.h). */
	EVENT_CLUSTER_NODE,      /* value: "member" or "lost" */
	EVENT_CLUSTER_FENCING,   /* task, result */
	EVENT_CLUSTER_RESOURCE,  /* subject: the resource; task, result, wanted, status */
	EVENT_CLUSTER_ATTRIBUTE, /* subject: the attribute; value */
	EVENT_KINDS,
};

enum event_severity {
	EVENT_INFO = 1,
	EVENT_WARNING,
	EVENT_CRITICAL,
};

/* By what fencing knows that a node has stopped. */
enum event_proof {
	EVENT_PROOF_NONE = 1,
	EVENT_PROOF_RELEASED, /* its signed word: latch set, store and address released */
	EVENT_PROOF_GRANTED,  /* the witness gave the epoch to us alone */
	EVENT_PROOF_BARRED,   /* the disk array refuses its writes */
	EVENT_PROOF_POISONED, /* the poison slot is written, and its watchdog's time is over */
	EVENT_PROOF_NEW_LIFE, /* a later life of it speaks */
	EVENT_PROOF_POWER,    /* its power is off */
	EVENT_PROOFS,
};

/* How long each part of a takeover took, in this order. */
enum event_phase {
	EVENT_PHASE_SILENCE, /* from the last sign of life until silence was seen */
	EVENT_PHASE_FENCED,  /* until the proof */
	EVENT_PHASE_STORE,   /* until the store was taken and mounted */
	EVENT_PHASE_PROMOTED,
	EVENT_PHASE_ADDRESS, /* until the floating address was there and announced */
	EVENT_PHASES,
};

/* What a kind does not use is empty, EVENT_PROOF_NONE or EVENT_NO_NUMBER. */
struct event {
	enum event_kind kind;
	uint64_t at_ms;              /* since 1970 */
	char node[EVENT_NAME_BYTES]; /* whom it is about */
	char subject[EVENT_TEXT_BYTES];
	char reason[EVENT_TEXT_BYTES]; /* why, as part of a sentence */
	enum event_proof proof;
	int32_t phases_ms[EVENT_PHASES];
	int32_t total_ms; /* from the last sign of life to the address */
	char task[EVENT_NAME_BYTES];
	char value[EVENT_TEXT_BYTES];
	int32_t result, wanted; /* return codes: the one that came, the one that was expected */
	int32_t status;         /* of the operation, in Pacemaker's numbers */
};

/* Begin an event of kind about node. */
void event_begin(struct event *event, enum event_kind kind, const char *node, uint64_t at_ms);

/* Fill in a text: cut to room - 1 bytes, each that is not visible ASCII or a space becomes "?". */
void event_put(char *field, size_t room, struct slice text);

enum event_severity event_severity(const struct event *event);

/* One sentence for the log and the trap, without a full stop. Returns out. */
const char *event_sentence(const struct event *event, char out[EVENT_TEXT_BYTES]);

/* The name of the notification in GEMEL-MIB. */
const char *event_kind_name(enum event_kind kind);

const char *event_proof_text(enum event_proof proof);

#endif
